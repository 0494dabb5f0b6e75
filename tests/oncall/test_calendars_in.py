"""Calendars from elsewhere fill a schedule: real HTTP, a worker process, and everything that can be wrong with them."""

import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from raglan.core.clock import CLOCK
from raglan.core.models import Event, Timer
from raglan.oncall import feeds, ical_worker, queries, reading, sources
from raglan.oncall.models import Booking, CalendarSource, Schedule
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, MONDAY, cover, rota
from tests.oncall.test_rest import Api


class Feed:
    """A calendar server on loopback."""

    def __init__(self) -> None:
        self.status, self.body, self.asked = 200, b"", 0
        feed = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                feed.asked += 1
                self.send_response(feed.status)
                self.send_header("Content-Length", str(len(feed.body)))
                self.end_headers()
                self.wfile.write(feed.body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/rota.ics"

    def says(self, *events: str, status: int = 200) -> None:
        self.status, self.body = status, calendar(*events)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


def calendar(*events: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *events, "END:VCALENDAR", ""]).encode()


def event(start: str, end: str, *lines: str, uid: str = "1") -> str:
    return "\r\n".join(
        [
            "BEGIN:VEVENT",
            f"UID:{uid}",
            "DTSTAMP:20260101T000000Z",
            f"DTSTART{start}",
            f"DTEND{end}",
            *lines,
            "END:VEVENT",
        ]
    )


@pytest.fixture
def feed(monday: None) -> Iterator[Feed]:
    found = Feed()
    yield found
    found.close()


@pytest.fixture
def empty(monday: None) -> Schedule:
    return Schedule.objects.create(name="Web", slug="web", time_zone="Europe/Berlin", created_at=MONDAY)


def on_call(at: datetime) -> list[str]:
    return [person.name for person in queries.who("web", at).people]


def problem() -> str:
    return CalendarSource.objects.get(ended_at__isnull=True).problem


MARAS = ":20261124T080000Z", ":20261125T080000Z"


def test_a_calendar_fills_a_schedule_and_is_read_again(feed: Feed, empty: Schedule, mara: Person, ike: Person) -> None:
    feed.says(
        event(*MARAS, f"ATTENDEE;CN=x:mailto:{mara.email}"),
        event(":20261125T080000Z", ":20261126T080000Z", "SUMMARY:Ike Okafor on call", uid="2"),
    )
    sources.set_source(empty, url=feed.url, rank=0, actor=mara)
    world.fire_all()
    assert [on_call(MONDAY + n * DAY) for n in range(4)] == [[], ["Mara Novak"], ["Ike Okafor"], []]
    assert "the calendar of 127.0.0.1" in queries.who("web", MONDAY + DAY).why
    feed.says(event(*MARAS, "SUMMARY:ike okafor"))
    world.fast_forward(timedelta(minutes=16))
    assert (on_call(MONDAY + DAY), feed.asked) == (["Ike Okafor"], 2)


BAD = [
    (200, b"<!DOCTYPE html><html><body>Sign in</body></html>", "not a calendar"),
    (404, b"", "it answered with 404"),
    (302, b"", "it answered with 302"),
    (200, b"", "not a calendar"),
    (200, b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "ends in the middle"),
    (200, calendar(), "suddenly has no shift"),
    (200, b"BEGIN:VCALENDAR\r\n" + b"X" * 5_300_000 + b"\r\nEND:VCALENDAR", "larger than 5 MiB"),
]


@pytest.mark.parametrize("broken", BAD)
def test_failure_14_rubbish_keeps_the_last_good_copy_and_warns_the_owner(
    feed: Feed, empty: Schedule, mara: Person, boss: Person, broken: tuple[int, bytes, str]
) -> None:
    status, body, words = broken
    feed.says(event(*MARAS, "SUMMARY:Mara Novak"))
    sources.set_source(empty, url=feed.url, rank=0, actor=mara)
    world.fire_all()
    feed.status, feed.body = status, body
    CLOCK.move(timedelta(minutes=15))
    for due in Timer.objects.filter(kind=sources.READ):
        assert due.due_at > MONDAY
    mails = Timer.objects.filter(kind="people.mail").count()
    sources.read_due(due_of(CalendarSource.objects.get()))
    sources.read_due(due_of(CalendarSource.objects.get()))
    assert on_call(MONDAY + DAY) == ["Mara Novak"]
    assert words in problem()
    assert Timer.objects.filter(kind="people.mail").count() == mails + 1
    assert Event.objects.filter(kind="calendar.not_read").count() == 1
    assert boss.may_configure


def due_of(source: CalendarSource) -> "sources.timers.Due":
    return sources.timers.Due(0, sources.READ, f"calendar_source:{source.pk}", MONDAY, 1, {})


