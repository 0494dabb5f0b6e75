import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.test import Client

from raglan.config import config
from raglan.core import timers
from raglan.core.clock import CLOCK
from raglan.core.errors import Conflict
from raglan.core.models import Event, Timer
from raglan.people import actions, mail
from raglan.people.models import ContactMethod, Person
from tests.integrations import mail_server
from tests.support.pace import timed

from .conftest import PASSWORD
from .mailbox import Mailbox, running

pytestmark = pytest.mark.django_db(transaction=True)
Make = Callable[..., Person]


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with running(monkeypatch) as box:
        yield box


def test_a_new_way_is_announced_on_the_old_ways_only(mailbox: Mailbox, make_person: Make) -> None:
    person = make_person()
    actions.add_contact(person, kind="email", address="night@example.org", actor=person)
    timers.fire_due()
    assert [address for address, _ in mailbox.taken] == ["mara@example.org"]
    assert "night@example.org" in mailbox.text()
    assert Event.objects.filter(kind="contact.changed").count() == 2  # with the first one


def test_a_removed_way_is_told_as_well(mailbox: Mailbox, make_person: Make) -> None:
    person = make_person()
    way = actions.add_contact(person, kind="email", address="night@example.org", actor=person)
    timers.fire_due()
    mailbox.taken.clear()
    actions.remove_contact(way, actor=person)
    timers.fire_due()
    assert sorted(address for address, _ in mailbox.taken) == ["mara@example.org", "night@example.org"]


def test_the_last_way_stays(make_person: Make) -> None:
    person = make_person()
    with pytest.raises(Conflict):
        actions.remove_contact(ContactMethod.objects.get(person=person), actor=person)


def test_a_way_is_confirmed_once(make_person: Make) -> None:
    way = ContactMethod.objects.get(person=make_person())
    assert actions.confirm_contact(way, actor="raglan")
    assert not actions.confirm_contact(way, actor="raglan")


def test_a_forgotten_password_is_set_by_mail(mailbox: Mailbox, make_person: Make, browser: Client) -> None:
    make_person()
    browser.post("/account/password/reset/", {"email": "Mara@example.org"})
    timers.fire_due()
    first = browser.get(mailbox.link(), follow=True)
    path = first.redirect_chain[-1][0]
    new = "five other words, also calm"
    assert browser.post(path, {"password1": new, "password2": new}).status_code == 302
    assert browser.post("/account/login/", {"login": "mara@example.org", "password": new})["Location"] == "/"


def test_opening_the_link_of_a_reset_changes_nothing(mailbox: Mailbox, make_person: Make, browser: Client) -> None:
    person = make_person()
    browser.post("/account/password/reset/", {"email": person.email})
    timers.fire_due()
    for _ in range(3):
        Client(SERVER_NAME="localhost").get(mailbox.link(), follow=True)
    person.refresh_from_db()
    assert person.check_password(PASSWORD)
    assert browser.get(mailbox.link(), follow=True).status_code == 200


def test_an_unknown_address_gets_the_same_answer_and_no_mail(
    mailbox: Mailbox, make_person: Make, browser: Client
) -> None:
    make_person()
    answers = [
        browser.post("/account/password/reset/", {"email": email}) for email in ("mara@example.org", "x@example.org")
    ]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [
        (302, "/account/password/reset/done/")
    ] * 2
    assert Timer.objects.filter(kind=mail.MAIL).count() == 2
    timers.fire_due()
    assert [address for address, _ in mailbox.taken] == ["mara@example.org"]


def test_the_host_of_a_request_does_not_get_into_the_mail(mailbox: Mailbox, make_person: Make) -> None:
    make_person()
    Client(SERVER_NAME="[::1]").post("/account/password/reset/", {"email": "mara@example.org"})
    timers.fire_due()
    assert "://127.0.0.1:8000/account/" in mailbox.text()


def test_a_waiting_mail_shows_nothing_in_the_database(make_person: Make, browser: Client) -> None:
    make_person()
    browser.post("/account/password/reset/", {"email": "mara@example.org"})
    stored = json.dumps(list(Timer.objects.filter(kind=mail.MAIL).values_list("payload", flat=True)))
    assert "mara@example.org" not in stored
    assert "/reset/" not in stored


def test_a_mail_server_that_is_away_is_tried_again(mailbox: Mailbox, make_person: Make) -> None:
    mailbox.refuse = "451 later"
    mail.write("mara@example.org", subject="Hello", text="Hello", about=make_person())
    timers.fire_due()
    assert mailbox.taken == []
    mailbox.refuse = ""
    CLOCK.move(timedelta(minutes=2))
    timers.fire_due()
    assert len(mailbox.taken) == 1


def test_a_mail_that_is_refused_for_good_is_an_event(mailbox: Mailbox, make_person: Make) -> None:
    mailbox.refuse = "550 nobody of that name"
    mail.write("mara@example.org", subject="Hello", text="Hello", about=make_person())
    timers.fire_due()
    assert Event.objects.get(kind="mail.refused").data == {"said": "refused with 550", "mail": None}
    assert not Timer.objects.filter(kind=mail.MAIL).exists()


def test_a_subject_keeps_to_its_line(mailbox: Mailbox, make_person: Make) -> None:
    mail.write("mara@example.org", subject="Hello\r\nBcc: eve@example.org", text="x", about=make_person())
    timers.fire_due()
    assert mailbox.taken[0][1]["Bcc"] is None
    assert len(mailbox.taken) == 1


def test_a_mail_without_a_server_is_let_go(make_person: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config(), "smtp_url", "")
    mail.write("mara@example.org", subject="Hello", text="Hello", about=make_person())
    timers.fire_due()
    assert not Timer.objects.filter(kind=mail.MAIL).exists()


def test_a_changed_password_is_told(mailbox: Mailbox, make_person: Make, sign_in: Callable[..., Client]) -> None:
    browser, new = sign_in(make_person()), "five other words, also calm"
    browser.post("/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    timers.fire_due()
    assert "password was changed" in mailbox.text()
    assert Event.objects.filter(kind="signin.changed").count() == 1


@pytest.mark.parametrize("talk", [mail_server.drips, mail_server.hangs])
def test_a_mail_server_that_talks_for_ever_is_left_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch, make_person: Make, talk: Callable[..., object]
) -> None:
    monkeypatch.setattr(config(), "send_deadline_s", 0.5)
    with mail_server.rude(talk) as url:  # type: ignore[arg-type]  # one of two with its type
        monkeypatch.setattr(config(), "smtp_url", url)
        mail.write("mara@example.org", subject="Hello", text="Hello", about=make_person())
        with timed() as pace:
            timers.fire_due()

    assert pace.s < 5  # the other side would go on for ever
    assert Timer.objects.filter(kind=mail.LATER).count() == 1
