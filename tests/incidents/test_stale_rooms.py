"""Two people act on a room at once: what was read before the other acted decides nothing."""

from collections.abc import Callable

import pytest

from raglan.core.errors import Conflict
from raglan.incidents import actions, queries
from raglan.incidents.actions import Said, Upload
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person

Act = Callable[[Incident, Entry, Person], object]
ACTS: dict[str, Act] = {
    "post": lambda room, _, by: actions.post(room, Said(Entry.Kind.NOTE, "One more thing"), by=by),
    "attach": lambda _, entry, by: actions.attach(entry, [Upload("a.txt", b"words")], by=by),
    "correct": lambda _, entry, by: actions.correct(entry, "Better words", by=by),
    "lose a tool": lambda room, _, by: actions.lose_tool(room, "Graphs", by=by),
    "lead": lambda room, _, by: actions.take_lead(room, by, by=by),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS.keys())
def test_a_room_that_closed_meanwhile_takes_nothing(incident: Incident, mara: Person, bo: Person, act: Act) -> None:
    entry = actions.post(incident, Said(Entry.Kind.NOTE, "Words"), by=bo)
    stale, entry = queries.incident(incident.pk), queries.entry(entry.pk)
    actions.stand_down(incident, by=mara)
    assert (stale.state, entry.incident.state) == (Incident.State.OPEN, Incident.State.OPEN)
    before = Entry.objects.count()

    with pytest.raises(Conflict, match="Reopen it"):
        act(stale, entry, bo)

    assert Entry.objects.count() == before


def test_a_tool_that_comes_back_after_the_room_closed_is_no_entry(incident: Incident, mara: Person) -> None:
    tool = actions.lose_tool(incident, "Graphs", by=mara)
    stale = queries.incident(incident.pk)
    actions.stand_down(incident, by=mara)
    tool.incident = stale
    before = Entry.objects.count()

    assert actions.tool_back(tool, by=mara).back_at is not None

    assert Entry.objects.count() == before


def test_of_two_hand_overs_at_once_the_later_one_counts_also_back_to_who_had_it(
    incident: Incident, mara: Person, bo: Person
) -> None:
    actions.take_lead(incident, mara, by=mara)
    stale = queries.incident(incident.pk)
    actions.take_lead(queries.incident(incident.pk), bo, by=bo)

    actions.take_lead(stale, mara, by=mara)

    assert queries.incident(incident.pk).lead == mara
