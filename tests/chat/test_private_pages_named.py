"""A page that is private to those who read in a room is taken there by its number, and its words are not said."""

import pytest

from raglan.chat.models import Post, Workspace
from raglan.incidents import actions as incidents
from raglan.incidents.models import Incident
from raglan.paging import actions as paging
from raglan.paging.models import ChatCall, Page
from raglan.paging.plan import Acknowledge
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send
from tests.chat.test_pages_in_rooms import REST, lines, page, said, told

__all__ = ["page"]
pytestmark = pytest.mark.django_db
WORDS = "Key of web-014"


@pytest.fixture
def private(page: Page, chat: Workspace, mara: Person, bo: Person) -> Page:
    """A page for a private incident that both may read, beside one that told the room."""
    memory.known(chat, mara, "@mara")
    memory.known(chat, bo, "@bo")
    hidden = incidents.make_private(incidents.declare("A key leaked", by=mara), "A key", by=mara)
    reason = paging.Reason("incident", hidden.pk, f"/incidents/{hidden.pk}/")
    started = paging.page_people([mara, bo], paging.Words(WORDS, severity="critical"), reason=reason, by=mara)
    world.fire_all()
    send(chat)
    return started


def test_whoever_takes_it_hears_its_number(private: Page, chat: Workspace, there: memory.There, mara: Person) -> None:
    assert said(chat, there, "@mara", f"!ack {private.pk}") == [f"You have page {private.pk}."]
    private.refresh_from_db()
    assert private.acknowledged_by == mara


def test_where_several_wait_it_is_named_by_its_number(private: Page, chat: Workspace, there: memory.There) -> None:
    open_one = Page.objects.get(title__startswith="Apache")
    assert said(chat, there, "@mara", "!ack") == [
        f"Several pages wait: !ack {private.pk} for page {private.pk}; "
        f"!ack {open_one.pk} for “Apache is not running on web-014”"
    ]


def test_what_is_over_is_named_by_its_number(private: Page, chat: Workspace, there: memory.There) -> None:
    paging.resolve(private, why="over")
    assert said(chat, there, "@mara", f"!ack {private.pk}") == [f"Page {private.pk} is over."]


def test_one_that_waits_for_each_is_named_by_its_number(
    private: Page, chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    private.plan["steps"][0]["acknowledge"] = str(Acknowledge.EACH)
    private.save(update_fields=["plan"])
    assert said(chat, there, "@mara", f"!ack {private.pk}") == [f"You have page {private.pk}. Others are asked too."]


def test_a_sign_under_what_became_private_says_none_of_its_words(
    chat: Workspace, there: memory.There, incident: Incident, mara: Person, bo: Person
) -> None:
    memory.known(chat, mara, "@mara")
    reason = paging.Reason("incident", incident.pk, f"/incidents/{incident.pk}/")
    started = paging.start(told(chat, mara, bo), paging.Words("Look"), reason=reason)
    world.fire_all()
    send(chat)
    assert len(lines(there)) == 1
    about = Post.objects.get(key=f"step-{ChatCall.objects.get().pk}-{started.pk}").external_id
    incidents.make_private(incident, "A key leaked", by=mara)
    paging.reword(started, paging.Words(WORDS))

    heard = said(chat, there, "@mara", "👍", kind=memory.ports.Kind.REACTION, about=about)

    started.refresh_from_db()
    assert started.acknowledged_by == mara
    assert heard == [f"You have page {started.pk}."]


def test_whoever_is_second_hears_who_was_first(
    private: Page, chat: Workspace, there: memory.There, mara: Person, bo: Person
) -> None:
    paging.acknowledge(private, by=mara, via=REST)
    heard = said(chat, there, "@bo", f"!ack {private.pk}")
    assert len(heard) == 1
    assert WORDS not in heard[0]
