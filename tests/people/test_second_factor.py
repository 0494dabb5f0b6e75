import re
from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from raglan.core.models import Event
from raglan.people import sealing
from raglan.people.models import Person
from tests.support.totp import code

from .conftest import PASSWORD

pytestmark = pytest.mark.django_db
Make = Callable[..., Person]
SignInAs = Callable[..., Client]


def switch_on(browser: Client) -> str:
    page = browser.get("/account/2fa/totp/activate/").content.decode()
    found = re.search(r'id="secret">([A-Z2-7]+)<', page)
    assert found
    answer = browser.post("/account/2fa/totp/activate/", {"code": code(found[1])})
    assert answer.status_code == 302, answer.content.decode()
    return found[1]


def test_a_code_is_asked_for_after_the_password(make_person: Make, sign_in: SignInAs) -> None:
    person = make_person()
    secret = switch_on(sign_in(person))
    fresh = Client(SERVER_NAME="localhost")
    answer = fresh.post("/account/login/", {"login": person.email, "password": PASSWORD})
    assert answer["Location"].startswith("/account/2fa/authenticate/")
    assert fresh.get("/you/").status_code == 302
    step = fresh.get("/account/2fa/authenticate/").content.decode()
    assert f'action="/account/logout/" data-sign-out="{person.pk}"' in step  # what waits on the device is said, too
    assert "ui/js/leave" in step
    assert "did not fit" in fresh.post("/account/2fa/authenticate/", {"code": "000000"}).content.decode()
    assert fresh.post("/account/2fa/authenticate/", {"code": code(secret, steps=1)}).status_code == 302
    assert fresh.get("/you/").status_code == 200


def test_a_wrong_code_switches_nothing_on(make_person: Make, sign_in: SignInAs) -> None:
    browser = sign_in(make_person())
    browser.get("/account/2fa/totp/activate/")
    assert "did not fit" in browser.post("/account/2fa/totp/activate/", {"code": "123"}).content.decode()
    assert not Authenticator.objects.exists()


def test_the_secret_is_sealed_in_the_database(make_person: Make, sign_in: SignInAs) -> None:
    secret = switch_on(sign_in(make_person()))
    stored = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in stored
    assert sealing.unseal(stored) == secret


def test_a_recovery_code_lets_in_once(make_person: Make, sign_in: SignInAs) -> None:
    person = make_person()
    browser = sign_in(person)
    switch_on(browser)
    page = browser.get("/account/2fa/recovery-codes/").content.decode()
    spare = re.findall(r"<li>(\w{8,})</li>", page)
    assert len(spare) == 10
    entered = []
    for _ in range(2):
        fresh = Client(SERVER_NAME="localhost")
        fresh.post("/account/login/", {"login": person.email, "password": PASSWORD})
        entered.append(fresh.post("/account/2fa/authenticate/", {"code": spare[0]}).status_code)
    assert entered == [302, 200]


def test_switching_codes_off_asks_who_you_are_after_a_while(make_person: Make, sign_in: SignInAs) -> None:
    browser = sign_in(make_person())
    switch_on(browser)
    session = browser.session
    for record in (records := session["account_authentication_methods"]):
        record["at"] -= 301
    session["account_authentication_methods"] = records
    session.save()
    asked = browser.post("/account/2fa/totp/deactivate/")
    assert asked["Location"].startswith("/account/reauthenticate/")
    assert Authenticator.objects.filter(type="totp").exists()
    browser.post(asked["Location"], {"password": PASSWORD, "next": "/account/2fa/totp/deactivate/"})
    assert not Authenticator.objects.filter(type="totp").exists()


@pytest.mark.django_db(transaction=True)
def test_each_change_is_an_event(make_person: Make, sign_in: SignInAs) -> None:
    browser = sign_in(make_person())
    switch_on(browser)
    browser.post("/account/2fa/totp/deactivate/")
    said = [event.data["what"] for event in Event.objects.filter(kind="signin.changed").order_by("pk")]
    assert said[0].startswith("Codes from an authenticator app were switched on")
    assert said[-1].startswith("Codes from an authenticator app were switched off")


@pytest.mark.parametrize("path", ["", "totp/activate/", "webauthn/", "webauthn/add/", "recovery-codes/generate/"])
def test_the_screens_open(make_person: Make, sign_in: SignInAs, path: str) -> None:
    browser = sign_in(make_person())
    if path.startswith("recovery"):
        switch_on(browser)
    answer = browser.get(f"/account/2fa/{path}")
    assert answer.status_code == 200
    assert 'aria-label="You"' in answer.content.decode()


def test_a_sealed_secret_opens_with_an_earlier_key(settings: object) -> None:
    sealed = sealing.seal("calm")
    before = settings.SECRET_KEY  # type: ignore[attr-defined]  # pytest-django's wrapper
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [before]  # type: ignore[attr-defined]  # as above
    assert sealing.unseal(sealed) == "calm"
    settings.SECRET_KEY_FALLBACKS = []  # type: ignore[attr-defined]  # as above
    with pytest.raises(sealing.SealBrokenError):
        sealing.unseal(sealed)
