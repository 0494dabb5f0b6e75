"""Hosts that do not converge stand in a register, with what they carried before anybody repairs them."""

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from raglan.changes import proposing
from raglan.changes.models import Change
from raglan.core.clock import CLOCK, now
from raglan.fleet import packages, reach, variety
from raglan.fleet.models import Host
from raglan.fleet.ports import Outcome
from raglan.fleet.taking import take_reports
from raglan.fleet.watch_models import Surprise
from raglan.incidents import actions as incidents
from raglan.people.models import Person
from raglan.testing import world
from tests.fleet.reporting import NEWER, received
from tests.fleet.running import take, told

pytestmark = pytest.mark.django_db
FAILED = [["apache2.service", "failed"]]


@pytest.fixture
def mara(client: Client) -> Person:
    """Somebody signed in; and four web hosts of which the last one runs no automation any more."""
    packages.forget_known()
    reach.forget_held()
    take_reports([received(f"web{number}", host={"services": ["shop"]}) for number in range(4)])
    Host.objects.update(run_interval_s=600, ran_at=now(), converged_at=now())
    Host.objects.filter(name="web3").update(ran_at=now() - timedelta(days=3), converged_at=now() - timedelta(days=3))
    person = world.person()
    client.force_login(person)
    return person


def listed() -> list[str]:
    return [host.name for host in variety.register()]


def test_a_host_is_listed_when_its_automation_is_late_or_was_never_seen(mara: Person) -> None:
    assert listed() == ["web3"]
    take_reports([received("web9")])
    assert listed() == ["web9", "web3"]
    take_reports([received("db1", host={"cluster": "databases"})])  # nothing is known to run there at all
    assert listed() == ["web9", "web3"]
    CLOCK.move(timedelta(minutes=50))
    assert listed() == ["web9", "web3"]
    CLOCK.move(timedelta(minutes=11))
    assert listed() == ["web9", "web3", "web0", "web1", "web2"]
    Host.objects.filter(name="web0").update(silent_since=now())
    assert "web0" not in listed()


def test_while_no_run_was_seen_nobody_is_told_that_all_is_well(client: Client, mara: Person) -> None:
    Host.objects.update(run_interval_s=0, ran_at=None, converged_at=None)
    page = client.get("/changes/variety/").content.decode()
    assert "No run of automation was seen to converge yet." in page
    assert "Automation converges on every host" not in page
    Host.objects.update(run_interval_s=600, ran_at=now(), converged_at=now())
    assert "Automation converges on every host" in client.get("/changes/variety/").content.decode()


def test_the_register_looks_once_where_runs_are_seen_and_not_once_for_each_host(mara: Person) -> None:
    found = variety.register()
    assert "CORRELATED" not in found.explain().upper()


def test_a_host_whose_runs_fail_is_late_however_often_it_runs(client: Client, mara: Person) -> None:
    begun, ran = now(), {}
    take(told("before", Outcome.UNCHANGED, name="web0", ended_at=begun))
    for number in range(1, 8):
        CLOCK.move(timedelta(minutes=10))
        for name in ("web0", "web1", "web2"):
            outcome = {"web0": Outcome.FAILED, "web1": Outcome.REHEARSED, "web2": Outcome.UNCHANGED}[name]
            ran[name, number] = take(told(f"r{number}", outcome, name=name)).at
    assert listed() == ["web3", "web1", "web0"]
    failing = Host.objects.get(name="web0")
    assert (failing.converged_at, failing.failing_since) == (begun, ran["web0", 1])
    assert "fails since" in client.get("/changes/variety/").content.decode()
    assert "Its runs fail since" in client.get(f"/changes/variety/{failing.pk}/").content.decode()
    assert client.get(f"/api/v1/variety/{failing.pk}").json()["failing_since"]
    take(told("r8", Outcome.CHANGED, name="web0"))
    assert "web0" not in listed()


def test_a_host_that_fails_for_the_first_time_is_listed_once_it_goes_on(mara: Person) -> None:
    Host.objects.filter(name="web0").update(converged_at=None)
    for number in range(6):
        take(told(f"r{number}", Outcome.FAILED, name="web0"))
        assert "web0" not in listed()
        CLOCK.move(timedelta(minutes=10))
    assert "web0" in listed()


