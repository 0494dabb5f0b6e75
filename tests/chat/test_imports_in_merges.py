"""Rooms that are merged and taken apart while chats are brought into them."""

from datetime import timedelta

import pytest

from raglan.chat import exported, import_looks, imported_lines, importing
from raglan.chat.models import ChatImport
from raglan.core.clock import now
from raglan.core.errors import Conflict
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from tests.chat.test_whole_imports import lines, notes

pytestmark = pytest.mark.django_db
State = ChatImport.State


@pytest.mark.parametrize("goes", ["a look", "all lines"])
def test_what_was_deleted_since_does_not_stand_against_undoing_a_merge(
    incident: Incident, bo: Person, mara: Person, goes: str
) -> None:
    there = incidents.declare("All of it", by=mara)
    made = importing.bring_in(incident, lines(5), by=bo).chat_import
    import_looks.look_at(exported.Export("text", lines(9), []), by=bo, incident=incident)
    incidents.merge(incident, there, by=bo)
    assert made is not None
    made.refresh_from_db()
    if goes == "all lines":
        importing.take_out(made, by=bo)
    else:
        ChatImport.objects.filter(state=State.LOOKED_AT).update(made_at=now() - timedelta(hours=25))
        assert import_looks.forget()
    back = incidents.undo_merge(incident, by=bo)
    made.refresh_from_db()
    assert (back.state, made.incident) == ("open", incident)
    assert len(notes(incident)) == (0 if goes == "all lines" else 5)


def test_lines_that_went_on_to_another_room_stand_against_undoing_a_merge(
    incident: Incident, bo: Person, mara: Person
) -> None:
    there = incidents.declare("All of it", by=mara)
    importing.bring_in(incident, lines(5), by=bo)
    incidents.merge(incident, there, by=bo)
    some = there.entries.filter(text="line 3").values_list("pk", flat=True)
    incidents.split(there, incidents.Chosen("The other half", entries=list(some)), by=bo)
    with pytest.raises(Conflict, match="went on to another incident"):
        incidents.undo_merge(incident, by=bo)


# Two rooms into which the same chat was brought -----------------------------------------------------------------------


def said(incident: Incident) -> list[str]:
    """Return the lines of chats in a timeline, whatever their keys."""
    return list(incident.entries.filter(text__startswith="line ").order_by("at", "pk").values_list("text", flat=True))


@pytest.fixture
def both(incident: Incident, bo: Person, mara: Person) -> Incident:
    """Another room, with the same five lines as the incident, into which the incident was merged."""
    other = incidents.declare("All of it", by=mara)
    for room in (other, incident):
        importing.bring_in(room, lines(5), by=bo)
    return incidents.merge(incident, other, by=bo)


@pytest.fixture
def of_there(both: Incident) -> ChatImport:
    """The import of the room that stayed."""
    return ChatImport.objects.order_by("pk")[0]


@pytest.fixture
def of_here(both: Incident) -> ChatImport:
    """The import of the room that was merged into the other one."""
    return ChatImport.objects.order_by("pk")[1]


def test_the_same_chat_adds_nothing_where_a_merge_was_undone(incident: Incident, both: Incident, bo: Person) -> None:
    back = incidents.undo_merge(incident, by=bo)
    assert [importing.bring_in(room, lines(5), by=bo).new for room in (back, both)] == [0, 0]
    assert notes(back) == notes(both) == said(back) == said(both) == [line.text for line in lines(5)]
    assert ChatImport.objects.count() == 2


def test_the_same_chat_adds_nothing_where_the_keys_of_before_the_merge_are_not_known(
    incident: Incident, both: Incident, bo: Person
) -> None:
    incident.moves_from.update(keys={})
    back = incidents.undo_merge(incident, by=bo)
    assert importing.bring_in(back, lines(6), by=bo) == importing.Brought(1, 5)
    assert said(back) == [line.text for line in lines(6)]


