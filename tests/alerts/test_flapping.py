"""An alert that opens and ends again and again pages once and says so; then it is held back until it is quiet."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raglan.alerts import actions, noise_queries, snapshot
from raglan.alerts.models import Alert, Flap, Source
from raglan.alerts.pipeline.flap import FlapRule
from raglan.alerts.ports import SourceKey
from raglan.config import config
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput
from raglan.core.models import Timer
from raglan.paging.models import Page, Policy
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world
from tests.support.share import examples

MINUTE = timedelta(minutes=1)
Decided = Callable[[int], list[tuple[str, str]]]


def blip(source: SourceKey, *, open_for: float = 1, quiet_for: float = 4, **labels: str) -> Alert:
    """Let an alert open, end after some minutes, and be quiet for some more."""
    world.ingest(source, world.signal(**labels))
    opened = Alert.objects.latest("pk")
    world.fast_forward(open_for * MINUTE)
    world.ingest(source, world.signal("resolved", **labels))
    world.fast_forward(quiet_for * MINUTE)
    opened.refresh_from_db()
    return opened


def open_again(source: SourceKey, **labels: str) -> Alert:
    """Let it open and stay so."""
    world.ingest(source, world.signal(**labels))
    return Alert.objects.latest("pk")


def titles() -> list[str]:
    return list(Page.objects.order_by("pk").values_list("title", flat=True))


def test_the_fourth_opening_within_an_hour_says_so_on_its_page_and_the_fifth_pages_nobody(
    source: SourceKey, mara: Person, outbox: world.Outbox, decided: Decided
) -> None:
    fourth = [blip(source) for _ in range(4)][3]
    paged_at = Page.objects.latest("pk").created_at

    fifth = blip(source)

    assert titles() == ["HttpdDown"] * 3 + ["Flapping: HttpdDown"]
    assert "7 changes in 15 minutes" in Page.objects.latest("pk").text
    assert ("flap", "tells") in decided(fourth.pk)
    assert (fifth.held, fifth.held_by) == ("flapping", [f"flap:{Flap.objects.get().pk}"])
    said = next(step for step in fifth.decided if step.stage == "flap")
    assert said.reason == f"flaps: 9 changes in 20 minutes; paged at {paged_at:%H:%M} UTC"
    assert said.rule == "the default of this raglan"
    assert len(outbox.to(mara)) == 4


def test_slower_changes_do_not_flap(source: SourceKey) -> None:
    for _ in range(8):
        blip(source, quiet_for=20)

    assert not Flap.objects.exists()
    assert titles() == ["HttpdDown"] * 8


def test_after_its_quiet_time_it_pages_like_any_other(source: SourceKey) -> None:
    for _ in range(5):
        blip(source)
    assert Flap.objects.get().ended_at is None

    world.fast_forward(31 * MINUTE)
    again = open_again(source)

    assert Flap.objects.get().ended_at is not None
    assert again.held == ""
    assert titles()[-1] == "HttpdDown"


def test_quiet_counts_from_the_last_change(source: SourceKey) -> None:
    for _ in range(4):
        blip(source)
    world.fast_forward(20 * MINUTE)
    held = blip(source)
    world.fast_forward(20 * MINUTE)

    assert held.held == "flapping"
    assert Flap.objects.get().ended_at is None


def test_what_stays_open_pages_when_it_is_steady_though_it_is_not_critical(source: SourceKey) -> None:
    for _ in range(4):
        blip(source, severity="warning")
    alert = open_again(source, severity="warning")
    pages = Page.objects.count()
    world.fast_forward(29 * MINUTE)
    assert Page.objects.count() == pages

    world.fast_forward(2 * MINUTE)

    alert.refresh_from_db()
    assert (alert.held, Page.objects.count()) == ("", pages + 1)
    assert Page.objects.latest("pk").state == Page.State.TRIGGERED


def test_a_critical_alert_that_stays_open_pages_though_it_flaps(source: SourceKey, decided: Decided) -> None:
    for _ in range(4):
        blip(source)
    alert = open_again(source)
    pages = Page.objects.count()
    world.fast_forward(9 * MINUTE)
    assert Page.objects.count() == pages

    world.fast_forward(1.1 * MINUTE)

    alert.refresh_from_db()
    assert (alert.held, Page.objects.count()) == ("", pages + 1)
    assert Flap.objects.get().ended_at is None
    assert Flap.objects.get().page == Page.objects.latest("pk")
    assert decided(alert.pk)[-2:] == [("hold", "released"), ("page", "paged")]
    actions.review()
    alert.refresh_from_db()
    assert alert.held == ""


def test_a_silence_that_ends_late_does_not_prolong_what_flapping_may_hold(source: SourceKey) -> None:
    for _ in range(4):
        blip(source)
    muted = world.silence(("alertname", "=", "HttpdDown"))
    alert = open_again(source)
    assert alert.held == "silenced"
    assert f"flap:{Flap.objects.get().pk}" in alert.held_by
    world.fast_forward(12 * MINUTE)
    actions.expire_silence(muted, actor="raglan")

    alert.refresh_from_db()
    assert alert.held == ""
    assert Page.objects.latest("pk").state == Page.State.TRIGGERED


def test_nothing_is_held_back_before_somebody_was_told(source: SourceKey, policy: Policy) -> None:
    muted = world.silence(("alertname", "=", "HttpdDown"), hours=9)
    for _ in range(5):
        blip(source)
    actions.expire_silence(muted, actor="raglan")

    told = blip(source)

    assert told.held == ""
    assert titles() == ["Flapping: HttpdDown"]
    assert blip(source).held == "flapping"


def test_the_page_that_says_so_does_not_wait_for_more(source: SourceKey, policy: Policy) -> None:
    world.route(1, policy, options=actions.RouteOptions(wait_s=120))
    for _ in range(3):
        blip(source)
    assert titles() == []

    blip(source)

    assert titles() == ["Flapping: HttpdDown"]


def test_it_joins_a_page_that_is_out_already(source: SourceKey, policy: Policy) -> None:
    world.route(1, policy, group_by=["service"])
    world.ingest(source, world.signal(alertname="Other"))
    for _ in range(5):
        blip(source, open_for=0.2, quiet_for=0.2)

    assert titles() == ["Other"]
    assert Flap.objects.get().page == Page.objects.get()
    assert Alert.objects.latest("pk").held == "flapping"


def test_other_alerts_page_while_one_flaps(source: SourceKey) -> None:
    for _ in range(5):
        blip(source)

    other = open_again(source, instance="b")

    assert other.held == ""


def test_openings_within_one_request_are_counted(source: SourceKey) -> None:
    pair = (world.signal(), world.signal("resolved"))

    world.ingest(source, *pair * 5)

    assert Flap.objects.get().changes == 10


def test_a_route_decides_before_a_source_and_a_source_before_the_default(source: SourceKey, policy: Policy) -> None:
    of = Source.objects.get(pk=source.id)
    actions.save_flapping(of, FlapRule(3, 3600, 1800, 600), actor="raglan")
    world.route(1, policy, ("team", "=", "web"), options=actions.RouteOptions(flapping=FlapRule(0, 0, 0, 0)))
    world.route(2, policy, ("team", "!=", "web"))

    for _ in range(5):
        blip(source, team="web")
    assert not Flap.objects.exists()
    for _ in range(2):
        blip(source, team="db")

    assert Flap.objects.get().rule == f"source {source.slug}"
    assert blip(source, team="db").held == "flapping"


def test_it_is_off_by_one_word(source: SourceKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config(), "flap_changes", 0)
    for _ in range(8):
        blip(source)

    assert titles() == ["HttpdDown"] * 8


@pytest.mark.parametrize("where", ["source", "route"])
def test_switched_off_while_it_flaps_it_pages_at_once(source: SourceKey, policy: Policy, where: str) -> None:
    for _ in range(4):
        blip(source, severity="warning")
    alert = open_again(source, severity="warning")
    assert alert.held == "flapping"

    off = FlapRule(0, 0, 0, 0)
    for _ in range(2):
        if where == "source":
            actions.save_flapping(Source.objects.get(pk=source.id), off, actor="raglan")
        else:
            world.route(1, policy, options=actions.RouteOptions(flapping=off))

    alert.refresh_from_db()
    assert alert.held == ""
    assert Page.objects.latest("pk").state == Page.State.TRIGGERED
    assert not Timer.objects.filter(kind__startswith="alerts.flap").exists()


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (FlapRule(2, 3600, 1800, 600), "changes"),
        (FlapRule(6, 3, 1800, 600), "within_s"),
        (FlapRule(6, 60, 60, -1), "open_s"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(source: SourceKey, rule: FlapRule, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        actions.save_flapping(Source.objects.get(pk=source.id), rule, actor="raglan")

    assert refused.value.field == f"flapping.{field}"


def test_a_start_anew_forgets_nothing(source: SourceKey) -> None:
    for _ in range(3):
        blip(source)
    snapshot._kept.mark = None

    blip(source)
    snapshot._kept.mark = None

    assert blip(source).held == "flapping"


def test_what_opens_first_costs_one_look_at_an_index(source: SourceKey) -> None:
    blip(source)
    world.ingest(source, world.signal(alertname="warm"))
    signals = [world.signal(alertname=f"A{number}") for number in range(100)]

    with CaptureQueriesContext(
        connection,
    ) as asked:
        world.ingest(source, *signals)

    looks = [query["sql"] for query in asked if '"received_at" >' in query["sql"] and "alerts_alert" in query["sql"]]
    assert len(looks) == 1
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {looks[0]}")
            assert "COVERING INDEX alert_episodes (fingerprint=? AND received_at>?)" in str(cursor.fetchall())


def test_it_shows_wherever_the_alert_shows(source: SourceKey) -> None:
    for _ in range(4):
        blip(source)
    alert = open_again(source)
    browser = Client()
    browser.force_login(world.administrator())

    def read(path: str) -> str:
        return browser.get(path).content.decode()

    assert "flaps: 9 changes in 20 minutes" in read("/alerts/")
    assert "It flaps: 9 changes in 20 minutes." in read(f"/alerts/{alert.pk}/")
    assert "Flap: flapping" in read(f"/alerts/{alert.pk}/")
    assert "Flaps: 9 changes in 20 minutes" in read(f"/alerts/groups/{alert.group_id}/")
    assert "It flaps: 9 changes in 20 minutes" in read("/")


def test_it_is_set_on_the_screens(source: SourceKey) -> None:
    browser = Client()
    browser.force_login(world.administrator())
    at = f"/setup/sources/{source.slug}/"

    saved = browser.post(f"{at}flapping/", {"flap_changes": "4", "flap_within": "20"})
    refused = browser.post(f"{at}flapping/", {"flap_changes": "1"})

    assert saved.status_code == 302
    assert Source.objects.get(pk=source.id).flapping == {"changes": 4, "within_s": 1200, "quiet_s": 1800, "open_s": 600}
    assert refused.status_code == 422
    assert 'value="4"' in browser.get(at).content.decode()
    browser.post(f"{at}flapping/", {"flap_changes": ""})
    assert Source.objects.get(pk=source.id).flapping is None


def test_it_is_read_and_set_over_rest(source: SourceKey) -> None:
    for _ in range(5):
        blip(source)
    ada = world.administrator()
    secret = people.issue_token(ada, name="t", scopes=["read", "configure"], days=9, actor=ada)[1]
    head = {"Authorization": f"Bearer {secret}"}
    alert = Alert.objects.latest("pk")

    listed = Client().get("/api/v1/flapping", headers=head).json()
    detail = Client().get(f"/api/v1/alerts/{alert.pk}", headers=head).json()
    at = f"/api/v1/sources/{source.slug}"
    body = {"flapping": {"changes": 0}}
    changed = Client().patch(at, body, content_type="application/json", headers=head).json()
    back = Client().patch(at, {"flapping": None}, content_type="application/json", headers=head).json()

    assert [item["changes"] for item in listed] == [10]
    assert detail["held"] == "flapping"
    assert detail["flapping"]["page_id"] == Page.objects.latest("pk").pk
    assert changed["flapping"]["changes"] == 0
    assert back["flapping"] is None
    assert Client().get("/api/v1/flapping", headers=head).json() == []


# The rule against a naive evaluator ----------------------------------------------------------------------------------

RULE = FlapRule(5, 600, 300, 200)
moves = st.lists(st.tuples(st.booleans(), st.sampled_from((5, 40, 90, 150, 290, 310, 700))), max_size=24)


class Naive:
    """The rule as its docstring says it, over the whole history each time."""

    def __init__(self) -> None:
        self.changes: list[tuple[datetime, str]] = []
        self.since: datetime | None = None

    def is_quiet(self, at: datetime) -> bool:
        return bool(self.changes) and at - self.changes[-1][0] >= timedelta(seconds=RULE.quiet_s)

    def change(self, what: str, at: datetime) -> None:
        if self.since is not None and self.is_quiet(at):
            self.since, self.changes = None, []
        self.changes.append((at, what))
        opened = [moment for moment, one in self.changes if one == "open"]
        lately = [moment for moment in opened if at - timedelta(seconds=RULE.within_s) < moment]
        counted = [moment for moment, _ in self.changes if lately and moment >= lately[0]]
        if self.since is None and what == "open" and len(counted) >= RULE.changes:
            self.since = at


@pytest.mark.timeout(600)
@settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=moves)
def test_any_history_flaps_exactly_as_the_rule_says(outbox: world.Outbox, history: list[tuple[bool, int]]) -> None:
    moved = CLOCK.moved
    with transaction.atomic():
        world.route(1, world.policy((300, [world.person()])), options=actions.RouteOptions(flapping=RULE))
        source, naive, is_open = world.source(), Naive(), False
        for opens, seconds in history:
            if opens != is_open:
                world.ingest(source, world.signal("firing" if opens else "resolved"))
                is_open, changed = opens, Alert.objects.latest("pk")
                naive.change("open" if opens else "end", changed.received_at if opens else changed.last_seen_at)
            world.fast_forward(timedelta(seconds=seconds))
            _agrees(naive, is_open=is_open)
        transaction.set_rollback(True)
    CLOCK.move(moved - CLOCK.moved)


def _agrees(naive: Naive, *, is_open: bool) -> None:
    flap = noise_queries.flaps().first()
    expected = naive.since is not None and not naive.is_quiet(now())
    assert (flap is not None) == expected
    live = Page.objects.exclude(state=Page.State.RESOLVED).exists()
    if not is_open:
        assert not live
        return
    alert = Alert.objects.latest("pk")
    stayed = now() - alert.received_at >= timedelta(seconds=RULE.open_s)
    is_first = naive.since == alert.received_at
    may_be_held = expected and not stayed and not is_first
    assert (alert.held == "flapping") == may_be_held
    assert live == (not may_be_held)  # nothing that is open is silent beyond what the rule says