def test_failure_14_good_events_beside_bad_ones_are_used(feed: Feed, empty: Schedule, mara: Person) -> None:
    bad = [
        event(":rubbish", ":20261125T080000Z", "SUMMARY:Mara Novak", uid="2"),
        event(";TZID=Mars/Base:20261126T080000", ";TZID=Mars/Base:20261127T080000", "SUMMARY:Mara Novak", uid="3"),
        event(":20261128T080000Z", ":20261129T080000Z", "SUMMARY:somebody", uid="4"),
        event(":20261124T080000Z", ":20261124T090000Z", "RRULE:FREQ=SECONDLY", "SUMMARY:Mara Novak", uid="5"),
    ]
    feed.says(*bad, event(*MARAS, "SUMMARY:Mara Novak", uid="6"))
    sources.set_source(empty, url=feed.url, rank=0, actor=mara)
    world.fire_all()
    assert Booking.objects.count() == 1
    assert on_call(MONDAY + DAY) == ["Mara Novak"]
    assert "names nobody who is known here" in problem()


def test_the_past_of_a_calendar_does_not_change(feed: Feed, empty: Schedule, mara: Person, ike: Person) -> None:
    feed.says(event(":20261123T080000Z", ":20261130T080000Z", "SUMMARY:Mara Novak"))
    sources.set_source(empty, url=feed.url, rank=0, actor=mara)
    world.fire_all()
    CLOCK.move(2 * DAY)
    feed.says(event(":20261123T080000Z", ":20261130T080000Z", "SUMMARY:Ike Okafor"))
    sources.read_due(due_of(CalendarSource.objects.get()))
    assert [on_call(MONDAY + n * DAY) for n in (1, 3)] == [["Mara Novak"], ["Ike Okafor"]]
    sources.end_source(empty, actor=mara)
    assert on_call(MONDAY + DAY) == ["Mara Novak"]
    assert on_call(MONDAY + 3 * DAY) == []


def test_days_floating_times_and_windows_zones_are_read_as_they_are_meant(monday: None) -> None:
    body = calendar(
        event(";VALUE=DATE:20261201", ";VALUE=DATE:20261202", "SUMMARY:all day"),
        event(":20261203T090000", ":20261203T170000", "SUMMARY:floating", uid="2"),
        event(
            ";TZID=W. Europe Standard Time:20261204T090000",
            ";TZID=W. Europe Standard Time:20261204T170000",
            "SUMMARY:outlook",
            uid="3",
        ),
        event(":20261205T090000Z", ":20261205T170000Z", "STATUS:CANCELLED", uid="4"),
    )
    answer = ical_worker.read(body, ZoneInfo("Europe/Berlin"), MONDAY, MONDAY + 60 * DAY)
    events = answer["events"]
    assert isinstance(events, list)
    assert [(one["summary"], datetime.fromisoformat(one["start"]).astimezone(UTC)) for one in events] == [
        ("all day", datetime(2026, 11, 30, 23, tzinfo=UTC)),
        ("floating", datetime(2026, 12, 3, 8, tzinfo=UTC)),
        ("outlook", datetime(2026, 12, 4, 8, tzinfo=UTC)),
    ]


ROTA = """\
BEGIN:VEVENT\r
UID:rota\r
DTSTAMP:20261001T000000Z\r
DTSTART;TZID=Europe/London:20270308T090000\r
DTEND;TZID=Europe/London:20270315T090000\r
SUMMARY:alice (primary)\r
RRULE:FREQ=WEEKLY;COUNT=6;INTERVAL=2\r
EXDATE;TZID=Europe/London:20270405T090000\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:rota\r
DTSTAMP:20261001T000000Z\r
RECURRENCE-ID;TZID=Europe/London:20270322T090000\r
DTSTART;TZID=Europe/London:20270322T090000\r
DTEND;TZID=Europe/London:20270329T090000\r
SUMMARY:bob (swap)\r
END:VEVENT"""


def test_a_rota_with_a_swap_and_a_gap_is_worked_out_over_a_clock_change(monday: None) -> None:
    answer = ical_worker.read(calendar(ROTA), ZoneInfo("UTC"), MONDAY, MONDAY + 250 * DAY)
    events = answer["events"]
    assert isinstance(events, list)
    rows = sorted((datetime.fromisoformat(one["start"]), one["summary"][:3]) for one in events)
    assert [(at.date(), at.hour, who) for at, who in rows] == [
        (date(2027, 3, 8), 9, "ali"),
        (date(2027, 3, 22), 9, "bob"),
        (date(2027, 4, 19), 8, "ali"),
        (date(2027, 5, 3), 8, "ali"),
        (date(2027, 5, 17), 8, "ali"),
    ]


def test_a_calendar_that_never_ends_to_be_worked_out_is_cut_off(feed: Feed, empty: Schedule, mara: Person) -> None:
    rules = [
        event(
            ":20261124T080000Z",
            ":20261124T080100Z",
            "RRULE:FREQ=SECONDLY;COUNT=90000000",
            "SUMMARY:Mara Novak",
            uid=str(n),
        )
        for n in range(3)
    ]
    feed.says(*rules)
    sources.set_source(empty, url=feed.url, rank=0, actor=mara)
    world.fire_all()
    assert any(words in problem() for words in ("too much time", "takes too long", "more than 5000"))
    assert not Booking.objects.exists()


