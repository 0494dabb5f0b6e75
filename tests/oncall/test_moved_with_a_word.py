"""Whoever moves the time of others says why, and everybody whose time moves hears of it."""

import pytest
from django.test import Client

from raglan.core.models import Event
from raglan.oncall import actions, queries
from raglan.oncall.models import Override
from raglan.people.models import Person
from tests.oncall.builders import DAY, HOUR, MONDAY, cover, rota
from tests.oncall.test_covers_and_notices import mails
from tests.oncall.test_rest import Api, Json

SCOPES = ["read", "respond"]
TIMES: Json = {"starts_at": "2026-11-24T00:00:00Z", "ends_at": "2026-11-24T02:00:00Z"}
OVERRIDES = "/schedules/web/overrides"


@pytest.mark.parametrize("kind", ["replace_everybody", "add", "remove"])
def test_to_put_somebody_else_on_call_or_out_needs_a_reason(
    mara: Person, ike: Person, rowan: Person, kind: str
) -> None:
    rota(mara)
    api = Api(rowan, SCOPES)
    body: Json = {"person_id": mara.pk if kind == "remove" else ike.pk, "kind": kind, **TIMES}
    status, problem = api.send("post", OVERRIDES, body)
    assert (status, problem["field"]) == (400, "reason")
    assert not Override.objects.exists()
    assert api.send("post", OVERRIDES, {**body, "reason": "Mara is ill"})[0] == 201


def test_whoever_gives_their_own_time_to_another_says_why(mara: Person, ike: Person) -> None:
    rota(mara)
    body: Json = {"person_id": ike.pk, "kind": "replace_one", "instead_of_id": mara.pk, **TIMES}
    assert Api(mara, SCOPES).send("post", OVERRIDES, body)[1]["field"] == "reason"


def test_both_who_comes_and_who_goes_get_a_mail(mara: Person, ike: Person, rowan: Person) -> None:
    rota(mara)
    body: Json = {"person_id": ike.pk, "reason": "Mara is ill", **TIMES}
    assert Api(rowan, SCOPES).send("post", OVERRIDES, body)[0] == 201
    assert mails() == [
        (ike.email, "Web: you are on call, by Rowan Ellis"),
        (mara.email, "Web: Ike Okafor stands in for you, by Rowan Ellis"),
    ]


def test_whoever_takes_a_time_needs_no_reason_and_the_other_hears(mara: Person, ike: Person) -> None:
    rota(mara)
    assert Api(ike, SCOPES).send("post", OVERRIDES, {"person_id": ike.pk, **TIMES})[0] == 201
    assert mails() == [(mara.email, "Web: Ike Okafor stands in for you")]


def test_to_end_the_cover_of_others_needs_a_reason_and_both_hear(mara: Person, ike: Person, rowan: Person) -> None:
    item = cover(rota(mara), ike, MONDAY + DAY, MONDAY + 2 * DAY)
    before = len(mails())
    api = Api(rowan, SCOPES)
    status, problem = api.send("delete", f"{OVERRIDES}/{item.pk}")
    assert (status, problem["field"]) == (400, "reason")
    assert queries.who("web", MONDAY + DAY).people == (ike,)
    assert api.send("delete", f"{OVERRIDES}/{item.pk}?reason=Mara+is+back%00")[0] == 204
    assert mails()[before:] == [
        (mara.email, "Web: you are on call, by Rowan Ellis"),
        (ike.email, "Web: you are not on call, by Rowan Ellis"),
    ]
    assert Event.objects.get(kind="schedule.override_cancelled").data["reason"] == "Mara is back\ufffd"
    assert api.send("delete", f"{OVERRIDES}/{item.pk}")[0] == 204
    assert len(mails()) == before + 2


def test_whoever_takes_their_own_time_back_needs_no_reason(mara: Person, ike: Person) -> None:
    item = cover(rota(mara), ike, MONDAY + DAY, MONDAY + 2 * DAY)
    before = len(mails())
    assert Api(mara, SCOPES).send("delete", f"{OVERRIDES}/{item.pk}")[0] == 204
    assert mails()[before:] == [(ike.email, "Web: you are not on call, by Mara Novak")]


def test_whoever_gives_a_cover_back_says_why_to_the_one_who_has_the_pager_again(mara: Person, ike: Person) -> None:
    item = cover(rota(mara), ike, MONDAY + DAY, MONDAY + 2 * DAY)
    assert Api(ike, SCOPES).send("delete", f"{OVERRIDES}/{item.pk}")[1]["field"] == "reason"


def test_nobody_hears_of_what_moves_nothing(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(mara)
    idle = actions.OverrideDraft(ike, MONDAY, MONDAY + HOUR, "", Override.Kind.REPLACE_ONE, rowan)
    item = actions.add_override(web, idle, by=ike)
    assert Api(mara, SCOPES).send("delete", f"{OVERRIDES}/{item.pk}")[0] == 204
    assert mails() == []


def test_a_program_says_why_too(mara: Person, ike: Person) -> None:
    rota(mara)
    api = Api(None, SCOPES)
    assert api.send("post", OVERRIDES, {"person_id": ike.pk, **TIMES})[1]["field"] == "reason"
    assert api.send("post", OVERRIDES, {"person_id": ike.pk, "reason": "planned", **TIMES})[0] == 201


def test_the_screen_asks_why_and_keeps_what_was_typed(mara: Person, ike: Person, rowan: Person) -> None:
    item = cover(rota(mara), ike, MONDAY + DAY, MONDAY + 2 * DAY)
    client = Client()
    client.force_login(rowan)
    path = f"/on-call/web/cover/{item.pk}/cancel/"
    asked = client.post(path)
    assert (asked.status_code, "It moves the time of others" in asked.content.decode()) == (200, True)
    empty = client.post(path, {"reason": " "})
    assert (empty.status_code, "Say why, since it is the time of others." in empty.content.decode()) == (422, True)
    long = client.post(path, {"reason": "x" * 201})
    assert (long.status_code, "x" * 201 in long.content.decode()) == (422, True)
    assert client.post(path, {"reason": "Mara is back"}).status_code == 302
    assert queries.who("web", MONDAY + DAY).people == (mara,)


def test_the_form_to_cover_asks_why_and_keeps_what_was_typed(mara: Person, ike: Person, rowan: Person) -> None:
    rota(mara)
    client = Client()
    client.force_login(rowan)
    fields = {"person": str(ike.pk), "starts_at": "2026-11-24T00:00", "ends_at": "2026-11-24T02:00", "reason": ""}
    answer = client.post("/on-call/web/cover/", fields)
    assert (answer.status_code, "Say why, since it is the time of others." in answer.content.decode()) == (422, True)
    assert answer.context["form"]["person"].value() == str(ike.pk)
