"""People, rotas, alerts and rooms for the console's screens."""

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.people.models import Person

SignIn = Callable[[Person], Client]


@pytest.fixture
def ada(db: None) -> Person:
    """An administrator."""
    return Person.objects.create_person("ada@example.test", "Ada Lamb", role=Person.Role.ADMINISTRATOR)


@pytest.fixture
def bo(db: None) -> Person:
    """A responder."""
    return Person.objects.create_person("bo@example.test", "Bo Silva", role=Person.Role.RESPONDER)


@pytest.fixture
def vera(db: None) -> Person:
    """A viewer."""
    return Person.objects.create_person("vera@example.test", "Vera Nolte", role=Person.Role.VIEWER)


@pytest.fixture
def signed_in() -> SignIn:
    """Return a browser in which a person is signed in."""

    def sign_in(person: Person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return sign_in
