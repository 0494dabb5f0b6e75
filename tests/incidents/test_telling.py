"""New entries are drawn once for all who see them alike; what depends on who reads is left to them."""

import json

import pytest

from raglan.core import timeline
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
