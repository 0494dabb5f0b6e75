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
from raglan.core.errors import NotFound
from raglan.oncall import actions, import_names, import_overrides, ports, queries, resolve
from raglan.oncall.as_code import Document, LayerText, OverrideText, live
from raglan.oncall.drafts import RotationDraft
from raglan.oncall.holding import hold_named
from raglan.oncall.import_names import Known
from raglan.oncall.models import Override, Rotation, Schedule
from raglan.oncall.windows import line_of
from raglan.people.models import Person, Team
from raglan.people.queries import named_team


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
    ruling, taken = _ruling(schedule, at), import_overrides.open_ones(schedule, at)
    word = _address if with_addresses else _namer(ruling, taken)
    layers = [_layer_text(item, schedule, word, follows=_follows(item, ruling)) for item in ruling]
    return Document(
        slug=schedule.slug,
        name=schedule.name,
        time_zone=schedule.time_zone,
        layers=tuple(layers),
        team=schedule.team.slug if schedule.team else None,
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
    found: list[Outcome] = []
    try:
        with atomic():
            at = now()
            before = _stored(document.slug, at)
            outcome = take_over(document, by=by, actor=actor)
            after = _stored(document.slug, at)
            done = now()  # the import counts from an instant that is later than `at`
            moves = resolve.changes(before, after, done, done + timedelta(days=days))
            now_on = live(document, at)
            people = import_names.known(now_on, _people_of(document.slug, at))
            in_turn = (people[name.casefold()] for layer in now_on.layers for group in layer.people for name in group)
            in_turn = (person for person in in_turn if person.is_active)
            found.append(replace(outcome, moves=moves, unready=ports.unready(in_turn)))
            raise _TakenBack
    except _TakenBack:
        return found[0]


def _stored(slug: str, at: datetime) -> resolve.Schedule:
    try:
        return queries.load(queries.schedule(slug, since=at))
    except NotFound:
        return resolve.Schedule()


@atomic
def take_over(
    document: Document, *, by: Person | None, actor: timeline.Subject, overrule: str | None = None
) -> Outcome:
    """Let a schedule be as a document says, from now on. What was stays as it was. Safe to call twice.

    All of it counts from one instant, so that no time lies between what ends and what takes its place.
    With `overrule` everybody in a new turn order must be in reach, or it has to be a reason. Raises NotReady.
    """
    hold_named(document.slug)
    at = now()
    document = live(document, at)
    people = import_names.known(document, _people_of(document.slug, at))
    team = named_team(document.team)
    steps: list[str] = []
    before = _stored(document.slug, at)
    drafts = [(_draft(layer, people), layer) for layer in document.layers]
    try:
        schedule = queries.schedule(document.slug, since=at)
    except NotFound:
        schedule = _make(document, [draft for draft, _ in drafts], team, actor, overrule)
        steps.append(f"new rota {schedule.name}, with {len(drafts)} turn order{'s' if len(drafts) != 1 else ''}")
    else:
        name, team = document.name or schedule.name, schedule.team if document.team is None else team
        if (schedule.name, schedule.team, schedule.time_zone) != (name, team, document.time_zone):
            steps.append("other name, team or zone")
        actions.describe_schedule(schedule, name=name, team=team, time_zone=document.time_zone, actor=actor)
        schedule = queries.schedule(document.slug, since=at)
        steps += _change_layers(schedule, drafts, people, actor=actor, overrule=overrule, at=at)
    if document.overrides is not None:
        schedule = queries.schedule(document.slug, since=at)
        done = import_overrides.change(schedule, document.overrides, people, by=by, actor=actor, at=at)
        import_overrides.tell_those_moved(schedule, done, before, _stored(document.slug, at), by)
        steps += done.steps
    return Outcome(document.slug, steps, [], [])


def _people_of(slug: str, at: datetime) -> set[int]:
    """Return who is in the turn orders and overrides of a schedule that are not over, be they here or not."""
    try:
        schedule = queries.schedule(slug, since=at)
    except NotFound:
        return set()
    found = {member.person_id for item in _ruling(schedule, at) for member in item.row.members.all()}
    taken = import_overrides.open_ones(schedule, at)
    return found | {pk for row in taken for pk in (row.person_id, row.instead_of_id) if pk is not None}


def _make(
    document: Document,
    drafts: Sequence[RotationDraft],
    team: Team | None,
    actor: timeline.Subject,
    overrule: str | None,
) -> Schedule:
    return actions.create_schedule(
        name=document.name or document.slug,
        slug=document.slug,
        team=team,
        time_zone=document.time_zone,
        rotation=drafts,
        actor=actor,
        overrule=overrule,
    )


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
    people: Known,
    *,
    actor: timeline.Subject,
    overrule: str | None,
    at: datetime,
) -> list[str]:
    """Withdraw, end and set turn orders until the layers are as they are written; return what was done."""
    left = _ruling(schedule, at)
    new: list[RotationDraft] = []
    for draft, layer in drafts:
        same = next((item for item in left if _is_same(draft, item, schedule, at)), None)
        if same:
            left.remove(same)
            continue
        gone = next((name for group in layer.people for name in group if not people[name.casefold()].is_active), None)
        if gone:
            raise import_names.has_left([layer.part], gone)
        new.append(draft)
    begun = {draft.layer for draft in new if draft.as_rotation(schedule.time_zone, draft.effective_from).begins() <= at}
    dropped = [item for item in left if item.begins_at > at or _layer_name(item.row) not in begun]
    steps = [_drop(schedule, item, at, actor) for item in dropped]
    for draft in new:
        actions.set_rotation(schedule, draft, actor=actor, overrule=overrule, part_of=at)
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
        actions.withdraw_rotation(item.row, begins_at=item.begins_at, actor=actor, part_of=at)
        return f"{name}: a planned turn order does not come"
    actions.end_rotations(schedule, item.row.layer, [item.row.pk], at=at, actor=actor)
    return f"{name}: the turn order ends now"


def _layer_name(row: Rotation) -> str:
    return row.layer.name if row.layer else ""


def _title(name: str) -> str:
    return f"layer {name}" if name else "layer without a name"


def _hours(draft: RotationDraft) -> str:
    return f", works {', '.join(line_of(window) for window in draft.windows)}" if draft.windows else ""
