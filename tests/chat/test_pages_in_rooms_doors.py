"""Rooms in chat at the doors: REST, the editor of policies, the screens of a page and of readiness."""

import json
from typing import Any

import pytest
from django.test import Client

from raglan.chat import actions
from raglan.chat.models import Workspace
from raglan.paging import actions as paging
from raglan.paging.models import Page, Policy
from raglan.paging.plan import Target
from raglan.paging.queries import plan_of
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send

pytestmark = pytest.mark.django_db
ROOM = "#operations"


@pytest.fixture
def boss(outbox: world.Outbox) -> Person:
    """Whoever sets up."""
    return world.person("Mo Boss", role="administrator")


@pytest.fixture
def admin(boss: Person, client: Client) -> Client:
    client.force_login(boss)
    return client


def call(by: Person, method: str, path: str, body: object = None) -> tuple[int, Any]:
    scopes = ["read", "respond", "page", "configure"]
    _, secret = world.people.issue_token(by, name="t", scopes=scopes, days=1, actor="raglan")
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {secret}"})
    sent = b"" if body is None else json.dumps(body)
    answer = client.generic(method, f"/api/v1{path}", sent, content_type="application/json")
    return answer.status_code, answer.json()


def body(boss: Person, *told: dict[str, object], alone: bool = False) -> dict[str, object]:
    targets: list[dict[str, object]] = [*([] if alone else [{"type": "person", "id": boss.pk}]), *told]
    return {"name": "Web", "slug": "web", "steps": [{"wait_s": 60, "targets": targets}]}


def test_a_policy_with_a_room_comes_back_as_it_was_sent(chat: Workspace, boss: Person) -> None:
    target = {"type": "chat", "id": chat.pk, "room": ROOM}
    status, made = call(boss, "POST", "/policies", body(boss, target))
    assert status == 201
    assert made["steps"][0]["targets"][1] == target
    assert made["words"][0] == "At once: Mo Boss and the room #operations in Team chat."
    (version,) = call(boss, "GET", "/policies/web/versions")[1]
    assert version["steps"][0]["targets"][1] == target


@pytest.mark.parametrize(
    ("wrong", "alone", "field"),
    [
        ({"room": ROOM}, False, "steps[0].targets[1].id"),
        ({"id": "team-chat", "room": ROOM}, False, "steps[0].targets[1].id"),
        ({"id": 999_999, "room": ROOM}, False, "steps[0].targets[1].id"),
        ({"id": 0}, False, "steps[0].targets[1].room"),
        ({"id": 0, "room": " "}, False, "steps[0].targets[1].room"),
        ({"id": 0, "room": "x" * 121}, False, "steps[0].targets[1].room"),
        ({"id": 0, "room": ROOM}, True, "steps"),
    ],
)
def test_what_can_not_be_is_refused_with_its_place(
    chat: Workspace, boss: Person, wrong: dict[str, object], alone: bool, field: str
) -> None:
    target = {"type": "chat", **wrong, **({"id": chat.pk} if wrong.get("id") == 0 else {})}
    status, said = call(boss, "POST", "/policies", body(boss, target, alone=alone))
    assert status in (400, 422)
    assert said["field"] == field


def test_a_chat_that_ended_is_a_warning_of_the_policy(chat: Workspace, boss: Person) -> None:
    call(boss, "POST", "/policies", body(boss, {"type": "chat", "id": chat.pk, "room": ROOM}))
    actions.end(chat, actor="raglan")
    assert (
        "Step 1 tells the room #operations in a chat that is gone, which can not be told: it is not connected any more."
        in call(boss, "GET", "/policies/web")[1]["warnings"]
    )


@pytest.fixture
def page(chat: Workspace, boss: Person, there: memory.There) -> Page:
    there.refused.add(ROOM)
    targets = (world.target(boss), Target("chat", chat.pk, room=ROOM), Target("chat", chat.pk, room="#other"))
    started = world.page(world.policy_of(paging.StepDraft(300, targets), slug="web"))
    send(chat)
    return started


def test_a_page_says_which_room_was_told_and_why_another_was_not(page: Page, boss: Person, admin: Client) -> None:
    first, second = call(boss, "GET", f"/pages/{page.pk}")[1]["told"]
    assert (first["type"], first["room"], first["state"], first["error"]) == (
        "chat",
        ROOM,
        "failed",
        "there is no such room",
    )
    assert (second["room"], second["state"], second["handed_over_at"] is None) == ("#other", "handed_over", False)

    html = admin.get(f"/pages/{page.pk}/").content.decode()
    assert "in Team chat, step 1: could not be handed over: there is no such room" in html
    assert "in Team chat, step 1: told" in html


