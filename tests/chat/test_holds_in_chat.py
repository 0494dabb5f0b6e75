"""Holds in chat: raised with a reason, a scope and an end, listed with who has obeyed, extended, excepted, lifted."""

from datetime import timedelta

import pytest

from raglan.changes import holding
from raglan.changes.hold_models import Hold, HoldException
from raglan.chat.models import Room as ChatRoom
from raglan.chat.models import Workspace
from raglan.core.clock import now
from raglan.incidents.models import Incident
from raglan.people.models import Person
from tests.chat import memory
from tests.chat.test_commands import Desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(there: memory.There, chat: Workspace, room: ChatRoom, bo: Person) -> Desk:
    memory.known(chat, bo, "@bo")
    return Desk(there, chat, room.external_id)


def test_a_hold_is_raised_in_a_room_with_its_reason_scope_and_end(desk: Desk, bo: Person, incident: Incident) -> None:
    said = desk.says("!hold httpd fails after its restart; for: 30 min; roles: web, api; package: httpd")
    hold = Hold.objects.get()
    assert (hold.name, hold.reason) == (f"incident {incident.pk}", "httpd fails after its restart")
    assert (hold.roles, hold.packages, hold.clusters) == (["web", "api"], ["httpd"], [])
    assert (hold.person, hold.link) == (bo, f"incident:{incident.pk}")
    assert timedelta(minutes=29) < hold.ends_at - now() <= timedelta(minutes=30)
    assert said[0].startswith(f"Automation that asks the gate is stopped: hold {hold.pk} “incident {incident.pk}”")
    assert "is on already" in desk.says("!hold again")[0]


def test_names_with_spaces_stand_in_quotes(desk: Desk) -> None:
    said = desk.says('!hold it spreads; name: pin; tags: “front row”, canary; role: "web server"')[0]
    hold = Hold.objects.get()
    assert (hold.tags, hold.roles) == (["front row", "canary"], ["web server"])
    assert "for role “web server”; tags “front row”, canary, until" in said
    assert "Tag front row may go on" in desk.says(f'!hold except {hold.pk} tag "front row": they look')[0]
    made = HoldException.objects.get()
    assert (made.kind, made.name, made.reason) == ("tag", "front row", "they look")


def test_names_with_commas_stand_in_quotes(desk: Desk) -> None:
    said = desk.says('!hold it spreads; tags: "rack 4, left", canary; cluster: “fra, 1”')[0]
    hold = Hold.objects.get()
    assert (hold.tags, hold.clusters) == (["rack 4, left", "canary"], ["fra, 1"])
    assert "for cluster “fra, 1”; tags “rack 4, left”, canary, until" in said
    said = desk.says(f'!hold except {hold.pk} tag "rack 4, left": they look')[0]
    assert "Tag “rack 4, left” may go on" in said
    assert HoldException.objects.get().name == "rack 4, left"


def test_what_stands_in_quotes_begins_no_label(desk: Desk) -> None:
    desk.says('!hold it says "x; role: all"; name: "pin; for: web"; tags: “front; for: 3 h”, canary')
    hold = Hold.objects.get()
    assert (hold.reason, hold.name) == ('it says "x; role: all"', "pin; for: web")
    assert (hold.tags, hold.roles) == (["front; for: 3 h", "canary"], [])
    assert timedelta(minutes=119) < hold.ends_at - now() <= timedelta(hours=2)


def test_holds_are_listed_extended_excepted_and_lifted(desk: Desk) -> None:
    assert desk.says("!hold")[0].startswith("Nothing is stopped.")
    desk.says("!hold raise it spreads; name: the pin")
    hold = Hold.objects.get()
    assert timedelta(minutes=119) < hold.ends_at - now() <= timedelta(hours=2)
    assert "the pin: it spreads. For everything, until " in desk.says("!hold list")[0]
    assert desk.says("!hold extend the pin 4 h")[0].startswith("The hold “the pin” ends ")
    assert "Host web1 may go on" in desk.says(f"!hold except {hold.pk} host web1 we look by hand")[0]
    made = HoldException.objects.get()
    assert (made.kind, made.name, made.reason) == ("host", "web1", "we look by hand")
    assert "is lifted" in desk.says("!hold end The pin: the old version is back")[0]
    hold.refresh_from_db()
    assert (hold.lifted_by, hold.lift_word) == ("Bo Silva", "the old version is back")


def test_how_many_more_holds_there_are_is_said(desk: Desk, bo: Person) -> None:
    by = holding.By("Bo Silva", bo, bo)
    for number in range(23):
        holding.raise_hold(holding.HoldDraft(f"h{number:02}", "x", now() + timedelta(hours=1)), by=by)
    for number in range(2):
        draft = holding.HoldDraft(f"c{number}", "x", now() + timedelta(hours=5), starts_at=now() + timedelta(hours=4))
        holding.raise_hold(draft, by=by)
    said = desk.says("!hold")[0].splitlines()
    assert len(said) == 23
    assert said[-1] == "And 3 more that are on; all of them: http://127.0.0.1:8000/changes/holds/"
    assert ", and 5 more." in desk.says("!hold end nothing of mine")[0]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("!hold raise", "Say why"),
        ("!hold it spreads; for: soon", "30 min, 2 h or 1 day"),
        ("!hold it spreads; until: 26:00", "until: 18:30"),
        ("!hold it spreads; for: 90 d", "at most 72 hours"),
        ("!hold end nothing of mine", "No hold is called so. On or to come: none."),
        ("!hold it spreads; role: a\x07b", "names have no signs that can not be printed"),
        ("!hold it spreads; tag: “front row", "a quote that begins a name ends it, too"),
    ],
)
def test_what_can_not_be_done_is_said_in_words(desk: Desk, text: str, answer: str) -> None:
    assert answer in desk.says(text)[0]
    assert not Hold.objects.exists()


def test_a_lift_and_an_exception_need_a_reason(desk: Desk) -> None:
    desk.says("!hold it spreads; name: pin; until: 23:59")
    number = Hold.objects.get().pk
    assert "Say why it may go on" in desk.says(f"!hold end {number}")[0]
    assert "Say who and why" in desk.says(f"!hold except {number} host web1")[0]
    assert Hold.objects.filter(ended_at__isnull=True).exists()


def test_who_may_only_read_raises_nothing(desk: Desk, bo: Person) -> None:
    Person.objects.filter(pk=bo.pk).update(role=Person.Role.VIEWER)
    assert desk.says("!hold")[0].startswith("Nothing is stopped.")
    desk.says("!hold it spreads")
    assert not Hold.objects.exists()
