"""A task that is due is told to whoever has it, once."""

from datetime import timedelta

import pytest

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.incidents import actions
from raglan.incidents.actions import ToDo
from raglan.incidents.models import Entry, Incident, Listed, Task
from raglan.people import mail
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

SOON = timedelta(minutes=30)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The address and the text of each mail that is planned."""
    found: list[tuple[str, str]] = []

    def write(to: str, *, subject: str, text: str, about: timeline.Subject, lane: str = "") -> None:
        found.append((to, text))

    monkeypatch.setattr(mail, "write", write)
    return found


@pytest.fixture
def task(incident: Incident, mara: Person, bo: Person) -> Task:
    return actions.add_task(incident, ToDo("Check the mail queue", owner=bo, due_at=now() + SOON), by=mara)


def told(incident: Incident) -> list[str]:
    found = Entry.objects.filter(incident=incident, text__startswith="Due since").order_by("pk")
    return list(found.values_list("text", flat=True))


def test_whoever_has_it_hears_of_it_once_and_the_room_says_so(
    incident: Incident, task: Task, bo: Person, letters: list[tuple[str, str]]
) -> None:
    world.fast_forward(SOON - timedelta(minutes=1))
    assert (letters, told(incident)) == ([], [])

    world.fast_forward(timedelta(minutes=2))
    actions.remind_of_task(task.pk)  # as if the timer came twice

    assert [to for to, _ in letters] == [bo.email]
    assert "Check the mail queue" in letters[0][1]
    assert f"/tasks/{task.pk}/" in letters[0][1]
    assert [words.endswith("“Check the mail queue”. Bo Silva has it.") for words in told(incident)] == [True]


def test_who_wrote_it_down_hears_when_nobody_has_it(
    incident: Incident, mara: Person, letters: list[tuple[str, str]]
) -> None:
    actions.add_task(incident, ToDo("Ask the bank", due_at=now() + SOON), by=mara)
    world.fast_forward(SOON + timedelta(seconds=5))
    assert [to for to, _ in letters] == [mara.email]
    assert told(incident)[0].endswith("Nobody has it.")


def test_a_time_that_is_moved_counts_anew(
    incident: Incident, task: Task, mara: Person, letters: list[tuple[str, str]]
) -> None:
    world.fast_forward(SOON + timedelta(seconds=5))
    later = now() + SOON
    actions.change_task(task, task.text, due_at=later, by=mara)
    world.fast_forward(SOON + timedelta(seconds=5))
    assert (len(letters), len(told(incident))) == (2, 2)


def test_what_is_done_or_has_no_time_reminds_nobody(
    incident: Incident, task: Task, mara: Person, letters: list[tuple[str, str]]
) -> None:
    other = actions.add_task(incident, ToDo("Ask the bank", due_at=now() + SOON), by=mara)
    actions.end_task(task, "done", by=mara)
    actions.change_task(other, other.text, due_at=None, by=mara)
    world.fast_forward(SOON * 2)
    assert (letters, told(incident)) == ([], [])
    actions.reopen_task(task, by=mara)  # its time has passed, and whoever opens it knows
    world.fast_forward(SOON)
    assert letters == []


def test_a_task_of_a_closed_room_is_still_somebodys(
    incident: Incident, task: Task, mara: Person, bo: Person, letters: list[tuple[str, str]]
) -> None:
    actions.stand_down(incident, by=mara)
    world.fast_forward(SOON + timedelta(seconds=5))
    assert [to for to, _ in letters] == [bo.email]
    assert told(incident) == []


@pytest.mark.parametrize("who", ["lead", "nobody"])
def test_whoever_is_taken_off_the_list_hears_nothing(
    incident: Incident, task: Task, mara: Person, letters: list[tuple[str, str]], who: str
) -> None:
    if who == "lead":
        actions.take_lead(incident, mara, by=mara)
    actions.make_private(incident, "Names of customers", by=mara)
    Listed.objects.filter(incident=incident, person=task.owner).delete()
    world.fast_forward(SOON + timedelta(seconds=5))
    actions.remind_of_task(task.pk)

    assert [to for to, _ in letters] == ([mara.email] if who == "lead" else [])
    assert all("Bo Silva has it, who may not see this incident." in text for _, text in letters)
    assert [words.endswith("Bo Silva has it, who may not see this incident.") for words in told(incident)] == [True]


def test_a_time_that_has_passed_is_refused_and_the_same_key_is_still_answered(
    incident: Incident, task: Task, mara: Person
) -> None:
    gone = now() - timedelta(seconds=1)
    with pytest.raises(BadInput, match="has passed already") as refused:
        actions.add_task(incident, ToDo("Ask the bank", due_at=gone), by=mara)
    assert (refused.value.field, refused.value.status) == ("due_at", 422)
    with pytest.raises(BadInput, match="has passed already"):
        actions.change_task(task, task.text, due_at=gone, by=mara)

    soon = ToDo("Ask the shop", due_at=now() + SOON, key="k")
    first = actions.add_task(incident, soon, by=mara)
    world.fast_forward(SOON * 2)
    assert actions.add_task(incident, soon, by=mara) == first
    assert actions.change_task(first, "Ask the bank", due_at=first.due_at, by=mara).text == "Ask the bank"


def test_a_time_that_has_passed_is_refused_over_rest_too(
    incident: Incident, task: Task, mara: Person, rest: Call
) -> None:
    for method, path in (("POST", f"/incidents/{incident.pk}/tasks"), ("PATCH", f"/tasks/{task.pk}")):
        answer = rest(mara, method, path, {"text": "Check", "due_at": "2020-01-01T00:00:00Z"})
        assert answer == (422, "bad_input")
    assert Task.objects.count() == 1
