from collections.abc import Iterator

import pytest

from raglan.chat import sending
from raglan.chat.actions import line_to
from raglan.chat.models import Room, Workspace
from raglan.incidents import actions as incidents
from raglan.incidents.models import Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.support import people

outbox, mara, bo = people.outbox, people.mara_reached, people.bo_reached


@pytest.fixture
def there(outbox: world.Outbox) -> Iterator[memory.There]:
    """What stands in chat."""
    with memory.platform() as found:
        yield found


@pytest.fixture
def chat(there: memory.There) -> Workspace:
    """A connection."""
    return memory.connect()


@pytest.fixture
def incident(chat: Workspace, mara: Person) -> Incident:
    """An open room, with one in chat."""
    declared = incidents.declare("Apache is down", by=mara)
    world.fire_all()
    send(chat)
    return declared


@pytest.fixture
def room(chat: Workspace, incident: Incident) -> Room:
    """The incident's room in chat."""
    return Room.objects.get(workspace=chat, incident=incident)


def send(chat: Workspace) -> sending.Round:
    """Send what waits."""
    return sending.send_waiting(chat, line_to(chat))
