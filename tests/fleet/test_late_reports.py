"""A report that comes after a later one goes into the history of its host, and moves nothing back."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.core.clock import CLOCK
from raglan.fleet import late, packages
from raglan.fleet.cases import Taken
from raglan.fleet.late import Row, Step
from raglan.fleet.models import PackageMove, UnitTurn
from raglan.fleet.reports import Received
from raglan.fleet.taking import take_reports
from tests.fleet.reporting import NEWER, WEB, hash_of, host, received

pytestmark = pytest.mark.django_db
NEWEST = (("apache2", "2.4.6-46", "amd64"), *WEB[1:])
GONE = WEB[1:]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    packages.forget_known()


def made(*lists: object, states: str = "") -> list[Received]:
    """Return reports of some minutes, in their order."""
    found = []
    for seq, packages_ in enumerate(lists, 1):
        state = states.split()[seq - 1] if states else "active"
        found.append(received(packages=packages_, seq=seq, units=[["apache2", state]]))
        CLOCK.move(timedelta(minutes=1))
    return found


def moves() -> list[tuple[str, str, str]]:
    return list(PackageMove.objects.order_by("at", "pk").values_list("name", "old", "new"))


@pytest.mark.parametrize(
    ("lists", "told"),
    [
        ((WEB, NEWER, NEWEST), [("2.4.6-40", "2.4.6-45"), ("2.4.6-45", "2.4.6-46")]),
        ((WEB, NEWER, NEWER), [("2.4.6-40", "2.4.6-45")]),
        ((WEB, NEWER, WEB), [("2.4.6-40", "2.4.6-45"), ("2.4.6-45", "2.4.6-40")]),
        ((WEB, GONE, WEB), [("2.4.6-40", ""), ("", "2.4.6-40")]),
        ((WEB, GONE, NEWER), [("2.4.6-40", ""), ("", "2.4.6-45")]),
        ((WEB, WEB, NEWER), [("2.4.6-40", "2.4.6-45")]),
    ],
)
def test_what_moved_is_told_in_its_order(lists: tuple[object, ...], told: list[tuple[str, str]]) -> None:
    first, between, last = made(*lists)
    assert take_reports([first, last]) == [Taken.TAKEN] * 2
    now_ = host().packages_id
    assert take_reports([between, between]) == [Taken.LATE] * 2

    assert moves() == [("apache2", old, new) for old, new in told]
    assert host().packages_id == now_
    if lists[1] == NEWER == lists[2]:
        assert PackageMove.objects.get().at.timestamp() == pytest.approx(between.report.at, abs=0.001)


def test_services_turn_in_their_order() -> None:
    first, between, last = made(WEB, WEB, WEB, states="active failed active")
    take_reports([first, last])
    take_reports([between])
    turns = UnitTurn.objects.order_by("at", "pk").values_list("was", "state")
    assert list(turns) == [("active", "failed"), ("failed", "active")]
    assert host().failed_units == 0


def test_packages_of_a_late_report_are_asked_for_when_nobody_knows_them() -> None:
    first, _, last = made(WEB, WEB, NEWEST)
    take_reports([first, last])
    at = first.report.at + 30
    said = received(packages=None, packages_hash=hash_of(NEWER), seq=2, at=at)
    assert take_reports([said]) == [Taken.NEEDS_PACKAGES]
    assert take_reports([received(packages=NEWER, seq=2, at=at)]) == [Taken.LATE]
    assert len(moves()) == 2


def test_what_was_before_a_host_was_heard_of_is_not_invented() -> None:
    first, second, last = made(WEB, NEWER, NEWEST)
    take_reports([last])
    assert take_reports([second, first]) == [Taken.LATE] * 2
    assert moves() == []


VERSIONS = st.sampled_from(["", "1", "2", "3"])


@given(VERSIONS, VERSIONS, VERSIONS)
def test_steps_always_lead_from_the_first_to_the_last(first: str, between: str, last: str) -> None:
    later = [Row(1, Step("a", first, last, "x"))] if first != last else []
    told = [Step("a", first, between, "x")] if first != between else []
    found = late.splice(told, later)
    early = [(step.old, step.new) for step, is_end in found.made if not is_end]
    early += [(row.step.old, row.step.new) for row in later if row.pk in found.earlier]
    end = [(step.old, step.new) for step, is_end in found.made if is_end]
    kept = [row for row in later if row.pk not in found.earlier]
    end += [(found.begins.get(row.pk, row.step.old), row.step.new) for row in kept]
    state = first
    for old, new in (*early, *end):
        assert old == state
        state = new
    assert state == last
    assert (early[0][1] if early else first) == between


@given(st.sets(st.tuples(st.just("a"), st.sampled_from("123"), st.sampled_from("xy"))), st.sampled_from("123"))
def test_what_was_before_a_move_is_what_was_taken_from(entries: set[tuple[str, str, str]], new: str) -> None:
    was = {*entries, ("b", "1", "x")}
    now_ = {*entries, ("b", new, "x")}
    for arch in ("x", ""):
        assert late.before(now_, [Row(1, Step("b", "1", new, arch))]) == was
