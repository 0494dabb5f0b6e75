"""In storms as well: what fires has a live page of every policy that wants it, after any history."""

from datetime import datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from raglan.alerts import actions
from raglan.alerts.models import Alert, AlertGroup, Bundle
from raglan.config import config
from raglan.core import timers
from raglan.core.clock import CLOCK, now
from raglan.paging import actions as paging
from raglan.paging.models import Page
from raglan.testing import world
from tests.support.share import examples

severities = st.sampled_from(("warning", "warning", "sev1", "critical"))
names = st.sampled_from("abcdef")
statuses = st.sampled_from(("firing", "firing", "firing", "resolved", "acknowledged"))
batches = st.lists(st.tuples(statuses, names, st.sampled_from("12"), severities), min_size=1, max_size=5)
steps = st.one_of(
    st.tuples(st.just("send"), batches),
    st.tuples(st.just("send"), batches),
    st.tuples(st.just("time passes"), st.sampled_from((10, 100, 400, 4000))),
    st.tuples(st.just("somebody answers"), st.integers(0, 5)),
    st.tuples(st.just("silence"), names),
)

# What is held and let go again while the page of its storm lives on for others, and waits for daylight itself.
HELD_IN_A_STORM = [
    ("silence", "a"),
    ("send", [("firing", name, "1", "warning") for name in "ade"]),
    ("time passes", 400),
    ("silence", "a"),
    ("send", [("firing", "a", "1", "warning")]),
    ("time passes", 400),
]


class Storms:
    """Two policies, one behind the other, one of them by severity, and a limit of one group a minute."""

    def __init__(self) -> None:
        self.mara = world.administrator("Mara Keller")
        first = world.policy((60, [self.mara]), repeat=1)
        second = world.policy((60, [world.person("Bo Lind")]), repeat=1)
        first.urgency = "severity"
        first.save()
        options = actions.RouteOptions(interval_s=100, goes_on=True)
        world.route(1, first, options=options, group_by=["alertname"])
        world.route(2, second, group_by=["alertname"])
        self.source = world.source()

    def step(self, what: str, given: object) -> None:
        match what:
            case "send":
                assert isinstance(given, list)
                signals = [
                    world.signal(status, key=f"{name}{instance}", alertname=name, severity=severity)
                    for status, name, instance, severity in given
                ]
                world.ingest(self.source, *signals)
            case "time passes":
                world.fast_forward(timedelta(seconds=int(str(given))))
            case "somebody answers":
                for page in Page.objects.filter(state__in=paging.OPEN).order_by("pk")[: int(str(given))]:
                    paging.acknowledge(page, by=self.mara, via=paging.Via.LINK)
            case _:
                world.silence(("alertname", "=", str(given)), hours=150 / 3600)

    def check(self) -> None:
        attended: set[int | None] = set()
        for group in AlertGroup.objects.select_related("page").filter(state="open"):
            if group.firing_count > group.held_count:
                attended |= {group.page_id, *Bundle.objects.filter(group=group).values_list("page_id", flat=True)}
                self.check_group(group)
        for storm in Page.objects.filter(reason_type="storm").exclude(state=Page.State.RESOLVED):
            assert storm.pk in attended, "the page of a storm outlives what it was for"

    def check_group(self, group: AlertGroup) -> None:
        page = group.page
        assert page is not None
        assert page.state != Page.State.RESOLVED
        for other in group.also:
            own = Page.objects.filter(reason_type="group", reason_id=group.pk, policy_id=other)
            bundled = Page.objects.filter(pk__in=Bundle.objects.filter(group=group).values("page_id"), policy_id=other)
            assert any(each.state != Page.State.RESOLVED for each in (*own, *bundled))
        if page.state == Page.State.ACKNOWLEDGED:
            late = group.alerts.filter(state=Alert.State.FIRING, held="", active_since__gt=page.acknowledged_at)
            assert not late or (group.page_at is not None and group.page_at > now()), "an answer covers what came later"


@pytest.mark.timeout(600)
@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(steps, max_size=8), hour=st.sampled_from((10, 20)))
@example(history=HELD_IN_A_STORM, hour=20)
@example(history=HELD_IN_A_STORM, hour=10)
def test_what_fires_in_a_storm_has_a_live_page_of_each_policy(
    outbox: world.Outbox, monkeypatch: pytest.MonkeyPatch, history: list[tuple[str, object]], hour: int
) -> None:
    """By day what is not urgent goes out; by night it waits, and so do pages that others could join."""
    monkeypatch.setattr(config(), "storm_groups", 1)
    moved = CLOCK.moved
    try:
        CLOCK.move(a_monday_at(hour) - now())
        with transaction.atomic():
            lived = Storms()
            for step in history:
                lived.step(*step)
                timers.release()
                world.fire_all()
                lived.check()
            transaction.set_rollback(True)
    finally:
        CLOCK.move(moved - CLOCK.moved)


def a_monday_at(hour: int) -> datetime:
    """Return an hour of the next Monday, in UTC."""
    day = now() + timedelta(days=7 - now().weekday())
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)
