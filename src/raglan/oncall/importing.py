"""Schedules as code against what is stored: export, plan and import.

A plan is found by doing the import and taking it back, so that it can not say anything else than what would happen.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, NotFound
from raglan.oncall import actions, ports, queries, resolve
from raglan.oncall.as_code import Document, LayerText, OverrideText, names_in
from raglan.oncall.drafts import OverrideDraft, RotationDraft
from raglan.oncall.models import Override, Rotation, Schedule
from raglan.oncall.windows import line_of
from raglan.people.models import Person, Team
from raglan.people.queries import named_team

Known = dict[str, Person]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a document changed, in sentences; the times at which somebody else is on call; who can not be reached."""

    slug: str
    steps: list[str]
    moves: list[resolve.Change]
    unready: list[ports.Unready]


@dataclass(frozen=True, slots=True)
class Stored:
    """A turn order that decides now or later."""

    row: Rotation
    begins_at: datetime


class _TakenBack(Exception):
    """Ends the transaction of a plan."""


def document_of(schedule: Schedule, *, with_addresses: bool) -> Document:
    """Return a stored schedule in its written form: the turn orders and overrides that are not over.

    People are written by mail address, or by name for a reader who must not see addresses.
    """
    at = now()
    ruling, taken = _ruling(schedule, at), _open_overrides(schedule, at)
    word = _address if with_addresses else _namer(ruling, taken)
    layers = [_layer_text(item, schedule, word, follows=_follows(item, ruling)) for item in ruling]
    taken.sort(key=lambda row: (row.created_at, row.pk))
    return Document(
        slug=schedule.slug,
        name=schedule.name,
        time_zone=schedule.time_zone,
        layers=tuple(layers),
        team=schedule.team.slug if schedule.team else "",
        overrides=tuple(
            OverrideText(
                person=word(row.person),
                starts_at=row.starts_at,
                ends_at=row.ends_at,
                kind=row.kind,
                instead_of=word(row.instead_of) if row.instead_of else "",
                reason=row.reason,
                rank=row.rank,
            )
            for row in taken
        ),
    )


def _address(person: Person) -> str:
    return person.email


def _namer(ruling: Sequence[Stored], taken: Sequence[Override]) -> Callable[[Person], str]:
    """Return what names people without their addresses; two of one name are told apart by their numbers."""
    people = {member.person for item in ruling for member in item.row.members.all()}
    people |= {person for row in taken for person in (row.person, row.instead_of) if person}
    count = Counter(person.name.casefold() for person in people)
    return lambda person: f"{person.name} (person {person.pk})" if count[person.name.casefold()] > 1 else person.name


def _ruling(schedule: Schedule, at: datetime) -> list[Stored]:
    rows = {row.pk: row for row in schedule.rotations.all()}
    reigns = resolve.reigns(queries.load(schedule))
    return [Stored(rows[pure.id], begins) for pure, begins, ends in reigns if ends > at]


def _open_overrides(schedule: Schedule, at: datetime) -> list[Override]:
    return [row for row in schedule.overrides.all() if row.cancelled_at is None and row.ends_at > at]


def _follows(item: Stored, ruling: Sequence[Stored]) -> bool:
    """Say whether another turn order of its layer comes before, so that the file has to say when this one begins."""
    return any(one.row.layer_id == item.row.layer_id and one.begins_at < item.begins_at for one in ruling)


def _layer_text(item: Stored, schedule: Schedule, word: Callable[[Person], str], *, follows: bool) -> LayerText:
    row = item.row
    places: dict[int, list[str]] = {}
    for member in row.members.all():
        places.setdefault(member.position, []).append(word(member.person))
    weekly = (row.handoff_weekday,) if row.handoff_weekday is not None else ()
    pure = queries.as_rotation(row, schedule)
    return LayerText(
        people=tuple(tuple(group) for group in places.values()),
        starts=row.starts_on,
        at=row.handoff_time,
        unit=row.unit,
        every=row.every,
        on=tuple(row.weekdays) or weekly,
        time_zone=pure.time_zone,
        name=row.layer.name if row.layer else "",
        rank=row.rank,
        windows=pure.windows,
        active_days=row.active_days,
        since=row.effective_from or (item.begins_at if follows else None),
        until=row.ends_at,
    )


