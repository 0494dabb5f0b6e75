"""A change that Mara made by hand, and what the room was warned of."""

from datetime import timedelta

import pytest

from raglan.core.clock import CLOCK
from raglan.incidents import hand
from raglan.incidents.hand_models import HandChange
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world


@pytest.fixture
def put_back(incident: Incident, mara: Person) -> HandChange:
    """Httpd on web17, a minute ago."""
    change = hand.tell(incident, hand.Told("web17", "httpd", "put 2.4.6-40 back", key="k1"), by=mara)
    CLOCK.move(timedelta(minutes=1))
    return change


def warned() -> list[str]:
    """Let all be done that is due; return what raglan itself said in rooms."""
    world.fire_all()
    return [entry.text for entry in Entry.objects.filter(kind=Entry.Kind.MACHINE).order_by("pk")]
