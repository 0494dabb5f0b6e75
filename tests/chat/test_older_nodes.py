"""Nodes of an older version, which know no rooms in chat as steps of policies, meet what newer ones store."""

import pytest

from raglan.chat.models import Workspace
from raglan.paging import actions as paging
from raglan.paging import queries as pages
from raglan.paging.models import ChatCall, Page
from raglan.paging.plan import Plan, Target
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send
from tests.chat.test_pages_in_rooms import ROOM, told

pytestmark = pytest.mark.django_db
Stored = dict[str, object]


def asked_there(stored: Stored) -> list[str]:
    """Whom an older node asks by a target: what it does not know is a person to it."""
    known = stored["type"] in ("schedule", "team", "webhook")
    return [] if known else [person.name for person in Person.objects.filter(is_active=True, pk=stored["id"])]


def written_there(page: Page) -> Stored:
    """What is left of a page's plan once an older node has stored it anew."""
    steps = [
        {**step.as_json(), "targets": [{"type": one.type, "id": one.as_json()["id"]} for one in step.targets]}
        for step in Plan.from_json(page.plan).steps
    ]
    return {**page.plan, "steps": steps}


def test_an_older_node_asks_nobody_in_place_of_a_room(mara: Person) -> None:
    person, room = Target("person", mara.pk), Target("chat", mara.pk, room=ROOM)  # the same number
    assert (asked_there(person.as_json()), asked_there(room.as_json())) == (["Mara Keller"], [])


def test_a_plan_is_read_as_it_was_written(chat: Workspace, mara: Person) -> None:
    plan = pages.plan_of(told(chat, mara))
    read = Plan.from_json(dict(plan.as_json()))
    assert read == plan
    assert read.steps[0].targets[1] == Target("chat", chat.pk, room=ROOM)


def test_the_number_may_stand_where_ids_do() -> None:
    stored = {"type": "chat", "id": 7, "room": ROOM}  # as it was stored before
    assert Target.from_json(stored) == Target("chat", 7, room=ROOM)


def test_a_plan_that_an_older_node_stored_anew_asks_its_people_and_says_that_no_room_is_told(
    chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    started = world.page(told(chat, mara, bo))
    send(chat)
    started.plan = {**written_there(started), "first_round": 1}
    started.round, started.step, started.next_step_at = 1, -1, None
    started.save()

    paging.escalate(started.pk)
    world.fire_all()
    send(chat)

    assert started.reached.filter(round=1).get().person == mara
    assert ChatCall.objects.latest("pk").error == "the chat can not be told: it is not connected any more"
    assert len(there.rooms[ROOM]) == 1
