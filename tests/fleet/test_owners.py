"""Those who own silent hosts and lost pins are told by mail: once, all together, and seldom."""

import json
from datetime import timedelta

import pytest

from raglan.catalog.models import Service
from raglan.core import timers
from raglan.core.clock import CLOCK, now
from raglan.core.models import Event, Timer
from raglan.fleet import owners, pins, silence
from raglan.fleet.mirror_models import Pin
from raglan.fleet.models import Host
from raglan.fleet.taking import take_reports
from raglan.people import mail, sealing
from raglan.people.models import Membership, Person, Team
from tests.fleet.reporting import host, received, report

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def people() -> None:
    Person.objects.create_person("mara@example.test", "Mara", role="manager")
    for name in ("Web", "Data"):
        team = Team.objects.create(name=name, slug=name.lower())
        lead = Person.objects.create_person(f"{name.lower()}@example.test", name, role="responder")
        Membership.objects.create(team=team, person=lead, is_lead=True)
        Service.objects.create(name=name, slug=name.lower(), team=team)


def letters() -> list[tuple[str, str, str]]:
    """Return what was written, to whom, and forget it."""
    rows = Timer.objects.filter(kind=mail.MAIL).order_by("pk")
    found = [json.loads(sealing.unseal(str(row.payload["sealed"]))) for row in rows]
    rows.delete()
    return sorted((one["to"].partition("@")[0], one["subject"], one["text"]) for one in found)


def heads() -> list[tuple[str, str]]:
    return [(to, subject) for to, subject, _ in letters()]


def hear(prefix: str, count: int, *, service: str = "", seq: int = 1) -> None:
    carried = {"services": [service] if service else []}
    take_reports([received(f"{prefix}{number}", seq=seq, host=carried) for number in range(count)])


def fall_silent() -> None:
    CLOCK.move(timedelta(hours=7))
    silence.fall_silent()


def look() -> None:
    """Fire what is due."""
    for row in Timer.objects.filter(kind=owners.TELL, due_at__lte=now()):
        row.delete()
        owners.tell_owners(timers.Due(row.pk, row.kind, row.subject, row.due_at, 1, {}))


def test_each_owner_gets_one_mail_however_many_hosts_are_silent() -> None:
    hear("web", 30, service="web")
    hear("db", 1, service="data")
    hear("lost", 2)
    fall_silent()
    look()
    assert letters() == []
    CLOCK.move(owners.GATHER)
    look()

    (data, mara, web) = letters()
    assert [one[:2] for one in (data, mara, web)] == [
        ("data", "1 host is silent"),
        ("mara", "2 hosts are silent"),
        ("web", "30 hosts are silent"),
    ]
    assert "- db0 (web, east), since " in data[2]
    assert "/hosts/?state=silent" in data[2]
    assert web[2].count("\n- ") == owners.LISTED + 1
    assert "- and 10 more" in web[2]
    told = Event.objects.get(kind="hosts.owners_told").data
    assert (told["what"], told["count"], len(told["people"])) == ("hosts", 33, 3)
    CLOCK.move(owners.APART)
    look()
    assert letters() == []
    assert not Timer.objects.filter(kind=owners.TELL).exists()


def test_there_is_an_hour_between_two_mails() -> None:
    hear("web", 1, service="web")
    fall_silent()
    CLOCK.move(owners.GATHER)
    look()
    assert len(letters()) == 1
    hear("other", 1, service="web")
    Host.objects.filter(name="other0").update(silent_at=now() - timedelta(minutes=1))
    silence.fall_silent()
    assert Timer.objects.filter(kind=owners.TELL).count() == 1
    CLOCK.move(owners.GATHER)
    look()
    assert letters() == []
    CLOCK.move(owners.APART)
    look()
    assert heads() == [("web", "1 host is silent")]


def test_a_host_that_comes_and_goes_is_told_once_a_day() -> None:
    report("web0")
    fall_silent()
    CLOCK.move(owners.GATHER)
    look()
    assert len(letters()) == 1
    report("web0", seq=2, because="boot")
    fall_silent()
    for _ in range(3):
        CLOCK.move(owners.APART)
        look()
    assert letters() == []
    CLOCK.move(owners.AGAIN)
    look()
    assert heads() == [("mara", "1 host is silent")]


def test_a_host_that_is_heard_again_meanwhile_is_not_told() -> None:
    report("web0")
    fall_silent()
    report("web0", seq=2)
    CLOCK.move(owners.GATHER)
    look()
    assert letters() == []
    assert owners.told_at(host("web0").silent_since, host("web0").silence_told_at) is None


def test_lost_pins_are_told_to_those_whose_hosts_have_the_role() -> None:
    report("web0", host={"role": "web", "services": ["web"]})
    at = now()
    for role in ("", "web"):
        Pin.objects.create(role=role, name="httpd", version="2.4.6-40", set_at=at, lost_since=at)
    owners.look_later()
    owners.look_later()
    CLOCK.move(owners.GATHER)
    look()
    (mara, web) = letters()
    assert "- httpd 2.4.6-40, of all hosts" in mara[2]
    assert "- httpd 2.4.6-40 of web" in web[2]
    assert web[1] == "1 pinned version is on no mirror"
    assert all(one.told_at is not None for one in pins.held())
    CLOCK.move(owners.APART)
    look()
    assert letters() == []
