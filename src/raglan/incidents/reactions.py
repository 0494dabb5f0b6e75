"""How incidents follow news of lower contexts: open rooms take in alerts and tell what became of pages."""

from collections.abc import Sequence

from raglan.alerts.models import AlertGroup
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import bulk
from raglan.core.db.prepared import Prepared
from raglan.core.standing import Matter, Nothing
from raglan.incidents import about_to_join, actions, queries
from raglan.incidents.models import Entry, Incident, IncidentPage
from raglan.paging.models import Page
from raglan.people.models import Person

MOST_PROPOSED = 5
_ROOMS = Matter("incident.", "headsup.", "service.")
_told_lately = Prepared(
    lambda since: queries.told_by(queries.bare_rooms(since)).order_by().values_list("person_id", flat=True).distinct()
)
_bare = Prepared(lambda since: queries.bare_rooms(since).order_by().values_list("pk", flat=True)[:1])
_private = Prepared(
    lambda: IncidentPage.objects.filter(incident__is_private=True).values_list("page_id", flat=True)[:1]
)
_is_about_no_service = Nothing(_ROOMS, lambda: bool(about_to_join.names()))
_is_private_of_no_page = Nothing(_ROOMS, lambda: bool(_private()))
_are_all_about_services = Nothing(_ROOMS, lambda: bool(_bare(now() - queries.PERHAPS_WITHIN)))


def _of_open_rooms(events: Sequence[timeline.Happened]) -> set[int]:
    """Return which of many new groups are about a service that an open incident is about."""
    if _is_about_no_service():
        return set()
    names, called = about_to_join.names(), about_to_join.services_in
    return {event.id for event in events if not names.isdisjoint(called(_labels(event)))} if names else set()


def _of_private_rooms(events: Sequence[timeline.Happened]) -> set[int]:
    """Return which of many pages are followed by a private incident."""
    if _is_private_of_no_page():
        return set()
    pages = {event.id: _id(event, "page") for event in events}
    followed = bulk.select_by(IncidentPage, ("page_id",), "page_id", set(pages.values()))
    if not followed:  # as in a storm
        return set()
    rooms = IncidentPage.objects.filter(page__in=[page for (page,) in followed], incident__is_private=True)
    private = set(rooms.values_list("page_id", flat=True))
    return {event for event, page in pages.items() if page in private}


@timeline.reaction("group.opened", needed=_of_open_rooms)
def join_open_room(event: timeline.Happened) -> None:
    """A new alert group joins the open incident about the same service, when there is one."""
    group = _group(event)
    if group is None or group.state != AlertGroup.State.OPEN:
        return
    incident = about_to_join.room_of(group.labels)
    if incident is not None and actions.join_groups(incident, [group]):
        said = actions.Said(
            Entry.Kind.MACHINE,
            f"{group.title}: {group.alert_count} alert{'s' if group.alert_count != 1 else ''} joined to this incident.",
            key=f"joined-{group.pk}",
            author_words=group.source.name,
            link=f"/alerts/groups/{group.pk}/",
        )
        actions.post(incident, said, by=None)


@timeline.reaction("group.closed")
def tell_closed(event: timeline.Happened) -> None:
    """A joined group that is over is told in its room."""
    group = _group(event)
    joined = getattr(group, "joined_incident", None) if group else None
    if group is None or joined is None or joined.incident.state != Incident.State.OPEN:
        return
    said = actions.Said(
        Entry.Kind.MACHINE,
        f"{group.title}: resolved, {group.alert_count} alert{'s' if group.alert_count != 1 else ''} in all.",
        key=f"closed-{group.pk}",
        author_words=group.source.name,
        link=f"/alerts/groups/{group.pk}/",
    )
    actions.post(joined.incident, said, by=None)


