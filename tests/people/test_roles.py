from collections.abc import Callable

import pytest
from django.test import Client

from raglan.core.errors import Conflict, NotAllowed
from raglan.people import actions
from raglan.people.access import Scope, allows, require
from raglan.people.models import Person

pytestmark = pytest.mark.django_db
Make = Callable[..., Person]


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("viewer", {Scope.READ}),
        ("responder", {Scope.READ, Scope.RESPOND, Scope.PAGE}),
        ("manager", set(Scope)),
        ("administrator", set(Scope)),
    ],
)
def test_roles_say_who_may_do_what(make_person: Make, role: str, may: set[Scope]) -> None:
    person = make_person(role=role)
    assert {scope for scope in Scope if allows(person, scope)} == may


def test_a_refusal_says_who_can(make_person: Make) -> None:
    with pytest.raises(NotAllowed) as refused:
        require(make_person(role="viewer"), Scope.CONFIGURE)
    assert "managers and administrators" in refused.value.sentence


def test_a_refused_screen_says_who_can(make_person: Make, sign_in: Callable[..., Client]) -> None:
    answer = sign_in(make_person()).get("/people/invite/")
    assert answer.status_code == 403
    assert "Managers and administrators can do it" in answer.content.decode()


@pytest.mark.parametrize(
    "path",
    [
        "people/invite/",
        "people/1/role/",
        "people/1/invitation/",
        "people/1/deactivate/",
        "teams/new/",
        "teams/web/members/",
        "teams/web/members/1/",
    ],
)
def test_responders_configure_nothing(make_person: Make, sign_in: Callable[..., Client], path: str) -> None:
    assert sign_in(make_person()).post(f"/{path}").status_code == 403


def test_only_an_administrator_changes_roles(make_person: Make) -> None:
    manager, person = make_person("Ana Reyes", role="manager"), make_person()
    with pytest.raises(NotAllowed):
        actions.set_role(person, "manager", by=manager)
    with pytest.raises(NotAllowed):
        actions.set_role(manager, "administrator", by=manager)


def test_a_manager_does_not_end_the_access_of_an_administrator(make_person: Make) -> None:
    boss, _ = make_person("Hana Lind", role="administrator"), make_person("Bo Silva", role="administrator")
    with pytest.raises(NotAllowed):
        actions.deactivate(boss, by=make_person(role="manager"))


def test_the_last_administrator_stays(make_person: Make) -> None:
    boss = make_person(role="administrator")
    with pytest.raises(Conflict):
        actions.set_role(boss, "viewer", by=boss)
    with pytest.raises(Conflict):
        actions.deactivate(boss, by=boss)


def test_a_role_changes_on_the_screen(make_person: Make, sign_in: Callable[..., Client]) -> None:
    person = make_person("Ike Okafor")
    browser = sign_in(make_person(role="administrator"))
    assert browser.post(f"/people/{person.pk}/role/", {"role": "viewer"}).status_code == 302
    person.refresh_from_db()
    assert person.role == "viewer"


def test_addresses_are_for_managers_and_their_owner(make_person: Make, sign_in: Callable[..., Client]) -> None:
    person = make_person("Ike Okafor")
    browser = sign_in(make_person())
    assert "ike@example.org" not in browser.get(f"/people/{person.pk}/").content.decode()
    assert "ike@example.org" not in browser.get("/people/").content.decode()
    browser.post("/account/logout/")
    assert (
        "ike@example.org"
        in sign_in(make_person("Ana Reyes", role="manager")).get(f"/people/{person.pk}/").content.decode()
    )
