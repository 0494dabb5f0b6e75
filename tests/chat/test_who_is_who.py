"""Who somebody in chat is here: only they, signed in, make the code, and they are told when a name becomes theirs."""

import json

import pytest
from django.test import Client

from raglan.chat import actions
from raglan.chat.models import Code, Workspace
from raglan.core.models import Timer
from raglan.people import actions as people
from raglan.people import sealing
from raglan.people.mail import MAIL
from raglan.people.models import ContactMethod, Person

pytestmark = pytest.mark.django_db
PASSWORD = "four words that differ"


def mails() -> list[dict[str, str]]:
    """Return the mails that wait."""
    return [json.loads(sealing.unseal(str(one.payload["sealed"]))) for one in Timer.objects.filter(kind=MAIL)]


@pytest.mark.parametrize("scopes", ["read", "read,respond", "read,respond,page,configure"])
def test_a_token_makes_no_code(client: Client, bo: Person, scopes: str) -> None:
    _, secret = people.issue_token(bo, name="leaked", scopes=scopes.split(","), days=1, actor="raglan")
    answer = client.post("/api/v1/chat/code", headers={"authorization": f"Bearer {secret}"})
    assert (answer.status_code, Code.objects.count()) == (403, 0)


@pytest.fixture
def signed_in(bo: Person) -> Client:
    """The browser of somebody who signed in just now."""
    bo.set_password(PASSWORD)
    bo.save()
    browser = Client(SERVER_NAME="localhost")
    browser.post("/account/login/", {"login": bo.email, "password": PASSWORD})
    return browser


def grow_old(browser: Client) -> None:
    """Let so much time pass that who somebody is has to be proved anew."""
    session = browser.session
    for record in (records := session["account_authentication_methods"]):
        record["at"] -= 301
    session["account_authentication_methods"] = records
    session.save()


def test_whoever_is_signed_in_makes_one(signed_in: Client) -> None:
    answer = signed_in.post("/api/v1/chat/code")
    assert answer.status_code == 201
    assert answer.json()["write"].startswith("!link ")


def test_a_browser_that_was_left_open_makes_none(signed_in: Client) -> None:
    grow_old(signed_in)
    asked = signed_in.post("/you/chat/")
    told = signed_in.post("/api/v1/chat/code")
    assert (asked["Location"].split("?")[0], told.status_code) == ("/account/reauthenticate/", 403)
    assert Code.objects.count() == 0
    answer = signed_in.post(asked["Location"], {"password": PASSWORD, "next": "/you/chat/"})
    assert (answer["Location"], Code.objects.count()) == ("/you/#h-chat", 1)
    assert signed_in.post("/api/v1/chat/code").status_code == 201


def test_a_person_is_told_by_mail_of_a_name_that_becomes_theirs(chat: Workspace, bo: Person) -> None:
    ContactMethod.objects.filter(person=bo).delete()
    people.add_contact(bo, kind="email", address="bo@example.org", label="", actor=bo)
    before = len(mails())
    actions.confirm(chat, "@eve", actions.make_code(bo))
    actions.know_as(chat, "@eve", bo, actor=bo, confirmed=True)
    told = mails()[before:]
    assert [one["to"] for one in told] == ["bo@example.org"]
    assert "In Team chat you are known as @eve from now on" in told[0]["text"]
