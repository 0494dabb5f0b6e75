"""An alert without any label to group by is alone, also beside others with the same labels and other keys."""

from datetime import timedelta

from raglan.alerts.dry_run import dry_run, with_noise
from raglan.alerts.models import Alert, AlertGroup
from raglan.alerts.ports import RawSignal, SourceKey, Status
from raglan.paging.models import Page
from raglan.testing import world
from tests.integrations.doorstep import knock, make

LABELS = {"source": "nagios.example", "severity": "critical"}


def keyed(key: str, status: Status = "firing", **labels: str) -> RawSignal:
    return RawSignal(status, LABELS | labels, {}, f"what {key} says", "critical", dedup_key=key)


def test_keys_of_the_sender_are_groups_of_their_own_and_each_is_named_to_somebody(
    source: SourceKey, outbox: world.Outbox
) -> None:
    world.ingest(source, keyed("za"), keyed("zb"))
    world.fire_all()
    world.ingest(source, keyed("za", "acknowledged"))

    assert AlertGroup.objects.count() == 2
    pages = dict(Page.objects.values_list("title", "state"))
    assert pages == {"what za says": Page.State.ACKNOWLEDGED, "what zb says": Page.State.TRIGGERED}
    assert {sent.message.title for sent in outbox.sent} == set(pages)


def test_acknowledging_one_event_of_pagerduty_leaves_the_others(source: SourceKey) -> None:
    _, token = make("pagerduty")

    def send(action: str, key: str, summary: str) -> int:
        payload = {"summary": summary, "source": "nagios.example", "severity": "critical"}
        body = {"routing_key": token, "event_action": action, "dedup_key": key, "payload": payload}
        return knock("POST", "/v2/enqueue", body).status

    answers = [send("trigger", "za", "payments down"), send("trigger", "zb", "mail queue full")]
    answers += [send("acknowledge", "za", "payments down")]

    assert answers == [202, 202, 202]
    assert dict(Page.objects.values_list("title", "state")) == {
        "payments down": Page.State.ACKNOWLEDGED,
        "mail queue full": Page.State.TRIGGERED,
    }


def test_one_key_is_one_group_until_it_is_over(source: SourceKey) -> None:
    world.ingest(source, keyed("za"), keyed("za"))
    world.ingest(source, keyed("za", "resolved"))
    world.ingest(source, keyed("za"))

    assert list(AlertGroup.objects.order_by("pk").values_list("state", flat=True)) == ["closed", "open"]


def test_labels_to_group_by_are_stronger_than_keys(source: SourceKey) -> None:
    world.ingest(source, keyed("za", service="web"), keyed("zb", service="web"))

    assert AlertGroup.objects.get().firing_count == 2


def test_the_dry_run_tells_keys_apart_as_well(source: SourceKey) -> None:
    for key in ("za", "zb", "zc"):
        world.ingest(source, keyed(key))
        world.CLOCK.move(timedelta(minutes=1))

    run = dry_run(with_noise())

    assert [(row.before, row.after) for row in run.pages] == [(3, 3)]


def test_a_group_of_several_keys_from_before_goes_on_until_all_of_it_is_over(source: SourceKey) -> None:
    world.ingest(source, keyed("za"))
    group = AlertGroup.objects.get()
    AlertGroup.objects.filter(pk=group.pk).update(key="of the whole label set", alert_count=2, firing_count=2)
    world.ingest(source, keyed("zb"))
    other = Alert.objects.get(dedup_key="zb")
    left = other.group_id
    Alert.objects.filter(pk=other.pk).update(group=group)
    AlertGroup.objects.filter(pk=left).update(firing_count=0, state="closed")

    world.ingest(source, keyed("za"), keyed("zb"))
    world.ingest(source, keyed("za", "resolved"))
    group.refresh_from_db()
    assert (group.state, group.firing_count) == (AlertGroup.State.OPEN, 1)

    world.ingest(source, keyed("zb", "resolved"), keyed("za"))
    group.refresh_from_db()
    assert (group.state, group.page.state) == (AlertGroup.State.CLOSED, Page.State.RESOLVED)  # type: ignore[union-attr]
    assert AlertGroup.objects.filter(state=AlertGroup.State.OPEN).get().firing_count == 1