def test_the_same_chat_adds_nothing_where_the_lines_of_one_room_were_taken_out(
    both: Incident, of_there: ChatImport, of_here: ChatImport, bo: Person
) -> None:
    importing.take_out(of_there, by=bo)
    assert importing.bring_in(both, lines(5), by=bo) == importing.Brought(0, 5)
    more = importing.bring_in(both, lines(8), by=bo)
    assert more == importing.Brought(3, 5)
    assert importing.bring_in(both, lines(5), by=bo, after=more.chat_import) == importing.Brought(0, 5)
    assert said(both) == [line.text for line in lines(8)]
    importing.take_out(of_here, by=bo)
    assert said(both) == [line.text for line in lines(8)]
    assert more.chat_import is not None
    importing.take_out(more.chat_import, by=bo)
    assert said(both) == []


def test_a_line_that_stays_alone_has_its_key_again_once_the_merge_is_undone(
    incident: Incident, both: Incident, of_there: ChatImport, of_here: ChatImport, bo: Person
) -> None:
    importing.take_out(of_there, by=bo)
    importing.bring_in(both, lines(8), by=bo)
    importing.take_out(of_here, by=bo)
    back = incidents.undo_merge(incident, by=bo)
    assert (said(back), notes(both)) == ([], [line.text for line in lines(8)])


def test_lines_of_both_rooms_stay_in_the_third_into_which_they_went(both: Incident, mara: Person, bo: Person) -> None:
    third = incidents.declare("More of it", by=mara)
    importing.bring_in(third, lines(5), by=bo)
    incidents.merge(both, third, by=bo)
    assert importing.bring_in(third, lines(5), by=bo).new == 0
    both = incidents.undo_merge(both, by=bo)
    assert importing.bring_in(both, lines(5), by=bo).new == 0
    back = incidents.undo_merge(Incident.objects.get(merged_into=both), by=bo)
    assert [notes(room) for room in (back, both, third)] == [[line.text for line in lines(5)]] * 3


def test_lines_that_went_to_a_new_room_are_known_there(both: Incident, of_here: ChatImport, bo: Person) -> None:
    some = list(of_here.lines.order_by("entry").values_list("entry", flat=True))[:2]
    new = incidents.split(both, incidents.Chosen("The other half", entries=some), by=bo)
    assert importing.bring_in(new, lines(3), by=bo) == importing.Brought(1, 2)
    assert said(new) == [line.text for line in lines(3)]


def test_an_incident_ends_with_the_last_line_also_where_another_room_had_it_too(
    both: Incident, of_there: ChatImport, bo: Person
) -> None:
    Incident.objects.filter(pk=both.pk).update(declared_at=lines(1)[0].at)
    both.refresh_from_db()
    importing.take_out(of_there, by=bo)
    closed = importing.close(both, importing.Brought(0, 5), words="Over.", by=bo)
    assert closed.closed_at == lines(5)[-1].at


def test_a_line_of_a_chat_is_told_from_what_was_said_here(both: Incident, of_here: ChatImport, bo: Person) -> None:
    entry = Entry.objects.get(pk=of_here.lines.order_by("pk").values("entry")[:1])
    own = incidents.post(both, incidents.Said(Entry.Kind.NOTE, "Mine", key="from-1-" + "0" * 32), by=bo)
    assert entry.key.startswith("from-")
    assert [imported_lines.is_from_elsewhere(one) for one in (entry, own)] == [True, False]


def test_the_room_hears_which_lines_of_its_own_chat_went_back(incident: Incident, bo: Person, mara: Person) -> None:
    other = incidents.declare("All of it", by=mara)
    importing.bring_in(incident, lines(5), by=bo)
    incidents.merge(incident, other, by=bo)
    importing.bring_in(other, lines(8), by=bo)
    incidents.undo_merge(incident, by=bo)
    told = other.entries.get(kind="machine", text__contains="again: “")
    assert told.text.endswith("a chat brought in here has, too: 5. Bring that chat in once more.")
    assert importing.bring_in(other, lines(8), by=bo) == importing.Brought(5, 3)
    assert said(other) == [line.text for line in lines(8)]


def test_the_room_hears_nothing_of_lines_where_it_misses_none(incident: Incident, both: Incident, bo: Person) -> None:
    incidents.undo_merge(incident, by=bo)
    told = both.entries.get(kind="machine", text__contains="again: “")
    assert told.text.endswith("What was said since stays here.")
