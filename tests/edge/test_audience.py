"""Who may listen: whoever is signed in, and somebody with a page's link to that page alone."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from django.conf import settings
from django.test import Client

from raglan.core import timeline
from raglan.edge.answers import Scope
from raglan.edge.audience import Audience, session_key
from raglan.edge.threads import Threads
from raglan.incidents import actions as incidents
from raglan.paging import actions as paging
from raglan.paging import queries
from raglan.people import actions as people
from raglan.people.models import Person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def audience(transactional_db: None) -> Iterator[Audience]:
    threads = Threads("test", 1, line=10)
    yield Audience(threads)
    assert threads.stop(10)


@pytest.fixture
def mara(transactional_db: None) -> Person:
    return people.add_person(email="mara@example.test", name="Mara", actor="raglan")


def scope(cookie: str = "", query: str = "") -> Scope:
    return {"type": "http", "headers": [(b"cookie", cookie.encode())], "query_string": query.encode()}


def signed_in(person: Person) -> str:
    """Return the Cookie header of a fresh session."""
    client = Client()
    client.force_login(person)
    return f"theme=dark; {settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def hears(audience: Audience, asked: Scope, topics: Sequence[str] = ("now", "page:1")) -> frozenset[str] | None:
    found = asyncio.run(audience.authorize(asked, topics))
    return found.topics if found else None


def test_whoever_is_signed_in_hears_what_they_ask_for(audience: Audience, mara: Person) -> None:
    assert hears(audience, scope(signed_in(mara))) == frozenset(("now", "page:1"))


@pytest.mark.parametrize("cookie", ["", "raglan=", "raglan=unknown", "raglan=\x01; ;=", "other=1"])
def test_strangers_hear_nothing(audience: Audience, cookie: str) -> None:
    assert hears(audience, scope(cookie)) is None


def test_a_person_who_was_taken_out_hears_no_more(audience: Audience, mara: Person) -> None:
    cookie = signed_in(mara)
    Person.objects.filter(pk=mara.pk).update(is_active=False)
    assert hears(audience, scope(cookie)) is None


def test_a_session_from_before_a_new_password_hears_no_more(audience: Audience, mara: Person) -> None:
    cookie = signed_in(mara)
    mara.set_password("a long new passphrase")
    mara.save()
    assert hears(audience, scope(cookie)) is None


def test_a_link_to_a_page_lets_its_holder_hear_of_that_page(audience: Audience, mara: Person) -> None:
    words = paging.Words(title="web is down", text="", severity="critical")
    page = paging.page_people([mara], words, reason=paging.Reason("person", mara.pk, "/"), by=mara)
    token = queries.link_token(page, mara)
    assert hears(audience, scope(query=f"topics=now&link={token}")) == frozenset((timeline.ref(page),))
    assert hears(audience, scope(query="topics=now&link=forged")) is None


def test_what_was_missed_is_told_by_name(audience: Audience, mara: Person) -> None:
    seen = timeline.newest_id()  # never 0: an emptied table goes on counting on PostgreSQL
    rowan = people.add_person(email="rowan@example.test", name="Rowan", actor="raglan")
    names = asyncio.run(audience.replay(seen, ["people"]))
    assert names is not None
    assert timeline.ref(rowan) in names
    assert asyncio.run(audience.replay(10**9, ["people"])) is None


def test_the_session_is_found_among_other_cookies() -> None:
    assert session_key(f"a=1; {settings.SESSION_COOKIE_NAME}=key; b=2") == "key"
    assert session_key("a=1") == ""


def test_a_private_room_is_heard_by_those_on_its_list(audience: Audience, mara: Person) -> None:
    room = incidents.declare("A key leaked", by=mara)
    incidents.make_private(room, "A key", by=mara)
    bo = people.add_person(email="bo@example.test", name="Bo", actor="raglan")
    topics = ("now", f"incident:{room.pk}", "incident:*")
    assert hears(audience, scope(signed_in(mara)), topics) == frozenset(topics)
    assert hears(audience, scope(signed_in(bo)), topics) == frozenset(("now",))
