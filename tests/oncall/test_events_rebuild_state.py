"""The rows of on call can be built from its events alone."""

from dataclasses import replace
from datetime import date, datetime, time

import pytest
from django.db import models

from raglan.core.clock import CLOCK, now
from raglan.core.models import Event
from raglan.core.timeline import KINDS, EventPayload
from raglan.oncall import actions, covers, events, fairness, feeds, handover, leaves, queries, shadows, sources, watch
from raglan.oncall.models import (
    Booking,
    CalendarSource,
    CoverRequest,
    Feed,
    HandoverNote,
    Holiday,
    Layer,
    Leave,
    LeaveCalendar,
    Notice,
    Override,
    Rotation,
    RotationMember,
    Schedule,
    Shadow,
)
from raglan.oncall.turns import Window
from raglan.people.models import Person
from tests.oncall.builders import DAY, HOUR, MONDAY, cover, draft, rota

TABLES: tuple[type[models.Model], ...] = (
    Schedule,
    Layer,
    Rotation,
    RotationMember,
    Override,
    Feed,
    CalendarSource,
    Booking,
    Notice,
    CoverRequest,
    Holiday,
    LeaveCalendar,
    Leave,
    HandoverNote,
    Shadow,
)


HIDDEN: dict[type[models.Model], set[str]] = {
    RotationMember: {"id"},
    Booking: {"id"},
    Holiday: {"id"},
    Feed: {"digest"},
    CalendarSource: {"sealed_url", "tried_at", "read_at"},  # a secret, and when it was looked at
    LeaveCalendar: {"sealed_url", "tried_at", "read_at"},
    Leave: {"id", "created_at"},
}

GAP, BEGINS = Notice.Kind.GAP, Notice.Kind.BEGINS


def rows() -> dict[str, list[dict[str, object]]]:
    """Return all that is stored, but for numbers that nobody refers to."""
    kept: dict[str, list[dict[str, object]]] = {}
    for table in TABLES:
        hidden = HIDDEN.get(table, set())
        found = [{k: v for k, v in row.items() if k not in hidden} for row in table._default_manager.values()]
        kept[table.__name__] = sorted(found, key=repr)
    return kept


def rebuild() -> None:
    """Apply every event, in order, to empty tables."""
    for event in Event.objects.filter(kind__regex=r"^(schedule|calendar|leave)\.").order_by("pk"):
        apply(KINDS[event.kind].model_validate(event.data))


def apply(payload: EventPayload) -> None:  # noqa: C901, PLR0912  # one case for each kind
    match payload:
        case events.ScheduleMade():
            fields = payload.model_dump(exclude={"schedule", "team"})
            Schedule.objects.create(id=payload.schedule, team_id=payload.team, **fields)
        case events.RotationSet():
            fields = payload.model_dump(exclude={"schedule", "rotation", "participants", "layer"})
            names = {"schedule_id": payload.schedule, "layer_id": payload.layer}
            Rotation.objects.create(id=payload.rotation, **names, **fields)
            for position, one in enumerate(payload.participants):
                for person in [one] if isinstance(one, int) else one:
                    RotationMember.objects.create(rotation_id=payload.rotation, person_id=person, position=position)
            if payload.layer is None:
                Schedule.objects.filter(pk=payload.schedule).update(time_zone=payload.time_zone)
        case events.ScheduleChanged():
            fields = payload.model_dump(exclude={"schedule", "team"})
            Schedule.objects.filter(pk=payload.schedule).update(team_id=payload.team, **fields)
        case events.FeedMade():
            names = {"person_id": payload.person, "schedule_id": payload.schedule, "digest": str(payload.feed)}
            Feed.objects.create(id=payload.feed, created_at=payload.created_at, **names)
        case events.FeedEnded():
            Feed.objects.filter(pk=payload.feed).update(ended_at=payload.ended_at)
        case events.LayerMade():
            fields = payload.model_dump(exclude={"schedule", "layer"})
            Layer.objects.create(id=payload.layer, schedule_id=payload.schedule, **fields)
        case events.LayerEnded():
            Rotation.objects.filter(pk__in=payload.rotations).update(ends_at=payload.ends_at)
        case events.RotationWithdrawn():
            Rotation.objects.filter(pk=payload.rotation).update(withdrawn_at=payload.withdrawn_at)
        case events.OverrideAdded():
            fields = payload.model_dump(include={"starts_at", "ends_at", "reason", "created_at", "rank"})
            names = {"schedule_id": payload.schedule, "person_id": payload.person, "created_by_id": payload.created_by}
            kind = {"kind": payload.does, "instead_of_id": payload.instead_of}
            Override.objects.create(id=payload.override, **names, **fields, **kind)
        case events.OverrideCancelled():
            fields = payload.model_dump(include={"ends_at", "cancelled_at"})
            Override.objects.filter(pk=payload.override).update(**fields)
        case _:
            apply_calendar(payload)


