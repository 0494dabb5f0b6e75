"""What a host showed is compared with what was said: as you said, or differs, with the difference in words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.fleet.judging import BAD_STATES, Difference, Judged, Said, Seen, Verdict, compare
from raglan.fleet.ports import MoveTold, Outcome, ServiceTurn

HTTPD = MoveTold("httpd", "2.4.6-40", "2.4.6-45")
FAILED = ServiceTurn("httpd.service", "active", "failed")
PIN = Said(1, {"httpd": "2.4.6-45"}, on_new="version", on_existing="nothing", units=frozenset(("httpd",)))
RAISED = Said(1, {"httpd": "2.4.6-45"}, on_new="version", on_existing="version")


def words(said: Said, seen: Seen) -> str:
    judged = compare(said, seen)
    assert judged is not None
    return judged.words


def test_a_package_that_should_not_move_is_told_with_what_came_of_it() -> None:
    judged = compare(PIN, Seen([HTTPD], [FAILED]))
    assert judged == Judged(
        Verdict.DIFFERS,
        (Difference.UNIT, Difference.MOVED),
        "httpd 2.4.6-40 → 2.4.6-45 on an existing host; httpd.service failed, active before",
    )


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (
            Seen([MoveTold("httpd", "2.4.6-40", "2.4.6-46")]),
            "httpd 2.4.6-40 → 2.4.6-46, not 2.4.6-45 on an existing host",
        ),
        (Seen([MoveTold("httpd", "2.4.6-40", "")]), "httpd 2.4.6-40, gone on an existing host"),
        (Seen([HTTPD], outcome=Outcome.FAILED), "httpd 2.4.6-40 → 2.4.6-45 on an existing host; the run failed"),
        (Seen([], [FAILED], has_it=True), "httpd.service failed, active before"),
        (Seen([], [ServiceTurn("php", "", "failed")], has_it=True), "php failed"),
    ],
)
def test_each_difference_has_its_words(seen: Seen, told: str) -> None:
    assert words(RAISED, seen) == told


def test_a_host_that_is_kept_aside_differs_as_soon_as_the_change_is_on_it() -> None:
    judged = compare(RAISED, Seen([HTTPD], is_aside=True))
    words = "httpd 2.4.6-40 → 2.4.6-45 on a host that is kept aside"
    assert judged == Judged(Verdict.DIFFERS, (Difference.ASIDE,), words)


@pytest.mark.parametrize(
    ("said", "seen", "kind", "told"),
    [
        (PIN, {"has": {"httpd": "2.4.6-40"}}, "version", "httpd 2.4.6-40, not 2.4.6-45 on a new host"),
        (Said(1, {"httpd": "2"}, "nothing"), {"has": {"httpd": "2"}}, "moved", "httpd 2 on a new host"),
    ],
)
def test_a_new_host_that_comes_with_something_else_differs(
    said: Said, seen: dict[str, Any], kind: str, told: str
) -> None:
    assert compare(said, Seen(is_new=True, **seen)) == Judged(Verdict.DIFFERS, (Difference(kind),), told)
    assert compare(said, Seen(is_new=False, **seen)) is None


def test_a_unit_that_was_active_and_stays_down_is_told() -> None:
    down = ServiceTurn("httpd", "active", "deactivating")
    assert words(PIN, Seen(stopped=[down])) == "httpd deactivating, active before, on an existing host"
    assert compare(RAISED, Seen(stopped=[down])) is None
    assert words(RAISED, Seen(stopped=[down], has_it=True)) == "httpd deactivating, active before"


def test_a_restart_that_nobody_expected_is_told() -> None:
    judged = compare(PIN, Seen(restarts=["cron", "httpd"]))
    words = "httpd restarted on an existing host, which was not expected"
    assert judged == Judged(Verdict.DIFFERS, (Difference.RESTART,), words)
    judged = compare(PIN, Seen([HTTPD], restarts=["httpd"]))
    words = "httpd 2.4.6-40 → 2.4.6-45 on an existing host; httpd restarted, which was not expected"
    assert judged == Judged(Verdict.DIFFERS, (Difference.RESTART, Difference.MOVED), words)


def test_a_unit_that_was_named_is_told_with_where() -> None:
    assert words(PIN, Seen([], [FAILED])) == "httpd.service failed, active before, on an existing host"


def test_what_comes_as_it_was_said_is_as_said() -> None:
    assert compare(RAISED, Seen([HTTPD])) == Judged(Verdict.AS_SAID)
    assert compare(PIN, Seen(outcome=Outcome.UNCHANGED)) == Judged(Verdict.AS_SAID)
    assert compare(PIN, Seen(is_new=True, has={"httpd": "2.4.6-45"})) == Judged(Verdict.AS_SAID)
    assert compare(Said(1, {"httpd": ""}, "version", "version"), Seen([HTTPD])) == Judged(Verdict.AS_SAID)


def test_what_says_nothing_about_the_change_is_passed_over() -> None:
    assert compare(PIN, Seen([MoveTold("curl", "7", "8")], [ServiceTurn("cron", "active", "failed")])) is None
    assert compare(PIN, Seen(outcome=Outcome.REHEARSED)) is None
    assert compare(PIN, Seen(outcome=Outcome.FAILED)) is None
    assert compare(RAISED, Seen(outcome=Outcome.UNCHANGED)) is None
    assert compare(PIN, Seen(outcome=Outcome.UNCHANGED, has_it=True)) is None
    assert compare(PIN, Seen(is_new=True, has={"curl": "7"})) is None
    assert compare(PIN, Seen([], [ServiceTurn("httpd", "active", "inactive")])) is None  # it may be on its way up again
    assert compare(RAISED, Seen(restarts=["httpd"])) is None
    assert compare(PIN, Seen(restarts=["cron"])) is None
    assert compare(PIN, Seen(restarts=["httpd"], is_new=True)) is None


@pytest.mark.parametrize("said", [Said(1, {"httpd": "1"}, "words", "words"), Said(1, {"httpd": "1"})])
def test_words_are_not_compared_but_a_unit_that_fails_is_told(said: Said) -> None:
    assert compare(said, Seen([HTTPD])) == Judged(Verdict.OPEN)
    assert words(said, Seen([HTTPD], [FAILED])).startswith("httpd 2.4.6-40 → 2.4.6-45 on an existing host; httpd")


def test_a_host_outside_of_what_was_named_is_not_meant() -> None:
    said = Said(1, {}, clusters=frozenset(("web", "api")), environments=frozenset(("production",)))
    assert said.reaches(cluster="web", role="any", environment="production")
    assert not said.reaches(cluster="web", role="any", environment="staging")
    assert not said.reaches(cluster="db", role="any", environment="production")
    assert Said(1, {}).reaches(cluster="", role="", environment="")


NAMES, VERSIONS = st.sampled_from(["httpd", "curl", "php"]), st.sampled_from(["", "1", "2", "3"])
MOVES = st.lists(st.builds(MoveTold, NAMES, VERSIONS, VERSIONS), max_size=3)
STATES = st.sampled_from(["active", "failed", "inactive", ""])
TURNS = st.lists(st.builds(ServiceTurn, st.sampled_from(["httpd.service", "cron"]), STATES, STATES), max_size=3)
KINDS = st.sampled_from(["nothing", "version", "restart", "words", ""])
SAID = st.builds(
    Said,
    st.just(1),
    st.dictionaries(NAMES, VERSIONS, max_size=2),
    KINDS,
    KINDS,
    st.frozensets(st.sampled_from(["httpd", "cron.service"]), max_size=2),
)
SEEN = st.builds(
    Seen,
    MOVES,
    TURNS,
    st.one_of(st.none(), st.sampled_from(list(Outcome))),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.dictionaries(NAMES, VERSIONS, max_size=3),
)


@given(SAID, SEEN)
def test_a_verdict_always_has_its_ground(said: Said, seen: Seen) -> None:
    judged = compare(said, seen)
    expected = said.on_new if seen.is_new else said.on_existing
    about = [move for move in seen.moves if move.name in said.packages]
    bad = [turn for turn in seen.turns if turn.now in BAD_STATES]
    match judged:
        case None:
            assert not about
        case Judged(Verdict.DIFFERS, kinds, told):
            assert kinds
            assert told
            came = seen.is_new and any(name in said.packages for name in seen.has)
            assert about or bad or seen.outcome is Outcome.FAILED or came
            assert (Difference.UNIT in kinds) <= bool(bad)
            assert (Difference.MOVED in kinds) <= (expected == "nothing")
            assert (Difference.VERSION in kinds) <= (expected in ("version", "restart"))
            assert (Difference.ASIDE in kinds) == (seen.is_aside and bool(about))
        case Judged(Verdict.AS_SAID, (), ""):
            assert expected in ("nothing", "version", "restart")
            assert (expected == "nothing") <= (not about)
        case Judged(Verdict.OPEN, (), ""):
            assert expected in ("words", "")
            assert about
        case _:
            raise AssertionError(judged)


@given(SAID, SEEN)
def test_what_moves_where_nothing_should_always_differs(said: Said, seen: Seen) -> None:
    expected = said.on_new if seen.is_new else said.on_existing
    if expected == "nothing" and any(move.name in said.packages for move in seen.moves):
        judged = compare(said, seen)
        assert judged is not None
        assert judged.verdict is Verdict.DIFFERS