PAGE_WORDS = {
    "page.acknowledged": "{who} has the page “{title}”.",
    "page.joined": "{who} was paged and joins.",
    "page.passed_on": "{who} can’t take the page “{title}” right now; it goes on to the next person.",
    "page.person_unreachable": "{who} could not be reached for “{title}”: {why}. The next person is tried.",
    "page.unanswered": "Nobody could be reached for “{title}”. Please reach somebody by hand.",
    "page.reached_somebody": "A message about “{title}” could be handed over at last; its plan goes on.",
}


@timeline.reaction(*PAGE_WORDS)
def tell_page(event: timeline.Happened) -> None:
    """What becomes of a page is told in the room that follows it; whoever has it is in the room."""
    page = Page.objects.filter(pk=_id(event, "page")).first()
    followed = IncidentPage.objects.select_related("incident").filter(page=page).first() if page else None
    if page is None or followed is None or followed.incident.state != Incident.State.OPEN:
        return
    person = Person.objects.filter(pk=int(str(event.data.get("person") or 0))).first()
    text = PAGE_WORDS[event.kind].format(
        who=person.name if person else "Its source", title=page.title, why=event.data.get("why", "")
    )
    said = actions.Said(Entry.Kind.MACHINE, text, key=f"event-{event.id}", author_words="Pager")
    actions.post(followed.incident, said, by=None)
    if person is not None and event.kind in ("page.acknowledged", "page.joined"):
        actions.be_here(followed.incident, by=person)
        for heads_up in followed.incident.heads_ups.exclude(person=person):
            actions.thank(heads_up, by=person)


@timeline.reaction("page.reached_out", needed=_of_private_rooms)
def let_paged_in(event: timeline.Happened) -> None:
    """Whoever is paged for what a private room follows sees that room: they must be able to help."""
    page = Page.objects.filter(pk=_id(event, "page"), followed_by__incident__is_private=True).first()
    person = Person.objects.filter(pk=int(str(event.data["person"]))).first() if page else None
    if page is not None and person is not None:
        actions.list_paged(page, person)


def _of_bare_rooms(events: Sequence[timeline.Happened]) -> set[int]:
    """Return which of many pages reach out to somebody whom a room without a service told of itself lately."""
    told = set() if _are_all_about_services() else set(_told_lately(now() - queries.PERHAPS_WITHIN))
    return {event.id for event in events if int(str(event.data["person"])) in told} if told else set()


@timeline.reaction("page.reached_out", needed=_of_bare_rooms)
def propose_alerts(event: timeline.Happened) -> None:
    """Alerts that page whom a room told of itself are proposed to it: nothing joins one that is about no service."""
    groups = AlertGroup.objects.filter(page=_id(event, "page"), joined_incident__isnull=True)
    group = groups.select_related("source").order_by("pk").first()
    rooms = queries.bare_rooms()
    told = queries.told_by(rooms).filter(person_id=int(str(event.data["person"]))).values("page__followed_by__incident")
    incident = rooms.filter(pk__in=told).order_by("-pk").first() if group is not None else None
    if group is None or incident is None:
        return
    text = f"{group.title} pages the same people. Does it belong here? Join it, or say what this is about."
    link = f"/alerts/groups/{group.pk}/incident/"
    said = actions.Said(Entry.Kind.MACHINE, text, key=f"perhaps-{group.pk}", author_words=group.source.name, link=link)
    if incident.entries.filter(key__startswith="perhaps-").count() < MOST_PROPOSED:
        actions.post(incident, said, by=None)


@timeline.reaction("headsup.given")
def nudge_on_call(event: timeline.Happened) -> None:
    """Whoever is on call for the services hears of a heads-up before the pager says so."""
    actions.nudge(int(str(event.data["heads_up"])))


def _labels(event: timeline.Happened) -> dict[str, str]:
    labels = event.data.get("labels")
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else {}


def _group(event: timeline.Happened) -> AlertGroup | None:
    return AlertGroup.objects.select_related("source", "page").filter(pk=_id(event, "group")).first()


def _id(event: timeline.Happened, kind: str) -> int:
    found = next((subject for subject in event.subjects if subject.startswith(f"{kind}:")), f"{kind}:0")
    return int(found.rpartition(":")[2])
