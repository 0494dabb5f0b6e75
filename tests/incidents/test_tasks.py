"""Tasks of a room: what is to be done, who has it, and what became of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions, catching_up, spoken_tasks, task_queries
from raglan.incidents.actions import ToDo
from raglan.incidents.models import Entry, Incident, Task
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]


@pytest.fixture
def task(incident: Incident, mara: Person) -> Task:
    """Something to do that nobody has."""
    return actions.add_task(incident, ToDo("Check the mail queue"), by=mara)


def texts(incident: Incident) -> list[str]:
    return list(Entry.objects.filter(incident=incident).order_by("pk").values_list("text", flat=True))


def test_the_timeline_keeps_who_did_what(incident: Incident, task: Task, mara: Person, bo: Person) -> None:
    actions.take_task(task, by=bo)
    actions.hand_task(task, mara, by=bo)
    actions.end_task(task, "done", by=bo, words="It was empty.")
    actions.reopen_task(task, by=mara)

    assert texts(incident) == [
        "Mara Keller wrote down: “Check the mail queue”. Nobody has it yet.",
        "Bo Silva took: “Check the mail queue”.",
        "Bo Silva gave Mara Keller: “Check the mail queue”.",
        "Bo Silva did: “Check the mail queue”. It was empty.",
        "Mara Keller opened again: “Check the mail queue”. Mara Keller has it.",
    ]


def test_of_two_who_take_it_one_has_it_and_the_other_is_told(task: Task, mara: Person, bo: Person) -> None:
    seen_by_both = Task.objects.get(pk=task.pk)
    actions.take_task(task, by=bo)
    actions.take_task(task, by=bo)

    with pytest.raises(Conflict, match="Bo Silva has it already"):
        actions.take_task(seen_by_both, by=mara)

    assert task_queries.task(task.pk).owner == bo


def test_done_by_two_is_done_once_and_dropped_after_it_is_refused(task: Task, mara: Person, bo: Person) -> None:
    for person in (mara, bo):
        assert actions.end_task(task, "done", by=person).ended_by == mara
    for late in (
        lambda: actions.end_task(task, "dropped", by=bo, words="x"),
        lambda: actions.end_task(task, "done", by=bo, words="I did it in Amsterdam, too"),  # nobody's words are dropped
        lambda: actions.take_task(task, by=bo),
    ):
        with pytest.raises(Conflict, match="Mara Keller said that this task is done"):
            late()


def test_what_is_dropped_says_why_and_what_is_written_down_has_words(
    incident: Incident, task: Task, mara: Person
) -> None:
    with pytest.raises(BadInput):
        actions.end_task(task, "dropped", by=mara)
    for text in (" ", "x" * 501):
        with pytest.raises(BadInput):
            actions.add_task(incident, ToDo(text), by=mara)


def test_open_tasks_outlast_the_room_and_can_be_done_later(incident: Incident, task: Task, mara: Person) -> None:
    actions.stand_down(incident, by=mara)
    said = texts(incident)
    actions.end_task(task, "done", by=mara)

    assert task_queries.task(task.pk).state == "done"
    assert texts(incident) == said
    with pytest.raises(Conflict):
        actions.add_task(incident, ToDo("One more"), by=mara)


def test_what_is_due_stands_first_and_forty_unfold(incident: Incident, mara: Person, browser: Browser) -> None:
    for number in range(40):
        actions.add_task(incident, ToDo(f"Host {number}"), by=mara)
    late = actions.add_task(incident, ToDo("<b>Tell support</b>", due_at=now() + timedelta(minutes=1)), by=mara)
    world.fast_forward(timedelta(minutes=2))

    shown = task_queries.in_room(incident, now())
    page = browser(mara).get(f"/incidents/{incident.pk}/").content.decode()

    assert (shown.stand[0], len(shown.stand), len(shown.more)) == (late, 5, 36)
    assert "&lt;b&gt;Tell support" in page
    assert "36 more open" in page
    assert "<b>Tell support" not in page
    assert "All 41 open tasks" in browser(mara).get(f"/incidents/{incident.pk}/close/").content.decode()


def test_a_card_for_latecomers_names_what_nobody_has(incident: Incident, task: Task, mara: Person, bo: Person) -> None:
    assert [one.text for one in catching_up.card(incident).tasks] == ["Check the mail queue"]
    actions.take_task(task, by=bo)

    card = catching_up.card(incident)

    assert card.tasks == []
    assert ("Bo Silva", "Check the mail queue") in [(told.who, told.text) for told in card.threads]


def test_the_screens_do_it_all(incident: Incident, mara: Person, bo: Person, browser: Browser) -> None:
    room, own = f"/incidents/{incident.pk}/", browser(mara)
    form = {"text": "Check the queue", "owner": "", "due": "10", "entry_key": "k1"}
    for _ in range(2):
        own.post(f"{room}tasks/", form)
    task = Task.objects.get()
    assert task.due_at is not None
    assert own.post(f"{room}tasks/", {"text": ""}).status_code == 422

    actions.take_task(task, by=bo)
    assert "Bo Silva has it already" in own.post(f"/tasks/{task.pk}/take/", follow=True).content.decode()
    own.post(f"/tasks/{task.pk}/", {"text": "Check the mail queue", "owner": mara.pk, "due": "0"})
    assert "Check the mail queue" in own.get(f"{room}close/").content.decode()
    assert "why it is not needed" in own.post(f"/tasks/{task.pk}/drop/", follow=True).content.decode()
    own.post(f"/tasks/{task.pk}/done/", {"words": "Empty"})

    task = task_queries.task(task.pk)
    assert (task.text, task.owner, task.due_at, task.words) == ("Check the mail queue", mara, None, "Empty")
    assert "Open it again" in own.get(f"/tasks/{task.pk}/").content.decode()


def test_the_same_over_rest(incident: Incident, mara: Person, bo: Person, rest: Call) -> None:
    tasks = f"/incidents/{incident.pk}/tasks"
    made = [rest(mara, "POST", tasks, {"text": "Check", "key": "a", "due_at": "2040-01-01T00:00:00Z"}) for _ in "12"]
    own = f"/tasks/{made[0]['id']}"
    assert made[0] == made[1]
    assert rest(bo, "PATCH", own, {"text": "Look"})["due_at"] == made[0]["due_at"]
    assert rest(bo, "POST", f"{own}/take")["owner"] == "Bo Silva"
    assert rest(mara, "POST", f"{own}/take") == (409, "conflict")
    assert rest(bo, "POST", f"{own}/hand", {"person_id": None})["owner"] is None
    assert rest(bo, "POST", f"{own}/end", {"state": "dropped"}) == (422, "bad_input")
    assert rest(mara, "POST", f"{own}/end", {"words": "Fine"})["ended_by"] == "Mara Keller"
    assert rest(mara, "POST", f"{own}/reopen") == rest(mara, "GET", own) == rest(bo, "GET", f"{tasks}?state=open")[0]
    assert rest(mara, "GET", "/tasks/99") == (404, "not_found")
    assert rest(mara, "GET", f"/incidents/{incident.pk}/catch-up")["tasks"] == ["Look"]


def test_one_line_of_chat_writes_down_takes_and_ends(incident: Incident, mara: Person, bo: Person) -> None:
    told = spoken_tasks.run(incident, "take the queue down", by=mara, key="c1")
    task = Task.objects.get()
    assert f"!task take {task.pk}" in told
    for line in (f"take #{task.pk}", f"done {task.pk} it was empty"):
        assert spoken_tasks.run(incident, line, by=bo, key="") == ""
    assert task_queries.task(task.pk).words == "it was empty"
    assert spoken_tasks.run(incident, "", by=bo, key="").startswith("No task is open.")
    spoken_tasks.run(incident, f"reopen {task.pk}", by=bo, key="")
    assert spoken_tasks.run(incident, "", by=bo, key="") == f"{task.pk}: take the queue down – Bo Silva"


def test_very_many_tasks_are_all_counted_and_all_reached(
    incident: Incident, mara: Person, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_queries, "MOST", 7)
    for number in range(17):
        actions.add_task(incident, actions.ToDo(f"Look at host {number:02d}"), by=mara)
    own, address = browser(mara), f"/incidents/{incident.pk}/tasks/"

    first = own.get(address).content.decode()
    assert ("12 more open" in first, "10 more come after these" in first) == (True, True)
    second = own.get(f"{address}?skip=7").content.decode()
    assert [f"host {number:02d}<" in second for number in (6, 7, 13, 14)] == [False, True, True, False]
    assert "3 more come after these" in second
    last = own.get(f"{address}?skip=14").content.decode()
    assert ("host 16<" in last, "come after these" in last) == (True, False)
    for nothing in ("999", "-1", "x" * 9):
        assert own.get(f"{address}?skip={nothing}").status_code == 200
    assert "12 more open" in own.get(f"/incidents/{incident.pk}/").content.decode()
