"""While an alert fires that explains others, they are held back; when it ends, what still fires pages."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from raglan.alerts import actions, seen
from raglan.alerts.models import Alert, Inhibitor
from raglan.alerts.ports import SourceKey
from raglan.core.errors import BadInput
from raglan.testing import world

Decided = Callable[[int], list[tuple[str, str]]]
HOST = ("alertname", "=", "HostDown")
HTTPD = ("alertname", "=", "HttpdDown")


def down(status: str = "firing", host: str = "a") -> world.RawSignal:
    return world.signal(status, alertname="HostDown", host=host)  # type: ignore[arg-type]  # one of the words


def titles(outbox: world.Outbox) -> list[str]:
    world.fire_all()
    return [item.message.title for item in outbox.sent]


def test_what_is_explained_is_held_back_and_says_by_what(source: SourceKey, outbox: world.Outbox) -> None:
    rule = world.inhibition(HOST, HTTPD, "host")
    world.ingest(source, down())

    world.ingest(source, world.signal(host="a"), world.signal(host="b"))

    assert titles(outbox) == ["HostDown", "HttpdDown"]
    held = Alert.objects.get(title="HttpdDown", held="inhibited")
    assert held.labels["host"] == "a"
    told = next(item for item in held.trail if item[0] == "inhibit")
    assert told[2] == "HostDown fires in the same source with the same host and explains it: One explains the other"
    assert told[3] == f"inhibition {rule.pk}, version 1"


def test_the_order_within_a_batch_does_not_matter(source: SourceKey, outbox: world.Outbox) -> None:
    world.inhibition(HOST, HTTPD, "host")

    world.ingest(source, world.signal(host="a"), down())

    assert titles(outbox) == ["HostDown"]


def test_what_still_fires_when_its_explanation_ends_pages_then(source: SourceKey, outbox: world.Outbox) -> None:
    world.inhibition(HOST, HTTPD, "host")
    world.ingest(source, down(), world.signal(host="a"))
    assert titles(outbox) == ["HostDown"]

    world.ingest(source, down("resolved"))

    assert titles(outbox) == ["HostDown", "HttpdDown"]
    assert not Inhibitor.objects.exists()


def test_a_second_explanation_goes_on_holding(source: SourceKey, outbox: world.Outbox) -> None:
    world.inhibition(HOST, HTTPD, "host")
    world.ingest(source, down(), world.signal(alertname="HostDown", host="a", by="ping"), world.signal(host="a"))

    world.ingest(source, down("resolved"))

    assert "HttpdDown" not in titles(outbox)
    world.ingest(source, world.signal("resolved", alertname="HostDown", host="a", by="ping"))
    assert "HttpdDown" in titles(outbox)


def test_what_pages_already_is_not_held_back_by_what_fires_later(source: SourceKey, outbox: world.Outbox) -> None:
    world.inhibition(HOST, HTTPD, "host")
    world.ingest(source, world.signal(host="a"))
    world.ingest(source, down())

    assert titles(outbox) == ["HttpdDown", "HostDown"]
    assert not Alert.objects.exclude(held="").exists()


def test_an_alert_on_both_sides_is_not_held_back(source: SourceKey, outbox: world.Outbox) -> None:
    world.inhibition(("service", "=", "httpd"), ("service", "=", "httpd"))

    world.ingest(source, world.signal(alertname="A"), world.signal(alertname="B"))

    assert titles(outbox) == ["A", "B"]


def test_a_rule_made_while_things_fire_knows_what_fires(source: SourceKey, outbox: world.Outbox) -> None:
    world.ingest(source, down())
    world.inhibition(HOST, HTTPD, "host")

    world.ingest(source, world.signal(host="a"))

    assert titles(outbox) == ["HostDown"]


def test_a_removed_rule_releases_and_a_changed_one_looks_again(source: SourceKey, outbox: world.Outbox) -> None:
    rule = world.inhibition(HOST, HTTPD, "host")
    world.ingest(source, down(), world.signal(host="a"))
    sides = {"source": [world.Matcher(*HOST)], "target": [world.Matcher("alertname", "=", "Other")]}

    actions.save_inhibition(rule, name="Other", equal=["host"], actor="raglan", **sides)
    assert titles(outbox) == ["HostDown", "HttpdDown"]

    actions.remove_inhibition(rule, actor="raglan")
    actions.remove_inhibition(rule, actor="raglan")
    world.ingest(source, world.signal(alertname="Other", host="a"))
    assert "Other" in titles(outbox)


def test_a_silence_and_an_explanation_hold_until_both_end(source: SourceKey, outbox: world.Outbox) -> None:
    world.inhibition(HOST, HTTPD, "host")
    world.ingest(source, down())
    world.silence(HTTPD, hours=1)
    world.ingest(source, world.signal(host="a"))

    world.fast_forward(timedelta(hours=2))
    assert titles(outbox).count("HttpdDown") == 0
    assert Alert.objects.get(title="HttpdDown").held == "inhibited"
    world.ingest(source, down("resolved"))

    assert titles(outbox).count("HttpdDown") == 1


def test_an_explanation_that_its_source_does_not_repeat_ends_too(source: SourceKey, outbox: world.Outbox) -> None:
    world.inhibition(HOST, HTTPD, "host")
    ends = world.now() + timedelta(minutes=5)
    world.ingest(source, world.signal(alertname="HostDown", host="a", expires_at=ends), world.signal(host="a"))

    world.CLOCK.move(timedelta(minutes=6))
    actions.expire()

    assert "HttpdDown" in titles(outbox)


def test_other_programs_see_what_explains_it(source: SourceKey) -> None:
    world.inhibition(HOST, HTTPD, "host")
    world.ingest(source, down(), world.signal(host="a"))

    held = next(alert for alert in seen.firing(source.id) if alert.held)

    assert held.inhibited_by == [{"alertname": "HostDown", "service": "httpd", "host": "a"}]
    assert held.silenced_by == []


def test_a_rule_that_takes_everything_is_refused(db: None) -> None:
    with pytest.raises(BadInput) as caught:
        world.inhibition(("a", "=~", ".*"), HTTPD)

    assert caught.value.field == "source_matchers"


def test_another_source_holds_nothing_back(source: SourceKey, outbox: world.Outbox) -> None:
    world.inhibition(HOST, HTTPD, "host")
    world.ingest(world.source(), down())

    world.ingest(source, world.signal(host="a"))

    assert "HttpdDown" in titles(outbox)
    assert not Alert.objects.exclude(held="").exists()


def test_across_sources_it_does_when_the_rule_says_so(source: SourceKey, outbox: world.Outbox) -> None:
    world.inhibition(HOST, HTTPD, "host", same_source=False)
    other = world.source()
    world.ingest(other, down())
    world.ingest(source, world.signal(host="a"))
    assert "HttpdDown" not in titles(outbox)
    told = next(item for item in Alert.objects.get(title="HttpdDown").trail if item[0] == "inhibit")
    assert told[2] == "HostDown fires with the same host and explains it: One explains the other"

    world.ingest(other, down("resolved"))

    assert "HttpdDown" in titles(outbox)


def test_a_rule_that_is_drawn_into_one_source_releases_what_others_held(
    source: SourceKey, outbox: world.Outbox
) -> None:
    rule = world.inhibition(HOST, HTTPD, "host", same_source=False)
    world.ingest(world.source(), down())
    world.ingest(source, world.signal(host="a"))
    sides = {"source": [world.Matcher(*HOST)], "target": [world.Matcher(*HTTPD)]}

    kept = actions.save_inhibition(rule, name="Same", equal=["host"], actor="raglan", **sides)
    assert not kept.same_source
    assert "HttpdDown" not in titles(outbox)
    actions.save_inhibition(rule, name="Same", equal=["host"], same_source=True, actor="raglan", **sides)

    assert "HttpdDown" in titles(outbox)
