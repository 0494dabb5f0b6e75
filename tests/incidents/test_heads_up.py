from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.alerts.models import AlertGroup
from raglan.catalog.models import Service
from raglan.core import timeline
from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput
from raglan.incidents import actions, queries
from raglan.incidents.actions import Warned
from raglan.incidents.models import Entry, HeadsUp, Incident, IncidentPage
from raglan.paging import ports
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.incidents.conftest import Call


@pytest.fixture
def httpd(bo: Person) -> Service:
    """A service whose team has Bo on call."""
    team = world.team(bo)
    world.schedule(bo, of=team)
    return world.service("httpd", team)


def warn(by: Person, *services: Service, text: str = "I may have broken Apache") -> HeadsUp:
    return actions.give_heads_up(Warned(text, services=services), by=by)


def machine_texts(incident: Incident | None) -> list[str]:
    found = Entry.objects.filter(incident=incident, kind=Entry.Kind.MACHINE).order_by("pk")
    return list(found.values_list("text", flat=True))


def test_a_heads_up_opens_a_room_and_tells_whoever_is_on_call(
    mara: Person, httpd: Service, outbox: world.Outbox
) -> None:
    given = warn(mara, httpd)
    world.fire_all()

    assert given.incident is not None
    assert given.incident.title == "Heads-up: I may have broken Apache"
    assert [item.message.person_name for item in outbox.sent] == ["Bo Silva"]
    assert outbox.sent[0].message.title == "Heads-up from Mara Keller"
    assert machine_texts(given.incident) == ["Bo Silva is told of this heads-up now."]


def test_the_message_says_who_gave_it_and_that_somebody_is_on_it(
    mara: Person, httpd: Service, outbox: world.Outbox
) -> None:
    warn(mara, httpd)
    world.fire_all()

    assert "Mara Keller gave a heads-up" in outbox.sent[0].message.text


def test_the_first_message_of_a_later_alert_says_who_has_it_though_it_has_not_joined_yet(
    mara: Person, bo: Person, httpd: Service
) -> None:
    warn(mara, httpd, text="The pin change broke it, it is mine")
    world.route(1, world.policy((60, [bo])))
    world.ingest(world.source(), world.signal())
    page = Page.objects.get(title="HttpdDown")
    assert not IncidentPage.objects.filter(page=page).exists()  # no page waits for a room

    around = ports.around_many([page])[page.pk]

    assert "Mara Keller gave a heads-up: “The pin change broke it, it is mine”" in [
        f"{one.words} {one.text}" for one in around.known
    ]
    assert around.has_it == "Mara Keller"
    world.fire_all()
    assert IncidentPage.objects.get(page=page).incident.heads_ups.count() == 1
    assert ports.around_many([page])[page.pk].known[0] == around.known[0]


def test_what_was_taken_out_of_a_room_is_not_about_to_join_it(mara: Person, bo: Person, httpd: Service) -> None:
    given = warn(mara, httpd)
    world.route(1, world.policy((60, [bo])))
    world.ingest(world.source(), world.signal())
    world.fire_all()
    group = AlertGroup.objects.select_related("page").get()
    assert given.incident is not None
    assert group.page is not None
    assert given.incident.joined_groups.exists()

    actions.take_out(given.incident, [group], by=mara)

    assert ports.around_many([group.page])[group.page.pk] == ports.Around()
    assert ports.around(group.page) == ports.Around()


def test_alerts_that_paged_long_before_the_room_are_not_about_to_join_it(
    mara: Person, bo: Person, httpd: Service
) -> None:
    world.route(1, world.policy((60, [bo])))
    world.ingest(world.source(), world.signal())
    world.fire_all()
    page = Page.objects.get(title="HttpdDown")
    CLOCK.move(timedelta(minutes=30))

    warn(mara, httpd)

    assert ports.around_many([page])[page.pk] == ports.Around()
    assert ports.around(page) == ports.Around()


