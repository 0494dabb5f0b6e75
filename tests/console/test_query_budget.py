"""How many queries a screen takes does not depend on how much is on it."""

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from raglan.alerts import actions as alerts
from raglan.alerts.models import AlertGroup
from raglan.alerts.ports import Batch, Decoded, RawSignal, SourceKey
from raglan.changes import proposing as changes
from raglan.core.clock import now
from raglan.incidents import actions as incidents
from raglan.incidents.models import Answer, Entry, Incident
from raglan.oncall.models import Rotation, RotationMember, Schedule
from raglan.paging.models import Notification, Page, Reached
from raglan.people.models import Membership, Person, Team
from tests.console.conftest import SignIn

FEW, MANY = 2, 7


@dataclass(frozen=True, slots=True)
class World:
    """Who reads, and what the screens under test are about."""

    client: Client
    reader: Person
    incident: Incident
    page: Page


@pytest.fixture
def world(signed_in: SignIn, ada: Person) -> World:
    """A room and a page with a little of everything."""
    incident = incidents.declare("Apache is not starting", by=ada)
    page = Page.objects.create(title="HttpdDown", state=Page.State.UNANSWERED, created_at=now())
    incidents.follow(incident, page)
    return World(signed_in(ada), ada, incident, page)


def _person(number: int) -> Person:
    person = Person.objects.create_person(f"p{number}@example.test", f"Person {number}")
    team = Team.objects.create(name=f"Team {number}", slug=f"team-{number}")
    Membership.objects.create(team=team, person=person)
    return person


def _rota(number: int, person: Person) -> None:
    zone = "America/New_York"
    schedule = Schedule.objects.create(name=f"Rota {number}", slug=f"rota-{number}", time_zone=zone, created_at=now())
    rotation = Rotation.objects.create(
        schedule=schedule, starts_on=date(2026, 1, 5), handoff_weekday=0, handoff_time=time(9), created_at=now()
    )
    RotationMember.objects.create(rotation=rotation, person=person, position=0)


def _page(number: int, person: Person, incident: Incident) -> Page:
    state = (Page.State.UNANSWERED, Page.State.TRIGGERED, Page.State.ACKNOWLEDGED)[number % 3]
    page = Page.objects.create(title=f"Page {number}", state=state, created_at=now(), acknowledged_by=person)
    Reached.objects.create(page=page, person=person, at=now())
    incidents.follow(incident, page)
    return page


def _alerts(world: World, number: int) -> None:
    source, _ = alerts.create_source(name=f"S{number}", slug=f"s{number}", kind="alertmanager", actor="raglan")
    labels = {"alertname": f"Alert {number}"}
    signal = RawSignal("firing", labels, {}, f"Alert {number}", raw={"labels": labels})
    alerts.ingest([Batch(SourceKey(source.pk, source.slug, source.kind), Decoded([signal]), now())])
    type(source).objects.filter(pk=source.pk).update(last_heard_at=now() - timedelta(hours=1))
    if number % 2:
        incidents.join_groups(world.incident, list(AlertGroup.objects.order_by("-pk")[:1]), by=world.reader)


def _change(number: int, person: Person) -> None:
    said = changes.Expected("nothing", "nothing")
    by = changes.Teller(person.name, person, person)
    for _ in range(2):
        made = changes.propose(changes.Proposal(f"Change {number}", expected=said), by=by)
    changes.turn(made, "under_way", actor=person)


def _entries(incident: Incident, person: Person) -> None:
    for kind in (Entry.Kind.ASK, Entry.Kind.VERIFY, Entry.Kind.DOING, Entry.Kind.NOTE):
        entry = incidents.post(incident, incidents.Said(kind=kind, text=f"{kind} by {person.name}"), by=person)
        if kind == Entry.Kind.VERIFY:
            Answer.objects.get_or_create(entry=entry, person=person, defaults={"side": "yes", "at": now()})


def _reach(world: World, number: int, person: Person) -> None:
    reached = Reached.objects.create(page=world.page, person=person, step=number, at=now())
    Notification.objects.create(
        page=world.page,
        person=person,
        reached=reached,
        channel="email",
        address=person.email,
        key=f"n{number}",
        due_at=now(),
    )


def _fill(world: World, numbers: range) -> None:
    for number in numbers:
        person = _person(number)
        _rota(number, person)
        _alerts(world, number)
        _page(number, person, world.incident)
        _change(number, person)
        _reach(world, number, person)
        incidents.be_here(world.incident, by=person, doing="looking")
        _entries(world.incident, person)
        closed = incidents.declare(f"Incident {number}", by=person)
        _entries(closed, person)
        if number % 2:
            incidents.stand_down(closed, by=person, words="Over.")


HTML_BUDGET = 20_000


def test_a_room_with_fifty_entries_is_light_on_the_wire(world: World) -> None:
    for number in range(50):
        text = f"Looked at host web-{number:03d}: httpd does not start after the second run, log line {number * 37}"
        incidents.post(world.incident, incidents.Said(kind=Entry.Kind.NOTE, text=text), by=world.reader)

    body = world.client.get(f"/incidents/{world.incident.pk}/").content

    assert len(set(re.findall(rb"Looked at host web-\d+", body))) == 50
    assert len(gzip.compress(body, 6)) < HTML_BUDGET


SCREENS: dict[str, tuple[Callable[[World], str], int]] = {
    "now": (lambda world: "/", 40),
    "room": (lambda world: f"/incidents/{world.incident.pk}/", 40),
    "page": (lambda world: f"/pages/{world.page.pk}/", 30),
    "alerts": (lambda world: "/alerts/", 15),
    "changes": (lambda world: "/changes/", 20),
    "on call": (lambda world: "/on-call/", 30),
    "incidents": (lambda world: "/incidents/", 15),
    "setup": (lambda world: "/setup/", 40),
    "source": (lambda world: "/setup/sources/s0/", 15),
}


@pytest.mark.parametrize("name", SCREENS)
def test_more_rows_take_no_more_queries(world: World, name: str) -> None:
    address, budget = SCREENS[name]
    _fill(world, range(FEW))
    few = _queries(world, address(world))
    _fill(world, range(FEW, MANY))
    many = _queries(world, address(world))
    grown = [query for query in many if many.count(query) > few.count(query)]
    assert len(many) <= len(few), f"{len(few)} queries became {len(many)}: {grown[:3]}"
    assert len(many) <= budget


def _queries(world: World, address: str) -> list[str]:
    """Return the queries of a screen without their values, so that repeats look alike. The first visit fills caches."""
    assert world.client.get(address).status_code == 200
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert world.client.get(address).status_code == 200
    return [_shape(query["sql"]) for query in captured.captured_queries]


def _shape(sql: str) -> str:
    return sql.partition(" WHERE ")[0]
