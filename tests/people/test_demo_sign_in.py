from collections.abc import Callable

import pytest
from django.test import Client

from raglan.config import config
from raglan.people.models import Person

pytestmark = pytest.mark.django_db
Make = Callable[..., Person]


@pytest.fixture
def demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config(), "demo", True)


def press(person: Person, *, host: str = "localhost", address: str = "127.0.0.1", **headers: str) -> int:
    browser = Client(SERVER_NAME=host, REMOTE_ADDR=address, headers=headers)
    return browser.post("/demo/sign-in/", {"person": person.pk}).status_code


@pytest.mark.usefixtures("demo")
def test_one_click_signs_in_on_loopback(make_person: Make) -> None:
    person = make_person(password=None)
    browser = Client(SERVER_NAME="localhost")
    assert 'Sign in<span class="vh"> as Mara Novak' in browser.get("/account/login/").content.decode()
    assert browser.post("/demo/sign-in/", {"person": person.pk, "next": "/people/"})["Location"] == "/people/"
    assert browser.get("/you/").status_code == 200


@pytest.mark.usefixtures("demo")
def test_it_sends_nobody_to_another_address(make_person: Make) -> None:
    browser = Client(SERVER_NAME="localhost")
    answer = browser.post("/demo/sign-in/", {"person": make_person().pk, "next": "https://evil.example/"})
    assert answer["Location"] == "/"


def test_without_the_demonstration_it_does_not_exist(make_person: Make) -> None:
    person = make_person()
    assert press(person) == 404
    assert "Demonstration" not in Client(SERVER_NAME="localhost").get("/account/login/").content.decode()


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "::ffff:192.0.2.7", "fe80::1", "", "unix:"])
def test_off_loopback_it_does_not_exist(make_person: Make, address: str) -> None:
    person = make_person()
    assert press(person, address=address) == 404
    browser = Client(SERVER_NAME="localhost", REMOTE_ADDR=address)
    assert "Demonstration" not in browser.get("/account/login/").content.decode()


@pytest.mark.usefixtures("demo")
def test_under_another_name_it_does_not_exist(make_person: Make, settings: object) -> None:
    settings.ALLOWED_HOSTS = ["*"]  # type: ignore[attr-defined]  # pytest-django's wrapper
    person = make_person()
    for host in ("raglan.example.org", "127.0.0.1.example.org", "localhost.example.org"):
        assert press(person, host=host) == 404


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_behind_a_proxy_it_does_not_exist(make_person: Make, header: str) -> None:
    assert press(make_person(), **{header: "192.0.2.7"}) == 404


@pytest.mark.usefixtures("demo")
def test_getting_it_signs_nobody_in(make_person: Make) -> None:
    person = make_person()
    browser = Client(SERVER_NAME="localhost")
    assert browser.get(f"/demo/sign-in/?person={person.pk}").status_code == 405


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("value", ["", "x", "-1", "9" * 30, "99999", "\u0663"])
def test_an_unknown_person_is_not_found(value: str) -> None:
    assert Client(SERVER_NAME="localhost").post("/demo/sign-in/", {"person": value}).status_code == 404
