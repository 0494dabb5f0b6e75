"""Private incidents: made private and opened up with a reason, the list, and the exception, which all on it hear of."""

from collections.abc import Sequence

from raglan.config import config
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict, NotFound
from raglan.incidents import events, privacy
from raglan.incidents.actions import listing
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.holding import hold_room
from raglan.incidents.actions.listing import MAX_WHY, Because
from raglan.incidents.actions.presence import leave, room_and_now
from raglan.incidents.models import Entry, Incident, Listed
from raglan.paging.models import Page, Reached
from raglan.people import mail
from raglan.people.access import require_administrator
from raglan.people.models import Person, Team

How = Listed.How
NOT_PRIVATE = "This incident is not private."


@atomic
def make_private(incident: Incident, why: str, *, by: Person, whom: Sequence[Person | Team] = ()) -> Incident:
    """Let only those on a list know of an incident. Safe to call twice. Raises BadInput.

    Whoever does it and the lead are on the list at once, and so is whoever was paged for it: they must be able to help.
    """
    why, incident = _said(why), hold_room(incident)
    if incident.is_private:
        return incident
    incident.is_private, incident.listed_why = True, why
    incident.save(update_fields=["is_private", "listed_why"])
    about = [*room_and_now(incident), privacy.PRIVACY]
    timeline.append(events.MadePrivate(why=why), actor=by, about=about)
    listing.put(incident, by, Because(How.MADE, why, by))
    if incident.lead:
        listing.let_in(incident, incident.lead, Because(How.LEAD, "", by))
    for person in Person.objects.filter(pk__in=_paged(incident), is_active=True):
        listing.let_in(incident, person, Because(How.PAGED))
    for one in whom:
        listing.put(incident, one, Because(How.HAND, "", by))
    _see_out(incident, by)
    names = ", ".join(line.who for line in privacy.listed(incident))
    _tell(incident, f"{by.name} made this incident private: {why} It is seen by {names}.")
    return incident


def _paged(incident: Incident) -> list[int]:
    pages = Page.objects.filter(followed_by__incident=incident).values("pk")
    return list(Reached.objects.filter(page__in=pages).values_list("person_id", flat=True).distinct())


def _see_out(incident: Incident, by: Person) -> None:
    """Let those who see the room no more have left it."""
    staying = privacy.people_on(incident).values("pk")
    going = incident.responders.filter(left_at__isnull=True).exclude(person__in=staying).select_related("person")
    for responder in going:
        leave(incident, by=responder.person, actor=by)


@atomic
def open_up(incident: Incident, why: str, *, by: Person) -> Incident:
    """Let everyone know of an incident again; its list is gone. Safe to call twice. Raises BadInput."""
    why, incident = _said(why), hold_room(incident)
    if not incident.is_private:
        return incident
    incident.is_private, incident.listed_why = False, ""
    incident.save(update_fields=["is_private", "listed_why"])
    Listed.objects.filter(incident=incident).delete()
    about = [*room_and_now(incident), privacy.PRIVACY]
    timeline.append(events.OpenedUp(why=why), actor=by, about=about)
    _tell(incident, f"{by.name} opened this incident up: {why} Everyone sees it now.")
    return incident


@atomic
def put_on_list(incident: Incident, whom: Person | Team, *, by: Person, why: str = "") -> Incident:
    """Let a person or a team see a private incident. Safe to call twice. Raises Conflict, BadInput."""
    incident = _private(incident)
    if len(why) > MAX_WHY:
        raise BadInput("why", f"is longer than {MAX_WHY} characters", status=422)
    line = listing.put(incident, whom, Because(How.HAND, " ".join(why.split()), by))
    if line is not None:
        _tell(incident, f"{by.name} put {line.who} on the list. {line.why}".strip())
    return incident


@atomic
def take_off_list(incident: Incident, listed_id: int, *, by: Person, why: str) -> Incident:
    """Let somebody see a private incident no more. Raises NotFound, BadInput; Conflict for the lead and the last."""
    why, incident = _said(why), _private(incident)
    line = privacy.listed(incident).filter(pk=listed_id).first()
    if line is None:
        raise NotFound("Nobody of that number is on the list.")
    listing.take_off(line, why, by=by)
    left = privacy.people_on(incident)
    if not left.exists():
        raise Conflict("Nobody would see this incident any more. Put somebody else on the list first.")
    if incident.lead_id and not left.filter(pk=incident.lead_id).exists():
        raise Conflict("The lead has to see it. Hand the lead over first.")
    _see_out(incident, by)
    _tell(incident, f"{by.name} took {line.who} off the list: {why}")
    return incident


@atomic
def look_by_exception(incident_id: int, why: str, *, by: Person) -> Incident:
    """Let an administrator see a private incident of whose list they are not, with a reason.

    It stands in the room, the lead is told, and it stays in the audit for ever. Raises NotAllowed, BadInput.
    """
    require_administrator(by)
    why = _said(why)
    incident = Incident.objects.filter(pk=incident_id, is_private=True).first()
    if incident is None:
        raise BadInput("incident", "there is no private incident of that number", status=422)
    incident = _private(incident)
    if privacy.may_know(by, incident):
        return incident
    listing.put(incident, by, Because(How.EXCEPTION, why, by))
    _tell(incident, f"{by.name} looks at this incident by exception: {why}")
    _tell_lead(incident, by, why)
    return incident


def _tell_lead(incident: Incident, by: Person, why: str) -> None:
    """Tell the lead by mail; those who made it private where nobody leads."""
    told = [incident.lead] if incident.lead else [line.person for line in privacy.listed(incident).filter(how=How.MADE)]
    link = f"{config().public_url}/incidents/{incident.pk}/private/"
    for person in told:
        if person is not None and person.pk != by.pk:
            said = f"{by.name} looks at private incident {incident.pk} by exception. The reason given:"
            text = f"{said}\n\n{why}\n\n{link}\n"
            mail.write(
                person.email, subject=f"Looked at by exception: incident {incident.pk}", text=text, about=incident
            )


@atomic
def list_paged(page: Page, person: Person) -> None:
    """Put somebody who is paged for what a private room follows on its list. Safe to call twice."""
    found = Incident.objects.filter(followed_pages__page=page, is_private=True).first()
    incident = hold_room(found) if found else None
    if incident is None or not incident.is_private or privacy.may_know(person, incident):
        return
    listing.put(incident, person, Because(How.PAGED, f"page {page.pk}"))
    _tell(incident, f"{person.name} is paged for this, and so sees it from now on.")


def _private(incident: Incident) -> Incident:
    held = hold_room(incident)
    if not held.is_private:
        raise Conflict(NOT_PRIVATE)
    return held


def _said(why: str) -> str:
    why = " ".join(why.split())
    if not why:
        raise BadInput("why", "say in a few words why", status=422)
    if len(why) > MAX_WHY:
        raise BadInput("why", f"is longer than {MAX_WHY} characters", status=422)
    return why if why[-1] in ".!?…" else f"{why}."


def _tell(incident: Incident, words: str) -> None:
    """Say it in the room; a closed one is told by its audit alone."""
    if incident.state == Incident.State.OPEN:
        post(incident, Said(Entry.Kind.MACHINE, words, author_words="Private"), by=None, at=now())
