"""A turn order with somebody whom no page would reach is saved only with a reason, through every door."""

import pytest

from raglan.core.models import Event
from raglan.oncall import code_out, gate, importing, queries
from raglan.oncall.models import Layer, Rotation, Schedule
from raglan.paging import readiness
from raglan.people.models import Person
from tests.oncall.builders import rota
from tests.oncall.test_covers_and_notices import mails
from tests.oncall.test_rest import Api, schedule_body
from tests.oncall.test_screens import hidden, new_rota, signed_in, text_of

WHY = "She gets her phone on Friday"


@pytest.fixture
def silent(ike: Person) -> Person:
    """Ike without any way to be reached."""
    ike.contact_methods.all().delete()
    return ike


def reasons() -> list[object]:
    return list(
        Event.objects.filter(kind="schedule.readiness_overruled").order_by("pk").values_list("data__reason", flat=True)
    )


def test_over_rest_a_new_rota_and_another_turn_order_need_a_reason(mara: Person, silent: Person) -> None:
    api = Api(None, ["read", "configure"])
    body = schedule_body(mara, silent)
    status, problem = api.send("post", "/schedules", body)
    assert (status, problem["code"]) == (409, "not_ready")
    assert problem["people"] == [{"person_id": silent.pk, "problems": ["no_way"]}]
    assert "Ike Okafor: no way to be reached is set up" in str(problem["message"])
    assert not Schedule.objects.exists()
    rotation = body["rotation"]
    assert isinstance(rotation, dict)
    again = {**body, "rotation": {**rotation, "overrule": WHY}}
    assert api.send("post", "/schedules", again)[0] == 201
    layer = {**rotation, "layer": "Nights"}
    assert api.send("put", "/schedules/web/rotation", layer)[0] == 409
    assert (Rotation.objects.count(), Layer.objects.count()) == (1, 0)
    assert api.send("put", "/schedules/web/rotation", {**layer, "overrule": WHY})[0] == 200
    assert reasons() == [WHY, WHY]


def test_the_preview_names_them_and_the_save_asks_for_a_reason_that_is_shown(
    boss: Person, mara: Person, silent: Person
) -> None:
    client = signed_in(boss)
    first = client.post("/on-call/new/", {**new_rota(), "do": "look"})
    assert "Ike Okafor: no way to be reached is set up." in text_of(first)
    wanted = {**new_rota(), "do": "save", "seen": hidden(first, "seen")}
    refused = client.post("/on-call/new/", wanted)
    assert (refused.status_code, Schedule.objects.exists()) == (422, False)
    assert "Put it right first, or write why it is saved all the same." in text_of(refused)
    assert client.post("/on-call/new/", {**wanted, "overrule": WHY}).status_code == 302
    words = text_of(client.get("/on-call/payments/"))
    assert f"Saved all the same by Hana Lind, 12:00: {WHY}" in words
    again = client.post("/on-call/payments/rotation/", {**new_rota(participants="Ike Okafor"), "do": "look"})
    saved = {**new_rota(participants="Ike Okafor"), "do": "save", "seen": hidden(again, "seen")}
    assert client.post("/on-call/payments/rotation/", saved).status_code == 422
    assert client.post("/on-call/payments/rotation/", {**saved, "overrule": WHY}).status_code == 302
    assert reasons() == [WHY, WHY]


def test_when_they_can_be_reached_nothing_is_asked_or_shown(boss: Person, mara: Person, ike: Person) -> None:
    rota(mara, ike)
    words = text_of(signed_in(boss).get("/on-call/web/"))
    assert "No page would reach them" not in words
    assert "although" not in text_of(signed_in(boss).post("/on-call/new/", new_rota()))


def test_an_import_is_refused_as_a_whole_and_a_plan_names_them(mara: Person, silent: Person) -> None:
    web = rota(mara)
    text = code_out.write(importing.document_of(queries.schedule("web"), with_addresses=True))
    text = text.replace(mara.email, f"[{mara.email}, {silent.email}]")
    api = Api(None, ["read", "configure"])
    status, planned = api.send("post", "/on-call/plan", {"text": text})
    assert (status, planned["unready"]) == (200, ["Ike Okafor: no way to be reached is set up"])
    assert api.send("post", "/on-call/import", {"text": text})[0] == 409
    assert web.rotations.count() == 1
    assert api.send("post", "/on-call/import", {"text": text, "overrule": WHY})[0] == 200
    assert (web.rotations.count(), reasons()) == (2, [WHY])
    assert api.send("post", "/on-call/import", {"text": text}) == (200, {"schedule": "web", "steps": []})


def test_who_can_not_be_reached_gets_a_mail_where_they_sign_in(mara: Person, silent: Person, boss: Person) -> None:
    rota(mara)
    body = {"participants": [silent.pk], "starts_on": "2026-11-23", "overrule": WHY}
    assert Api(boss, ["read", "configure"]).send("put", "/schedules/web/rotation", body)[0] == 200
    readiness.look(all_members=True)
    assert mails().count((silent.email, "You may be paged and can not be reached")) == 1
    found = gate.last_overruled(Schedule.objects.get())
    assert found is not None
    assert (found.by, found.reason) == ("Hana Lind", WHY)
