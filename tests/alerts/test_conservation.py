"""What was accepted is accounted for, after any history."""

from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raglan.alerts import actions, noise_queries
from raglan.alerts.models import Alert, AlertGroup, Signal
from raglan.alerts.ports import SourceKey, Status
from raglan.core import timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.faults import Crash, crash_at
from raglan.core.models import Timer
from raglan.paging import actions as paging
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.support.share import examples

statuses = st.sampled_from(("firing", "firing", "firing", "resolved", "acknowledged"))
batches = st.lists(st.tuples(statuses, st.sampled_from("abc"), st.sampled_from(("1", "2"))), min_size=1, max_size=4)
steps = st.one_of(
    st.tuples(st.just("send"), st.integers(0, 1), batches),
    st.tuples(st.just("crash while sending"), st.integers(0, 1), batches),
    st.tuples(st.just("time passes"), st.sampled_from((10, 100, 400)), st.none()),
    st.tuples(st.just("somebody answers"), st.none(), st.none()),
    st.tuples(st.just("route changes"), st.sampled_from("abc"), st.none()),
    st.tuples(st.just("blips"), st.integers(0, 1), st.sampled_from("abc")),
    st.tuples(st.just("silence"), st.sampled_from("abc"), st.sampled_from((0, 50))),
    st.tuples(st.just("silence ends"), st.none(), st.none()),
    st.tuples(st.just("inhibition"), st.sampled_from("abc"), st.sampled_from("abc")),
    st.tuples(st.just("wait"), st.sampled_from((0, 60)), st.sampled_from((30, 300))),
)


class History:
    """Two sources, what they were answered, and what has become of it."""

    def __init__(self, mara: Person) -> None:
        self.mara = mara
        self.policy = world.policy((60, [mara]), repeat=1)
        self.sources = [world.source(), world.source()]
        self.accepted = 0
        self.outcomes = 0

    def step(self, what: str, first: object, second: object) -> None:
        match what:
            case "send":
                self.send(self.sources[int(str(first))], second)
            case "blips":
                blip = [("firing", str(second), "1"), ("resolved", str(second), "1")]
                self.send(self.sources[int(str(first))], blip * 3)
            case "crash while sending":
                with crash_at(1, name="ingest.before_commit"):
                    try:
                        self.send(self.sources[int(str(first))], second)
                    except Crash:
                        return
            case "time passes":
                world.fast_forward(timedelta(seconds=int(str(first))))
                actions.expire()
            case "somebody answers":
                for page in Page.objects.filter(state__in=paging.OPEN):
                    paging.acknowledge(page, by=self.mara, via=paging.Via.LINK)
            case _:
                self.change_rules(what, first, second)

    def change_rules(self, what: str, first: object, second: object) -> None:
        match what:
            case "silence" | "silence ends":
                self.silence(first, second)
            case "inhibition":
                world.inhibition(("alertname", "=", str(first)), ("alertname", "=", str(second)), "instance")
            case "wait":
                options = actions.RouteOptions(wait_s=int(str(first)), interval_s=int(str(second)))
                world.route(1, self.policy, options=options)
            case _:
                world.route(1, self.policy, ("alertname", "=", str(first)))

    def silence(self, name: object, later: object) -> None:
        if name is not None:
            world.silence(("alertname", "=", str(name)), hours=150 / 3600, after=int(str(later)) / 3600)
            return
        for silence in noise_queries.silences(state="active"):
            actions.expire_silence(silence, actor="raglan")

    def send(self, source: SourceKey, batch: object) -> None:
        assert isinstance(batch, list)
        signals = [self.signal(*item) for item in batch]
        outcome = world.ingest(source, *signals)
        self.accepted += len(signals)
        self.outcomes += outcome.new + outcome.repeated + outcome.resolved

    def signal(self, status: Status, name: str, instance: str) -> world.RawSignal:
        expires_at = now() + timedelta(seconds=200) if instance == "2" else None
        return world.signal(status, alertname=name, instance=instance, expires_at=expires_at)

    def check(self) -> None:
        counted = sum(Alert.objects.values_list("signal_count", flat=True))
        kept_apart = Signal.objects.filter(alert__isnull=True).count()
        assert counted + kept_apart == self.accepted
        for alert in Alert.objects.prefetch_related("decisions"):
            stages = [item.stage for item in alert.decided]
            assert stages[:4] == ["identify", "deduplicate", "route", "group"]
            assert "page" in stages
            assert {"hold", "silence", "inhibit"} & set(stages)
            if alert.state == Alert.State.FIRING:
                self.check_held(alert)
            assert (alert.state == Alert.State.RESOLVED) == any(
                item.outcome in ("resolves", "resolved") for item in alert.decided
            )
        self.check_groups()

    def check_held(self, alert: Alert) -> None:
        """What fires is held exactly as long as something active mutes or explains it, or it flaps."""
        active = {rule.ref for rule in noise_queries.noise(now()).silences if rule.hits(alert.labels, alert.source_id)}
        flaps = {f"flap:{pk}" for pk in noise_queries.flaps().values_list("pk", flat=True)} & set(alert.held_by)
        explains = set(alert.held_by) - active - flaps
        assert active <= set(alert.held_by)
        for ref in explains:
            assert Alert.objects.filter(fingerprint=ref.removeprefix("alert:"), state=Alert.State.FIRING).exists()
        assert alert.held == ("inhibited" if explains else "silenced" if active else "flapping" if flaps else "")
        assert (alert.active_since is None) == bool(alert.held)

    def check_groups(self) -> None:
        for group in AlertGroup.objects.select_related("page"):
            firing = group.alerts.filter(state=Alert.State.FIRING).count()
            assert (group.firing_count, group.alert_count) == (firing, group.alerts.count())
            held = group.alerts.filter(state=Alert.State.FIRING).exclude(held="").count()
            assert (group.state == AlertGroup.State.OPEN) == (firing > 0)
            assert group.held_count == held
            live = Page.objects.filter(reason_type="group", reason_id=group.pk).exclude(state=Page.State.RESOLVED)
            waits = group.page_at is not None and group.page_at > now()
            assert bool(live) == (firing > held) or (waits and not live)  # it pages as long as something is not held
            if live:
                assert group.page in live
            for page in live:
                waiting = Timer.objects.filter(subject=timeline.ref(page), kind=paging.ESCALATE).count()
                assert waiting == (1 if page.state == Page.State.TRIGGERED else 0)


@pytest.mark.timeout(600)
@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(history=st.lists(steps, max_size=8))
def test_what_was_accepted_is_accounted_for_after_any_history(
    outbox: world.Outbox, history: list[tuple[str, object, object]]
) -> None:
    moved = CLOCK.moved
    with transaction.atomic():
        lived = History(world.administrator("Mara Keller"))
        for step in history:
            lived.step(*step)
            timers.release()
            world.fire_all()  # what an ended explanation releases
            lived.check()
        transaction.set_rollback(True)
    CLOCK.move(moved - CLOCK.moved)
