"""What hosts report is kept once, compared, and shown to the judges."""

from array import array
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from raglan.core import timeline
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput
from raglan.fleet import actions, packages, ports, reports
from raglan.fleet.cases import Taken
from raglan.fleet.models import Host, Package, PackageMove, PackageSet, ToldBy, UnitTurn
from raglan.fleet.ports import HostTold, MoveTold, Observation, ServiceTold, ServiceTurn
from raglan.fleet.taking import take_reports
from tests.fleet.reporting import NEWER, WEB, hash_of, host, received, report

pytestmark = pytest.mark.django_db
UPGRADE = MoveTold("apache2", "2.4.6-40", "2.4.6-45", "amd64")


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Observation]]:
    """What the judges are shown."""
    shown: list[Observation] = []

    def look(observations: Sequence[Observation]) -> None:
        shown.extend(observations)

    monkeypatch.setattr(ports, "_judges", [look])
    yield shown
    packages.forget_known()


def moves() -> list[tuple[str, str, str]]:
    return list(PackageMove.objects.order_by("pk").values_list("name", "old", "new"))


def test_hosts_that_are_alike_share_one_list(seen: list[Observation]) -> None:
    take_reports([received(f"web{number}") for number in range(5)])

    assert Host.objects.count() == 5
    assert PackageSet.objects.count() == 1
    assert Package.objects.count() == len(WEB)
    assert [one.is_new for one in seen] == [True] * 5
    assert sorted(one.name for one in packages.listed(host("web3").packages_id)) == ["apache2", "openssl", "zlib1g"]


def test_entries_that_are_asked_for_stay_known_and_others_are_forgotten() -> None:
    book = packages.Book(4)
    book.note({b"common": 1, b"rare": 2})
    for number in range(3, 20):
        book.note({str(number).encode(): number})
        assert book.find([b"common"]) == {b"common": 1}
    assert book.find([b"rare", b"19"]) == {b"rare": None, b"19": 19}


def test_packages_that_were_forgotten_are_found_again(seen: list[Observation]) -> None:
    odd = ('odd"name', "1:2~$[0]", ""), *WEB
    report("web1", packages=odd)
    packages.forget_known()
    report("web2", packages=odd[:-1])
    assert Package.objects.count() == len(odd)


def test_a_package_that_moved_is_kept_and_shown(seen: list[Observation]) -> None:
    report()
    report(packages=NEWER, seq=2)

    assert moves() == [("apache2", "2.4.6-40", "2.4.6-45")]
    assert (seen[-1].moves, seen[-1].is_new) == ([UPGRADE], False)
    assert seen[-1].details["cluster"] == "east"


def test_packages_come_and_go_by_name(seen: list[Observation]) -> None:
    report()
    report(packages=[WEB[0], ("lsof", "4.95", "amd64"), ("linux", "6.1", "amd64"), ("linux", "6.2", "amd64")], seq=2)

    gone_and_come = [("linux", "", "6.1"), ("linux", "", "6.2"), ("lsof", "", "4.95")]
    assert moves() == [*gone_and_come, ("openssl", "3.0.11-1", ""), ("zlib1g", "1.2.13", "")]


def test_a_hash_that_is_known_stands_for_the_list(seen: list[Observation]) -> None:
    report("web1")
    asked = report("web2", packages=None, packages_hash=hash_of(NEWER))
    assert (asked, Host.objects.filter(name="web2").exists()) == (Taken.NEEDS_PACKAGES, False)

    assert report("web2", packages=None, packages_hash=hash_of(WEB)) is Taken.TAKEN
    assert host("web2").packages_id == host("web1").packages_id


def test_who_sends_a_new_list_serves_those_who_sent_its_hash_at_the_same_moment(seen: list[Observation]) -> None:
    by_hash = [received(name, packages=None, packages_hash=hash_of(WEB)) for name in ("web1", "web3")]
    results = take_reports([by_hash[0], received("web2", packages_hash=hash_of(WEB)), by_hash[1]])

    assert results == [Taken.TAKEN] * 3
    assert {host(name).packages.count for name in ("web1", "web2", "web3")} == {len(WEB)}


