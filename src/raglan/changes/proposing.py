"""Verbs of changes that are proposed before they happen, or found while they do."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from raglan.changes import events, grouping, psa
from raglan.changes.grouping import Group
from raglan.changes.models import Change, ChangePackage, Expectation, PsaNote, RolloutGroup
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.core.secrets import random_token
from raglan.people.models import Person
from raglan.people.queries import by_email

MOST_PACKAGES = 50
MOST_NAMES = 100
ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
State, Kind = Change.State, Expectation.Kind
# From where a change may turn to a state.
FROM: dict[str, tuple[str, ...]] = {
    State.UNDER_WAY: (State.PROPOSED, State.STOPPED, State.DONE, State.TAKEN_BACK),
    State.DONE: (State.UNDER_WAY, State.STOPPED),
    State.STOPPED: (State.PROPOSED, State.UNDER_WAY),
    State.TAKEN_BACK: (State.PROPOSED, State.UNDER_WAY, State.STOPPED),
}


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to happen on new and on existing hosts, and on which of them; without any name, on all."""

    on_new: str = Kind.VERSION
    on_existing: str = Kind.VERSION
    new_words: str = ""
    existing_words: str = ""
    units: Sequence[str] = ()
    clusters: Sequence[str] = ()
    roles: Sequence[str] = ()
    environments: Sequence[str] = ()
    tags: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change as somebody proposes it. With a key, proposing it again changes nothing.

    `author` is the mail address or id of whom to talk to, where that is not whoever proposes it.
    """

    title: str
    packages: Sequence[tuple[str, str]] = ()
    expected: Expected = field(default_factory=Expected)
    link: str = ""
    origin: str = ""
    note: str = ""
    key: str = ""
    groups: Sequence[Group] = ()
    author: str = ""


@dataclass(frozen=True, slots=True)
class Teller:
    """Who tells of a change: a name to show, the actor for the record, and the person where there is one."""

    name: str
    actor: timeline.Subject
    person: Person | None = None


@atomic
def propose(proposal: Proposal, *, by: Teller) -> Change:
    """Say what one is about to change and what is to come of it. Raises BadInput naming the field."""
    check(proposal)
    at, author = now(), _author(proposal, by)
    change, is_new = Change.objects.get_or_create(
        key=_key(proposal.key, by.name),
        defaults={
            "title": proposal.title.strip()[:300],
            "origin": proposal.origin[:300],
            "told_by": by.name[:120],
            "at": at,
            "received_at": at,
            "links": [{"href": proposal.link, "text": ""}] if proposal.link else [],
            "state": State.PROPOSED,
            "author": author,
            "note": proposal.note.strip(),
        },
    )
    if is_new:
        _expect(change, proposal)
        _tell_proposed(change, proposal, actor=by.actor)
    return change


def _author(proposal: Proposal, by: Teller) -> Person | None:
    """Return whom to talk to. Raises BadInput when nobody active is known by what was named."""
    named = proposal.author.strip()
    if not named:
        return by.person
    by_id = Person.objects.filter(pk=int(named), is_active=True).first() if ID.fullmatch(named) else None
    found = by_id or by_email(named)
    if found is None:
        raise BadInput("author", "name somebody active here, by mail address or id", status=422)
    return found


def _key(key: str, told_by: str) -> str:
    words = ["proposed", told_by, key or random_token()]
    return hashlib.sha256("\x01".join(words).encode("utf-8", "replace")).hexdigest()


def _expect(change: Change, proposal: Proposal) -> None:
    said = asdict(proposal.expected)
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}
    Expectation.objects.create(change=change, **values)
    ChangePackage.objects.bulk_create(
        [ChangePackage(change=change, name=name, version=version) for name, version in dict(proposal.packages).items()]
    )
    RolloutGroup.objects.bulk_create(
        [RolloutGroup(change=change, position=place, **asdict(group)) for place, group in enumerate(proposal.groups)]
    )


@atomic
def keep_found(title: str, *, key: str, packages: Sequence[tuple[str, str]], started_at: datetime) -> Change:
    """Keep a change that nobody announced. It has no author until somebody takes it on; the same key is kept once."""
    at = now()
    change, is_new = Change.objects.get_or_create(
        key=hashlib.sha256(f"found\x01{key}".encode("utf-8", "replace")).hexdigest(),
        defaults={
            "title": title[:300],
            "told_by": "raglan",
            "at": started_at,
            "received_at": at,
            "state": State.UNDER_WAY,
            "is_found": True,
            "started_at": started_at,
        },
    )
    if is_new:
        ChangePackage.objects.bulk_create(
            [ChangePackage(change=change, name=name, version=version) for name, version in packages]
        )
        _tell_proposed(change, Proposal(title, packages), actor=timeline.SYSTEM)
    return change


def _tell_proposed(change: Change, proposal: Proposal, *, actor: timeline.Subject) -> None:
    payload = events.ChangeProposed(
        change=change.pk,
        key=change.key,
        title=change.title,
        origin=change.origin,
        told_by=change.told_by,
        at=change.at,
        received_at=change.received_at,
        links=change.links,
        state=change.state,
        author=change.author_id,
        is_found=change.is_found,
        note=change.note,
        started_at=change.started_at,
        packages=list(dict(proposal.packages).items()),
        expectation={} if change.is_found else asdict(proposal.expected),
        groups=[asdict(group) for group in proposal.groups],
    )
    timeline.append(payload, actor=actor, about=[change, "changes", "now"])


def check(proposal: Proposal) -> None:
    """Raise BadInput when a change can not be kept as it is proposed."""
    if not proposal.title.strip():
        raise BadInput("title", "say in a line what is going to change", status=422)
    if len(proposal.packages) > MOST_PACKAGES:
        raise BadInput("packages", f"at most {MOST_PACKAGES} packages", status=422)
    if any(not name for name, _ in proposal.packages):
        raise BadInput("packages", "each needs a name", status=422)
    _check_expected(proposal.expected, bool(proposal.packages))
    grouping.check(proposal.groups)


def _check_expected(expected: Expected, has_packages: bool) -> None:
    _check_side("new", expected.on_new, expected.new_words, has_packages=has_packages)
    _check_side("existing", expected.on_existing, expected.existing_words, has_packages=has_packages)
    if Kind.RESTART in (expected.on_new, expected.on_existing) and not expected.units:
        raise BadInput("units", "name the units that restart, such as httpd.service", status=422)
    for name in ("units", "clusters", "roles", "environments", "tags"):
        if len(getattr(expected, name)) > MOST_NAMES:
            raise BadInput(name, f"at most {MOST_NAMES}", status=422)


def _check_side(side: str, kind: str, words: str, *, has_packages: bool) -> None:
    if kind not in Kind.values:
        raise BadInput(f"on_{side}", f"write one of {', '.join(Kind.values)}", status=422)
    if kind == Kind.WORDS and not words.strip():
        raise BadInput(f"{side}_words", "say in words what is to happen", status=422)
    if kind in (Kind.VERSION, Kind.RESTART) and not has_packages:
        raise BadInput("packages", "name the packages whose versions are to come", status=422)


@atomic
def turn(change: Change, to: str, *, actor: timeline.Subject, words: str = "", at: datetime | None = None) -> Change:
    """Say that a change began, is done, is stopped, or is taken back, now or at a time. The same again changes nothing.

    One that was called over by mistake can be under way again: hosts are compared with it as before.

    Raises Conflict when it can not turn to that any more, and BadInput for a state that nothing turns to.
    """
    if to not in FROM:
        raise BadInput("state", f"write one of {', '.join(FROM)}", status=422)
    at = at or now()
    begins = to == State.UNDER_WAY
    fields: dict[str, object] = {"state": to, "state_words": words.strip()[:300], "ended_at": None if begins else at}
    if begins and change.started_at is None:
        fields |= {"started_at": at, "at": at}
    if not Change.objects.filter(pk=change.pk, state__in=FROM[to]).update(**fields):
        change.refresh_from_db()
        if change.state == to:
            return change
        raise Conflict(f"This change is {change.get_state_display().lower()} and can not turn to that.")
    change.refresh_from_db()
    payload = events.ChangeTurned(
        change=change.pk,
        state=change.state,
        words=change.state_words,
        at=change.at,
        started_at=change.started_at,
        ended_at=change.ended_at,
    )
    timeline.append(payload, actor=actor, about=[change, "changes", "now"])
    return change


@atomic
def take_on(change: Change, *, by: Person) -> Change:
    """Say that a change which nobody announced is one's own. Raises Conflict when somebody else was first."""
    watched = Change.objects.filter(pk=change.pk, author__isnull=True).exclude(state=State.TOLD)
    if not watched.update(author=by):
        change.refresh_from_db()
        if change.author_id == by.pk:
            return change
        raise Conflict("This change has somebody to talk to already.")
    change.refresh_from_db()
    timeline.append(
        events.ChangeTakenOn(change=change.pk, author=by.pk), actor=by, about=[change, "changes", "now", by]
    )
    return change


