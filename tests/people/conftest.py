"""Builders: people with valid defaults."""

from collections.abc import Callable
from functools import cache

import pytest
from django.contrib.auth.hashers import make_password
from django.core.cache import cache as limits
from django.test import Client

from raglan.people import actions
from raglan.people.models import Person

PASSWORD = "four quiet words together"
MakePerson = Callable[..., Person]


@cache
def _hashed(password: str) -> str:
    """Hash once: it is slow on purpose."""
    return make_password(password)


@pytest.fixture(autouse=True)
def _fresh_limits(request: pytest.FixtureRequest) -> None:
    """No test inherits the tries of another. A real server has a database of its own."""
    if request.node.get_closest_marker("e2e") is None:
        request.getfixturevalue("db")
        limits.clear()


@pytest.fixture
def make_person(db: None) -> MakePerson:
    """Return a builder of people who can sign in with PASSWORD."""

    def make(name: str = "Mara Novak", *, role: str = "responder", password: str | None = PASSWORD) -> Person:
        email = f"{name.split(maxsplit=1)[0].lower()}@example.org"
        person = actions.add_person(email=email, name=name, role=role, actor="raglan")
        if password:
            Person.objects.filter(pk=person.pk).update(password=_hashed(password))
            person.refresh_from_db()
        return person

    return make


@pytest.fixture
def browser() -> Client:
    """Return a browser on this machine that checks forms like a real one."""
    return Client(SERVER_NAME="localhost")


@pytest.fixture
def sign_in(browser: Client) -> Callable[[Person], Client]:
    """Return a function that signs a browser in by password."""

    def enter(person: Person, password: str = PASSWORD) -> Client:
        answer = browser.post("/account/login/", {"login": person.email, "password": password})
        assert answer.status_code == 302, answer.content.decode()[:3000]
        return browser

    return enter
