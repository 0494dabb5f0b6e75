"""Screens of changes and holds look again by themselves: at what hosts say, and in a room at what concerns it."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from raglan.changes import hearing, holding
from raglan.changes.hold_models import Hold
from raglan.core import bus
from raglan.core.clock import CLOCK, now
from raglan.fleet.taking import take_reports
from raglan.incidents import actions as incidents
from raglan.people.models import Person
from tests.console.test_change_screens import fleet, forgotten, mara, pin, upgrade
from tests.fleet.reporting import received

pytestmark = pytest.mark.django_db
__all__ = ["forgotten", "mara"]
REGION = re.compile(r'data-live="([^"]+)"[^>]*data-src="([^"]+)"')


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what changed, as streams carry them."""
    names: list[str] = []
    monkeypatch.setattr(bus, "publish", lambda told, event_id: names.extend(told))
    return names


def raised() -> Hold:
    draft = holding.HoldDraft("pin", "it spreads", now() + timedelta(hours=1))
    return holding.raise_hold(draft, by=holding.By("Mara Keller", "raglan"))


def regions(client: Client, address: str) -> dict[str, str]:
    """Return the regions of a screen that look again by themselves: where from, and on which news; each must answer."""
    found = {src: topics for topics, src in REGION.findall(client.get(address).content.decode())}
    assert {src: client.get(src).status_code for src in found} == dict.fromkeys(found, 200)
    return found


def test_a_host_that_obeys_is_news_once(mara: Person, published: list[str]) -> None:
    hold = raised()
    published.clear()
    hearing.heard("web1", ["pin"], "stop", now())
    assert published == ["gate", f"hold:{hold.pk}"]
    hearing.heard("web1", ["pin"], "stop", now())
    assert published == ["gate", f"hold:{hold.pk}"]
    hearing.heard("web1", ["pin"], "go", now())
    assert len(published) == 4


def test_a_host_that_went_on_is_news_while_a_hold_is_on(mara: Person, published: list[str]) -> None:
    def went_on(seq: int) -> None:
        said = {"holds": [], "asked_at": int(now().timestamp()), "answer": "go", "source": "kept"}
        take_reports([received("east000", seq=seq, gate=said)])

    went_on(1)
    assert "gate" not in published
    raised()
    CLOCK.move(timedelta(seconds=30))
    went_on(2)
    assert "gate" in published


def test_the_screens_of_a_hold_are_made_of_parts_that_look_again(client: Client, mara: Person) -> None:
    hold = raised()
    found = regions(client, f"/changes/holds/{hold.pk}/")
    place = f"/changes/holds/{hold.pk}/part/"
    assert found == {
        f"{place}head/": f"hold:{hold.pk}",
        f"{place}obeyed/": f"hold:{hold.pk} gate",
        f"{place}side/": f"hold:{hold.pk}",
    }
    assert regions(client, "/changes/holds/") == {"/changes/holds/?part=open": "holds gate"}
    hearing.heard("web1", ["pin"], "stop", now())
    assert "web1" in client.get(f"{place}obeyed/").content.decode()
    assert "Let automation go on" in client.get(f"{place}side/").content.decode()
    holding.lift(hold, word="mended", by=holding.By("Mara Keller", "raglan"))
    assert "Over since" in client.get(f"{place}head/").content.decode()
    assert "Let automation go on" not in client.get(f"{place}side/").content.decode()
    assert client.get(f"{place}else/").status_code == 404


def test_the_screen_of_a_change_looks_again_as_a_whole(client: Client, mara: Person) -> None:
    fleet(2)
    change = pin(mara)
    found = regions(client, f"/changes/{change.pk}/")
    assert {src.split("/part/")[1]: topics for src, topics in found.items()} == {
        "head/": f"change:{change.pk} holds",
        "whose/": f"change:{change.pk}",
        "spread/": f"change:{change.pk}",
        "turn/": f"change:{change.pk}",
        "side/": f"change:{change.pk}",
    }


def test_the_panels_of_a_room_hear_of_changes_and_holds(client: Client, mara: Person, published: list[str]) -> None:
    fleet(3)
    pin(mara)
    room = incidents.declare("The shop is slow", by=mara)
    shown = client.get(f"/incidents/{room.pk}/").content.decode()
    assert f'data-live-topics="incident:{room.pk} changes holds gate"' in shown
    place = f"/incidents/{room.pk}/part/"
    found = regions(client, f"/incidents/{room.pk}/")
    assert (found[f"{place}panel-changes/"], found[f"{place}panel-holds/"]) == ("changes", "holds gate")
    published.clear()
    upgrade("east000")
    assert "changes" in published
    assert "apache2 2.4.6-40 → 2.4.6-45" in client.get(f"{place}panel-changes/").content.decode()
    raised()
    assert "Automation is stopped" in client.get(f"{place}panel-holds/").content.decode()
    assert client.get(f"{place}panel-else/").status_code == 404