def test_a_report_sent_twice_counts_once_and_a_late_one_moves_nothing_back(seen: list[Observation]) -> None:
    first, second = received(seq=1), received(packages=NEWER, seq=2)
    results = take_reports([second, first, second])

    assert results == [Taken.TAKEN, Taken.LATE, Taken.AGAIN]
    assert (moves(), host().seq) == ([], 2)


def test_a_move_told_by_a_run_and_by_a_report_is_one(seen: list[Observation]) -> None:
    report()
    found = actions.host_for(HostTold(name="web1"), at=now(), received_at=now())
    assert actions.moves_of(found.host, [MoveTold("apache2", "2.4.6-40", "2.4.6-45")], at=now())
    report(packages=NEWER, seq=2)
    again = actions.moves_of(found.host, [MoveTold("apache2", "", "2.4.6-45")], at=now())

    assert (found.is_new, again, len(seen)) == (False, [], 1)
    assert [move.told_by for move in PackageMove.objects.all()] == [ToldBy.RUN]


def test_back_and_forth_are_three_moves(seen: list[Observation]) -> None:
    for seq, installed in enumerate((WEB, NEWER, WEB, NEWER), 1):
        report(packages=installed, seq=seq)

    assert [new for _, _, new in moves()] == ["2.4.6-45", "2.4.6-40", "2.4.6-45"]


def test_services_turn_and_runs_tell_the_same_turn_once(seen: list[Observation]) -> None:
    report(units=[["apache2.service", "active"], ["cron.service", "active"]])
    report(units=[["apache2.service", "failed"], ["ssh.service", "active"]], seq=2)
    turned = actions.turns_of(host(), [ServiceTold("apache2", "failed"), ServiceTold("cron", "inactive")], at=now())

    assert seen[-1].turns == [ServiceTurn("apache2", "active", "failed")]
    assert turned == [ServiceTurn("cron", "", "inactive")]
    assert (host().failed_units, UnitTurn.objects.count()) == (1, 2)


def test_what_is_wrong_in_one_report_harms_no_other(seen: list[Observation]) -> None:
    bad = received("bad", packages=[("only a name",)])
    wrong_units = received("worse", units=["apache2"])
    results = take_reports([received("web1"), bad, wrong_units, received("web2")])

    assert [isinstance(one, BadInput) for one in results] == [False, True, True, False]
    assert sorted(Host.objects.values_list("name", flat=True)) == ["web1", "web2"]


def test_a_clock_that_is_wrong_is_noted_and_times_are_set_right(seen: list[Observation]) -> None:
    at = now().timestamp()
    report("fast", at=at + 7_200, sent=at + 7_200)
    report("slow", at=at - 7_200, sent=at - 3_600)  # and it waited an hour on the host
    report("waited", at=at - 3_600)

    assert (host("fast").clock_offset_s, host("slow").clock_offset_s, host("waited").clock_offset_s) == (
        7_200,
        -3_600,
        0,
    )
    ages = [
        round((now() - (host(name).reported_at or now())).total_seconds(), -1) for name in ("fast", "slow", "waited")
    ]
    assert ages == [0, 3_600, 3_600]


def test_a_host_keeps_what_it_says_of_itself(seen: list[Observation]) -> None:
    said = {"tags": ["canary"], "services": ["shop", "search"], "system": "Debian 12"}
    gate = {"holds": ["httpd"], "asked_at": now().timestamp() - 5, "answer": "stop", "source": "http"}
    report(host=said, gate=gate)
    report(host={**said, "services": ["shop"], "role": "proxy"}, gate=gate, seq=2)

    kept = host()
    assert (kept.tags, kept.role, kept.system) == (["canary"], "proxy", "Debian 12")
    assert (kept.gate_answer, kept.gate_holds) == ("stop", ["httpd"])
    assert list(kept.carries.values_list("slug", flat=True)) == ["shop"]


