"""What is compared beside moves: with what new hosts come, services that stay down, and restarts."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from raglan.changes import proposing
from raglan.changes.models import Change
from raglan.core.clock import CLOCK, now
from raglan.core.models import Event, Timer
from raglan.fleet import crashing, packages, restarting, stopping
from raglan.fleet.models import Host
from raglan.fleet.ports import HostTold, Outcome, RunTold
from raglan.fleet.runs import take_run
from raglan.fleet.taking import take_reports
from raglan.fleet.watch_models import Arrival
from raglan.testing import world
from tests.fleet.reporting import NEWER, host, received, report

pytestmark = pytest.mark.django_db
BY = proposing.Teller("Mara", "raglan")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    packages.forget_known()


def units(state: str, name: str = "apache2.service") -> list[list[str]]:
    return [[name, state]]


def pin(**expected: object) -> Change:
    given = {"on_new": "version", "on_existing": "nothing", "units": ("apache2",), **expected}
    said = proposing.Expected(**given)  # type: ignore[arg-type]  # a test states only what matters
    change = proposing.propose(proposing.Proposal("Raise the pin", [("apache2", "2.4.6-45")], said), by=BY)
    return proposing.turn(change, Change.State.UNDER_WAY, actor="raglan")


def stands(name: str = "web0") -> tuple[str, str]:
    found = Arrival.objects.filter(host__name=name).first()
    return (found.state, found.words) if found else ("", "")


def raised() -> list[str]:
    return [str(event.data["words"]) for event in Event.objects.filter(kind="surprise.raised").order_by("pk")]


def at(seconds: float) -> float:
    return now().timestamp() + seconds


def test_a_new_host_with_another_version_is_told_and_well_once_it_has_the_right_one() -> None:
    pin()
    CLOCK.move(timedelta(minutes=1))
    report("web0", host={"installed": at(-10)})
    assert stands() == ("differs", "apache2 2.4.6-40, not 2.4.6-45 on a new host")
    report("web0", packages=NEWER, seq=2)
    assert stands()[0] == "back"


@pytest.mark.parametrize(("installed", "is_new"), [(0, True), (-30, True), (-7200, False)])
def test_a_machine_that_is_older_than_the_change_is_an_existing_host(installed: float, *, is_new: bool) -> None:
    pin()
    CLOCK.move(timedelta(minutes=1))
    said = {"installed": at(installed) if installed else 0}
    report("web0", host=said)
    assert bool(stands()[0]) == is_new
    report("web0", packages=NEWER, seq=2, host=said)
    assert Arrival.objects.get().is_new == is_new
    assert ("on an existing host" in stands()[1]) != is_new
    if installed:
        found = host("web0").installed_at
        assert found is not None
        assert abs(found.timestamp() - at(installed)) < 5


def test_a_host_that_a_run_told_of_first_is_compared_once_its_packages_are_known() -> None:
    pin()
    CLOCK.move(timedelta(minutes=1))
    run = RunTold("chef", "1", HostTold("web0", "id-web0"), Outcome.UNCHANGED)
    take_run(run, source=make_source(), received_at=now())
    assert stands()[0] == ""
    report("web0")
    assert stands()[0] == "differs"


def make_source() -> int:
    from raglan.fleet.models import FleetSource

    return FleetSource.objects.create(name="a", slug="a", token_digest="a", token_hint="a", created_at=now()).pk


def test_a_service_that_stays_down_is_told_after_a_while() -> None:
    take_reports([received(name, units=units("active")) for name in ("web0", "web1")])
    pin()
    report("web0", seq=2, units=units("deactivating"))
    report("web1", seq=2, units=units("activating"))
    report("web0", seq=3, units=units("inactive"))
    report("web1", seq=3, units=units("active"))
    assert stands()[0] == ""
    world.fast_forward(stopping.LASTS + timedelta(seconds=5))

    assert stands() == ("differs", "apache2 inactive, active before, on an existing host")
    assert stands("web1")[0] == ""
    report("web0", seq=4, units=units("activating"))
    assert stands()[0] == "differs"
    report("web0", seq=5, units=units("active"))
    assert stands()[0] == "back"
    assert len(raised()) == 1


def test_a_service_that_went_down_later_is_looked_at_in_its_time() -> None:
    take_reports([received(name, units=units("active")) for name in ("web0", "web1")])
    pin()
    report("web0", seq=2, units=units("inactive"))
    CLOCK.move(stopping.LASTS - timedelta(seconds=10))
    report("web1", seq=2, units=units("inactive"))
    assert Timer.objects.filter(kind=stopping.LOOK).count() == 1
    world.fast_forward(timedelta(seconds=12))
    assert (stands("web0")[0], stands("web1")[0]) == ("differs", "")
    world.fast_forward(stopping.LASTS)
    assert stands("web1")[0] == "differs"


def test_more_services_than_are_looked_at_at_once_are_all_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "AT_ONCE", 2)
    names = [f"web{number}" for number in range(5)]
    take_reports([received(name, units=units("active")) for name in names])
    pin()
    for name in names:
        CLOCK.move(timedelta(milliseconds=50))
        report(name, seq=2, units=units("inactive"))
    world.fast_forward(stopping.LASTS + timedelta(seconds=5))
    assert Arrival.objects.filter(state="differs").count() == len(names)


def test_a_restart_is_seen_by_the_times_that_a_host_tells() -> None:
    begun = at(-900)
    report("web0", started=[["apache2.service", begun], ["cron.service", begun]])
    pin()
    report("web0", seq=2, started=[["apache2.service", begun], ["cron.service", at(0)]])
    assert (host("web0").starts["apache2"], stands()[0]) == (int(begun), "")
    report("web0", seq=3, started=[["apache2.service", at(0)], ["cron.service", at(0)]])
    assert stands() == ("differs", "apache2 restarted on an existing host, which was not expected")


def test_a_crash_after_which_systemd_started_it_again_is_told_as_one() -> None:
    begun = [["apache2.service", at(-900)], ["cron.service", at(-900)]]
    take_reports([received(name, started=begun) for name in ("web0", "web1")])
    pin(on_existing="restart")
    anew = [["apache2.service", at(0)], ["cron.service", at(0)]]
    report("web0", seq=2, packages=NEWER, started=anew, crashed=["apache2.service"])
    words = "apache2 2.4.6-40 → 2.4.6-45 on an existing host; apache2 crashed and was started again"
    assert stands() == ("differs", words)
    assert not Timer.objects.filter(kind=restarting.LOOK).exists()  # for a restart nobody waits any more
    report("web0", seq=3, packages=NEWER, started=anew, crashed=["apache2.service"])
    assert raised() == [words]
    report("web1", seq=2, started=anew, crashed=["cron.service"])  # which the change does not name, nor is it there
    assert stands("web1")[0] == ""


def crashed(seq: int, started: float, state: str = "active") -> None:
    """Its report tells when systemd itself started the unit again."""
    report("web0", seq=seq, units=units(state), started=[["apache2.service", started]], crashed=["apache2.service"])


def test_a_host_whose_unit_crashed_is_back_once_it_has_stood_and_the_crash_stays_readable() -> None:
    crashed(1, at(-900))
    change = pin()
    crashed(2, at(0))
    words = "apache2 crashed and was started again, on an existing host"
    assert stands() == ("differs", words)
    began = at(0)
    world.fast_forward(timedelta(minutes=6))
    crashed(3, began)
    world.fast_forward(timedelta(minutes=5))  # it is looked at, and its host was heard when it had stood for 6 minutes
    assert stands() == ("differs", words)
    crashed(4, began)
    world.fast_forward(timedelta(minutes=10))
    assert stands() == ("back", words)
    assert Arrival.objects.get().back_at is not None
    crashed(5, at(0))
    assert stands() == ("differs", words)
    CLOCK.move(timedelta(minutes=11))
    crashed(6, at(-660), "failed")  # and now it stays down
    world.fast_forward(timedelta(minutes=10))
    assert stands()[0] == "differs"
    report(
        "web0", seq=7, units=units("active"), started=[["apache2.service", at(0)]]
    )  # by hand: no restart, it was down
    assert stands()[0] == "back"
    proposing.turn(change, Change.State.DONE, actor="raglan")
    world.fast_forward(timedelta(minutes=30))
    assert not Timer.objects.filter(kind=crashing.LOOK).exists()


def test_a_silent_host_whose_unit_crashed_is_not_waited_for() -> None:
    crashed(1, at(-900))
    pin()
    crashed(2, at(0))
    Host.objects.update(silent_since=now())
    world.fast_forward(timedelta(minutes=11))
    assert stands()[0] == "differs"
    assert not Timer.objects.filter(kind=crashing.LOOK).exists()


@pytest.mark.parametrize("started", [None, "odd", [["apache2"]], [["apache2", -1], ["b", 1e30]], [[1, 2]], {}])
def test_times_that_cannot_be_read_are_not_told(started: object) -> None:
    report("web0", started=started)
    assert host("web0").starts == {}


def test_a_restart_that_was_expected_and_comes_is_as_said() -> None:
    report("web0", started=[["apache2", at(-900)]])
    pin(on_existing="restart")
    report("web0", seq=2, packages=NEWER, started=[["apache2", at(0)]])
    assert stands() == ("as_said", "")
    assert not Timer.objects.filter(kind=restarting.LOOK).exists()


def test_a_restart_that_was_expected_and_does_not_come_is_told_and_put_right_by_one() -> None:
    before = at(-900)  # once: a second later it would be another start
    for name in ("web0", "web1", "web2"):
        report(name, started=[["apache2", before]] if name != "web2" else None)
    change = pin(on_existing="restart")
    for name in ("web0", "web1", "web2"):
        report(name, seq=2, packages=NEWER, started=[["apache2", before]] if name != "web2" else None)
    CLOCK.move(timedelta(minutes=5))
    report("web0", seq=3, packages=NEWER)
    report("web1", seq=3, packages=NEWER, started=[["apache2", at(0)]])
    world.fast_forward(restarting.WITHIN)

    words = "a restart of apache2 was expected; it did not happen within 15 min"
    assert [stands(name) for name in ("web0", "web1", "web2")] == [("differs", words), ("as_said", ""), ("as_said", "")]
    assert raised() == [words]
    report("web0", seq=4, packages=NEWER, started=[["apache2", at(0)]])
    assert stands()[0] == "back"
    assert not Timer.objects.filter(kind=restarting.LOOK, subject=f"change:{change.pk}").exists()


def test_of_a_host_that_is_not_heard_nobody_can_tell_whether_it_restarted() -> None:
    report("web0", started=[["apache2", at(-900)]])
    change = pin(on_existing="restart")
    report("web0", seq=2, packages=NEWER)
    CLOCK.move(restarting.WITHIN + timedelta(minutes=1))
    assert restarting.overdue(change, now()) == []
    assert Timer.objects.filter(kind=restarting.LOOK).exists()
    host("web0")
    type(host("web0")).objects.update(silent_since=now())
    assert restarting.overdue(change, now()) == []
    assert Arrival.objects.get().waits_until is None
