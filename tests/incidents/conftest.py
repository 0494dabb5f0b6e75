import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from raglan.incidents import actions
from raglan.incidents.models import Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents import by_hand
from tests.support import people

outbox, mara, bo, put_back = people.outbox, people.mara_reached, people.bo_reached, by_hand.put_back


@pytest.fixture
def incident(mara: Person) -> Incident:
    """An open room."""
    return actions.declare("Apache is down", by=mara)


Call = Callable[..., Any]


@pytest.fixture
def rest(db: None) -> Call:
    """Return a function that calls REST as a person and returns what is told; a refusal as `(status, code)`."""

    def call(by: Person, method: str, path: str, body: object = None) -> Any:
        scopes = ["read", "respond", "page", "configure"]
        _, secret = world.people.issue_token(by, name="t", scopes=scopes, days=1, actor="raglan")
        client = Client(headers={"Authorization": f"Bearer {secret}"})
        sent = b"" if body is None else json.dumps(body)
        answer = client.generic(method, f"/api/v1{path}", sent, content_type="application/json")
        if answer.status_code == 204:
            return None
        return answer.json() if answer.status_code < 300 else (answer.status_code, answer.json()["code"])

    return call


@pytest.fixture
def browser() -> Callable[[Person], Client]:
    """Return a function that signs a person in."""

    def sign_in(person: Person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return sign_in