def apply_calendar(payload: EventPayload) -> None:  # noqa: C901  # one case for each kind
    match payload:
        case events.HolidaysSet():
            Holiday.objects.filter(schedule=payload.schedule).delete()
            for day, name in payload.days:
                Holiday.objects.create(schedule_id=payload.schedule, day=day, name=name)
        case events.NoticeGiven():
            names = {"schedule_id": payload.schedule, "person_id": payload.person, "kind": payload.does}
            times = {"about_at": payload.about_at, "told_at": payload.told_at, "until": payload.until}
            Notice.objects.update_or_create(id=payload.notice, defaults={**names, **times})
        case events.CoverAsked():
            names = {"schedule_id": payload.schedule, "asker_id": payload.asker, "asked_id": payload.asked}
            fields = payload.model_dump(exclude={"cover_request", "schedule", "asker", "asked"})
            CoverRequest.objects.create(id=payload.cover_request, **names, **fields)
        case events.CoverAnswered():
            fields = {"state": payload.state, "answered_at": payload.answered_at, "answered_by": payload.answered_by}
            CoverRequest.objects.filter(pk=payload.cover_request).update(**fields)
        case events.SourceSet():
            fields = payload.model_dump(exclude={"source", "schedule", "shifts"})
            CalendarSource.objects.create(id=payload.source, schedule_id=payload.schedule, **fields)
            book(payload.source, payload.shifts, payload.created_at)
        case events.SourceEnded():
            CalendarSource.objects.filter(pk=payload.source).update(ended_at=payload.ended_at)
            book(payload.source, [], payload.ended_at)
        case events.CalendarRead():
            CalendarSource.objects.filter(pk=payload.source).update(problem=payload.problem)
            book(payload.source, payload.shifts, payload.read_at)
        case events.CalendarNotRead():
            CalendarSource.objects.filter(pk=payload.source).update(problem=payload.problem)
        case _:
            apply_leave(payload)


