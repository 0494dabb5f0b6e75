"""A dry run says who would have been paged otherwise, on the alerts that really came, and changes nothing."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from raglan.alerts import actions
from raglan.alerts.dry_run import DryRun, dry_run, with_route, without_route
from raglan.alerts.models import Alert, Route
from raglan.alerts.ports import SourceKey
from raglan.core.models import Event
from raglan.paging.models import Policy
from raglan.people import actions as people
from raglan.testing import world

Options = actions.RouteOptions


def tried(position: int, policy: Policy, *matchers: tuple[str, str, str], options: Options | None = None) -> DryRun:
    listed = [world.Matcher(*matcher) for matcher in matchers]
    return dry_run(with_route(position, matchers=listed, group_by=[], policy=policy, options=options or Options()))


def pages(run: DryRun) -> dict[str, tuple[int, int]]:
    return {row.policy: (row.before, row.after) for row in run.pages}


@pytest.fixture
def other(source: SourceKey) -> Policy:
    made = world.policy((300, [world.person("Otto Berg")]))
    Policy.objects.filter(pk=made.pk).update(name="Database")
    made.refresh_from_db()
    return made


def test_a_new_route_before_the_others_takes_what_matches(source: SourceKey, other: Policy) -> None:
    for number in range(3):
        world.ingest(source, world.signal(alertname=f"A{number}", team="db" if number else "web"))
    events = Event.objects.count()

    run = tried(0, other, ("team", "=", "db"))

    assert pages(run) == {"Web": (3, 1), "Database": (0, 2)}
    assert (run.looked, run.changed) == (3, 2)
    assert [(one.title, one.before, one.after) for one in run.examples] == [
        ("A2", "Web", "Database"),
        ("A1", "Web", "Database"),
    ]
    assert (Event.objects.count(), Route.objects.count()) == (events, 1)


def test_what_is_rehearsed_as_it_is_agrees_with_what_happened(source: SourceKey) -> None:
    for status in ("firing", "resolved", "firing", "firing"):
        world.ingest(source, world.signal(status), world.signal(status, alertname="B"))  # type: ignore[arg-type]
        world.CLOCK.move(timedelta(minutes=3))

    run = dry_run(without_route(99))

    assert pages(run) == {"Web": (4, 4)}
    assert run.changed == 0


def test_a_wait_spares_the_pages_of_what_ends_within_it(source: SourceKey, policy: Policy) -> None:
    world.ingest(source, world.signal(alertname="Short"), world.signal(alertname="Long"))
    world.CLOCK.move(timedelta(seconds=20))
    world.ingest(source, world.signal("resolved", alertname="Short"))
    world.CLOCK.move(timedelta(seconds=30))
    world.ingest(source, world.signal("resolved", alertname="Long"))

    assert pages(tried(1, policy, options=Options(wait_s=30))) == {"Web": (2, 1)}


def test_without_its_route_an_alert_goes_to_the_fallback(source: SourceKey) -> None:
    world.ingest(source, world.signal())

    assert pages(dry_run(without_route(1))) == {"Fallback": (0, 1), "Web": (1, 0)}


def test_what_was_held_back_or_is_older_is_left_out(source: SourceKey, other: Policy) -> None:
    world.ingest(source, world.signal(alertname="Old"))
    world.CLOCK.move(timedelta(days=31))
    world.silence(("alertname", "=", "Muted"))
    world.ingest(source, world.signal(alertname="Muted"), world.signal(alertname="New"))

    run = tried(0, other)

    assert (run.looked, run.held, run.is_all) == (1, 1, True)
    assert pages(run) == {"Web": (1, 0), "Database": (0, 1)}


def test_more_alerts_than_it_looks_at_are_said(
    source: SourceKey, other: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("raglan.alerts.dry_run.MOST", 2)
    world.ingest(source, *[world.signal(alertname=f"A{number}") for number in range(4)])

    run = tried(0, other)

    assert (run.looked, run.is_all) == (2, False)


def test_it_is_tried_on_the_screens(source: SourceKey, other: Policy) -> None:
    world.ingest(source, world.signal(alertname="Moves"))
    browser = Client()
    browser.force_login(world.administrator())
    typed = {"position": "0", "policy": other.pk, "name_1": "alertname", "op_1": "=", "value_1": "Moves", "do": "try"}

    shown = browser.post("/setup/routes/", typed).content.decode()
    bad = browser.post("/setup/routes/", typed | {"hours": "whenever"})
    changed = browser.post("/setup/routes/1/", {"policy": other.pk, "do": "try"}).content.decode()
    removed = browser.get("/setup/routes/1/remove/").content.decode()

    assert "1 page as it is, 0 with this change" in shown
    assert "Moves" in shown
    assert bad.status_code == 422
    assert "1 would have gone elsewhere" in changed
    assert "1 would have gone elsewhere" in removed
    assert list(Route.objects.values_list("position", flat=True)) == [1]


def test_it_is_tried_over_rest(source: SourceKey, other: Policy) -> None:
    world.ingest(source, world.signal())
    ada = world.administrator()
    secret = people.issue_token(ada, name="t", scopes=["read", "configure"], days=9, actor=ada)[1]
    head = {"Authorization": f"Bearer {secret}"}
    body = json.dumps({"position": 0, "policy": other.slug})

    said = Client().post("/api/v1/routes/try", body, content_type="application/json", headers=head).json()

    assert said["pages"] == [
        {"policy": "Web", "before": 1, "after": 0},
        {"policy": "Database", "before": 0, "after": 1},
    ]
    assert said["examples"][0]["alert"] == Alert.objects.get().pk