def test_runs_are_weighed_by_when_they_were_not_by_when_they_were_told(mara: Person) -> None:
    def run(key: str, outcome: Outcome, minutes: int) -> Host:
        take(told(key, outcome, name="web0", started_at=None, ended_at=begun + timedelta(minutes=minutes)))
        return Host.objects.get(name="web0")

    begun = now()
    CLOCK.move(timedelta(hours=1))
    run("c", Outcome.FAILED, 30)
    assert run("b", Outcome.FAILED, 20).failing_since == begun + timedelta(minutes=20)
    assert run("a", Outcome.CHANGED, 25).failing_since == begun + timedelta(minutes=30)
    assert run("d", Outcome.CHANGED, 40).failing_since is None
    again = run("d", Outcome.FAILED, 40)  # it went on, and failed
    assert again.converged_at == begun + timedelta(minutes=25)
    assert again.failing_since == begun + timedelta(minutes=30)


def test_before_it_is_repaired_it_is_shown_what_it_carried(client: Client, mara: Person) -> None:
    said = proposing.Expected("version", "nothing")
    draft = proposing.Proposal("Raise the pin", [("apache2", "2.4.6-45")], said)
    proposing.propose(draft, by=proposing.Teller("Mara", mara, mara))
    take_reports([received(f"web{n}", packages=NEWER, seq=2, units=FAILED) for n in range(3)])
    incidents.declare("The shop is slow", by=mara, services=[shop := world.service("shop")])
    host = Host.objects.get(name="web3")
    page = client.get(f"/changes/variety/{host.pk}/").content.decode()
    for words in ("It serves shop.", "It went on as it was", "differed on 3 hosts", "The shop is slow", "on purpose?"):
        assert words in page
    for number in range(9):
        incidents.declare(f"The shop is away, {number}", by=mara, services=[shop])
    assert "2 earlier incidents were about it, too." in client.get(f"/changes/variety/{host.pk}/").content.decode()

    assert client.post(f"/changes/variety/{host.pk}/", {"wish": "much"}).status_code == 422
    client.post(f"/changes/variety/{host.pk}/", {"why": "Chef is off", "wish": "reserve"})
    assert "Kept as a reserve" in client.get("/changes/variety/").content.decode()
    over_rest = client.get(f"/api/v1/variety/{host.pk}").json()
    assert (over_rest["why"], over_rest["wish"], over_rest["kept_through"]) == (
        "Chef is off",
        "reserve",
        ["Raise the pin"],
    )
    client.post(f"/api/v1/variety/{host.pk}", {"wish": "repair"}, "application/json")
    assert [one["wish"] for one in client.get("/api/v1/variety").json()] == ["repair"]


def test_a_host_that_took_the_change_kept_nothing(mara: Person) -> None:
    draft = proposing.Proposal("Pin", [("apache2", "2.4.6-45")], proposing.Expected("version", "nothing"))
    proposing.propose(draft, by=proposing.Teller("Mara", mara, mara))
    take_reports([received("web0", packages=NEWER, seq=2)])
    assert variety.kept_through(Host.objects.get(name="web0")) == []
    assert [one.hosts for one in variety.kept_through(Host.objects.get(name="web1"))] == [1]


def test_what_is_known_of_earlier_runs_counts_from_the_start(mara: Person) -> None:
    runs = [take(told(key, how, name="web0")) for key, how in (("a", Outcome.CHANGED), ("b", Outcome.FAILED))]
    take(told("c", Outcome.FAILED, name="web0"))
    Host.objects.update(converged_at=None, failing_since=None)
    import_module("raglan.fleet.migrations.0009_converged").from_runs(apps, SimpleNamespace(connection=connection))
    found = Host.objects.get(name="web0")
    assert [found.converged_at, found.failing_since] == [run.at for run in runs]
    assert not Host.objects.exclude(name="web0").filter(converged_at__isnull=False).exists()


def test_changes_elsewhere_do_not_hide_what_a_host_kept_through(mara: Person) -> None:
    meant = _differed(mara, "Pin", clusters=())
    for number in range(variety.LOOKED_AT + 1):
        _differed(mara, f"Elsewhere {number}", clusters=("west",))
    assert [one.change for one in variety.kept_through(Host.objects.get(name="web1"))] == [meant]


def _differed(mara: Person, title: str, *, clusters: tuple[str, ...]) -> Change:
    said = proposing.Expected("version", "nothing", clusters=clusters)
    draft = proposing.Proposal(title, [("apache2", "2.4.6-45")], said)
    change = proposing.propose(draft, by=proposing.Teller("Mara", mara, mara))
    CLOCK.move(timedelta(minutes=1))
    Change.objects.filter(pk=change.pk).update(started_at=now())
    first = Host.objects.get(name="web0")
    Surprise.objects.create(change=change, kind="version", host=first, words="differs", at=now(), raised_at=now())
    return change