def apply_leave(payload: EventPayload) -> None:  # noqa: C901, PLR0912  # one case for each kind
    match payload:
        case events.LeaveNamed():
            fields = payload.model_dump(include={"starts_at", "ends_at", "created_at"})
            Leave.objects.create(id=payload.leave, person_id=payload.person, **fields)
        case events.LeaveTakenBack(ends_at=None):
            Leave.objects.filter(pk=payload.leave).delete()
        case events.LeaveTakenBack():
            Leave.objects.filter(pk=payload.leave).update(ends_at=payload.ends_at)
        case events.HandoverWritten(text=""):
            HandoverNote.objects.filter(pk=payload.handover_note).delete()
        case events.HandoverWritten():
            names = {"schedule_id": payload.schedule, "author_id": payload.author}
            fields = {"text": payload.text, "written_at": payload.written_at}
            HandoverNote.objects.update_or_create(id=payload.handover_note, defaults={**names, **fields})
        case events.HandoverGiven():
            HandoverNote.objects.filter(pk__in=payload.handover_notes).update(given_at=payload.given_at)
        case events.ShadowAdded():
            fields = payload.model_dump(include={"starts_at", "ends_at", "created_at"})
            Shadow.objects.create(id=payload.shadow, schedule_id=payload.schedule, person_id=payload.person, **fields)
        case events.ShadowEnded():
            Shadow.objects.filter(pk=payload.shadow).update(ended_at=payload.ended_at)
        case events.RotaOverruled():
            pass  # it only says why; the rota is in the event beside it
        case events.LeaveCalendarSet():
            fields = payload.model_dump(include={"host", "created_at"})
            LeaveCalendar.objects.create(id=payload.leave_calendar, person_id=payload.person, **fields)
        case events.LeaveCalendarEnded():
            LeaveCalendar.objects.filter(pk=payload.leave_calendar).update(ended_at=payload.ended_at)
            be_away(payload.leave_calendar, [], payload.ended_at)
        case events.LeaveCalendarRead():
            LeaveCalendar.objects.filter(pk=payload.leave_calendar).update(problem=payload.problem)
            be_away(payload.leave_calendar, payload.times, payload.read_at)
        case events.LeaveCalendarNotRead():
            LeaveCalendar.objects.filter(pk=payload.leave_calendar).update(problem=payload.problem)
        case _:
            pytest.fail(f"{payload.kind} is not known here")


def be_away(calendar: int, times: list[tuple[datetime, datetime]], at: datetime) -> None:
    """Let the leave be that of the calendar from an instant on; what was before stays."""
    person = LeaveCalendar.objects.get(pk=calendar).person_id
    for row in Leave.objects.filter(calendar=calendar, ends_at__gt=at):
        if (row.starts_at, row.ends_at) in times:
            continue
        row.delete() if row.starts_at >= at else Leave.objects.filter(pk=row.pk).update(ends_at=at)
    for low, high in times:
        names = {"calendar_id": calendar, "person_id": person, "starts_at": low, "ends_at": high}
        Leave.objects.get_or_create(**names, defaults={"created_at": at})


def book(source: int, shifts: list[tuple[int, datetime, datetime]], at: datetime) -> None:
    """Let the shifts be those of the calendar from an instant on; what was before stays."""
    rows = Booking.objects.filter(source=source, ends_at__gt=at)
    going_on = [(person, low, high) for person, low, high in shifts if low < at]
    for row in rows.filter(starts_at__lt=at):
        if (row.person_id, row.starts_at, row.ends_at) not in going_on:
            Booking.objects.filter(pk=row.pk).update(ends_at=at)
    rows.filter(starts_at__gte=at).delete()
    schedule = CalendarSource.objects.get(pk=source).schedule
    for person, low, high in shifts:
        if low >= at:
            times = {"starts_at": low, "ends_at": high}
            Booking.objects.create(source_id=source, schedule=schedule, person_id=person, **times)


def hand_over(web: Schedule) -> None:
    [(author, _), *_] = queries.people_on_call(web.pk, now())
    for text in ("first", "second", "", "third"):
        handover.write_note(web, text, by=author)
    handover.give(web, handover.waiting(web, ()), [author.pk])
    handover.write_note(web, "fourth", by=author)
    for days in (1, 2):
        shadow = shadows.add_shadow(web, author, now(), now() + days * DAY, by=author)
    shadows.end_shadow(shadow, by=author)


def be_on_leave(mara: Person) -> None:
    begun, never, _ = (leaves.name_leave(mara, now() + n * DAY, now() + (n + 2) * DAY, actor=mara) for n in range(3))
    CLOCK.move(HOUR)
    for leave in (begun, never):
        leaves.take_back(leave, actor=mara)
    calendar = leaves.set_calendar(mara, url="https://calendar.example.test/a.ics", actor=mara)
    one, two = (now(), now() + 3 * DAY), (now() + 4 * DAY, now() + 5 * DAY)
    for times in ((one, two), (one,), (two,)):
        CLOCK.move(HOUR)
        leaves.take_copy(calendar, times, "one is odd", now())
    leaves.keep_last_copy(calendar, "it answered with 404", now())
    leaves.set_calendar(mara, url="https://calendar.example.test/b.ics", actor=mara)


