"""Who brought a chat in, let it go on and took it out, and how many lines each word of it tells of."""

import json
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from raglan.chat import importing
from raglan.chat.models import ChatImport
from raglan.core import bus, timeline
from raglan.core import timers as core_timers
from raglan.core.models import Event
from raglan.incidents import actions as incidents
from raglan.incidents.models import Incident
from raglan.people import actions as people
from raglan.people.access import Scope
from raglan.people.models import Person
from raglan.testing import world
from tests.chat.test_whole_imports import lines

pytestmark = pytest.mark.django_db
State = ChatImport.State


def told(kind: str) -> list[tuple[object, object, str]]:
    found = Event.objects.filter(kind=kind).order_by("pk")
    return [(event.data["lines"], event.data["person"], event.actor) for event in found]


def stopped(incident: Incident, by: Person) -> ChatImport:
    made = importing.bring_in(incident, lines(400), by=by).chat_import
    assert made is not None
    core_timers.fire_due(1)
    incidents.stand_down(incident, by=by)
    world.fire_all()
    incidents.reopen(incident, by=by, why="for its chat")
    made.refresh_from_db()
    assert made.state == State.STOPPED
    return made


def test_who_lets_it_go_on_and_who_takes_it_out_do_not_become_who_brought_it(
    client: Client, incident: Incident, bo: Person, mara: Person
) -> None:
    made = stopped(incident, mara)
    client.force_login(bo)
    client.post(f"/chat-imports/{made.pk}/act/", {"do": "bring-in"})
    world.fire_all()
    assert told("chat.imported") == [(400, bo.pk, timeline.ref(bo))]
    client.post(f"/chat-imports/{made.pk}/act/", {"do": "take-out"})
    world.fire_all()
    assert told("chat.import_undone") == [(400, bo.pk, timeline.ref(bo))]
    found = client.get(f"/api/v1/chat-imports/{made.pk}").json()
    assert (found["state"], found["by"], found["out_by"]) == ("gone", mara.name, bo.name)
    shown = client.get(f"/chat-imports/{made.pk}/").content.decode()
    assert f"Brought by {mara.name}" in shown
    assert f"Taken out by {bo.name}" in shown


def test_a_token_of_nobody_lets_nothing_go_on(client: Client, incident: Incident, mara: Person) -> None:
    made = stopped(incident, mara)
    _, secret = people.issue_token(None, name="ci", scopes=[Scope.READ, Scope.RESPOND], days=1, actor="raglan")
    headers = {"Authorization": f"Bearer {secret}"}
    path = f"/api/v1/chat-imports/{made.pk}/go-on"
    assert client.post(path, json.dumps({}), content_type="application/json", headers=headers).status_code == 403
    made.refresh_from_db()
    assert made.state == State.STOPPED


def test_what_has_nothing_left_to_bring_in_is_a_conflict_over_rest(
    client: Client, incident: Incident, bo: Person
) -> None:
    made = importing.bring_in(incident, lines(2), by=bo).chat_import
    assert made is not None
    client.force_login(bo)

    def go_on() -> tuple[int, str]:
        answer = client.post(f"/api/v1/chat-imports/{made.pk}/go-on", "{}", content_type="application/json")
        return answer.status_code, answer.json()["message"]

    assert go_on() == (409, "All lines of this import are in the timeline already.")
    ChatImport.objects.filter(pk=made.pk).update(state=State.LEAVING)
    leaves = "This import is being taken out. Wait until it is out, then bring the chat in anew."
    assert go_on() == (409, leaves)
    ChatImport.objects.filter(pk=made.pk).update(state=State.THERE)
    importing.take_out(made, by=bo)
    assert go_on() == (409, "This import was taken out. Bring the chat in anew.")


def test_each_portion_tells_of_its_own_lines(incident: Incident, bo: Person, mara: Person) -> None:
    first = importing.bring_in(incident, lines(10), by=bo).chat_import
    importing.bring_in(incident, lines(25)[10:], by=mara, after=first)
    importing.bring_in(incident, lines(25)[5:], by=mara, after=first)
    assert told("chat.imported") == [(10, bo.pk, timeline.ref(bo)), (15, mara.pk, timeline.ref(mara))]


def test_the_page_of_one_whose_lines_all_became_known_meanwhile_hears_of_its_end(
    incident: Incident, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = importing.bring_in(incident, lines(350), by=bo).chat_import
    for start in (0, 300):
        importing.bring_in(incident, lines(350)[start : start + 300], by=bo)
    heard = list[tuple[str, ...]]()
    monkeypatch.setattr(bus, "publish", lambda topics, number: heard.append(tuple(topics)))
    world.fire_all()
    assert long is not None
    long.refresh_from_db()
    assert (long.new, long.known, long.state) == (0, 350, State.THERE)
    assert (timeline.ref(incident),) in heard


def test_of_imports_that_arrived_before_it_was_counted_all_lines_were_told(incident: Incident, bo: Person) -> None:
    made = importing.bring_in(incident, lines(10), by=bo).chat_import
    ChatImport.objects.update(told=0)
    migration = import_module("raglan.chat.migrations.0007_told_of_imports")
    migration.know_what_was_told(apps, SimpleNamespace(connection=connection))
    importing.bring_in(incident, lines(12), by=bo, after=made)
    assert [number for number, _, _ in told("chat.imported")] == [10, 2]
