"""A NUL in a field is stored by SQLite and refused by PostgreSQL; at the border it becomes U+FFFD for both."""

import pytest
from django.test import Client

from raglan.incidents import actions as incidents
from raglan.incidents.models import Answer, Entry, Responder
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.reviews import actions as reviews
from raglan.reviews.models import Reply
from raglan.reviews.questions import BY_KEY

pytestmark = pytest.mark.django_db


@pytest.fixture
def bo() -> Person:
    return people.add_person(email="bo@example.test", name="Bo Silva", actor="raglan")


@pytest.fixture
def browser(bo: Person) -> Client:
    client = Client()
    client.force_login(bo)
    return client


def test_what_is_said_in_a_room_holds_no_nul(browser: Client, bo: Person) -> None:
    room = incidents.declare("Checkout is slow", by=bo)
    asked = incidents.post(room, incidents.Said(Entry.Kind.VERIFY, "Is it over?"), by=bo)
    doing = incidents.post(room, incidents.Said(Entry.Kind.DOING, "I restart it"), by=bo)
    for path, data in (
        (f"/incidents/{room.pk}/entries/", {"text": "a\x00b", "entry_key": "k\x00", "to_team": "\x00"}),
        (f"/entries/{asked.pk}/yes/", {"text": "a\x00b"}),
        (f"/entries/{doing.pk}/outcome/", {"text": "a\x00b"}),
        (f"/incidents/{room.pk}/here/", {"doing": "a\x00b"}),
    ):
        assert browser.post(path, data).status_code == 302, path
    doing.refresh_from_db()
    kept = [
        Entry.objects.get(incident=room, kind=Entry.Kind.NOTE).text,
        Answer.objects.get(entry=asked).text,
        doing.outcome,
        Responder.objects.get(incident=room).doing,
    ]
    assert kept == ["a\ufffdb"] * 4


def test_why_a_room_goes_on_holds_no_nul(browser: Client, bo: Person) -> None:
    room = incidents.declare("Checkout is slow", by=bo)
    incidents.stand_down(room, by=bo)
    assert browser.post(f"/incidents/{room.pk}/reopen/", {"why": "a\x00b"}).status_code == 302
    assert Entry.objects.filter(incident=room, text="a\ufffdb").exists()


def test_a_reply_in_a_review_holds_no_nul(browser: Client, bo: Person) -> None:
    room = incidents.declare("Checkout is slow", by=bo)
    incidents.stand_down(room, by=bo)
    review = reviews.draft(room)
    data = {"question": next(iter(BY_KEY)), "text": "a\x00b"}
    assert browser.post(f"/reviews/{review.pk}/replies/", data).status_code == 302
    assert Reply.objects.get().text == "a\ufffdb"


def test_a_search_with_a_nul_shows_the_screen(browser: Client) -> None:
    assert browser.get("/alerts/", {"q": "a\x00b"}).status_code == 200
