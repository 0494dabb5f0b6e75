import json
from collections.abc import Callable

import pytest
from django.test import Client

from raglan.people import actions
from raglan.people.models import ContactMethod, Membership, Person, SignIn, Team

pytestmark = pytest.mark.django_db
Make = Callable[..., Person]
Call = Callable[..., "tuple[int, dict[str, object]]"]


@pytest.fixture
def call() -> Call:
    """Return a function that calls REST with a fresh token of a person."""

    def do(
        person: Person | None,
        method: str,
        path: str,
        body: object = None,
        *,
        scopes: str = "read,respond,page,configure",
    ) -> tuple[int, dict[str, object]]:
        _, secret = actions.issue_token(person, name="test", scopes=scopes.split(","), days=1, actor="raglan")
        client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {secret}"})
        answer = client.generic(
            method, f"/api/v1{path}", b"" if body is None else json.dumps(body), content_type="application/json"
        )
        return answer.status_code, answer.json() if answer.content else {}

    return do


def test_no_token_a_wrong_one_and_a_session_cookie_alone(make_person: Make, sign_in: Callable[..., Client]) -> None:
    anonymous = Client(SERVER_NAME="localhost")
    assert anonymous.get("/api/v1/people").status_code == 401
    assert anonymous.get("/api/v1/people", headers={"Authorization": "Bearer rgl_x_y"}).status_code == 401
    make_person("Ike Okafor")
    strict = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    strict.cookies = sign_in(make_person(role="administrator")).cookies
    refused = strict.post("/api/v1/teams", {"name": "Web", "slug": "web"}, content_type="application/json")
    assert refused.status_code == 403
    assert not Team.objects.exists()


def test_a_scope_that_is_missing_is_named(make_person: Make, call: Call) -> None:
    status, said = call(make_person(role="manager"), "POST", "/teams", {"name": "Web", "slug": "web"}, scopes="read")
    assert (status, said["scope"]) == (403, "configure")


def test_oneself_is_changed_others_are_not(make_person: Make, call: Call) -> None:
    mara, ike = make_person(), make_person("Ike Okafor")
    assert call(mara, "PATCH", f"/people/{mara.pk}", {"theme": "dark"})[0] == 200
    assert call(mara, "PATCH", f"/people/{ike.pk}", {"theme": "dark"})[0] == 403
    mara.refresh_from_db()
    assert mara.theme == "dark"


@pytest.mark.parametrize("field", ["role", "is_active", "email", "password", "is_superuser"])
def test_no_other_field_gets_in(make_person: Make, call: Call, field: str) -> None:
    mara = make_person()
    assert call(mara, "PATCH", f"/people/{mara.pk}", {field: "administrator"})[0] == 422


def test_roles_links_and_leaving_are_for_those_above(make_person: Make, call: Call) -> None:
    boss, manager, mara = (
        make_person("Hana Lind", role="administrator"),
        make_person("Ana Reyes", role="manager"),
        make_person(),
    )
    assert call(manager, "PUT", f"/people/{mara.pk}/role", {"role": "viewer"})[0] == 403
    assert call(boss, "PUT", f"/people/{mara.pk}/role", {"role": "viewer"})[0] == 200
    assert call(manager, "POST", f"/people/{boss.pk}/invitation")[0] == 403
    assert "/invitation/" in str(call(manager, "POST", f"/people/{mara.pk}/invitation")[1]["link"])
    assert call(manager, "DELETE", f"/people/{boss.pk}")[0] == 403
    assert call(manager, "DELETE", f"/people/{mara.pk}")[0] == 204
    assert call(boss, "DELETE", f"/people/{boss.pk}")[0] == 409


def test_a_manager_gets_no_token_of_an_administrator(make_person: Make, call: Call) -> None:
    boss, manager = make_person("Hana Lind", role="administrator"), make_person(role="manager")
    wanted = {"name": "mine now", "scopes": ["configure"]}
    assert call(manager, "POST", f"/people/{boss.pk}/tokens", wanted)[0] == 403


def test_a_token_makes_none_that_can_more(make_person: Make, call: Call) -> None:
    boss = make_person(role="administrator")
    wanted = {"name": "more", "scopes": ["configure"]}
    assert call(boss, "POST", f"/people/{boss.pk}/tokens", wanted, scopes="read,respond")[0] == 422


def test_a_token_of_nobody_says_why_it_does_not_do(make_person: Make, call: Call) -> None:
    status, said = call(None, "DELETE", f"/people/{make_person().pk}")
    assert status == 403
    assert "belongs to nobody" in str(said["message"])


def test_members_come_and_go(make_person: Make, call: Call) -> None:
    manager, mara = make_person("Ana Reyes", role="manager"), make_person()
    call(manager, "POST", "/teams", {"name": "Web", "slug": "web"})
    call(manager, "POST", "/teams/web/members", {"person_id": mara.pk, "is_lead": True})
    assert Membership.objects.get().is_lead
    assert call(manager, "DELETE", f"/teams/web/members/{mara.pk}")[0] == 204
    assert call(manager, "DELETE", "/teams/none/members/1")[0] == 404
    assert not Membership.objects.exists()


def test_ways_of_others_are_closed(make_person: Make, call: Call) -> None:
    mara, ike = make_person(), make_person("Ike Okafor")
    way = ContactMethod.objects.get(person=ike)
    assert call(mara, "GET", f"/people/{ike.pk}/contact-methods")[0] == 403
    assert call(mara, "DELETE", f"/contact-methods/{way.pk}")[0] == 403
    assert call(mara, "POST", f"/contact-methods/{way.pk}/test")[0] == 403


def test_browsers_are_listed_and_ended(make_person: Make, call: Call, sign_in: Callable[..., Client]) -> None:
    mara = make_person()
    browser = sign_in(mara)
    noted = SignIn.objects.get()
    assert call(make_person("Ike Okafor"), "DELETE", f"/browsers/{noted.pk}")[0] == 403
    assert len(call(mara, "GET", f"/people/{mara.pk}/browsers")[1]) == 1
    assert call(mara, "DELETE", f"/browsers/{noted.pk}")[0] == 204
    assert browser.get("/you/").status_code == 302
