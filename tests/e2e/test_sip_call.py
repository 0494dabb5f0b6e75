"""A page as a phone call, by a real raglan to a real telephone program on loopback: it is heard, and a key answers."""

import json
from collections.abc import Iterator

import pytest

from tests.integrations.phones import telephone
from tests.support.server import Running, serving, set_up_web_team, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]
TRIES_S = 100  # a call that did not begin is tried again after 5, 15 and 40 s


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving(sip_account="sip:raglan@127.0.0.1") as running:
        set_up_web_team(running)
        yield running


def called(running: Running, address: str, title: str) -> int:
    """Page Mara at a telephone first, and by mail fifteen minutes later; return the page."""
    mara = running.people["mara"]
    ways = running.api("GET", f"/people/{mara}/contact-methods")
    assert isinstance(ways, list)
    mail = next(way["id"] for way in ways if way["kind"] == "email")
    added = running.api("POST", f"/people/{mara}/contact-methods", {"kind": "voice", "address": address})
    assert isinstance(added, dict)
    rules = [{"contact_method_id": added["id"], "delay_s": 0}, {"contact_method_id": mail, "delay_s": 900}]
    running.api("PUT", f"/people/{mara}/notification-rules", rules)
    made = running.api("POST", "/pages", {"person_id": mara, "title": title})
    assert isinstance(made, dict)
    return int(made["id"])


def pages_by_mail(running: Running) -> int:
    return len([mail for mail in running.mailbox.to("mara@example.test") if mail["X-Raglan"] == "page"])


def call_of(running: Running, page: int) -> dict[str, object]:
    shown = running.api("GET", f"/pages/{page}")
    assert isinstance(shown, dict)
    for reached in shown["reached"]:
        for one in reached["notifications"]:
            if one["channel"] == "voice":
                return {**one, "page": shown["state"]}
    return {}


def test_the_page_is_heard_and_key_4_takes_it(raglan: Running) -> None:
    with telephone("94") as phone:  # a slip of the finger first
        page = called(raglan, phone.address, "The shop is down")

        until(lambda: call_of(raglan, page).get("page") == "acknowledged", TRIES_S)

        until(lambda: call_of(raglan, page)["state"] == "handed_over")  # whoever called writes it down in its own time
        assert call_of(raglan, page)["confirmed_at"] is not None
        until(lambda: "CALL_CLOSED" in phone.events)  # after it has said so


def test_key_6_passes_it_on(raglan: Running) -> None:
    with telephone("6") as phone:
        page = called(raglan, phone.address, "The shop is slow")

        until(lambda: '"passed_on"' in json.dumps(raglan.api("GET", f"/pages/{page}")), TRIES_S)


def test_a_call_that_is_taken_without_a_key_leads_to_the_next_way(raglan: Running) -> None:
    with telephone(hangs_up=True) as phone:
        mails = pages_by_mail(raglan)
        page = called(raglan, phone.address, "The mail queue grows")
        until(lambda: "CALL_ESTABLISHED" in phone.events, TRIES_S)

        until(lambda: call_of(raglan, page).get("state") == "failed", TRIES_S)
        assert call_of(raglan, page)["error"] == "the call was taken and no key was pressed"
        until(lambda: pages_by_mail(raglan) > mails)


def test_a_telephone_that_is_not_there_leads_to_the_next_way_at_once(raglan: Running) -> None:
    mails = pages_by_mail(raglan)

    page = called(raglan, "sip:nobody@127.0.0.1:9", "The disk is full")

    until(lambda: pages_by_mail(raglan) > mails)
    call = call_of(raglan, page)
    assert call["handed_over_at"] is None
    assert call["error"]