def test_a_page_says_why_a_room_was_not_told_yet_and_the_chat_which_rooms_policies_tell(
    chat: Workspace, boss: Person, admin: Client
) -> None:
    targets = (world.target(boss), Target("chat", chat.pk, room=ROOM))
    started = world.page(world.policy_of(paging.StepDraft(300, targets), slug="web"))
    assert "waits to be told" in admin.get(f"/pages/{started.pk}/").content.decode()

    actions.note_away(chat, "nobody answers")
    html = admin.get(f"/pages/{started.pk}/").content.decode()
    assert "Team chat does not answer: nobody answers; it is tried again" in html
    assert "policies tell #operations" in admin.get("/chat/").content.decode()


def test_a_page_lists_its_programs_too(boss: Person) -> None:
    hook = Target("webhook", 0, "https://hooks.example.test/x")
    started = world.page(world.policy_of(paging.StepDraft(300, (world.target(boss), hook))))
    (told,) = call(boss, "GET", f"/pages/{started.pk}")[1]["told"]
    assert (told["type"], told["url"], told["chat_id"]) == ("webhook", "https://hooks.example.test/x", None)


def test_readiness_names_a_room_that_can_not_be_told(page: Page, admin: Client) -> None:
    html = admin.get("/readiness/").content.decode()
    assert "Web tells a room in chat that can not be told." in html
    assert "The room #operations in Team chat (there is no such room). People are paged as ever." in html


def typed(boss: Person, **more: str) -> dict[str, str]:
    first = {"target_1": f"person:{boss.pk}", "wait_1": "5"}
    return {"name": "Web", "slug": "web", "repeat": "0", "when_nobody": "next_step", "overrule": "x", **first, **more}


def test_the_editor_offers_rooms_shows_them_in_words_and_keeps_them(
    chat: Workspace, boss: Person, admin: Client
) -> None:
    form = typed(boss, chat_1=str(chat.pk), room_1=f" {ROOM} ")
    html = admin.post("/setup/policies/", form | {"preview": "1"}).content.decode()
    assert "At once: Mo Boss and the room #operations in Team chat." in html

    assert admin.post("/setup/policies/", form).status_code == 302
    policy = Policy.objects.get(slug="web")
    assert plan_of(policy).steps[0].targets[1] == Target("chat", chat.pk, room=ROOM)

    html = admin.get("/setup/policies/web/").content.decode()
    assert f'value="{ROOM}"' in html
    assert f'<option value="{chat.pk}" selected>Team chat (Memory)</option>' in html
    assert admin.post("/setup/policies/web/", form | {"seen_version": "1"}).status_code == 302
    assert plan_of(Policy.objects.get(slug="web")).steps[0].targets[1].room == ROOM


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"chat_1": "CHAT", "room_1": ""}, "room_1"),
        ({"chat_1": "", "room_1": ROOM}, "chat_1"),
        ({"chat_1": "CHAT", "room_1": ROOM, "target_1": "", "target_2": ""}, "target_1"),
    ],
)
def test_the_editor_says_at_the_field_what_is_missing(
    chat: Workspace, boss: Person, admin: Client, more: dict[str, str], place: str
) -> None:
    given = {name: value.replace("CHAT", str(chat.pk)) for name, value in more.items()}
    answer = admin.post("/setup/policies/", typed(boss, **given))
    assert answer.status_code == 422
    assert f'id="id_{place}_error"' in answer.content.decode()


def test_the_editor_keeps_a_room_of_a_chat_that_is_gone_in_sight(chat: Workspace, boss: Person, admin: Client) -> None:
    admin.post("/setup/policies/", typed(boss, chat_1=str(chat.pk), room_1=ROOM))
    actions.end(chat, actor="raglan")

    html = admin.get("/setup/policies/web/").content.decode()
    assert "a chat that is gone" in html

    form = typed(boss, chat_1=str(chat.pk), room_1=ROOM, seen_version="1")
    answer = admin.post("/setup/policies/web/", form)
    assert answer.status_code == 422
    assert "there is no such chat" in answer.content.decode()
    assert admin.post("/setup/policies/web/", typed(boss, seen_version="1")).status_code == 302


def test_without_any_chat_the_editor_says_nothing_of_it(admin: Client) -> None:
    assert "chat_1" not in admin.get("/setup/policies/").content.decode()
