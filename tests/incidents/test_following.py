"""Rooms follow alerts of their services and the pages of their alerts."""

from datetime import timedelta

import pytest

from raglan.alerts.models import AlertGroup
from raglan.alerts.ports import SourceKey
from raglan.core import timeline, timers
from raglan.core.db import bulk
from raglan.incidents import actions
from raglan.incidents.models import Entry, Incident, IncidentGroup, Responder
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world


@pytest.fixture
def source(bo: Person) -> SourceKey:
    """A source whose alerts page Bo."""
    world.route(1, world.policy((60, [bo])))
    return world.source()


@pytest.fixture
def room(mara: Person) -> Incident:
    """An open room about httpd."""
    return actions.declare("Apache is down", by=mara, services=[world.service("httpd")])


def told(room: Incident) -> list[str]:
    found = Entry.objects.filter(incident=room, kind=Entry.Kind.MACHINE).order_by("pk")
    return list(found.values_list("text", flat=True))


def test_alerts_of_its_service_join_the_open_room(room: Incident, source: SourceKey) -> None:
    world.ingest(source, world.signal())
    world.fire_all()

    assert IncidentGroup.objects.get().incident == room
    assert told(room)[0] == "HttpdDown: 1 alert joined to this incident."


def test_alerts_of_other_services_do_not(room: Incident, source: SourceKey) -> None:
    world.ingest(source, world.signal(service="dns"))
    world.fire_all()

    assert not IncidentGroup.objects.exists()


def test_of_many_new_groups_only_those_of_open_rooms_are_looked_at_one_by_one(
    room: Incident, source: SourceKey, mara: Person
) -> None:
    actions.stand_down(actions.declare("Names are gone", by=mara, services=[world.service("dns")]), by=mara)
    world.fire_all()
    for name in ("dns", "HTTPD", "mail"):
        world.ingest(source, world.signal(service=name))
    groups = {f"group:{group.pk}": group.labels["service"] for group in AlertGroup.objects.all()}
    many = [due for due in timers.claim(50, together=True) if due.kind == timeline.REACT_IF_NEEDED]

    left = timers.fire_together(many)

    # On SQLite it is asked in the transaction of the event, so that no others are planned.
    assert len(many) == (3 if bulk.is_postgresql() else 1)
    subjects = [timeline.happened(int(due.subject_id)).subjects[0] for due in left]
    assert [groups[subject] for subject in subjects] == ["HTTPD"]


def test_a_closed_room_takes_in_nothing(room: Incident, source: SourceKey, mara: Person) -> None:
    actions.stand_down(room, by=mara)
    world.ingest(source, world.signal())
    world.fire_all()

    assert not IncidentGroup.objects.exists()


def test_the_end_of_a_group_is_told_in_the_room(room: Incident, source: SourceKey) -> None:
    world.ingest(source, world.signal(instance="a"), world.signal(instance="b"))
    world.fire_all()
    world.ingest(source, world.signal("resolved", instance="a"), world.signal("resolved", instance="b"))
    world.fire_all()

    assert told(room)[-1] == "HttpdDown: resolved, 2 alerts in all."


def test_whoever_takes_the_page_is_in_the_room(room: Incident, source: SourceKey, bo: Person) -> None:
    world.ingest(source, world.signal())
    world.fire_all()

    world.paging.acknowledge(Page.objects.get(), by=bo, via=world.paging.Via.LINK)
    world.fire_all()

    assert told(room)[-1] == "Bo Silva has the page “HttpdDown”."
    assert Responder.objects.filter(incident=room, person=bo).exists()


def test_that_nobody_could_be_reached_is_told_in_the_room(room: Incident, source: SourceKey) -> None:
    world.ingest(source, world.signal())
    world.fast_forward(timedelta(minutes=2))

    assert told(room)[-1].startswith("Nobody could be reached for “HttpdDown”.")


def test_a_person_who_can_not_be_reached_is_told_in_the_room(
    room: Incident, source: SourceKey, bo: Person, outbox: world.Outbox
) -> None:
    outbox.refuse(world.mail_of(bo).address, permanent=True)

    world.ingest(source, world.signal())
    world.fire_all()
    world.fire_all()

    assert any("Bo Silva could not be reached" in text for text in told(room))


def test_a_group_belongs_to_one_room(room: Incident, source: SourceKey, mara: Person) -> None:
    world.ingest(source, world.signal())
    world.fire_all()
    other = actions.declare("Another thing", by=mara)

    assert actions.join_groups(other, list(AlertGroup.objects.all())) == 0
    assert IncidentGroup.objects.get().incident == room


def test_joining_by_hand_follows_the_page_as_well(source: SourceKey, mara: Person, bo: Person) -> None:
    world.ingest(source, world.signal())
    world.fire_all()
    room = actions.declare("Apache is down", by=mara)

    assert actions.join_groups(room, list(AlertGroup.objects.all()), by=mara) == 1
    world.paging.acknowledge(Page.objects.get(), by=bo, via=world.paging.Via.LINK)
    world.fire_all()

    assert "Bo Silva has the page “HttpdDown”." in told(room)


def test_the_page_says_what_the_room_knows(
    room: Incident, source: SourceKey, mara: Person, outbox: world.Outbox
) -> None:
    world.ingest(source, world.signal())
    world.fire_all()
    actions.write_standing(room, actions.Standing("Half of the hosts are back."), by=mara)

    found = world.ports.around(Page.objects.get())

    assert found.room_link == f"/incidents/{room.pk}/"
    assert "Half of the hosts are back." in [item.text for item in found.known]


def test_nobody_who_is_unknown_here_has_a_page(
    room: Incident, source: SourceKey, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    world.ingest(source, world.signal())
    world.fire_all()
    services = list(room.services.all())
    actions.give_heads_up(actions.Warned("It was me", services=services, author_words="Bo Silva (@eve)"), by=None)
    assert world.ports.around(Page.objects.get()).has_it == ""
    actions.take_lead(room, mara, by=mara)
    assert world.ports.around(Page.objects.get()).has_it == mara.name
    actions.give_heads_up(actions.Warned("It was rather me", services=services), by=bo)
    assert world.ports.around(Page.objects.get()).has_it == bo.name


def test_what_a_reaction_posts_twice_stands_once(room: Incident, source: SourceKey) -> None:
    world.ingest(source, world.signal())
    world.fire_all()
    opened = next(event for event in timeline.about("alerts") if event.kind == "group.opened")

    for listed in timeline._reactions["group.opened"]:
        listed.function(opened)

    assert len(told(room)) == len(set(told(room)))
