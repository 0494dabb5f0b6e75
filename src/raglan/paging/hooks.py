"""What paging offers to lower contexts: the sender behind *send me a test*."""

from functools import partial

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.paging import actions
from raglan.paging import ports as paging
from raglan.paging.models import Notification, Page, Reached
from raglan.people import ports
from raglan.people.models import ContactMethod, Person


@atomic
def send_test(contact: ContactMethod, by: Person) -> str:
    """Send a test page along the whole delivery path to one contact method; return a sentence for the screen."""
    at = now()
    page = Page.objects.create(
        title="A test from raglan",
        text="Nothing is wrong. Press the button on this page to see the whole way work.",
        severity="test",
        state=Page.State.TRIGGERED,
        reason_type="test",
        created_at=at,
        next_step_at=None,
        is_test=True,
        step=0,
    )
    reached = Reached.objects.create(page=page, person=contact.person, at=at, why="asked for a test")
    notification = Notification.objects.create(
        page=page,
        person=contact.person,
        contact=contact,
        reached=reached,
        channel=contact.kind,
        address=contact.address[:500],
        key=f"{page.pk}:test:{contact.person_id}:{contact.kind}:0",
        due_at=at,
    )
    timers.schedule(actions.DELIVER, subject=timeline.ref(f"notification:{notification.pk}"), due_at=at)
    timeline.append(actions.started(page), actor=by, about=[page])
    timeline.append(actions.reached_out(reached, [notification]), about=[page])
    return f"A test is on its way to {contact.address}. It shows here when it was handed over."


ports.register_test_sender(send_test)


def _check(kind: str, address: str) -> None:
    if missing := paging.why_off(kind):
        raise BadInput("kind", f"this way is not set up here: {missing}")
    paging.check(kind, address)


for _kind in ContactMethod.Kind.values:
    ports.register_address_check(_kind, partial(_check, _kind))
    ports.register_kind(_kind, partial(paging.why_off, _kind))
