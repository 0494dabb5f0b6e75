"""What Setup's screens can do, REST can do."""

from datetime import timedelta

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from raglan.alerts import actions as alerts
from raglan.alerts.models import Alert, Flap
from raglan.console import own_rest
from raglan.core.clock import CLOCK, now
from raglan.core.errors import NotAllowed, NotFound
from raglan.core.models import Timer
from raglan.people.access import Principal, scopes_of
from raglan.people.models import Person


def asks(person: Person) -> HttpRequest:
    """Return a request of a person, as operations see it."""
    request = RequestFactory().get("/")
    request.auth = Principal(person, None, scopes_of(person))  # type: ignore[attr-defined]  # as ninja sets it
    return request


def test_own_health_is_told_to_everyone_who_reads(vera: Person) -> None:
    facts = {fact.name: fact.kind for fact in own_rest.own_health(asks(vera))}
    assert facts["Storage"] == "good"
    assert {"Work that is due", "Work set aside", "Mail", "Clock", "Version"} <= set(facts)


def test_work_that_was_set_aside_is_listed_and_tried_again(ada: Person, bo: Person) -> None:
    timer = Timer.objects.create(kind="paging.deliver", subject="page:1", due_at=now(), parked_at=now(), attempts=3)
    assert [item.pk for item in own_rest.list_set_aside(asks(bo))] == [timer.pk]
    with pytest.raises(NotAllowed):
        own_rest.try_again(asks(bo), timer.pk)
    assert own_rest.try_again(asks(ada), timer.pk).status_code == 204
    assert own_rest.list_set_aside(asks(ada)) == []


def test_who_tests_again_and_again_is_not_told_that_it_flaps(ada: Person) -> None:
    alerts.create_source(name="Prometheus", slug="prom", kind="alertmanager", actor=ada)
    for _ in range(6):
        assert own_rest.test_source(asks(ada), "prom").value.new == 1
        CLOCK.move(timedelta(minutes=5, seconds=1))
        alerts.expire()

    assert [alert.state for alert in Alert.objects.all()] == [Alert.State.RESOLVED] * 6
    assert not Flap.objects.exists()


def test_a_test_alert_is_sent_and_listed_as_it_came(ada: Person, bo: Person) -> None:
    alerts.create_source(name="Prometheus", slug="prom", kind="alertmanager", actor=ada)
    with pytest.raises(NotAllowed):
        own_rest.test_source(asks(bo), "prom")
    assert own_rest.test_source(asks(ada), "prom").value.new == 1
    assert own_rest.test_source(asks(ada), "prom").value.repeated == 1
    listed = own_rest.list_signals(asks(bo), "prom")
    assert {item.alert_id for item in listed} == {Alert.objects.get().pk}
    with pytest.raises(NotFound):
        own_rest.list_signals(asks(bo), "nothing")


def test_letting_a_copy_page_needs_the_right_to_configure(bo: Person) -> None:
    with pytest.raises(NotAllowed):
        own_rest.allow_paging(asks(bo))