def test_many_events_name_each_person_once(feed: Feed, empty: Schedule, mara: Person, ike: Person) -> None:
    crowd = [f'ATTENDEE;CN="{"x" * 100} {n}":mailto:{"y" * 200}{n}@example.test' for n in range(38)]
    hourly = "RRULE:FREQ=HOURLY;COUNT=1500"
    feed.says(event(":20261124T080000Z", ":20261124T083000Z", hourly, *crowd, f"ATTENDEE:mailto:{mara.email}"))
    answer = ical_worker.read(feed.body, ZoneInfo("UTC"), MONDAY, MONDAY + 190 * DAY)
    assert (len(answer["events"]), len(answer["people"])) == (1500, 39)  # type: ignore[arg-type]  # lists
    sources.set_source(empty, url=feed.url, rank=0, actor=mara)
    world.fire_all()
    assert (Booking.objects.count(), problem()) == (1500, "")
    assert Booking.objects.exclude(person=mara).count() == 0


def test_an_answer_beyond_its_limit_keeps_the_last_good_copy(feed: Feed, empty: Schedule, mara: Person) -> None:
    feed.says(event(*MARAS, "SUMMARY:Mara Novak"))
    sources.set_source(empty, url=feed.url, rank=0, actor=mara)
    world.fire_all()
    hourly = "RRULE:FREQ=HOURLY;COUNT=3700"
    feed.says(event(":20261124T080000Z", ":20261124T083000Z", hourly, "SUMMARY:" + "\N{FAMILY}" * 300))
    sources.read_due(due_of(CalendarSource.objects.get()))
    assert "what it says is larger than 4 MiB" in problem()
    assert on_call(MONDAY + DAY) == ["Mara Novak"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.stdin.read()\nwhile True: sys.stdout.write('x' * 65536)", "larger than 1 MiB"),
        ("import threading; threading.Event().wait()", "takes too long"),
        ("import sys; sys.stdin.read(); name_that_is_not_known", ""),
        ("raise SystemExit", ""),
    ],
)
def test_a_worker_that_says_too_much_or_never_ends_is_cut_off(code: str, words: str) -> None:
    command = [sys.executable, "-c", code]
    if not words:
        assert reading.run_bounded(command, b"x" * 5_000_000, seconds=20, most=1024 * 1024) == b""
        return
    limit = 2 if "long" in words else 20
    with pytest.raises(reading.NotReadError, match=words):
        reading.run_bounded(command, b"x" * 5_000_000, seconds=limit, most=1024 * 1024)


def test_what_goes_out_is_read_in_as_it_was(
    feed: Feed, empty: Schedule, mara: Person, ike: Person, rowan: Person
) -> None:
    out = rota(mara, ike, slug="out", zone="Europe/Berlin")
    cover(out, rowan, MONDAY + DAY, MONDAY + 2 * DAY)
    _, secret = feeds.make_feed(mara, out, actor=mara)
    feed.body = Client().get(f"/on-call/calendars/{secret}.ics").content
    sources.set_source(empty, url=feed.url, rank=0, actor=mara)
    world.fire_all()
    start, end = MONDAY + HOUR, MONDAY + 100 * DAY
    told = [(s.starts_at, s.ends_at, s.people) for s in queries.shifts_between(queries.schedule("out"), start, end)]
    read = [(s.starts_at, s.ends_at, s.people) for s in queries.shifts_between(queries.schedule("web"), start, end)]
    assert (read, problem()) == (told, "")


def test_rest_sets_shows_and_ends_a_calendar(feed: Feed, empty: Schedule, mara: Person) -> None:
    api = Api(None, ["read", "configure"])
    assert api.get("/schedules/web/calendar")[0] == 404
    assert api.send("put", "/schedules/web/calendar", {"url": "ftp://x.test/a"})[0] == 400
    assert api.send("put", "/schedules/web/calendar", {"url": feed.url})[0] == 200
    feed.says(event(*MARAS, "SUMMARY:Mara Novak"))
    world.fire_all()
    assert api.get("/schedules/web/calendar")[1]["problem"] == ""  # type: ignore[index]  # an object
    assert api.send("delete", "/schedules/web/calendar")[0] == 204
    world.fast_forward(HOUR)
    assert feed.asked == 1


def test_the_screen_says_what_is_wrong_with_a_calendar(feed: Feed, empty: Schedule, boss: Person) -> None:
    client = Client()
    client.force_login(boss)
    assert client.post("/on-call/web/calendar/", {"url": "nonsense", "rank": "0"}).status_code == 422
    assert client.post("/on-call/web/calendar/", {"url": feed.url, "rank": "0"}).status_code == 302
    feed.status = 404
    world.fire_all()
    for path in ("/on-call/web/", "/on-call/web/calendar/"):
        page = client.get(path).content.decode()
        assert "t answered with 404" in page
        assert feed.url not in page
    assert feed.url not in str(list(Event.objects.values_list("data", flat=True)))
    assert client.post("/on-call/web/calendar/end/").status_code == 302
