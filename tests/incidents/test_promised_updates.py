"""A promised update that does not come is told to whoever leads first, and to the room some minutes later."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core import timeline
from raglan.incidents import actions
from raglan.incidents.actions import Standing
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world

Browser = Callable[[Person], Client]
CHIP = "The promised update is due"


@pytest.fixture
def led(incident: Incident, mara: Person) -> Incident:
    """A room that Mara leads, with an update promised in ten minutes."""
    actions.take_lead(incident, mara, by=mara)
    return actions.write_standing(incident, Standing("Half is back", next_update=timedelta(minutes=10)), by=mara)


def late(incident: Incident) -> list[str]:
    found = Entry.objects.filter(incident=incident, kind=Entry.Kind.MACHINE)
    return [entry.text for entry in found if "was promised" in entry.text]


def due(incident: Incident) -> int:
    return [event.kind for event in timeline.about(incident)].count("incident.update_due")


def test_the_lead_is_reminded_first_and_the_room_is_told_later(
    led: Incident, mara: Person, bo: Person, browser: Browser
) -> None:
    address = f"/incidents/{led.pk}/"
    world.fast_forward(timedelta(minutes=10, seconds=5))
    assert (due(led), late(led)) == (1, [])
    assert CHIP in browser(mara).get(address).content.decode()
    assert CHIP not in browser(bo).get(address).content.decode()

    world.fast_forward(timedelta(minutes=3, seconds=5))

    assert len(late(led)) == 1
    assert CHIP in browser(bo).get(address).content.decode()


def test_a_word_in_time_reminds_nobody(led: Incident, mara: Person) -> None:
    world.fast_forward(timedelta(minutes=9))
    actions.write_standing(led, Standing("All is back", next_update=timedelta(minutes=30)), by=mara)

    world.fast_forward(timedelta(minutes=20))

    assert (due(led), late(led)) == (0, [])


def test_a_word_after_the_reminder_keeps_the_room_quiet(led: Incident, mara: Person) -> None:
    world.fast_forward(timedelta(minutes=11))
    actions.write_standing(led, Standing("All is back"), by=mara)

    world.fast_forward(timedelta(minutes=20))

    assert (due(led), late(led)) == (1, [])


def test_where_nobody_leads_the_room_is_told_at_once(incident: Incident, mara: Person) -> None:
    actions.write_standing(incident, Standing("Half", next_update=timedelta(minutes=10)), by=mara)

    world.fast_forward(timedelta(minutes=10, seconds=5))

    assert len(late(incident)) == 1


def test_a_closed_room_is_reminded_of_nothing(led: Incident, mara: Person) -> None:
    actions.stand_down(led, by=mara)

    world.fast_forward(timedelta(minutes=20))

    assert (due(led), late(led)) == (0, [])
