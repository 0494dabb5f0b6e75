"""Holds as one line of chat: `it spreads; for: 2 h; role: web` raises one, `end apache it is mended` lifts one.

Labels stand behind a semicolon or at the beginning of a line: name, for, until, cluster, role, environment, tag,
package, change, each with one or several names; one with spaces, commas or semicolons stands in quotes. Without `for`
a hold ends after two hours; it always ends by itself.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from raglan.changes import hold_queries, holding, labels, named, ports, spans
from raglan.changes.gate import EXEMPT, Reach
from raglan.changes.hold_models import Hold
from raglan.config import config
from raglan.core.clock import now
from raglan.core.errors import BadInput, NotFound
from raglan.people.access import Scope, require
from raglan.people.models import Person
from raglan.ui import wording

USUAL = timedelta(hours=2)
SHOWN = 20
MOST_NAME = 40
KINDS = ("cluster", "role", "environment", "tag", "package", "change")
_LABEL = labels.pattern("name|for|until|clusters?|roles?|environments?|tags?|packages?|changes?")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks; and in which room, if in any: what a hold is called there, and what it is for."""

    person: Person
    name: str = ""
    link: str = ""

    @property
    def by(self) -> holding.By:
        """Who does it, as holds keep it."""
        return holding.By(self.person.name, self.person, self.person)


def run(line: str, speaker: Speaker) -> tuple[str, bool]:
    """Do what a line says of holds; return the answer, and whether only whoever asked wants it. Raises RaglanError."""
    first, _, rest = line.strip().partition(" ")
    verb = first.casefold()
    if verb in ("", "list"):
        return listed(ZoneInfo(speaker.person.time_zone)), True
    require(speaker.person, Scope.RESPOND)
    if verb in VERBS:
        return VERBS[verb](rest.strip(), speaker), False
    return _raise(rest if verb == "raise" else line, speaker), False


def listed(zone: ZoneInfo) -> str:
    """Say which holds are on and to come, each with who has heard of it."""
    on, coming = list(hold_queries.on_now()), list(hold_queries.coming())
    lines = [f"{_line(hold, zone)} {_heard(hold)}" for hold in on[:SHOWN]]
    lines += [f"{_line(hold, zone)} It begins {_time(hold.starts_at, zone)}." for hold in coming[:SHOWN]]
    left = [(len(on) - SHOWN, "that are on"), (len(coming) - SHOWN, "to come")]
    if more := " and ".join(f"{number} more {words}" for number, words in left if number > 0):
        lines.append(f"And {more}; all of them: {config().public_url}/changes/holds/")
    return "\n".join(lines) or "Nothing is stopped. !hold WHY stops automation that asks the gate."


def _line(hold: Hold, zone: ZoneInfo) -> str:
    drill = ", a drill" if hold.is_drill else ""
    words = f"{hold.reason}. For {hold.reach.words}, until {_time(hold.ends_at, zone)}, by {hold.who}."
    return f"{hold.pk} {hold.name}{drill}: {words}"


def _heard(hold: Hold) -> str:
    tally, call = hold_queries.tally(hold), ports.roll().call(hold, most=0)
    more = [f"{tally.let_through} let through"] if tally.let_through else []
    more += [f"{call.went_on} went on"] if call.went_on else []
    more += [f"{call.not_asked} not asked yet"] if call.not_asked else []
    return f"{', '.join([f'{tally.obeyed} obeyed', *more])}."


def _time(at: datetime, zone: ZoneInfo) -> str:
    return wording.when(at, zone, at=now())


def _raise(line: str, speaker: Speaker) -> str:
    reason, said = _labels(line)
    if not reason:
        raise BadInput("", "Say why, as in !hold httpd fails after its restart; for: 2 h; role: web")
    name = named.bare(said.get("name", "")) or speaker.name or reason[:MOST_NAME].strip()
    reach = Reach(**{f"{kind}s": _names(kind, said.get(kind, "")) for kind in KINDS})
    draft = holding.HoldDraft(name, reason, _end(said, speaker.person), reach, link=speaker.link)
    made = holding.raise_hold(draft, by=speaker.by)
    until = _time(made.ends_at, ZoneInfo(speaker.person.time_zone))
    rest = f"!hold end {made.pk} WHY lets it go on, !hold says who has obeyed."
    what = f"hold {made.pk} “{made.name}”, for {reach.words}, until {until}"
    return f"Automation that asks the gate is stopped: {what}. {rest}"


def _labels(line: str) -> tuple[str, dict[str, str]]:
    head, labelled = labels.split(line, _LABEL)
    found = {
        label if label in ("name", "for", "until") else label.removesuffix("s"): value for label, value in labelled
    }
    return " ".join(head.split()).strip(" ;"), {
        label: " ".join(value.split()).strip(" ;") for label, value in found.items()
    }


def _names(kind: str, text: str) -> tuple[str, ...]:
    return named.read(text.replace("#", " ") if kind == "change" else text, field=kind)


def _end(said: Mapping[str, str], person: Person) -> datetime:
    at = now()
    if until := said.get("until", ""):
        found = _CLOCK.fullmatch(until)
        if found is None:
            raise BadInput("until", "write a time of the clock, as in until: 18:30", status=422)
        here = at.astimezone(ZoneInfo(person.time_zone))
        then = here.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
        return then if then > here else then + timedelta(days=1)
    return at + (spans.read(said["for"]) if said.get("for") else USUAL)


def _named(text: str) -> tuple[Hold, str]:
    """Return the hold that a line begins with, by number or by name, and the words behind it. Raises NotFound."""
    known = sorted([*hold_queries.on_now(), *hold_queries.coming()], key=lambda hold: -len(hold.name))
    first, _, rest = text.partition(" ")
    number = first.strip("#:")
    for hold in known:
        if str(hold.pk) == number:
            return hold, rest.strip(" :")
        name, head = hold.name.casefold(), text.casefold()
        if head == name or head.startswith((f"{name} ", f"{name}:")):
            return hold, text[len(hold.name) :].strip(" :")
    names = ", ".join(f"{hold.pk} {hold.name}" for hold in known[:SHOWN])
    names += f", and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    raise NotFound(f"No hold is called so. On or to come: {names or 'none'}.")


def _lift(text: str, speaker: Speaker) -> str:
    hold, word = _named(text)
    if not word:
        raise BadInput("", f"Say why it may go on, as in !hold end {hold.pk} the pin is back", status=422)
    holding.lift(hold, word=word, by=speaker.by)
    return f"The hold “{hold.name}” is lifted. Hosts go on when they ask next."


def _extend(text: str, speaker: Speaker) -> str:
    hold, span = _named(text)
    made = holding.extend(hold, now() + spans.read(span.removeprefix("for ")), version=hold.version, by=speaker.by)
    return f"The hold “{made.name}” ends {_time(made.ends_at, ZoneInfo(speaker.person.time_zone))}."


def _except(text: str, speaker: Speaker) -> str:
    hold, said = _named(text)
    kind, _, rest = said.partition(" ")
    name, reason = named.first(rest)
    if kind.casefold() not in EXEMPT or not reason.strip(" :"):
        raise BadInput("", f"Say who and why, as in !hold except {hold.pk} host web1 we look at it by hand", status=422)
    through = holding.Through(kind.casefold(), name.strip(":"), reason.strip(" :"))
    holding.let_through(hold, through, by=speaker.by)
    return f"{kind.capitalize()} {named.alone(name.strip(':'))} may go on although “{hold.name}” is on."


VERBS: dict[str, Callable[[str, Speaker], str]] = {
    "end": _lift,
    "lift": _lift,
    "extend": _extend,
    "except": _except,
}
