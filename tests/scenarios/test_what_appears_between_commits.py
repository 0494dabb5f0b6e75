"""What a commit of alerts found nothing of is seen by the next one as soon as it is there."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest

from raglan.alerts.models import AlertGroup
from raglan.alerts.ports import SourceKey
from raglan.core import timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.db import bulk
from raglan.core.models import Timer
from raglan.incidents import actions as incidents
from raglan.incidents.models import Listed
from raglan.oncall import shadows
from raglan.outside import components
from raglan.outside.components import ComponentDraft, PageDraft
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.support.connections import elsewhere, here

pytestmark = pytest.mark.django_db(transaction=True)
Appears = Callable[[Person, Page], object]


def a_room_about_the_service(mara: Person, page: Page) -> None:
    incidents.declare("Apache is down", by=mara, services=[world.service("httpd")])


def a_room_about_nothing(mara: Person, page: Page) -> None:
    incidents.follow(incidents.declare("Something is odd", by=mara), page)


def a_shadow(mara: Person, page: Page) -> None:
    ike = world.person("Ike Brandt")
    shadows.add_shadow(world.schedule(mara), ike, now(), now() + timedelta(days=1), by=ike)


def a_status_page(mara: Person, page: Page) -> None:
    components.set_page(PageDraft(True, "Loomhaven"), seen_version=0, actor=mara)
    components.add_component(ComponentDraft("Web", services=[world.service("httpd")]), actor=mara)


class Taker:
    """An engine that has room and begins with nothing."""

    is_working = True
    room = 100

    def take(self, dues: Sequence[timers.Due]) -> None:
        """Leave them."""


@pytest.fixture
def people(transactional_db: None) -> Iterator[tuple[Person, Person]]:
    """Whom each alert pages, at once and after five minutes; first steps are taken in the commits of the alerts."""
    end = timers.on_claimed(Taker())
    mara, cleo = world.person("Mara Keller"), world.person("Cleo Marsh")
    world.route(1, world.policy((300, [mara]), (300, [cleo])), group_by=["instance", "service"])
    yield mara, cleo
    end()


def fire(source: SourceKey, *names: str) -> Page:
    """Let alerts fire, each in a commit of its own."""
    for name in names:
        world.ingest(source, world.signal(instance=name))
    page = AlertGroup.objects.latest("pk").page
    assert page is not None
    return page


def planned_after(event: int) -> set[str]:
    """Return the reactions that are to run after what was told later than an event."""
    found = Timer.objects.filter(kind__startswith="core.react").values_list("payload", flat=True)
    return {item["reaction"].rpartition(".")[2] for item in found if item["event"] > event}


@pytest.mark.parametrize("act", [here, elsewhere])
@pytest.mark.parametrize(
    ("appears", "reaction"),
    [
        (a_room_about_the_service, "join_open_room"),
        (a_room_about_nothing, "propose_alerts"),
        (a_shadow, "tell_shadows"),
        (a_status_page, "publish_trouble"),
    ],
)
def test_the_next_commit_sees_it(
    act: Callable[[Callable[[], object]], None], appears: Appears, reaction: str, people: tuple[Person, Person]
) -> None:
    source, mara = world.source(), people[0]
    page = fire(source, "a", "b", "c")
    if not bulk.is_postgresql():  # which asks it later
        assert reaction not in planned_after(0)
    act(lambda: appears(mara, page))
    newest = timeline.newest_id()

    fire(source, "d")

    assert reaction in planned_after(newest)


def test_whoever_is_paged_for_what_has_become_private_is_let_in(people: tuple[Person, Person]) -> None:
    (_, cleo), source = people, world.source()
    page, boss = fire(source, "a", "b"), world.person("Ike Brandt")
    room = incidents.declare("Somebody was in", by=boss)
    incidents.follow(room, page)
    incidents.make_private(room, "It is about a person.", by=boss)
    assert not Listed.objects.filter(person=cleo).exists()

    CLOCK.move(timedelta(seconds=301))
    world.fire_all()

    assert Listed.objects.filter(incident=room, person=cleo).exists()
