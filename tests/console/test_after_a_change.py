"""What got worse and what got better after a change: alerts and services, on its page and by REST."""

from datetime import timedelta

import pytest
from django.test import Client

from raglan.changes import holding
from raglan.console import after_alerts
from raglan.core.clock import CLOCK, now
from raglan.fleet import after
from raglan.fleet.taking import take_reports
from raglan.people.models import Person
from raglan.testing import world
from tests.console.test_change_screens import fleet, forgotten, mara, pin, upgrade
from tests.fleet.reporting import WEB, received

pytestmark = pytest.mark.django_db
__all__ = ["forgotten", "mara"]
EAST = {"cluster": "east", "services": ["graphs"]}


def units(apache: str, mail: str) -> list[list[str]]:
    return [["apache2.service", apache], ["mail.service", mail]]


def later() -> None:
    CLOCK.move(timedelta(minutes=1))


def test_what_ended_and_came_back_stands_beside_what_failed(client: Client, mara: Person) -> None:
    key = world.source()
    world.ingest(key, world.signal(alertname="MailIsDown"))
    fleet(2)
    hosts = ("east000", "east001")
    take_reports([received(name, packages=WEB, seq=2, units=units("active", "failed"), host=EAST) for name in hosts])
    later()
    change = pin(mara)
    upgrade("east000", units=units("failed", "failed"), seq=3)
    later()
    world.ingest(key, world.signal("resolved", alertname="MailIsDown"), world.signal(alertname="ApacheIsDown"))
    upgrade("east000", units=units("active", "active"), seq=4)

    told = client.get(f"/api/v1/changes/{change.pk}/after").json()
    assert [one["title"] for one in told["worse"]["alerts"]] == ["ApacheIsDown"]
    assert [one["title"] for one in told["better"]["alerts"]] == ["MailIsDown"]
    assert told["worse"]["units"] == [{"name": "apache2", "hosts": 1}]
    assert told["better"]["units"] == [{"name": "mail", "hosts": 1}]
    page = client.get(f"/changes/{change.pk}/").content.decode()
    worse, better = page.split("What got worse after it")[1].split("What got better after it")
    assert "ApacheIsDown" in worse
    assert "MailIsDown" in better
    assert "had failed, and is well on 1 host" in better


def test_before_it_begins_nothing_is_told(client: Client, mara: Person) -> None:
    world.ingest(world.source(), world.signal(alertname="MailIsDown"))
    change = pin(mara)
    nothing = {"units": [], "more_units": 0, "alerts": [], "more_alerts": 0}
    assert client.get(f"/api/v1/changes/{change.pk}/after").json() == {"worse": nothing, "better": nothing}


def test_alerts_that_something_ties_to_it_stand_first_the_earliest_first(client: Client, mara: Person) -> None:
    fleet(2)
    change = pin(mara)
    upgrade("east000", units=units("failed", "active"))
    later()
    key = world.source()
    named: list[dict[str, str]] = [
        {"host": "east000.example.org"},
        {"service": "graphs"},
        {"cluster": "east"},
        {"cluster": "west", "host": "east001", "service": "mail"},
    ]
    for number, labels in enumerate(named):
        world.ingest(key, world.signal(alertname=f"Tied{number}", **labels))
        later()
    for number in range(9):
        world.ingest(key, world.signal(alertname=f"Else{number}", service="mail"))
        later()
    told = client.get(f"/api/v1/changes/{change.pk}/after").json()["worse"]["alerts"]
    assert [(one["title"], one["tied"], one["why"]) for one in told[:4]] == [
        ("Tied0", True, "It came to east000."),
        ("Tied1", True, "Hosts that have it carry graphs."),
        ("Tied2", True, "It came to hosts of east."),
        ("Tied3", False, ""),
    ]
    assert [one["title"] for one in told[4:]] == [f"Else{number}" for number in range(9)]
    page = client.get(f"/changes/{change.pk}/").content.decode()
    tied, others = page.split("Nothing known ties these to it, but the time.")
    assert "It came to east000." in tied
    assert "Else0" in others
    assert "Tied2" not in others.partition("What got better")[0]
    seen, folded = others.split("<summary>5 more</summary>")
    assert ("Else3" in seen, "Else4" in seen, "Else4" in folded, "Else8" in folded) == (True, False, True, True)