def test_the_usual_interval_is_seen(seen: list[Observation]) -> None:
    for seq in range(1, 5):
        report(seq=seq, because="timer")
        CLOCK.move(timedelta(minutes=10))

    assert 590 <= host().report_interval_s <= 610


def test_a_machine_with_a_new_name_in_the_same_boot_is_renamed(seen: list[Observation]) -> None:
    report("web1")
    report("www1", host={"machine": "id-web1"}, boot="boot-web1", seq=2)

    assert Host.objects.get().name == "www1"
    told = [event.kind for event in timeline.about(host("www1"))]
    assert told == ["host.renamed"]


def test_two_machines_with_one_id_are_kept_apart_and_say_so(seen: list[Observation]) -> None:
    for seq in (1, 2):
        report("web1", host={"machine": "copy"}, seq=seq)
        CLOCK.move(timedelta(minutes=1))
        report("web2", host={"machine": "copy"}, seq=seq, packages=NEWER)
        CLOCK.move(timedelta(minutes=1))

    assert moves() == []
    assert all(one.shared_since for one in Host.objects.all())
    assert [event.kind for event in timeline.about(host("web2"))] == ["host.machine_shared"]


def test_two_machines_with_one_id_and_one_name_are_told_by_their_boots(seen: list[Observation]) -> None:
    for seq, (boot, installed) in enumerate([("a", WEB), ("b", WEB), ("a", NEWER), ("b", WEB), ("a", NEWER)], 1):
        report("web1", boot=boot, packages=installed, seq=seq)
        CLOCK.move(timedelta(minutes=1))

    assert (moves(), host().boot) == ([], "b")
    assert host().shared_since is not None


def test_a_host_that_only_runs_told_of_is_the_one_that_reports_later(seen: list[Observation]) -> None:
    found = actions.host_for(HostTold(name="web1", role="db"), at=now(), received_at=now())
    report("web1")

    assert found.is_new
    assert (Host.objects.get().pk, host().machine, host().role) == (found.host.pk, "id-web1", "web")


def test_a_retired_host_that_reports_is_back(seen: list[Observation]) -> None:
    report()
    actions.retire_host(host(), actor="raglan")
    report(seq=2)

    assert host().retired_at is None
    assert [event.kind for event in timeline.about(host())] == ["host.retired", "host.heard_again"]


def test_a_judge_that_fails_costs_nobody_the_facts(seen: list[Observation], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(observations: Sequence[Observation]) -> None:
        Package.objects.create(name="of a judge", version="1")
        Package.objects.create(name="of a judge", version="1")

    monkeypatch.setattr(ports, "_judges", [fail, *ports._judges])
    assert report() is Taken.TAKEN
    assert (len(seen), Package.objects.filter(name="of a judge").exists()) == (1, False)


@pytest.mark.parametrize("ids", [[], [7], [1, 2, 3, 70_000, 2**32 - 1]])
def test_a_list_that_is_packed_is_the_same_again(ids: list[int]) -> None:
    assert list(packages.unpack(packages.pack(array("I", ids)))) == ids


@pytest.mark.parametrize(
    "body",
    [
        '{"host":{"name":"a"},"at":1e9,"packages":[["p","1","x"]]}',
        '{"host":{"name":"a"},"at":1e9, "packages": [["p","1","x"]]}',
        '{"packages":[["p","1","x"]],"host":{"name":"a"},"at":1e9,"units":[["u","active"]]}',
        '{"host":{"name":"a","packages":[["o","1","x"]]},"at":1e9,"packages":[["p","1","x"]]}',
        '{"host":{"name":"a"},"at":1e9,"packages":[["p","1","x"]],"more":[["q","1","x"]]}',
    ],
)
def test_a_list_is_found_wherever_it_stands(body: str, seen: list[Observation]) -> None:
    told = reports.read(body.encode(), source=0, received_at=now())
    if '"more"' in body:  # what is read quickly is looked at thoroughly before it is kept
        assert isinstance(take_reports([told])[0], BadInput)
        return
    assert told.packages == b'[["p","1","x"]]'
    assert take_reports([told]) == [Taken.TAKEN]
