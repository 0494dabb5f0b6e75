"""A token can not do, or make, more than it is."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.clock import now
from raglan.people import actions
from raglan.people.models import ApiToken, Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Person:
    return actions.add_person(email="ada@example.test", name="Ada", role="administrator", actor="raglan")


@pytest.fixture
def mara(ada: Person) -> Person:
    return actions.add_person(email="mara@example.test", name="Mara Novak", actor=ada)


@pytest.fixture
def hana(ada: Person) -> Person:
    return actions.add_person(email="hana@example.test", name="Hana Lind", role="manager", actor=ada)


def call(person: Person, scopes: list[str], method: str, path: str, body: object = None, *, days: int = 9):
    secret = actions.issue_token(person, name="t", scopes=scopes, days=days, actor=person)[1]
    data = json.dumps(body) if body is not None else ""
    return Client().generic(
        method, f"/api/v1{path}", data, content_type="application/json", headers={"Authorization": f"Bearer {secret}"}
    )


def test_a_token_that_may_only_read_adds_no_way_to_be_reached(mara: Person) -> None:
    body = {"kind": "email", "address": "elsewhere@example.test"}
    assert call(mara, ["read"], "POST", f"/people/{mara.pk}/contact-methods", body).status_code == 403
    assert mara.contact_methods.count() == 1


def test_a_token_that_may_only_read_makes_and_revokes_no_token(mara: Person) -> None:
    assert (
        call(mara, ["read"], "POST", f"/people/{mara.pk}/tokens", {"name": "x", "scopes": ["read"]}).status_code == 403
    )
    other = actions.issue_token(mara, name="kept", scopes=["read"], days=9, actor=mara)[0]
    assert call(mara, ["read"], "DELETE", f"/tokens/{other.pk}").status_code == 403
    other.refresh_from_db()
    assert other.revoked_at is None


def test_a_token_lives_no_longer_than_the_one_that_made_it(mara: Person) -> None:
    body = {"name": "child", "scopes": ["read"], "expires_in_days": 365}
    made = call(mara, ["read", "respond"], "POST", f"/people/{mara.pk}/tokens", body, days=1)
    assert made.status_code == 201
    child = ApiToken.objects.get(pk=made.json()["id"])
    assert child.expires_at is not None
    assert child.expires_at <= now() + timedelta(days=1)


def test_a_manager_makes_no_token_in_the_name_of_another(hana: Person, mara: Person) -> None:
    body = {"name": "x", "scopes": ["respond"]}
    scopes = ["read", "respond", "configure"]
    assert call(hana, scopes, "POST", f"/people/{mara.pk}/tokens", body).status_code == 403


def test_an_administrator_does(ada: Person, mara: Person) -> None:
    body = {"name": "x", "scopes": ["respond"]}
    scopes = ["read", "respond", "configure"]
    assert call(ada, scopes, "POST", f"/people/{mara.pk}/tokens", body).status_code == 201
