"""A heads-up by mail: the secret in the address says whose it is; thanks come back first."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from raglan.core import mail_in
from raglan.core.errors import BadInput
from raglan.core.mail_in import Mail
from raglan.incidents import actions, queries
from raglan.incidents.models import HeadsUp
from raglan.people.models import Person
from raglan.testing import world
from tests.people.mailbox import Mailbox, running

pytestmark = pytest.mark.django_db


@pytest.fixture
def postbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with running(monkeypatch) as box:
        yield box


@pytest.fixture
def rowan() -> Person:
    return world.person("Rowan Ellis")


def letter(person: Person, **more: Any) -> Mail:
    token = actions.make_address(person, actor=person)
    text = "503 everywhere.\n\ndid: restarted httpd\nservices: httpd, nothing\n> quoted\n-- \nRowan\nPhone 1"
    made = Mail(
        queries.address_words(token), "rowan@example.test", "Re: I broke it", text, message_id="<1@example.test>"
    )
    return replace(made, **more)


def test_a_mail_is_a_heads_up_once_and_is_thanked_first(postbox: Mailbox, rowan: Person) -> None:
    team = world.team(world.person("Bo Silva"))
    world.schedule(Person.objects.get(name="Bo Silva"), of=team)
    httpd, web = world.service("httpd", team), world.service("web", team)
    mail = letter(rowan)
    local, _, domain = mail.recipient.partition("@")
    mail = replace(mail, recipient=f"{local}.web@{domain}".upper())
    for _ in range(2):
        assert mail_in.take(mail)
    world.fire_all()
    given = HeadsUp.objects.get()
    assert (given.person, given.text, given.did) == (rowan, "I broke it\n503 everywhere.", "restarted httpd")
    assert set(given.services.all()) == {httpd, web}
    sent = [(to, one) for to, one in postbox.taken if str(one["Subject"]) == "Re: I broke it"]
    assert [to for to, _ in sent] == [rowan.email]
    words = sent[0][1].get_content()
    assert words.startswith(f"{queries.THANKS} Bo Silva will be told at once.")
    assert f"/incidents/{given.incident_id}/" in words
    assert "Not known here as a service: nothing." in words
    assert "from rowan@example.test" in words


def test_nobody_else_gives_one(rowan: Person) -> None:
    old = letter(rowan)
    actions.make_address(rowan, actor=rowan)  # which ends the earlier one
    gone = letter(world.person("Vera Holt", role="viewer"))
    for mail in (old, gone, replace(old, recipient="headsup+@x.example.test")):
        if mail.tag("headsup") is None:
            assert mail_in.take(mail) is None
            continue
        with pytest.raises(BadInput):
            mail_in.take(mail)
    current = letter(rowan)
    actions.end_address(rowan, actor=rowan)
    with pytest.raises(BadInput):
        mail_in.take(current)
    assert not HeadsUp.objects.exists()


def test_what_a_program_sends_is_left_alone_and_a_flood_ends(rowan: Person) -> None:
    mail = letter(rowan)
    assert str(mail_in.take(replace(mail, is_automatic=True))).startswith("left alone")
    assert str(mail_in.take(replace(mail, headers={"x-raglan": "page"}))).startswith("left alone")
    for number in range(10):
        mail_in.take(replace(mail, message_id=f"<{number}@example.test>"))
    with pytest.raises(BadInput, match="enough"):
        mail_in.take(replace(mail, message_id="<11@example.test>"))
    assert mail_in.take(replace(mail, message_id="<3@example.test>"))
    assert HeadsUp.objects.count() == 10


def test_a_mail_without_words_is_refused(rowan: Person) -> None:
    with pytest.raises(BadInput, match="few words"):
        mail_in.take(letter(rowan, subject="", text="\n> quoted\n-- \nRowan"))
