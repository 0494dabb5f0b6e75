"""Shadows are told of each page that goes to the rota that they learn beside; they are never reached by it."""

from raglan.config import config
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.models import EventSubject
from raglan.core.standing import Matter, Nothing
from raglan.oncall import queries as oncall
from raglan.oncall import shadows
from raglan.oncall.models import Shadow
from raglan.paging import events
from raglan.paging.models import Page
from raglan.paging.plan import Plan
from raglan.people import mail
from raglan.people.models import Person

_learns_nobody = Nothing(Matter("schedule.shadow_"), lambda: shadows.is_anybody(now()))


@timeline.reaction(events.PersonReachedOut.kind, when=lambda: not _learns_nobody())
def tell_shadows(event: timeline.Happened) -> None:
    """Write to those who learn beside whoever a step just reached out to, once a page and shadow."""
    if not shadows.is_anybody(event.at):
        return
    payload = event.payload()
    page = _page(event.subjects)
    if page is None or not isinstance(payload, events.PersonReachedOut) or payload.is_added:
        return
    steps = Plan.from_json(page.plan).steps
    targets = steps[payload.step].targets if 0 <= payload.step < len(steps) else ()
    found = shadows.beside([target.id for target in targets if target.type == "schedule"], event.at)
    person = Person.objects.filter(pk=payload.person).first()
    for shadow in found:
        on_call = [one for one, _ in oncall.people_on_call(shadow.schedule_id, event.at)]
        if person in on_call and shadow.person not in on_call:
            _tell(page, shadow, on_call)


def _page(subjects: tuple[str, ...]) -> Page | None:
    numbers = [int(number) for kind, _, number in (one.partition(":") for one in subjects) if kind == "page"]
    return Page.objects.filter(pk__in=numbers[:1], is_test=False).first()


@atomic
def _tell(page: Page, shadow: Shadow, on_call: list[Person]) -> None:
    told = EventSubject.objects.filter(subject=timeline.ref(page), event__kind=events.ShadowTold.kind)
    if any(item.event.data["shadow"] == shadow.pk for item in told.select_related("event")):
        return
    names = " and ".join(one.name for one in on_call)
    text = (
        f"You shadow {shadow.schedule.name}; {names} has the pager. Nothing is expected of you.\n\n"
        f"{page.title}\n\n{config().public_url.rstrip('/')}/pages/{page.pk}/\n"
    )
    mail.write(shadow.person.email, subject=f"You shadow, {names} has the pager: {page.title}", text=text, about=page)
    payload = events.ShadowTold(shadow=shadow.pk, person=shadow.person_id)
    timeline.append(payload, about=[page, shadow.person])