def test_of_very_many_alerts_the_rest_is_counted(client: Client, mara: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after_alerts, "MOST_LOOKED", 10)
    key = world.source()
    for number in range(12):
        world.ingest(key, world.signal(alertname=f"Old{number:02}"))
    later()
    fleet(1)
    change = pin(mara)
    upgrade("east000")
    later()
    for number in range(11):
        world.ingest(
            key, world.signal(alertname=f"New{number:02}"), world.signal("resolved", alertname=f"Old{number:02}")
        )
        later()
    told = client.get(f"/api/v1/changes/{change.pk}/after").json()
    for side in ("worse", "better"):
        assert (len(told[side]["alerts"]), told[side]["more_alerts"]) == (10, 1)
    page = client.get(f"/changes/{change.pk}/").content.decode()
    worse, better = page.split("What got worse after it")[1].split("What got better after it")
    for side in (worse, better):
        assert "<summary>3 more</summary>" in side
    assert "1 later alert opened, too; what ties it to this was not looked for." in worse
    assert "1 later alert ended, too; what ties it to this was not looked for." in better
    world.ingest(key, world.signal("resolved", alertname="Old11"), world.signal(alertname="New11"))
    told = client.get(f"/api/v1/changes/{change.pk}/after").json()
    assert [told[side]["more_alerts"] for side in ("worse", "better")] == [2, 2]
    assert "2 later alerts opened, too; what ties them to this" in client.get(f"/changes/{change.pk}/").content.decode()
    monkeypatch.setattr(after_alerts, "MOST_LOOKED", 12)
    told = client.get(f"/api/v1/changes/{change.pk}/after").json()
    assert [(len(told[side]["alerts"]), told[side]["more_alerts"]) for side in ("worse", "better")] == [(12, 0)] * 2


def test_every_service_that_failed_is_told(client: Client, mara: Person) -> None:
    fleet(1)
    change = pin(mara)
    names = [f"job{number:02}" for number in range(11)]
    for state, seq in (("active", 2), ("failed", 3)):
        listed = [[f"{name}.service", state] for name in names]
        upgrade("east000", units=listed, seq=seq)
        later()
    told = client.get(f"/api/v1/changes/{change.pk}/after").json()["worse"]["units"]
    assert [one["name"] for one in told] == names
    worse = client.get(f"/changes/{change.pk}/").content.decode().split("What got worse after it")[1]
    seen, folded = worse.split("<summary>3 more</summary>")
    assert ("job07" in seen, "job08" in seen, "job08" in folded, "job10" in folded) == (True, False, True, True)


def test_of_very_many_services_the_rest_is_counted(
    client: Client, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(after, "MOST_UNITS", 9)
    fleet(2)
    change = pin(mara)
    for seq, bad, good in ((2, "active", "failed"), (3, "failed", "active")):
        upgrade("east000", units=[[f"bad{number:02}.service", bad] for number in range(11)], seq=seq)
        upgrade("east001", units=[[f"good{number:02}.service", good] for number in range(11)], seq=seq)
        later()
    told = client.get(f"/api/v1/changes/{change.pk}/after").json()
    for side, names in (("worse", "bad"), ("better", "good")):
        assert [one["name"] for one in told[side]["units"]] == [f"{names}{number:02}" for number in range(9)]
        assert told[side]["more_units"] == 2
    assert client.get(f"/api/v1/changes/{change.pk}/progress").json()["more_units"] == 2
    page = client.get(f"/changes/{change.pk}/").content.decode()
    worse, better = page.split("What got worse after it")[1].split("What got better after it")
    for side in (worse, better):
        assert "<summary>3 more</summary>" in side
    assert "2 other services failed" in worse
    assert "2 other services had failed, and are well" in better


def test_how_many_more_holds_stop_it_is_said(client: Client, mara: Person) -> None:
    change = pin(mara)
    for number in range(8):
        draft = holding.HoldDraft(f"h{number}", "x", now() + timedelta(hours=1), link=f"change:{change.pk}")
        holding.raise_hold(draft, by=holding.By("Mara", mara, mara))
    page = client.get(f"/changes/{change.pk}/").content.decode()
    assert ">h4</a>" in page
    assert ">h5</a>" not in page
    assert 'and by <a href="/changes/holds/">3 more holds</a>' in page
