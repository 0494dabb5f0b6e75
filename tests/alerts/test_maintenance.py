"""Maintenance windows follow the wall clock of a named zone, once or each week; what still fires at their end pages."""

import dataclasses
import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from raglan.alerts import actions
from raglan.alerts.models import Alert, Maintenance
from raglan.alerts.pipeline.maintain import MaintenanceRule
from raglan.alerts.ports import SourceKey
from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict
from raglan.oncall.wall import first_instant
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world

DOWN = ("alertname", "=", "HttpdDown")
BERLIN = ZoneInfo("Europe/Berlin")


def rule(start: time, *, zone: str = "Europe/Berlin", hours: float = 1, first: date = date(2026, 3, 1), **more: object):
    given = {"days": frozenset(), "last": None, **more}
    return MaintenanceRule(1, 1, "Upgrade", (), zone, first, start, timedelta(hours=hours), who="Mara", **given)  # type: ignore[arg-type]  # by name


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_window_that_is_open_holds_back_and_its_end_pages(source: SourceKey, outbox: world.Outbox) -> None:
    here = now() - timedelta(minutes=10)
    window = world.maintenance(DOWN, first=here.date(), start=here.time(), zone="UTC")
    world.ingest(source, world.signal())
    alert = Alert.objects.get()
    assert (alert.held, alert.held_by) == ("planned", [f"maintenance:{window.pk}"])
    assert any(item[0] == "maintain" and "Upgrade by Mara Keller until" in item[2] for item in alert.trail)

    world.fast_forward(timedelta(hours=1))

    assert len(outbox.sent) == 1


def test_a_window_to_come_opens_by_itself_each_week(source: SourceKey, outbox: world.Outbox) -> None:
    here = now() + timedelta(minutes=10)
    world.maintenance(DOWN, first=here.date(), start=here.time(), days=[here.weekday()], zone="UTC")
    world.ingest(source, world.signal())
    world.fast_forward(timedelta(minutes=11))
    assert Alert.objects.get().held == "planned"

    world.fast_forward(timedelta(hours=1, minutes=1))
    assert Alert.objects.get().held == ""
    world.fast_forward(timedelta(days=7) - timedelta(hours=1))

    assert Alert.objects.get().held == "planned"


def test_ending_a_window_pages_at_once_and_nothing_follows(source: SourceKey, outbox: world.Outbox) -> None:
    here = now() - timedelta(minutes=10)
    window = world.maintenance(DOWN, first=here.date(), start=here.time(), days=list(range(7)), zone="UTC")
    world.ingest(source, world.signal())

    actions.end_maintenance(window, actor="raglan")
    actions.end_maintenance(window, actor="raglan")
    world.fire_all()

    assert len(outbox.sent) == 1
    draft = actions.MaintenanceDraft("x", [world.Matcher(*DOWN)], "UTC", here.date(), time(1), 5)
    with pytest.raises(Conflict):
        actions.change_maintenance(window, draft, version=1, actor="raglan")


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        (rule(time(2, 30), first=date(2026, 3, 29)), "2026-03-29T01:00", "2026-03-29T02:01"),  # a missing time
        (rule(time(2, 30), first=date(2026, 10, 25)), "2026-10-25T00:30", "2026-10-25T01:31"),  # a doubled one, once
        (rule(time(23), first=date(2026, 3, 28), hours=6), "2026-03-29T03:59", "2026-03-29T04:00"),
        (rule(time(9), days=frozenset({0})), "2026-03-30T07:00", "2026-03-30T06:59"),
        (rule(time(9), days=frozenset({0})), "2026-10-26T08:00", "2026-10-26T07:59"),
        (rule(time(9), days=frozenset({0}), last=date(2026, 3, 23)), "2026-03-23T08:00", "2026-03-30T07:00"),
        (rule(time(0), hours=24 * 10), "2026-03-10T22:00", "2026-03-10T23:00"),
    ],
)
def test_a_window_follows_the_wall_clock_also_when_it_is_changed(
    window: MaintenanceRule, inside: str, outside: str
) -> None:
    assert window.window(utc(inside)) is not None
    assert window.window(utc(outside)) is None


def test_of_three_windows_that_overlap_the_beginning_of_the_third_is_a_change() -> None:
    window = rule(time(0), zone="Europe/Berlin", hours=49, days=frozenset((0, 1, 2)), first=date(2026, 3, 20))

    assert window.next_change(utc("2026-03-24T12:00")) == utc("2026-03-24T23:00")  # Wednesday begins in Berlin