def test_rows_built_from_events_equal_those_stored(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(mara, ike)
    cover(web, rowan, MONDAY + DAY, MONDAY + 2 * DAY, "at the dentist")
    running = cover(web, ike, MONDAY, MONDAY + DAY)
    never = cover(web, ike, MONDAY + 5 * DAY, MONDAY + 6 * DAY)
    CLOCK.move(HOUR)
    for item in (running, never):
        actions.cancel_override(item, actor=mara)
    planned = actions.set_rotation(web, draft(rowan, ike, zone="Asia/Tokyo", starts_on=date(2026, 12, 7)), actor=mara)
    row, begins_at = queries.rotation("web", planned.pk)
    actions.withdraw_rotation(row, begins_at=begins_at, actor=mara)
    actions.set_rotation(web, draft(rowan, mara, mara), actor=mara)
    office = (Window(time(9), time(17), (0, 1, 2, 3, 4)), Window(time(22), time(6)))
    nights = replace(
        draft((ike.pk, rowan.pk), mara), layer="Nights", rank=2, unit="days", windows=office, active_days=True
    )
    actions.set_rotation(web, nights, actor=mara)
    pairs = replace(
        nights, layer="Pairs", unit="weekdays", weekdays=(4, 0), active_days=False, ends_at=MONDAY + 9 * DAY
    )
    actions.set_rotation(web, pairs, actor=mara)
    actions.end_layer(web, Layer.objects.get(name="Nights"), actor=mara)
    one = actions.OverrideDraft(ike, MONDAY + DAY, MONDAY + 2 * DAY, "", Override.Kind.REPLACE_ONE, mara, 3)
    actions.add_override(web, one, by=mara)
    actions.describe_schedule(web, name="Web duty", team=None, time_zone="Asia/Tokyo", actor=mara)
    for schedule in (web, None, web):
        feeds.make_feed(mara, schedule, actor=mara)
    feeds.end_feed(mara, None, actor=mara)
    source = sources.set_source(web, url="https://calendar.example.test/a.ics", rank=2, actor=mara)
    one = sources.Shift(mara.pk, MONDAY, MONDAY + 3 * DAY)
    two = sources.Shift(ike.pk, MONDAY + 4 * DAY, MONDAY + 5 * DAY)
    for shifts in ((one, two), (one,), (two,), (), (one, two)):
        CLOCK.move(HOUR)
        sources.take_copy(source, sources.Copy(shifts, ()), now())
    for rank in (2, 3):
        CLOCK.move(HOUR)
        sources.set_source(web, url="https://calendar.example.test/b.ics", rank=rank, actor=mara)
    for kind, person, until in ((GAP, None, MONDAY + DAY), (GAP, None, MONDAY + 2 * DAY), (BEGINS, mara.pk, None)):
        watch.give_notice(web, kind, MONDAY, person, until=until)
    on_call = [person for person, _ in queries.people_on_call(web.pk, now() + HOUR)]
    wanted = covers.RequestDraft(now() + HOUR, now() + 2 * HOUR, reason="dentist")
    other = next(person for person in (mara, ike, rowan) if person not in on_call)
    covers.take(covers.ask(web, wanted, by=on_call[0]), by=other)
    covers.ask(web, replace(wanted, starts_at=now() + 3 * HOUR, ends_at=now() + 4 * HOUR), by=on_call[0])
    for text in ("2026-12-25 Christmas\n2026-12-26", "2026-12-25 Christmas"):
        fairness.set_holidays(web, fairness.read_holidays(text), actor=mara)
    be_on_leave(mara)
    hand_over(web)
    stored = rows()
    for table in reversed(TABLES):
        table._default_manager.all().delete()
    rebuild()
    assert rows() == stored
