"""Rooms that are merged and taken apart while chats are brought into them."""

from datetime import timedelta

import pytest

from raglan.chat import exported, import_looks, importing
from raglan.chat.models import ChatImport
from raglan.core.clock import now
from raglan.core.errors import Conflict
from raglan.incidents import actions as incidents
from raglan.incidents.models import Incident
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