@given(
    zone=st.sampled_from(("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")),
    start=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    hours=st.sampled_from((0.25, 1, 7, 23, 49)),
    days=st.frozensets(st.integers(0, 6), max_size=4),
    offset=st.integers(0, 400 * 24 * 60),
)
def test_a_window_is_open_exactly_when_a_naive_look_at_each_day_says_so(
    zone: str, start: time, hours: float, days: frozenset[int], offset: int
) -> None:
    window = rule(start, zone=zone, hours=hours, days=days, first=date(2026, 3, 20))
    at = utc("2026-03-18T00:00") + timedelta(minutes=offset)
    begun = [
        first_instant(datetime.combine(day, start), ZoneInfo(zone))
        for day in (date(2026, 3, 20) + timedelta(days=n) for n in range(410))
        if (day.weekday() in days if days else day == date(2026, 3, 20))
    ]

    is_open = any(begins <= at < begins + timedelta(hours=hours) for begins in begun)
    moments = sorted(m for begins in begun for m in (begins, begins + timedelta(hours=hours)) if m > at)

    assert (window.window(at) is not None) == is_open
    if moments and moments[0] < at + timedelta(days=30):
        assert window.next_change(at) == moments[0]
    assert all(start < end for start, end in islice(window.windows(at), 3))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"matchers": []}, "matchers"),
        ({"zone": "Mars/Base"}, "zone"),
        ({"minutes": 0}, "minutes"),
        ({"days": [7]}, "days"),
        ({"last": date(2026, 1, 1)}, "last"),
        ({"first": date(1900, 1, 1)}, "first"),
        ({"name": " "}, "name"),
        ({}, "first"),  # over already
        ({"days": [4], "last": date(2026, 5, 8)}, "last"),
        ({"days": [6], "first": date(2090, 1, 2), "last": date(2090, 1, 4)}, "days"),
    ],
)
def test_a_window_that_can_not_be_is_refused(db: None, change: dict[str, object], field: str) -> None:
    fine = {"name": "x", "matchers": [world.Matcher(*DOWN)], "zone": "UTC", "first": date(2026, 5, 1), "start": time(1)}

    with pytest.raises(BadInput) as caught:
        actions.check_maintenance(actions.MaintenanceDraft(**{"minutes": 5, **fine, **change}))  # type: ignore[arg-type]  # by name

    assert caught.value.field == field


def test_a_window_that_is_open_or_comes_once_more_is_planned(db: None) -> None:
    at = now()
    draft = actions.MaintenanceDraft(
        "x", [world.Matcher(*DOWN)], "UTC", (at - timedelta(days=2)).date(), at.time(), 14 * 24 * 60
    )
    actions.check_maintenance(draft)
    weekly = {"days": range(7), "last": at.date() + timedelta(days=1), "minutes": 5}
    actions.check_maintenance(dataclasses.replace(draft, **weekly))


def test_it_is_planned_looked_at_changed_and_ended_on_its_screens(mara: Person) -> None:
    browser = Client()
    browser.force_login(mara)
    typed = {"name": "Upgrade", "matchers": "alertname=HttpdDown", "first": "2037-03-23", "start": "02:30"}
    typed |= {"minutes": "60", "zone": "Europe/Berlin"}
    looked = browser.post("/alerts/maintenance/new/", {**typed, "days": ["6"], "do": "look"}).content.decode()
    assert "Sun 29 Mar 2037 03:00 to 04:00 (UTC+0200)" in looked  # 02:30 does not exist on that day
    assert not Maintenance.objects.exists()
    browser.post("/alerts/maintenance/new/", {**typed, "days": ["6"], "do": "save"})
    window = Maintenance.objects.get()
    assert "each Sun" in browser.get("/alerts/maintenance/").content.decode()
    path = f"/alerts/maintenance/{window.pk}/"
    assert browser.post(path, {**typed, "minutes": "0", "do": "save"}).status_code == 422
    assert browser.post(path, {**typed, "seen_version": "1", "do": "save"}).status_code == 302
    assert browser.post(path, {**typed, "seen_version": "1", "do": "save"}).status_code == 422

    browser.post(f"{path}end/")

    assert "Nothing is planned." in browser.get("/alerts/maintenance/").content.decode()


def test_it_is_planned_and_ended_over_rest(mara: Person) -> None:
    secret = people.issue_token(mara, name="t", scopes=["read", "respond"], days=9, actor=mara)[1]
    head = {"Authorization": f"Bearer {secret}"}
    body = {"name": "Upgrade", "matchers": [{"name": "a", "value": "b"}], "zone": "UTC", "first": "2030-05-01"}
    body |= {"start": "02:00", "minutes": 30}
    made = Client().post("/api/v1/maintenances", json.dumps(body), content_type="application/json", headers=head)
    assert made.status_code == 201
    assert made.json()["coming"] == [{"starts_at": "2030-05-01T02:00:00Z", "ends_at": "2030-05-01T02:30:00Z"}]
    bad = Client().post(
        "/api/v1/maintenances", json.dumps({**body, "zone": "x"}), content_type="application/json", headers=head
    )
    assert (bad.status_code, bad.json()["field"]) == (422, "zone")
    with_zone = json.dumps({**body, "start": "10:00:00+01:00"})
    refused = Client().post("/api/v1/maintenances", with_zone, content_type="application/json", headers=head)
    assert (refused.status_code, refused.json()["field"]) == (422, "start")
    path = f"/api/v1/maintenances/{made.json()['id']}"
    assert Client().delete(path, headers=head).json()["ended_at"]
    assert Client().get("/api/v1/maintenances", headers=head).json() == []
