"""Nodes of an older version, which know no rooms in chat as steps of policies, meet what newer ones store."""

import pytest

from raglan.chat import actions, queries, sending
from raglan.chat.models import Post, Workspace
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


def taken_there(chat: Workspace) -> list[str]:
    """What an older node that holds the lease sends next."""
    found = Post.objects.filter(room__workspace=chat, state="waiting").exclude(room__incident__is_private=True)
    return [post.key for post in found.exclude(room__external_id="").order_by("pk")]


def test_an_older_node_sends_no_line_that_waits_for_its_claim(
    chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    policy = told(chat, mara, bo)
    world.fire_all()
    send(chat)  # the room is entered
    world.page(policy)
    world.fire_all()
    assert taken_there(chat) == []
    assert not queries.is_idle(chat)
    assert queries.waiting_in_all() == queries.workspaces_with_counts().get().waiting == 1

    there.is_away = True
    with pytest.raises(sending.DeliveryError):
        send(chat)  # its words are written now, and it waits on
    assert taken_there(chat) == []

    there.is_away = False
    send(chat)
    assert len(there.rooms[ROOM]) == 1
    assert queries.is_idle(chat)


def test_what_was_given_up_in_a_room_does_not_wait_again_when_the_connection_changes(
    chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    there.refused.add(ROOM)
    world.page(told(chat, mara, bo))
    send(chat)
    draft = actions.Draft("Team chat", {"url": "https://chat.example.test", "token": "new"})
    actions.change(chat, draft, actor="raglan")
    assert taken_there(chat) == []
    assert queries.waiting_in_all() == 0


def test_a_line_that_waits_as_it_did_before_is_sent_as_well(
    chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    world.page(told(chat, mara, bo))
    world.fire_all()
    Post.objects.update(state=Post.State.WAITING)
    send(chat)
    assert "“Apache is not running on web-014”" in there.rooms[ROOM][0]
