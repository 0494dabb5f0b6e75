"""How an administrator is reached is not for those below to decide."""

import json

import pytest
from django.test import Client

from raglan.paging.models import NotificationRule
from raglan.people import actions as people
from raglan.people.models import ContactMethod, Person

pytestmark = pytest.mark.django_db


def person(name: str, role: str) -> Person:
    return people.add_person(email=f"{name}@example.test", name=name.title(), role=role, actor="raglan")


def put_rules(token: str, whose: Person) -> int:
    contact = ContactMethod.objects.get(person=whose)
    return (
        Client()
        .put(
            f"/api/v1/people/{whose.pk}/notification-rules",
            json.dumps([{"contact_method_id": contact.pk, "delay_s": 3600}]),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )
        .status_code
    )


def token_of(owner: Person | None) -> str:
    scopes = ["read", "respond", "page", "configure"]
    return people.issue_token(owner, name="test", scopes=scopes, days=1, actor="raglan")[1]


@pytest.mark.parametrize("role", ["viewer", "responder", "manager"])
def test_nobody_below_delays_the_messages_of_an_administrator(role: str) -> None:
    ada = person("ada", Person.Role.ADMINISTRATOR)
    assert put_rules(token_of(person("mo", role)), ada) == 403
    assert not NotificationRule.objects.exists()


def test_neither_does_a_token_that_belongs_to_nobody() -> None:
    assert put_rules(token_of(None), person("ada", Person.Role.ADMINISTRATOR)) == 403


def test_a_manager_sets_the_rules_of_a_responder_and_an_administrator_those_of_another() -> None:
    manager, responder = person("mo", Person.Role.MANAGER), person("bo", Person.Role.RESPONDER)
    ada, ivy = person("ada", Person.Role.ADMINISTRATOR), person("ivy", Person.Role.ADMINISTRATOR)
    assert put_rules(token_of(manager), responder) == 200
    assert put_rules(token_of(ada), ivy) == 200
    assert put_rules(token_of(ada), ada) == 200