def plan(document: Document, *, by: Person | None, actor: timeline.Subject, days: int) -> Outcome:
    """Return what an import would do, and the shifts that would move within some days. Nothing stays."""
    at = now()
    found: list[Outcome] = []
    try:
        with atomic():
            before = _stored(document.slug)
            outcome = take_over(document, by=by, actor=actor)
            after = _stored(document.slug)
            moves = resolve.changes(before, after, at, at + timedelta(days=days))
            people = _known(document)
            in_turn = (people[name.casefold()] for layer in document.layers for group in layer.people for name in group)
            found.append(replace(outcome, moves=moves, unready=ports.unready(in_turn)))
            raise _TakenBack
    except _TakenBack:
        return found[0]


def _stored(slug: str) -> resolve.Schedule:
    try:
        return queries.load(queries.schedule(slug))
    except NotFound:
        return resolve.Schedule()


@atomic
def take_over(
    document: Document, *, by: Person | None, actor: timeline.Subject, overrule: str | None = None
) -> Outcome:
    """Let a schedule be as a document says, from now on. What was stays as it was. Safe to call twice.

    With `overrule` everybody in a new turn order must be in reach, or it has to be a reason. Raises NotReady.
    """
    people = _known(document)
    team = named_team(document.team)
    steps: list[str] = []
    drafts = [(_draft(layer, people), layer) for layer in document.layers]
    try:
        schedule = queries.schedule(document.slug, since=now())
    except NotFound:
        schedule = _make(document, [draft for draft, _ in drafts], team, actor, overrule)
        steps.append(f"new rota {schedule.name}, with {len(drafts)} turn order{'s' if len(drafts) > 1 else ''}")
    else:
        if (schedule.name, schedule.team, schedule.time_zone) != (document.name, team, document.time_zone):
            steps.append("other name, team or zone")
        fields = {"name": document.name, "team": team, "time_zone": document.time_zone}
        actions.describe_schedule(schedule, **fields, actor=actor)  # type: ignore[arg-type]  # checked where they are read
        steps += _change_layers(queries.schedule(document.slug, since=now()), drafts, actor, overrule)
    if document.overrides is not None:
        schedule = queries.schedule(document.slug, since=now())
        steps += _change_overrides(schedule, document.overrides, people, by, actor)
    return Outcome(document.slug, steps, [], [])


def _make(
    document: Document,
    drafts: Sequence[RotationDraft],
    team: Team | None,
    actor: timeline.Subject,
    overrule: str | None,
) -> Schedule:
    return actions.create_schedule(
        name=document.name,
        slug=document.slug,
        team=team,
        time_zone=document.time_zone,
        rotation=drafts,
        actor=actor,
        overrule=overrule,
    )


def _known(document: Document) -> Known:
    """Return the people whom a document names, by mail address or by a name that only one has. Raises BadInput."""
    everybody = list(Person.objects.filter(is_active=True))
    found: Known = {}
    for name in names_in(document):
        key = name.casefold()
        fits = [person for person in everybody if person.email.casefold() == key] or [
            person for person in everybody if person.name.casefold() == key
        ]
        if len(fits) != 1:
            raise _wrong_name(document, name, len(fits))
        found[key] = fits[0]
    return found


def _wrong_name(document: Document, name: str, fits: int) -> BadInput:
    sentence = f"{fits} people are called {name}; write the mail address" if fits else f"there is nobody called {name}"
    parts = [*(layer.part for layer in document.layers), *(item.part for item in document.overrides or ())]
    for part in (one for one in parts if one is not None):
        inside = [
            place for place in part.lines if place.startswith(part.path) and _at(part.value, place, part.path) == name
        ]
        if inside:
            return BadInput(inside[0], f"line {part.lines[inside[0]]}: {sentence}", status=422)
    return BadInput("people", sentence, status=422)


def _at(value: object, place: str, path: str) -> object:
    """Return what stands at a place inside a value."""
    for step in filter(None, place[len(path) :].replace("]", "").replace("[", ".").split(".")):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)]
    return value


def _draft(layer: LayerText, people: Known) -> RotationDraft:
    groups = [tuple(dict.fromkeys(people[name.casefold()].pk for name in group)) for group in layer.people]
    return RotationDraft(
        participants=[group[0] if len(group) == 1 else group for group in groups],
        starts_on=layer.starts,
        handoff_weekday=layer.on[0] if layer.unit == Rotation.Unit.WEEKS else None,
        handoff_time=layer.at,
        every=layer.every,
        time_zone=layer.time_zone,
        unit=layer.unit,
        weekdays=layer.on if layer.unit == Rotation.Unit.WEEKDAYS else (),
        windows=layer.windows,
        active_days=layer.active_days,
        layer=layer.name,
        rank=layer.rank,
        effective_from=layer.since,
        ends_at=layer.until,
    )


