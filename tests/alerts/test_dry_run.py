"""A dry run says who would have been paged otherwise, on the alerts that really came, and changes nothing."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from raglan.alerts import actions, noise_queries, route_queries
from raglan.alerts.dry_run import (
    DryRun,
    dry_run,
    with_inhibition,
    with_maintenance,
    with_noise,
    with_route,
    without_inhibition,
    without_route,
)
from raglan.alerts.models import Alert, Route
from raglan.alerts.pipeline.flap import FlapRule
from raglan.alerts.pipeline.maintain import MaintenanceRule
from raglan.alerts.ports import SourceKey
from raglan.core.clock import now
from raglan.core.errors import Conflict, NotFound
from raglan.core.models import Event
from raglan.paging.models import Page, Policy
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


# Rules that hold back -------------------------------------------------------------------------------------------------


def host_and_service(source: SourceKey) -> None:
    """Let a host be down for ten minutes, with a service on it and one elsewhere."""
    down = world.signal(alertname="HostDown", host="a")
    world.ingest(source, down)
    world.CLOCK.move(timedelta(minutes=1))
    world.ingest(source, world.signal(alertname="Httpd", host="a"), world.signal(alertname="Httpd", host="b"))
    world.CLOCK.move(timedelta(minutes=5))
    world.ingest(source, *(world.signal("resolved", alertname="Httpd", host=host) for host in "ab"))
    world.CLOCK.move(timedelta(minutes=5))
    world.ingest(source, world.signal("resolved", alertname="HostDown", host="a"))


SIDES = {
    "source": [world.Matcher("alertname", "=", "HostDown")],
    "target": [world.Matcher("alertname", "=", "Httpd")],
    "equal": ["host"],
}


def test_a_new_inhibition_would_have_spared_a_page(source: SourceKey, policy: Policy) -> None:
    world.route(1, policy, group_by=["alertname", "host"])
    host_and_service(source)

    run = dry_run(with_inhibition(None, name="Host explains", **SIDES))

    assert pages(run) == {"Web": (3, 2)}
    assert (run.changed, run.held_before, run.held_after) == (1, 0, 1)
    assert [(one.title, one.before, one.after) for one in run.examples] == [("Httpd", "Web", "held back, inhibited")]


def test_without_an_inhibition_what_it_held_back_would_have_paged(source: SourceKey, policy: Policy) -> None:
    world.route(1, policy, group_by=["alertname", "host"])
    rule = world.inhibition(("alertname", "=", "HostDown"), ("alertname", "=", "Httpd"), "host")
    host_and_service(source)

    assert pages(dry_run(without_inhibition(rule.pk))) == {"Web": (2, 3)}
    assert pages(dry_run(with_inhibition(rule, name="None", **SIDES | {"equal": []}))) == {"Web": (2, 1)}


def test_what_still_fires_when_its_explanation_ends_would_have_paged_then(source: SourceKey, policy: Policy) -> None:
    world.route(1, policy, group_by=["alertname", "host"])
    world.ingest(source, world.signal(alertname="HostDown", host="a"), world.signal(alertname="Httpd", host="a"))
    world.CLOCK.move(timedelta(minutes=5))
    world.ingest(source, world.signal("resolved", alertname="HostDown", host="a"))
    world.CLOCK.move(timedelta(minutes=5))

    run = dry_run(with_inhibition(None, name="Host explains", **SIDES))

    assert (pages(run), run.changed) == ({"Web": (2, 2)}, 0)


def window(hours: int = 1, *matchers: tuple[str, str, str]) -> MaintenanceRule:
    """Return a window that opens once, in a week, at the time of day that is now."""
    here = now() + timedelta(days=7)
    draft = actions.MaintenanceDraft(
        "Upgrade",
        [world.Matcher(*matcher) for matcher in matchers] or [world.Matcher("alertname", "=~", ".*")],
        "UTC",
        here.date(),
        here.time(),
        60 * hours,
    )
    return noise_queries.maintenance_rule(actions.window_of(draft))


def test_a_planned_window_is_tried_on_the_same_day_of_the_weeks_before(source: SourceKey) -> None:
    planned = window()
    world.CLOCK.move(timedelta(minutes=5))
    for name in ("In", "Short"):
        world.ingest(source, world.signal(alertname=name))
    world.ingest(source, world.signal("resolved", alertname="Short"))
    world.CLOCK.move(timedelta(hours=2))
    world.ingest(source, world.signal("resolved", alertname="In"), world.signal(alertname="After"))

    run = dry_run(with_maintenance(planned, None))

    assert pages(run) == {"Web": (3, 2)}  # one was over before the window, one outlived it, one came later
    assert [(one.title, one.after) for one in run.examples] == [("Short", "held back, planned")]


def test_without_a_window_what_it_held_back_would_have_paged(source: SourceKey) -> None:
    here = now()
    planned = world.maintenance(("alertname", "=", "In"), first=here.date(), start=here.time(), zone="UTC")
    world.CLOCK.move(timedelta(minutes=5))
    world.ingest(source, world.signal(alertname="In"))
    world.ingest(source, world.signal("resolved", alertname="In"))

    run = dry_run(with_maintenance(None, planned.pk))

    assert (pages(run), run.held_before, run.held_after) == ({"Web": (0, 1)}, 1, 0)


def test_other_numbers_for_flapping(source: SourceKey) -> None:
    for _ in range(8):
        world.ingest(source, world.signal())
        world.fast_forward(timedelta(minutes=1))
        world.ingest(source, world.signal("resolved"))
        world.fast_forward(timedelta(minutes=1))
    happened = Page.objects.count()

    same = dry_run(with_noise())
    off = dry_run(with_noise(flapping=FlapRule(0, 3600, 1800, 600)))
    sooner = dry_run(with_noise(flapping=FlapRule(3, 3600, 1800, 600), source_id=source.id))

    assert pages(same) == {"Web": (happened, happened)}
    assert pages(off) == {"Web": (happened, 8)}
    assert pages(sooner) == {"Web": (happened, 2)}
    assert sooner.examples[-1].after == "held back, flapping"


def test_other_numbers_for_storms(source: SourceKey) -> None:
    world.ingest(source, *(world.signal(alertname=f"A{number}") for number in range(6)))

    run = dry_run(with_noise(storm_groups=3))

    assert pages(run) == {"Web": (6, 4)}
    assert [one.after for one in run.examples] == ["Web on the page of a storm"] * 2


def test_what_rules_held_back_as_they_are_agrees_with_what_happened(source: SourceKey, policy: Policy) -> None:
    world.route(1, policy, group_by=["alertname", "host"])
    world.inhibition(("alertname", "=", "HostDown"), ("alertname", "=", "Httpd"), "host")
    for _ in range(3):
        host_and_service(source)
        world.fire_all()

    run = dry_run(with_noise())

    assert run.changed == 0
    assert pages(run)["Web"][0] == Page.objects.count()


# A removed route comes back -------------------------------------------------------------------------------------------


def test_a_removed_route_is_put_back_as_it_was(source: SourceKey, policy: Policy) -> None:
    options = Options(
        wait_s=30, hours=["mon-fri 09:00-17:00"], zone="Europe/Berlin", flapping=FlapRule(4, 600, 600, 60)
    )
    route = world.route(7, policy, ("team", "=", "db"), group_by=["rack"], options=options)
    before = Route.objects.values().get(pk=route.pk)
    actions.remove_route(route, version=1, actor="raglan")
    assert [one.words for one in route_queries.removed_routes()] == ['route 7: team="db"']

    back = actions.restore_route(before["id"], actor="raglan")
    again = actions.restore_route(before["id"], actor="raglan")

    assert Route.objects.values().get(pk=back.pk) == before | {"version": 2}
    assert again == back
    assert route_queries.removed_routes() == []
    assert Event.objects.filter(kind="route.changed").count() == 3


def test_a_removed_route_stays_away_when_its_place_is_taken(source: SourceKey, policy: Policy, other: Policy) -> None:
    route = world.route(7, policy)
    pk = route.pk
    actions.remove_route(route, version=1, actor="raglan")
    world.route(7, other)

    with pytest.raises(Conflict):
        actions.restore_route(pk, actor="raglan")
    with pytest.raises(NotFound):
        actions.restore_route(99_999, actor="raglan")


def test_a_route_is_removed_and_put_back_on_the_screens(source: SourceKey) -> None:
    browser = Client()
    browser.force_login(world.administrator())
    pk = Route.objects.get().pk
    browser.post("/setup/routes/1/remove/", {"version": "1"})
    shown = browser.get("/setup/").content.decode()
    answer = browser.post(f"/setup/routes/removed/{pk}/")

    assert "Removed lately" in shown
    assert answer.status_code == 302
    assert Route.objects.get().pk == pk
    assert "Removed lately" not in browser.get("/setup/").content.decode()


# On the screens and over REST -----------------------------------------------------------------------------------------


def test_every_rule_is_tried_where_it_is_edited(source: SourceKey) -> None:
    browser = Client()
    browser.force_login(world.administrator())
    host_and_service(source)
    rule = world.inhibition(("alertname", "=", "HostDown"), ("alertname", "=", "Httpd"), "host")
    here = now() + timedelta(days=7)
    kept = world.maintenance(("alertname", "=", "In"), first=here.date(), start=here.time())
    typed = {
        "name": "Host explains",
        "source_matchers": 'alertname="HostDown"',
        "target_matchers": 'alertname="Httpd"',
        "do": "try",
    }
    weekly = {"name": "Up", "matchers": 'alertname="Httpd"', "first": f"{here:%Y-%m-%d}", "start": f"{here:%H:%M}"}
    weekly |= {"minutes": "60", "zone": "UTC", "do": "look"}
    numbers = {"flap_changes": "3", "do": "try"}

    def posted(path: str, data: dict[str, str]) -> str:
        return browser.post(path, data).content.decode()

    changes = Event.objects.count()
    heading = "The last 30 days with this change"
    assert heading in posted("/alerts/inhibitions/new/", typed)
    assert heading in posted(f"/alerts/inhibitions/{rule.pk}/", typed)
    assert heading in posted(f"/alerts/inhibitions/{rule.pk}/", {"do": "without"})
    assert heading not in posted("/alerts/inhibitions/new/", typed | {"target_matchers": "no condition"})
    assert "as if it had been there" in posted("/alerts/maintenance/new/", weekly)
    assert heading in posted(f"/alerts/maintenance/{kept.pk}/", {"do": "without"})
    assert heading in posted(f"/setup/sources/{source.slug}/flapping/", numbers)
    assert heading in browser.get("/setup/noise/", {"storm_groups": "1", "flap_changes": "4"}).content.decode()
    assert heading not in browser.get("/setup/noise/").content.decode()
    assert Event.objects.count() == changes


def test_every_rule_is_tried_over_rest(source: SourceKey) -> None:
    host_and_service(source)
    rule = world.inhibition(("alertname", "=", "HostDown"), ("alertname", "=", "Httpd"), "host")
    here = now() + timedelta(days=7)
    kept = world.maintenance(("alertname", "=", "In"), first=here.date(), start=here.time())
    ada = world.administrator()
    secret = people.issue_token(ada, name="t", scopes=["read", "configure", "respond"], days=9, actor=ada)[1]
    head = {"Authorization": f"Bearer {secret}"}
    side = [{"name": "alertname", "value": "HostDown"}]
    inhibition = {"name": "N", "source_matchers": side, "target_matchers": [{"name": "alertname", "value": "Httpd"}]}
    planned = {
        "name": "Up",
        "matchers": side,
        "zone": "UTC",
        "first": f"{here:%Y-%m-%d}",
        "start": "10:00",
        "minutes": 9,
    }

    def tried(**body: object) -> int:
        return Client().post("/api/v1/rules/try", body, content_type="application/json", headers=head).status_code

    good: list[dict[str, object]] = [
        {"inhibition": inhibition},
        {"inhibition": inhibition, "id": rule.pk},
        {"without_inhibition": rule.pk},
        {"maintenance": planned},
        {"maintenance": planned, "id": kept.pk},
        {"without_maintenance": kept.pk},
        {"without_route": 1},
        {"storm_groups": 5, "flapping": {"changes": 0}},
        {"source": source.slug},
    ]
    assert [tried(**body) for body in good] == [200] * len(good)
    assert tried(without_inhibition=9_999) == 404
    assert tried(source="none-such") == 422
    assert tried() == 422
    assert tried(without_route=1, without_inhibition=rule.pk) == 422
