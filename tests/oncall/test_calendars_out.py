"""Calendars that go out: their text, their secret, and that a strict reader sees the same shifts."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from django.test import Client
from icalendar import Calendar

from raglan.core.clock import CLOCK
from raglan.oncall import actions, feeds, ical_out, queries
from raglan.oncall.models import Feed, Schedule
from raglan.oncall.turns import Window
from raglan.people import actions as people
from raglan.people.models import Person
from tests.oncall.builders import DAY, HOUR, MONDAY, cover, rota


def fetched(secret: str, **headers: str) -> tuple[int, bytes, str]:
    response = Client().get(f"/on-call/calendars/{secret}.ics", headers=headers)
    return response.status_code, response.content, response.headers.get("ETag", "")


def shifts_in(body: bytes, start: datetime, end: datetime) -> list[tuple[datetime, datetime, str]]:
    found = recurring_ical_events.of(Calendar.from_ical(body)).between(start, end)
    rows = [(event["DTSTART"].dt, event["DTEND"].dt, str(event["SUMMARY"]).partition(" on call")[0]) for event in found]
    return sorted(rows)


def test_a_foreign_reader_sees_the_shifts_of_a_schedule(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(mara, ike, zone="Europe/Berlin")
    cover(web, rowan, MONDAY + DAY, MONDAY + 2 * DAY)
    _, secret = feeds.make_feed(mara, web, actor=mara)
    seen = shifts_in(fetched(secret)[1], MONDAY, MONDAY + 60 * DAY)
    told = queries.coming(web, MONDAY, MONDAY + 60 * DAY)
    assert [(low, who) for low, _, who in seen][1:] == [(s.starts_at, s.names) for s in told][1:]
    assert [high for _, high, _ in seen] == [s.ends_at for s in told]


def test_failure_1_the_calendar_keeps_local_time_over_a_clock_change(mara: Person) -> None:
    office = (Window(time(8, 30), time(17, 30), (0, 1, 2, 3, 4)),)
    turns = actions.RotationDraft([mara.pk], date(2026, 1, 5), 0, time(9), 1, "Europe/London", windows=office)
    web = actions.create_schedule(
        name="Web", slug="web", team=None, time_zone="Europe/London", rotation=turns, actor=mara
    )
    CLOCK.move(datetime(2027, 3, 20, tzinfo=UTC) - MONDAY)
    _, secret = feeds.make_feed(mara, web, actor=mara)
    seen = shifts_in(fetched(secret)[1], datetime(2027, 3, 22, tzinfo=UTC), datetime(2027, 4, 3, tzinfo=UTC))
    local = {
        (low.astimezone(ZoneInfo("Europe/London")).time(), high.astimezone(ZoneInfo("Europe/London")).time())
        for low, high, _ in seen
    }
    assert (len(seen), local) == (10, {(time(8, 30), time(17, 30))})


def test_a_person_has_a_calendar_of_their_own_shifts_in_all_schedules(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    rota(ike, mara, slug="data")
    _, secret = feeds.make_feed(mara, None, actor=mara)
    body = fetched(secret)[1].decode()
    assert "on call (Web)" in body
    assert "on call (Data)" in body
    assert "Ike" not in body
    assert mara.email in body.replace("\r\n ", "")


def test_the_calendar_of_a_schedule_has_names_and_no_addresses(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(mara, ike)
    cover(web, rowan, MONDAY + DAY, MONDAY + 2 * DAY)
    body = fetched(feeds.make_feed(mara, web, actor=mara)[1])[1].decode().replace("\r\n ", "")
    assert all(person.name in body for person in (mara, ike, rowan))
    assert not [person for person in (mara, ike, rowan) if person.email in body]
    assert "mailto" not in body


def test_a_shift_keeps_its_uid_and_the_text_its_etag(mara: Person, ike: Person) -> None:
    web = rota(mara, ike)
    _, secret = feeds.make_feed(mara, web, actor=mara)
    status, body, etag = fetched(secret)
    CLOCK.move(HOUR)
    assert fetched(secret, **{"If-None-Match": etag})[0] == 304
    cover(web, ike, MONDAY + 14 * DAY, MONDAY + 15 * DAY)
    _, later, changed = fetched(secret, **{"If-None-Match": etag})
    uids = [{str(e["UID"]) for e in Calendar.from_ical(text).walk("VEVENT")} for text in (body, later)]
    assert (status, changed != etag, len(uids[0] - uids[1]) <= 1) == (200, True, True)
    assert uids[0] & uids[1]


def test_a_new_address_ends_the_one_before(mara: Person, ike: Person) -> None:
    web = rota(mara, ike)
    _, first = feeds.make_feed(mara, web, actor=mara)
    _, second = feeds.make_feed(mara, web, actor=mara)
    assert [fetched(secret)[0] for secret in (first, second, "x" * 43)] == [404, 200, 404]
    feeds.end_feed(mara, web, actor=mara)
    feeds.end_feed(mara, web, actor=mara)
    assert fetched(second)[0] == 404
    assert not Feed.objects.filter(digest__in=(first, second)).exists()


def test_the_calendar_of_somebody_who_left_is_gone(mara: Person, ike: Person) -> None:
    _, secret = feeds.make_feed(mara, rota(ike), actor=mara)
    people.deactivate(mara, by=ike)
    assert fetched(secret)[0] == 404


def test_the_screen_shows_an_address_once(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    client = Client()
    client.force_login(mara)
    made = client.post("/on-call/calendars/", {"schedule": "web"}).content.decode()
    address = made.split("data-copy")[0].rsplit('value="', 1)[1].split('"')[0]
    assert address.endswith(".ics")
    assert Client().get(address[address.index("/on-call/") :]).status_code == 200
    assert address not in client.get("/on-call/calendars/").content.decode()
    assert client.post("/on-call/calendars/", {"schedule": "none"}).status_code == 404
    client.post("/on-call/calendars/end/", {"schedule": "web"})
    assert Client().get(address[address.index("/on-call/") :]).status_code == 404


def test_a_shift_without_end_is_written_month_by_month(mara: Person) -> None:
    web = rota(mara)
    _, secret = feeds.make_feed(mara, web, actor=mara)
    seen = shifts_in(fetched(secret)[1], MONDAY, MONDAY + 100 * DAY)
    assert [low.date() for low, _, _ in seen] == [
        date(2026, 11, 1),
        date(2026, 12, 1),
        date(2027, 1, 1),
        date(2027, 2, 1),
        date(2027, 3, 1),
    ]


@pytest.mark.parametrize("name", ['A "b"; c,\\ \n\r\x00 d', "Zoë" * 40, "\N{FAMILY}" * 60, ":mailto:x"])
def test_any_name_gives_a_calendar_that_is_read_back(name: str) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    entry = ical_out.Entry(1, name, 1, name, "a@example.test", at, at + timedelta(hours=1), name, "http://x/", at, 1)
    text = ical_out.calendar(name, [entry])
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    [event] = Calendar.from_ical(text).walk("VEVENT")
    assert str(event["SUMMARY"]).startswith(name[:3])
    assert Schedule.ref_kind == "schedule"
