"""A calendar that fills a rota gets another address or rank, and whom its events name."""

import threading
from datetime import datetime, timedelta

import pytest
from django.db import connection

from raglan.core.clock import CLOCK, now
from raglan.core.models import Event, Timer
from raglan.oncall import queries, sources
from raglan.oncall.models import Booking, CalendarSource, Schedule
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall import test_calendars_in
from tests.oncall.builders import DAY, HOUR, MONDAY, rota, standing_at
from tests.oncall.test_calendars_in import MARAS, Feed, event, on_call, problem

feed, empty = test_calendars_in.feed, test_calendars_in.empty
LONG = ":20261123T080000Z", ":20261130T080000Z"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What owners are told, oldest first."""
    texts: list[str] = []
    tell = sources.tell_owners

    def keep(schedule: Schedule, subject: str, text: str) -> None:
        texts.append(text)
        tell(schedule, subject, text)

    monkeypatch.setattr(sources, "tell_owners", keep)
    return texts


@pytest.fixture
def read(feed: Feed, empty: Schedule, mara: Person) -> Schedule:
    """A rota that a calendar gives to Mara, and that has run for a day."""
    feed.says(event(*LONG, "SUMMARY:Mara Novak"))
    sources.set_source(empty, url=feed.url, rank=0, actor=mara)
    world.fire_all()
    CLOCK.move(DAY)
    return empty


def people_since(start: datetime) -> list[list[str]]:
    shifts = queries.shifts_between(queries.schedule("web"), start, MONDAY + 6 * DAY)
    return [[person.name for person in shift.people] for shift in shifts]


def test_another_rank_changes_nothing_about_who_is_booked(feed: Feed, read: Schedule, mara: Person) -> None:
    start = MONDAY + HOUR
    sources.set_source(read, url=feed.url, rank=7, actor=mara)
    assert people_since(start) == [["Mara Novak"]]
    assert queries.source_of(read).rank == 7  # type: ignore[union-attr]  # there is one
    world.fire_all()
    assert people_since(start) == [["Mara Novak"]]
    assert Booking.objects.filter(source__rank=0, ends_at__gt=now()).count() == 0


def test_another_rank_counts_from_now_on_and_not_before(feed: Feed, mara: Person, ike: Person) -> None:
    web = rota(ike)
    feed.says(event(*LONG, "SUMMARY:Mara Novak"))
    sources.set_source(web, url=feed.url, rank=-1, actor=mara)
    world.fire_all()
    CLOCK.move(DAY)
    assert on_call(now()) == ["Ike Okafor"]
    sources.set_source(web, url=feed.url, rank=1, actor=mara)
    assert (on_call(MONDAY + HOUR), on_call(now())) == (["Ike Okafor"], ["Mara Novak"])


@pytest.mark.parametrize("status", [404, 200])
def test_a_mistyped_address_leaves_what_was_said_before(
    feed: Feed, read: Schedule, mara: Person, told: list[str], status: int
) -> None:
    sources.set_source(read, url=feed.url + "x", rank=0, actor=mara)
    assert people_since(MONDAY + HOUR) == [["Mara Novak"]]
    feed.says(status=status)
    world.fire_all()
    assert people_since(MONDAY + HOUR) == [["Mara Novak"]]
    words = told[-1]
    assert "not read yet. What the calendar before it said decides who is on call until it can be read." in words
    CLOCK.move(timedelta(minutes=16))
    feed.says(event(*LONG, "SUMMARY:Mara Novak"))
    world.fire_all()
    assert (problem(), people_since(MONDAY + HOUR)) == ("", [["Mara Novak"]])


def test_a_new_address_decides_once_it_was_read(feed: Feed, read: Schedule, mara: Person, ike: Person) -> None:
    feed.says(event(*LONG, "SUMMARY:Ike Okafor"))
    sources.set_source(read, url=feed.url + "?new", rank=0, actor=mara)
    assert on_call(now()) == ["Mara Novak"]
    world.fire_all()
    assert people_since(MONDAY + HOUR) == [["Mara Novak"], ["Ike Okafor"]]


def test_the_same_address_is_only_read_again(feed: Feed, read: Schedule, mara: Person) -> None:
    events, asked = Event.objects.count(), feed.asked
    sources.set_source(read, url=feed.url, rank=0, actor=mara)
    assert (Event.objects.count(), CalendarSource.objects.count()) == (events, 1)
    world.fire_all()
    assert feed.asked == asked + 1
    assert Timer.objects.filter(kind=sources.READ).count() == 1


def test_a_calendar_that_ended_says_nothing_more(feed: Feed, read: Schedule, mara: Person) -> None:
    old = CalendarSource.objects.get()
    sources.set_source(read, url=feed.url + "?new", rank=0, actor=mara)
    late = sources.Copy((sources.Shift(mara.pk, now() + 20 * DAY, now() + 21 * DAY),), ())
    sources.take_copy(old, late, now())
    sources.keep_last_copy(old, "it answered with 404", now())
    assert not Booking.objects.filter(source=old, ends_at__gt=now())
    assert CalendarSource.objects.get(pk=old.pk).problem == ""


def test_the_mail_says_what_is_true_without_a_good_copy(
    feed: Feed, empty: Schedule, mara: Person, told: list[str]
) -> None:
    feed.says(status=404)
    sources.set_source(empty, url=feed.url, rank=0, actor=mara)
    world.fire_all()
    assert "there is no good copy, so it puts nobody on call until it can be read." in told[-1]


def test_the_mail_says_what_is_true_of_a_copy_that_was_read_in_part(
    feed: Feed, empty: Schedule, mara: Person, told: list[str]
) -> None:
    feed.says(event(*MARAS, "SUMMARY:Mara Novak"), event(*MARAS, "SUMMARY:Bo Stone", uid="2"))
    sources.set_source(empty, url=feed.url, rank=0, actor=mara)
    world.fire_all()
    assert "Bo Stone: names nobody who is known here" in told[-1]
    assert told[-1].count("The rest of it was read and counts.") == 1


def test_the_mail_says_since_when_the_last_good_copy_counts(
    feed: Feed, read: Schedule, mara: Person, told: list[str]
) -> None:
    feed.says(status=404)
    world.fire_all()
    assert "The last good copy, of 2026-11-23 12:0" in told[-1]
    assert "decides who is on call until it can be read again." in told[-1]
    CLOCK.move(20 * DAY)
    feed.status = 500
    world.fire_all()
    assert "UTC, puts nobody on call until it can be read again." in told[-1]


def named(feed: Feed, empty: Schedule, actor: Person, *lines: str) -> tuple[list[str], str]:
    feed.says(event(*MARAS, *lines))
    sources.set_source(empty, url=feed.url, rank=0, actor=actor)
    world.fire_all()
    return sorted(on_call(MONDAY + DAY)), problem()


@pytest.mark.parametrize("word", ["DECLINED", "declined"])
def test_who_has_declined_is_not_put_on_call(feed: Feed, empty: Schedule, mara: Person, ike: Person, word: str) -> None:
    no = f"ATTENDEE;PARTSTAT={word};CN=Mara Novak:mailto:{mara.email}"
    yes = f"ATTENDEE;PARTSTAT=ACCEPTED;CN=Ike Okafor:mailto:{ike.email}"
    assert named(feed, empty, mara, no, yes, "SUMMARY:duty") == (["Ike Okafor"], "")


@pytest.mark.parametrize("title", ["duty", "Mara Novak"])
def test_an_event_that_everybody_declined_is_named(
    feed: Feed, empty: Schedule, mara: Person, ike: Person, title: str
) -> None:
    no = f"ATTENDEE;PARTSTAT=DECLINED:mailto:{mara.email}"
    boss = f"ORGANIZER:mailto:{ike.email}"
    people, words = named(feed, empty, mara, no, boss, f"SUMMARY:{title}")
    assert (people, words) == ([], f"{title}: everybody whom it names has declined, or is not known here")


@pytest.mark.parametrize(
    "declined",
    [
        "CUTYPE=ROOM;PARTSTAT=DECLINED:mailto:room@x.example",
        "CUTYPE=resource;PARTSTAT=DECLINED;CN=Ike Okafor:mailto:beamer@x.example",
        "PARTSTAT=DECLINED:mailto:everybody@x.example",
    ],
)
def test_only_a_person_who_has_declined_matters(
    feed: Feed, empty: Schedule, mara: Person, ike: Person, declined: str
) -> None:
    boss = f"ORGANIZER:mailto:{ike.email}"
    assert named(feed, empty, mara, f"ATTENDEE;{declined}", boss, "SUMMARY:duty") == (["Ike Okafor"], "")


def test_a_room_of_the_name_of_a_person_is_nobody(feed: Feed, empty: Schedule, mara: Person, ike: Person) -> None:
    room = "ATTENDEE;CUTYPE=ROOM;PARTSTAT=ACCEPTED;CN=Mara Novak:mailto:room@x.example"
    assert named(feed, empty, mara, room, "SUMMARY:Ike Okafor") == (["Ike Okafor"], "")


@pytest.mark.parametrize(
    ("title", "who", "words"),
    [
        ("Joanna Smith + Anna Smith", "Anna Smith, Joanna Smith", ""),
        ("anna  smith/JOANNA SMITH", "Anna Smith, Joanna Smith", ""),
        ("Joanna Smith", "Joanna Smith", ""),
        ("Anna Smith's week", "Anna Smith", ""),
        ("Anna Smith (primary & backup), on call", "Anna Smith", ""),
        ("Anna Smith on call, day and night", "Anna Smith", ""),
        ("Anna Smith: R&D on call", "Anna Smith", ""),
        ("Anna Smith-Jones", "", "Anna Smith-Jones: names nobody who is known here"),
        ("Anna Smith-Jones on call", "", "Anna Smith-Jones on call: names nobody who is known here"),
        ("Anna Smith-McDonald", "", "names nobody who is known here"),
        ("anna smith-jones", "", "names nobody who is known here"),
        ("ANNA SMITH-JONES", "", "names nobody who is known here"),
        ("Zoë-Anna Smith", "", "names nobody who is known here"),
        ("On-call-Anna Smith", "Anna Smith", ""),
        ("Web-Anna Smith", "Anna Smith", ""),
        ("Anna Smith-Primary", "Anna Smith", ""),
        ("ANNA SMITH-ONCALL", "Anna Smith", ""),
        ("anna smith-primary", "Anna Smith", ""),
        ("Anna Smith-week 3", "Anna Smith", ""),
        ("Anna Smith-SRE", "Anna Smith", ""),
        ("Anna Smith-2", "Anna Smith", ""),
        ("Anna Smith-Joanna Smith", "Anna Smith, Joanna Smith", ""),
        ("anna smith-joanna@x.example", "Anna Smith, Joanna Smith", ""),
        ("Anna Smith-Zoë", "Anna Smith", ""),
        ("Anna Smith-Bo Stone", "Anna Smith", "Bo Stone is nobody who is known here"),
        ("Primary-joanna@x.example", "Joanna Smith", ""),
        ("joanna@x.example-primary", "Joanna Smith", ""),
        ("joanna@x.example-web.test", "", "names nobody who is known here"),
        ("anna-joanna@x.example", "", "names nobody who is known here"),
        ("On call: susi-joanna@x.example", "", "names nobody who is known here"),
        ("Susanna Smith", "", "Susanna Smith: names nobody who is known here"),
        ("Joanna Smith + Bo", "Joanna Smith", "Joanna Smith + Bo: Bo is nobody who is known here"),
        ("Joanna Smith / Susanna Smith", "Joanna Smith", "Susanna Smith is nobody who is known here"),
        ("Joanna Smith and Bo", "Joanna Smith", "Bo is nobody who is known here"),
        ("joanna@x.example, Bo Stone", "Joanna Smith", "Bo Stone is nobody who is known here"),
        ("x.joanna@x.example", "", "names nobody who is known here"),
        ("ZOË STRASSE + Anna Smith", "Anna Smith, Zoë Straße", ""),
        ("Zoe\u0308 Straße + Bo", "Zoë Straße", "bo is nobody who is known here"),
    ],
)
def test_a_title_names_people_by_their_whole_names_and_what_is_not_understood_is_said(
    feed: Feed, empty: Schedule, title: str, who: str, words: str
) -> None:
    known = {"Anna Smith": "anna@x.example", "Joanna Smith": "joanna@x.example", "Zoë Straße": "zoe@x.example"}
    for name, email in known.items():
        first = world.person(email.partition("@")[0], time_zone="UTC")
        Person.objects.filter(pk=first.pk).update(email=email, name=name)
    people, said = named(feed, empty, first, f"SUMMARY:{title.replace(',', chr(92) + ',')}")
    assert ", ".join(people) == who
    assert (words in said) if words else not said


@pytest.mark.django_db(transaction=True)
def test_a_calendar_that_is_set_while_it_is_ended_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with standing_at(MONDAY):
        mara = world.person("Mara Novak", time_zone="UTC")
        web = rota(mara)
        sources.set_source(web, url="https://a.example/x.ics", rank=1, actor=mara)
    is_set, go_on = threading.Event(), threading.Event()
    schedule = sources.timers.schedule

    def held(*args: object, **fields: object) -> Timer:
        row = schedule(*args, **fields)  # type: ignore[arg-type]  # as they were given
        is_set.set()
        go_on.wait(1)  # the other waits for this one, so that this one can not wait for it
        return row

    monkeypatch.setattr(sources.timers, "schedule", held)

    def end() -> None:
        assert is_set.wait(30)
        sources.end_source(web, actor=mara)
        go_on.set()
        connection.close()

    other = threading.Thread(target=end)
    other.start()
    sources.set_source(web, url="https://b.example/x.ics", rank=1, actor=mara)
    other.join(30)
    assert not CalendarSource.objects.filter(ended_at=None)
