"""An ask as one line of chat: `@dns can you look?; about: zone transfers; if nobody: page @mara after 10 min`."""

import re

from raglan.changes import labels, named, spans
from raglan.chat import whom
from raglan.core.errors import BadInput, NotFound
from raglan.incidents import actions
from raglan.incidents.actions import IfNobody, Said
from raglan.incidents.models import Entry

NOBODY = ("nothing", "nobody", "none", "no one")
_LABEL = labels.pattern("about|if nobody")
_PAGE = re.compile(r"(?:page[ \t]+)?(?P<whom>\S+)(?:[ \t]+after[ \t]+(?P<after>.+))?", re.IGNORECASE)


def read(kind: Entry.Kind, line: str, *, workspace: int, key: str) -> Said:
    """Read an ask: to whom it goes, about what, and what happens if nobody answers. Raises BadInput, NotFound."""
    head, labelled = labels.split(line, _LABEL)
    found = {label: value.strip() for label, value in labelled}
    first, _, words = head.strip().partition(" ")
    team = whom.team(first) if len(first) > 1 and first[0] == "@" else None
    person = whom.person(first, workspace) if first[:1] == "@" and team is None else None
    return Said(
        kind,
        words if team or person else head,
        key=key,
        to_team=team,
        to_person=person,
        to_topic=named.bare(found.get("about", "")),
        if_nobody=_otherwise(found["if nobody"], workspace) if found.get("if nobody") else None,
    )


def _otherwise(words: str, workspace: int) -> IfNobody:
    if words.casefold() in NOBODY:
        return IfNobody()
    found = _PAGE.fullmatch(words)
    if found is None:
        raise BadInput("if nobody", "write it as: if nobody: page @dns after 10 min", status=422)
    after = spans.read(found["after"], field="if nobody") if found["after"] else actions.PING_AFTER
    if team := whom.team(found["whom"]):
        return IfNobody(after, team=team)
    if person := whom.person(found["whom"], workspace):
        return IfNobody(after, person=person)
    raise NotFound(f"There is no team or person {found['whom'][:60]} to page if nobody answers.")