def _change_layers(
    schedule: Schedule,
    drafts: Sequence[tuple[RotationDraft, LayerText]],
    actor: timeline.Subject,
    overrule: str | None,
) -> list[str]:
    """Withdraw, end and set turn orders until the layers are as they are written; return what was done."""
    at = now()
    left = _ruling(schedule, at)
    new: list[RotationDraft] = []
    for draft, layer in drafts:
        same = next((item for item in left if _is_same(draft, item, schedule, at)), None)
        if same:
            left.remove(same)
        elif layer.until is None or layer.until > at:
            new.append(draft)
    begun = {draft.layer for draft in new if draft.as_rotation(schedule.time_zone, draft.effective_from).begins() <= at}
    dropped = [item for item in left if item.begins_at > at or _layer_name(item.row) not in begun]
    steps = [_drop(schedule, item, at, actor) for item in dropped]
    for draft in new:
        actions.set_rotation(schedule, draft, actor=actor, overrule=overrule)
        steps.append(f"{_title(draft.layer)}: another turn order of {len(draft.participants)}{_hours(draft)}")
    return steps


def _is_same(draft: RotationDraft, item: Stored, schedule: Schedule, at: datetime) -> bool:
    """Say whether a stored turn order is what is written, and counts from the same time."""
    wanted = draft.as_rotation(schedule.time_zone, None)
    stored = replace(queries.as_rotation(item.row, schedule), effective_from=None, id=wanted.id, layer=0)
    if stored != wanted or _layer_name(item.row) != draft.layer:
        return False
    begins = draft.as_rotation(schedule.time_zone, draft.effective_from).begins()
    return item.begins_at == begins if max(item.begins_at, begins) > at else True


def _drop(schedule: Schedule, item: Stored, at: datetime, actor: timeline.Subject) -> str:
    name = _title(_layer_name(item.row))
    if item.begins_at > at:
        actions.withdraw_rotation(item.row, begins_at=item.begins_at, actor=actor)
        return f"{name}: a planned turn order does not come"
    actions.end_rotations(schedule, item.row.layer, [item.row.pk], at=at, actor=actor)
    return f"{name}: the turn order ends now"


def _layer_name(row: Rotation) -> str:
    return row.layer.name if row.layer else ""


def _title(name: str) -> str:
    return f"layer {name}" if name else "layer without a name"


def _hours(draft: RotationDraft) -> str:
    return f", works {', '.join(line_of(window) for window in draft.windows)}" if draft.windows else ""


def _change_overrides(
    schedule: Schedule, wanted: Sequence[OverrideText], people: Known, by: Person | None, actor: timeline.Subject
) -> list[str]:
    at = now()
    left = _open_overrides(schedule, at)
    steps: list[str] = []
    new: list[OverrideDraft] = []
    for item in wanted:
        draft = _override_draft(item, people)
        same = next((row for row in left if _is_same_override(draft, row, at)), None)
        if same:
            left.remove(same)
        elif draft.ends_at > at:
            new.append(draft)
    for row in left:
        actions.cancel_override(row, actor=actor)
        steps.append(f"override of {row.person.name} ends")
    for draft in new:
        actions.add_override(schedule, draft, by=by, actor=actor)
        steps.append(f"override of {draft.person.name} ({draft.kind})")
    return steps


def _override_draft(item: OverrideText, people: Known) -> OverrideDraft:
    gone = people[item.instead_of.casefold()] if item.instead_of else None
    person = people[item.person.casefold()]
    return OverrideDraft(person, item.starts_at, item.ends_at, item.reason, item.kind, gone, item.rank)


def _is_same_override(draft: OverrideDraft, row: Override, at: datetime) -> bool:
    named = (draft.person.pk, draft.kind, draft.instead_of.pk if draft.instead_of else None, draft.rank, draft.reason)
    stored = (row.person_id, row.kind, row.instead_of_id, row.rank, row.reason)
    begins_alike = max(draft.starts_at, at) == max(row.starts_at, at)
    return named == stored and begins_alike and draft.ends_at == row.ends_at