@pytest.mark.parametrize("how", ["another service", "closed", "private"])
def test_alerts_that_join_nothing_or_something_private_say_nothing_of_it(
    mara: Person, bo: Person, httpd: Service, how: str
) -> None:
    given = warn(mara, httpd)
    assert given.incident is not None
    if how == "closed":
        actions.stand_down(given.incident, by=mara)
    if how == "private":
        actions.make_private(given.incident, "Salaries", by=mara)
    world.route(1, world.policy((60, [bo])))
    world.ingest(world.source(), world.signal(service="dns" if how == "another service" else "httpd"))
    page = Page.objects.get(title="HttpdDown")

    assert ports.around_many([page])[page.pk] == ports.Around()
    assert ports.around(page) == ports.Around()


def test_of_many_heads_ups_the_first_and_the_last_are_told(mara: Person, httpd: Service) -> None:
    for number in range(6):
        given = warn(mara, httpd, text=f"Word {number}")
    world.fire_all()
    page = Page.objects.filter(followed_by__incident=given.incident).first()
    assert page is not None

    assert [one.text for one in ports.around(page).known] == ["“Word 0”", "“Word 4”", "“Word 5”"]


def test_the_first_thing_that_comes_back_is_thanks(mara: Person, bo: Person, httpd: Service) -> None:
    given = warn(mara, httpd)
    world.fire_all()

    world.paging.acknowledge(Page.objects.get(), by=bo, via=world.paging.Via.LINK)
    world.fire_all()

    given.refresh_from_db()
    thanks = Entry.objects.get(incident=given.incident, kind=Entry.Kind.NOTE)
    assert (thanks.text, thanks.author) == (queries.THANKS, bo)
    assert given.thanked_at is not None


def test_thanks_come_once(mara: Person, bo: Person, httpd: Service) -> None:
    given = warn(mara, httpd)
    for _ in range(2):
        actions.thank(given, by=bo)

    assert Entry.objects.filter(incident=given.incident, text=queries.THANKS).count() == 1


def test_a_second_heads_up_about_the_same_service_joins_the_room(mara: Person, httpd: Service) -> None:
    first, second = warn(mara, httpd), warn(world.person("Ines Roth"), httpd)

    assert first.incident == second.incident


def test_a_heads_up_about_another_service_opens_another_room(mara: Person, httpd: Service) -> None:
    assert warn(mara, httpd).incident != warn(mara, world.service("dns")).incident


def test_a_closed_room_is_not_joined(mara: Person, httpd: Service) -> None:
    first = warn(mara, httpd)
    assert first.incident is not None
    actions.stand_down(first.incident, by=mara)

    assert warn(mara, httpd).incident != first.incident


def test_without_a_service_nobody_is_paged_and_the_room_is_there(mara: Person, outbox: world.Outbox) -> None:
    given = warn(mara)
    world.fire_all()

    assert given.incident is not None
    assert outbox.sent == []


def test_whoever_is_on_call_and_gives_the_heads_up_is_not_paged(
    bo: Person, httpd: Service, outbox: world.Outbox
) -> None:
    warn(bo, httpd)
    world.fire_all()

    assert outbox.sent == []


def test_only_the_words_are_needed_and_the_rest_is_shown(mara: Person) -> None:
    warned = Warned("I broke it", did="rolled out 4711", saw="503", need="a second pair of eyes")

    given = actions.give_heads_up(warned, by=mara)

    entry = Entry.objects.get(incident=given.incident, kind=Entry.Kind.HEADS_UP)
    assert entry.text == "I broke it\nI did: rolled out 4711\nI saw: 503\nI need: a second pair of eyes"


def test_without_words_there_is_no_heads_up(mara: Person) -> None:
    with pytest.raises(BadInput):
        warn(mara, text=" \n ")

    assert not Incident.objects.exists()