@dataclass(frozen=True, slots=True)
class Trap:
    """What somebody ran into: what they did, what happened, what they had expected, and how to spot it."""

    title: str
    did: str
    happened: str
    expected: str = ""
    spot: str = ""
    packages: Sequence[str] = ()
    change: Change | None = None
    audience: str = ""
    key: str = ""


@atomic
def write_psa(trap: Trap, *, by: Teller) -> PsaNote:
    """Write down what one ran into; those it was chosen for are told at once. Raises BadInput naming the field.

    The same key of the same author gives the note that is there.
    """
    for name in ("title", "did", "happened"):
        if not getattr(trap, name).strip():
            raise BadInput(name, "write at least one line", status=422)
    psa.lock(by.person)
    key = psa.key_of(trap.key, by.actor)
    if key and (kept := PsaNote.objects.filter(key=key).first()) is not None:
        return kept
    psa.let_tell(trap.audience, by.person)
    note, is_new = _keep(trap, key, by)
    if not is_new:
        return note  # a program sent it twice at the same time
    about: list[timeline.Subject] = [note, "changes"]
    timeline.append(_written(note), actor=by.actor, about=[*about, trap.change] if trap.change else about)
    return note


def _keep(trap: Trap, key: str, by: Teller) -> tuple[PsaNote, bool]:
    told = {
        "audience": trap.audience,
        "title": trap.title.strip()[:200],
        "did": trap.did.strip(),
        "happened": trap.happened.strip(),
        "expected": trap.expected.strip(),
        "spot": trap.spot.strip(),
        "packages": list(trap.packages)[:MOST_PACKAGES],
        "change": trap.change,
        "author": by.person,
        "at": now(),
    }
    return PsaNote.objects.get_or_create(key=key, defaults=told) if key else (PsaNote.objects.create(**told), True)


def _written(note: PsaNote) -> events.PsaNoteWritten:
    return events.PsaNoteWritten(
        note=note.pk,
        key=note.key,
        title=note.title,
        did=note.did,
        happened=note.happened,
        expected=note.expected,
        spot=note.spot,
        packages=note.packages,
        audience=note.audience,
        change=note.change_id,
        author=note.author_id,
        at=note.at,
    )
