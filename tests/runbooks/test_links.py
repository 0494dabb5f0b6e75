"""Alerts and pages link to the runbooks that fit."""

from collections.abc import Callable, Iterator

import pytest
from django.test import Client

from raglan.alerts.models import Alert
from raglan.alerts.pipeline.route import Matcher
from raglan.catalog.models import Service
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.runbooks import suggest
from raglan.runbooks.models import Runbook
from raglan.testing import world

Write = Callable[..., Runbook]


@pytest.fixture
def alert(mara: Person) -> Iterator[Alert]:
    with world.outbox(world.Outbox()):
        world.route(1, world.policy((300, [mara])))
        world.ingest(world.source(), world.signal())
        world.fire_all()
        yield Alert.objects.get()


def test_what_is_named_comes_before_conditions_and_service(write: Write, httpd: Service) -> None:
    write("For service", services=[httpd])
    write("For such", alerts=[Matcher("alertname", "=", "HttpdDown")], services=[httpd])
    write("For others", alerts=[Matcher("alertname", "=", "Disk")], services=[httpd])
    named = write("Named")
    labels = {"alertname": "HttpdDown", "service": "httpd"}
    fits = suggest.shelf().for_alert(labels, {"runbook_url": f"/library/runbooks/{named.slug}/#step-2"})
    assert [fit.runbook.title for fit in fits] == ["Named", "For such", "For service"]


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "//evil.example", "https://[", "data:text/html,x", "ftp://a.example"]
)
def test_other_schemes_are_no_links(db: None, text: str) -> None:
    assert suggest.away(suggest.shelf(), {"runbook_url": text}) == []


def test_an_address_elsewhere_is_linked_as_it_is(db: None) -> None:
    found = suggest.away(suggest.shelf(), {"runbook_url": "https://wiki.example.test/db"})
    assert [(one.host, one.address) for one in found] == [("wiki.example.test", "https://wiki.example.test/db")]


def test_the_screens_of_alert_and_page_show_them(browser: Client, alert: Alert, runbook: Runbook) -> None:
    place = f'href="/library/runbooks/{runbook.slug}/"'
    assert place in browser.get(f"/alerts/{alert.pk}/").content.decode()
    assert place in browser.get(f"/pages/{Page.objects.get().pk}/").content.decode()
