"""What a source may do with the page of its own alert: snooze it, give it back, hand it on, take its next step.

The page of a storm is for others as well, so that no single source changes it.
"""

from collections.abc import Callable
from datetime import datetime

from raglan.alerts import taken
from raglan.alerts.models import Alert
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict, NotFound
from raglan.paging import returning
from raglan.paging.models import Page
from raglan.people import queries as people
from raglan.people.models import Person

Act = Callable[[Page, returning.Outside], object]


def snooze(source_id: int, alert_id: int, *, until: datetime, by: str) -> None:
    """Let the page of an alert come back at a time. Raises BadInput, NotFound."""
    _do(source_id, alert_id, by, lambda page, outside: returning.snooze_outside(page, until=until, by=outside))


def give_back(source_id: int, alert_id: int, *, by: str) -> None:
    """Take its acknowledgement back: the page begins again. Raises BadInput, NotFound."""

    @atomic
    def act(page: Page, outside: returning.Outside) -> None:
        returning.give_back(page, by=outside)
        taken.note_given_back(alert_id)

    _do(source_id, alert_id, by, act)


def next_step(source_id: int, alert_id: int, *, by: str) -> None:
    """Take the next step of its page now. Raises BadInput, NotFound."""
    _do(source_id, alert_id, by, lambda page, outside: returning.next_step(page, by=outside))


def hand_on(source_id: int, alert_id: int, *, to: str, by: str) -> None:
    """Hand its page on to the person with an address. Raises BadInput, NotFound."""
    person = _person(to)
    _do(source_id, alert_id, by, lambda page, outside: returning.hand_on(page, to=person, by=outside))


def ask_too(source_id: int, alert_id: int, *, whom: str, by: str) -> None:
    """Ask one more person to its page, whoever has it already. Raises BadInput, NotFound."""
    person = _person(whom)
    _do(source_id, alert_id, by, lambda page, outside: returning.add_people(page, [person], by=outside))


def _person(address: str) -> Person:
    found = people.by_email(address)
    if found is None:
        raise BadInput("owner", "is the mail address of somebody here", status=422)
    return found


def _do(source_id: int, alert_id: int, by: str, act: Act) -> None:
    alert = Alert.objects.select_related("group__page", "source").filter(pk=alert_id, source_id=source_id).first()
    page = alert.group.page if alert is not None and alert.state == Alert.State.FIRING else None
    if alert is None or page is None or page.state == Page.State.RESOLVED:
        raise NotFound("There is no open page for this alert.")
    if page.reason_type == "storm":
        raise BadInput("", "its page is that of a storm, for other alerts too: do it in raglan", status=422)
    name = f"{by} by {alert.source.name}" if by else alert.source.name
    try:
        act(page, returning.Outside(name[:120], f"source:{source_id}"))
    except Conflict as error:
        raise BadInput("", error.sentence, status=409) from None
