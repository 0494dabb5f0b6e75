"""New entries are drawn once for all who see them alike; what depends on who reads is left to them."""

import json
from collections.abc import Sequence
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from raglan.core import timeline
from raglan.core.clock import now
from raglan.incidents import actions, telling
from raglan.incidents.models import Entry, Incident
from raglan.incidents.telling import News, Sight
from raglan.people.models import Person

pytestmark = pytest.mark.django_db
VIEWER, RESPONDER = Sight("UTC", may_respond=False), Sight("Europe/Prague", may_respond=True)


def say(
    incident: Incident, text: str, by: Person, kind: Entry.Kind = Entry.Kind.NOTE, to: Person | None = None
) -> Entry:
    return actions.post(incident, actions.Said(kind=kind, text=text, to_person=to), by=by)


def told(incident: Incident, after: int) -> list[News]:
    name = timeline.ref(incident)
    return telling.told([timeline.newest_id()], after=after, sights={name: [VIEWER, RESPONDER], "person:1": [VIEWER]})


def test_plain_entries_are_told_whole_as_each_sight_shows_them(incident: Incident, mara: Person, bo: Person) -> None:
    first = say(incident, "first", mara)  # joins the room, which is more than an entry
    after = timeline.newest_id()
    second, third = say(incident, "<b>second</b>", mara), say(incident, "third", mara, Entry.Kind.FOUND)
    (news,) = told(incident, after)
    assert (news.room, news.is_whole, news.but) == (timeline.ref(incident), True, {mara.pk})
    said = {sight: json.loads(words) for sight, words in news.words.items()}
    places = [{"id": second.pk, "before": first.pk}, {"id": third.pk, "before": second.pk}]
    assert said[VIEWER]["entries"] == said[RESPONDER]["entries"] == places
    for one in said.values():
        assert "&lt;b&gt;second" in one["html"]
        assert one["html"].index(f"e{third.pk}") < one["html"].index(f"e{second.pk}")
    assert "Helped" in said[RESPONDER]["html"]
    assert "Helped" not in said[VIEWER]["html"]
    assert "Correct" not in said[RESPONDER]["html"]


def test_an_entry_that_changes_more_than_the_timeline_is_told_with_its_name(
    incident: Incident, mara: Person, bo: Person
) -> None:
    after = timeline.newest_id()
    say(incident, "joins by saying so", bo)
    (news,) = told(incident, after)
    assert not news.is_whole
    after = timeline.newest_id()
    say(incident, "who knows the queue?", mara, Entry.Kind.ASK, to=bo)
    (news,) = told(incident, after)
    assert (news.is_whole, news.but) == (False, {mara.pk, bo.pk})
    assert "who knows the queue?" in news.words[VIEWER]


def test_what_is_no_entry_is_told_by_its_name_only(incident: Incident, mara: Person) -> None:
    after = timeline.newest_id()
    actions.be_here(incident, by=mara)
    assert told(incident, after) == []


def test_too_many_at_once_are_told_by_the_name_only(incident: Incident, mara: Person) -> None:
    after = timeline.newest_id()
    for number in range(telling.MOST + 1):
        say(incident, f"line {number}", mara)
    assert told(incident, after) == []


SIGHTS = [
    Sight(zone, may_respond) for zone in ("UTC", "Asia/Kathmandu", "America/New_York") for may_respond in (True, False)
]


def draw(entries: list[Entry]) -> dict[Sight, str]:
    return {one: telling._draw(entries, ZoneInfo(one.zone), may_respond=one.may_respond) for one in SIGHTS}


def drawings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note in which zones is drawn."""
    found: list[str] = []
    drawn = telling._draw

    def note(entries: Sequence[Entry], zone: tzinfo, *, may_respond: bool) -> str:
        found.append(str(zone.zone if isinstance(zone, telling.Watched) else zone))
        return drawn(entries, zone, may_respond=may_respond)

    monkeypatch.setattr(telling, "_draw", note)
    return found


@pytest.mark.parametrize(
    "texts", [["one"], ['<time datetime="2026-01-01T00:00:00Z">00:00</time>', "at 12:00", "at 12:00"]]
)
def test_sights_that_differ_by_the_zone_share_a_drawing(
    incident: Incident, mara: Person, monkeypatch: pytest.MonkeyPatch, texts: list[str]
) -> None:
    entries = [say(incident, text, mara) for text in texts]
    thorough = draw(entries)
    zones = drawings(monkeypatch)
    assert telling._draw_all(entries, SIGHTS) == thorough
    assert zones == ["UTC", "UTC"]
    assert len(set(thorough.values())) == len(SIGHTS)


@pytest.mark.parametrize(
    "more",
    [{"taken_at": now}, {"corrected_at": now}, {"outcome": "worked", "outcome_at": now}],
)
def test_an_entry_that_shows_more_times_than_its_own_is_drawn_for_each_sight(
    incident: Incident, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]
) -> None:
    entry = say(incident, "slow?", mara)
    for name, value in more.items():
        setattr(entry, name, value() if callable(value) else value)
    entry.taken_by = bo if "taken_at" in more else None
    thorough = draw([entry])
    zones = drawings(monkeypatch)
    assert telling._draw_all([entry], SIGHTS) == thorough
    assert len(zones) == len(SIGHTS)


def test_what_happened_in_one_room_is_found_as_in_many(incident: Incident, mara: Person) -> None:
    after = timeline.newest_id()
    say(incident, "first", mara)
    say(incident, "second", mara)
    name, newest = timeline.ref(incident), timeline.newest_id()
    one = telling._heard([newest], after, [name])
    assert one == telling._heard([newest], after, [name, "incident:0"])
    assert [data["text"] for _, kind, data in one if kind == "entry.posted"] == ["first", "second"]
    assert telling._heard([newest], newest, [name]) == one[-1:]
