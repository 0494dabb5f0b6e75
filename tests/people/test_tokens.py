from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.clock import CLOCK
from raglan.people import access, actions
from raglan.people.access import Scope
from raglan.people.models import ApiToken, Person

pytestmark = pytest.mark.django_db
Make = Callable[..., Person]


def issue(person: Person | None, *scopes: str, days: int | None = 30) -> str:
    return actions.issue_token(person, name="laptop", scopes=scopes or ["read"], days=days, actor="raglan")[1]


def test_only_the_hash_is_stored(make_person: Make) -> None:
    secret = issue(make_person())
    assert secret.startswith("rgl_")
    assert len(secret.split("_", 2)[2]) == 43  # 256 bits
    assert secret.split("_", 2)[2] not in str(list(ApiToken.objects.values()))


def test_a_token_finds_its_person_and_scopes(make_person: Make) -> None:
    person = make_person()
    found = access.by_token(issue(person, "read", "respond"))
    assert found is not None
    assert (found.person, found.scopes) == (person, {Scope.READ, Scope.RESPOND})


def test_a_token_never_can_more_than_its_person(make_person: Make) -> None:
    person = make_person(role="manager")
    secret = issue(person, "read", "configure")
    boss = make_person("Hana Lind", role="administrator")
    actions.set_role(person, "viewer", by=boss)
    found = access.by_token(secret)
    assert found is not None
    assert found.scopes == {Scope.READ}


def test_over_revoked_and_unknown_tokens_are_refused(make_person: Make) -> None:
    person = make_person()
    over, revoked = issue(person, days=1), issue(person)
    actions.revoke_token(ApiToken.objects.latest("pk"), actor=person)
    CLOCK.move(timedelta(days=1, seconds=1))
    assert access.by_token(over) is None
    assert access.by_token(revoked) is None
    assert access.by_token("rgl_abcdefgh_" + "x" * 43) is None
    assert access.by_token("") is None


def test_tokens_of_who_has_left_are_refused(make_person: Make) -> None:
    person = make_person()
    secret = issue(person)
    actions.deactivate(person, by=make_person("Hana Lind", role="administrator"))
    assert access.by_token(secret) is None


def test_last_use_is_kept_to_the_minute(make_person: Make) -> None:
    secret = issue(make_person())
    access.by_token(secret)
    first = ApiToken.objects.get().last_used_at
    CLOCK.move(timedelta(seconds=40))
    access.by_token(secret)
    assert ApiToken.objects.get().last_used_at == first
    CLOCK.move(timedelta(seconds=40))
    access.by_token(secret)
    assert ApiToken.objects.get().last_used_at != first


def test_the_screen_shows_the_secret_once(make_person: Make, sign_in: Callable[..., Client]) -> None:
    browser = sign_in(make_person())
    made = browser.post("/you/tokens/", {"name": "laptop", "scopes": ["read", "page"], "days": "90"})
    token = ApiToken.objects.get()
    assert f"rgl_{token.prefix}_" in made.content.decode()
    assert made["Cache-Control"].find("no-store") >= 0
    page = browser.get("/you/tokens/").content.decode()
    assert f"rgl_{token.prefix}_…" in page
    assert "read" in page
    assert 'id="secret"' not in page


def test_the_screen_offers_no_scope_beyond_the_role(make_person: Make, sign_in: Callable[..., Client]) -> None:
    browser = sign_in(make_person(role="viewer"))
    answer = browser.post("/you/tokens/", {"name": "more", "scopes": ["configure"], "days": "90"})
    assert answer.status_code == 422
    assert not ApiToken.objects.exists()


def test_nobody_revokes_the_token_of_another(make_person: Make, sign_in: Callable[..., Client]) -> None:
    issue(make_person("Ike Okafor"))
    browser = sign_in(make_person())
    assert browser.post(f"/you/tokens/{ApiToken.objects.get().pk}/revoke/").status_code == 404
    assert ApiToken.objects.get().revoked_at is None