def test_without_a_service_it_tells_whoever_is_on_call_for_the_own_team(bo: Person, outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    world.schedule(bo, of=world.team(mara, bo))

    given = warn(mara)
    world.fire_all()

    assert [person.name for person in queries.told_of(given, world.now())] == ["Bo Silva"]
    assert [item.message.person_name for item in outbox.sent] == ["Bo Silva"]


def test_a_service_that_is_named_is_asked_before_the_own_team(httpd: Service, outbox: world.Outbox) -> None:
    ines, olga = world.person("Ines Roth"), world.person("Olga Brandt")
    world.schedule(olga, of=world.team(ines, olga))

    warn(ines, httpd)
    world.fire_all()

    assert [item.message.person_name for item in outbox.sent] == ["Bo Silva"]


def test_it_is_thanked_with_the_words_that_are_chosen(mara: Person, bo: Person, httpd: Service) -> None:
    actions.change_thanks("  Good that you\n say so. ", by=mara)
    given = warn(mara, httpd)
    actions.thank(given, by=bo)

    assert Entry.objects.get(incident=given.incident, kind=Entry.Kind.NOTE).text == "Good that you say so."


def test_empty_words_bring_back_the_first_ones_and_long_ones_are_refused(mara: Person) -> None:
    actions.change_thanks("Good.", by=mara)

    assert actions.change_thanks(" ", by=mara) == queries.THANKS == queries.thanks()
    with pytest.raises(BadInput):
        actions.change_thanks("x" * 301, by=mara)


def test_saving_the_same_words_again_tells_nothing(mara: Person) -> None:
    actions.change_thanks("Good.", by=mara)
    before = timeline.newest_id()

    actions.change_thanks("Good.", by=mara)

    assert timeline.newest_id() == before


def test_a_heads_up_that_is_sent_twice_is_given_once(
    mara: Person, bo: Person, browser: Callable[[Person], Client], rest: Call, outbox: world.Outbox
) -> None:
    shown = browser(mara).get("/heads-up/").content.decode()
    key = shown.split('name="key" value="')[1].split('"')[0]
    for _ in range(2):
        browser(mara).post("/heads-up/", {"text": "I may have broken Apache", "key": key})
    assert key not in browser(mara).get("/heads-up/").content.decode()

    told = [rest(mara, "POST", "/heads-up", {"text": "And the mirror", "key": "k" * 80}) for _ in range(2)]
    assert told[0] == told[1]
    assert [item.text for item in HeadsUp.objects.order_by("pk")] == ["I may have broken Apache", "And the mirror"]
    rest(bo, "POST", "/heads-up", {"text": "Mine is another", "key": "k" * 80})
    assert HeadsUp.objects.count() == Incident.objects.count() == 3


def test_other_words_under_the_key_of_a_heads_up_are_given_too_and_once(mara: Person) -> None:
    first = actions.give_heads_up(actions.Warned("I may have broken Apache", key="k"), by=mara)
    others = [actions.give_heads_up(actions.Warned("And the mirror", key="k"), by=mara) for _ in range(2)]
    more = actions.give_heads_up(actions.Warned("I may have broken Apache", did="a restart", key="k"), by=mara)
    assert others[0] == others[1]
    assert len({first.pk, others[0].pk, more.pk}) == HeadsUp.objects.count() == 3


def test_what_a_device_keeps_of_a_room_is_named_by_the_person(
    mara: Person, bo: Person, browser: Callable[[Person], Client]
) -> None:
    room = actions.give_heads_up(actions.Warned("I may have broken Apache"), by=mara).incident_id
    for person in (mara, bo):
        shown = browser(person).get(f"/incidents/{room}/").content.decode()
        assert f'data-composer="{room}:{person.pk}"' in shown


def test_over_rest_a_service_that_is_not_known_stops_no_heads_up(rest: Call, mara: Person) -> None:
    """A slip in a name must not hold up whoever says that they broke something."""
    httpd = world.service("httpd")
    told = rest(mara, "POST", "/heads-up", {"text": "I broke it", "services": ["HTTPD", "htpd"]})

    assert told["not_known"] == ["htpd"]
    assert list(Incident.objects.get(pk=told["incident_id"]).services.all()) == [httpd]
