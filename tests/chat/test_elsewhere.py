"""An incident that happened elsewhere is made for its chat: as of when it began and ended, and nobody is called."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.test import Client

from raglan.chat import elsewhere, exported, importing
from raglan.chat.models import Room, Workspace
from raglan.cli import client as over_rest
from raglan.cli.chat import chat as command
from raglan.core.errors import BadInput, Conflict
from raglan.incidents.models import Entry, Incident, Responder
from raglan.people.models import Person
from raglan.testing import world
from tests.chat.test_importing import yes_to

pytestmark = pytest.mark.django_db
TEXT = "2026-05-04 14:02 Rowan: it is mine\n2026-05-04 15:30 Jun: it is over\n"
FIRST, LAST = datetime(2026, 5, 4, 14, 2, tzinfo=UTC), datetime(2026, 5, 4, 15, 30, tzinfo=UTC)


def lines() -> list[exported.Told]:
    return list(exported.read(TEXT, exported.Reading()).lines)


def test_it_began_with_the_first_line_and_ended_with_the_last(chat: Workspace, bo: Person) -> None:
    past = elsewhere.Past("Apache was down", is_near_miss=True)
    made, brought = elsewhere.bring_in(past, lines(), by=bo)
    again, nothing = elsewhere.bring_in(past, lines(), by=bo)
    world.fire_all()
    made.refresh_from_db()
    assert (made.declared_at, made.closed_at, made.state, made.kind) == (FIRST, LAST, "closed", "near_miss")
    assert (again.pk, brought.new, nothing.new, nothing.known) == (made.pk, 2, 0, 2)
    said = Entry.objects.filter(incident=made, kind=Entry.Kind.NOTE).order_by("at")
    assert [(one.author_words, one.at) for one in said] == [("Rowan", FIRST), ("Jun", LAST)]
    assert not Room.objects.filter(incident=made).exists()


def test_what_was_taken_out_is_not_said_to_be_there_and_its_incident_is_named(chat: Workspace, bo: Person) -> None:
    past = elsewhere.Past("Apache was down")
    made, brought = elsewhere.bring_in(past, lines(), by=bo)
    assert brought.chat_import is not None
    importing.take_out(brought.chat_import, by=bo)
    for _ in ("while it leaves", "when it is out"):
        with pytest.raises(Conflict, match=f"Incident {made.pk}, “Apache was down”, is closed"):
            elsewhere.bring_in(past, lines(), by=bo)
        world.fire_all()
    looked_at = elsewhere.look_at(past, exported.read(TEXT, exported.Reading()), by=bo)
    with pytest.raises(Conflict, match=f"Incident {made.pk}, “Apache was down”, is closed"):
        importing.begin(looked_at, by=bo, make=elsewhere.make)


def test_it_may_have_begun_before_and_stay_open(chat: Workspace, bo: Person) -> None:
    began = datetime(2026, 5, 4, 13, 0, tzinfo=UTC)
    made, _ = elsewhere.bring_in(elsewhere.Past("Apache was down", began, closes=False), lines(), by=bo)
    world.fire_all()
    assert (made.declared_at, made.state) == (began, "open")
    assert not Room.objects.filter(incident=made).exists()
    assert not Responder.objects.filter(incident=made).exists()
    for wrong in (elsewhere.Past("x", datetime(2199, 1, 1, tzinfo=UTC)), elsewhere.Past(" ")):
        with pytest.raises(BadInput):
            elsewhere.bring_in(wrong, lines(), by=bo)
    assert Incident.objects.count() == 1


def test_the_screen_shows_first_and_makes_it_at_the_second_button(client: Client, bo: Person) -> None:
    client.force_login(bo)
    path = "/incidents/chat/import/"
    fields = {"text": TEXT, "kind": "auto", "zone": "Europe/Berlin", "title": "Apache was down", "closes": "on"}
    assert "Make the incident with 2 lines" in client.post(path, fields).content.decode()
    assert not Incident.objects.exists()
    fields["began_at"] = "2026-05-04T13:50"
    shown = client.post(path, fields).content.decode()
    answered = client.post(yes_to(shown))
    assert client.post(yes_to(shown))["Location"] == answered["Location"]  # pressed twice
    made = Incident.objects.get()
    assert answered["Location"] == f"/incidents/{made.pk}/"
    assert made.declared_at == datetime(2026, 5, 4, 11, 50, tzinfo=UTC)
    assert client.get("/incidents/").content.decode().count(path) == 1


def test_rest_and_the_command_make_it(
    client: Client, bo: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(bo)
    monkeypatch.setattr("raglan.cli.chat.AT_ONCE", 1)  # so that there are several portions
    headers = {"X-CSRFToken": "no check in this client"}

    def send(path: str, body: object) -> dict[str, object]:
        answered = client.post(f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=headers)
        assert answered.status_code == 200, answered.content
        return dict(answered.json())

    monkeypatch.setattr(over_rest, "post", send)
    (tmp_path / "chat.txt").write_text(TEXT)
    words = ["import", str(tmp_path / "chat.txt"), "--new", "Apache was down"]
    result = CliRunner().invoke(command, words)
    made = Incident.objects.get()
    assert "again.\n2 lines came in: http" in result.output
    assert (made.declared_at, made.closed_at) == (FIRST, LAST)
    assert CliRunner().invoke(command, [*words, "--incident", "7"]).exit_code == 2


def test_a_beginning_before_all_years_is_refused(client: Client, bo: Person) -> None:
    client.force_login(bo)
    body = {"text": TEXT, "title": "Apache was down", "began_at": "0001-01-01T00:00:00+14:00"}
    answered = client.post("/api/v1/chat-import", json.dumps(body), content_type="application/json")
    assert answered.status_code == 422, answered.content


@pytest.mark.parametrize("other", ["an incident of here", "one with another title"])
def test_a_further_portion_for_an_import_of_another_incident_is_refused(
    client: Client, incident: Incident, bo: Person, other: str
) -> None:
    client.force_login(bo)
    if other == "an incident of here":
        made = importing.bring_in(incident, lines()[:1], by=bo).chat_import
    else:
        past = elsewhere.Past("Apache was down", closes=False)
        made = elsewhere.bring_in(past, lines()[:1], by=bo)[1].chat_import
    assert made is not None
    before = Incident.objects.count()
    body = {"text": TEXT, "title": "DNS was down", "began_at": FIRST.isoformat(), "import_id": made.pk}
    answered = client.post("/api/v1/chat-import", json.dumps(body), content_type="application/json")
    assert (answered.status_code, answered.json()["field"]) == (422, "import_id"), answered.content
    assert Incident.objects.count() == before
    assert not Entry.objects.filter(text="it is over").exists()
