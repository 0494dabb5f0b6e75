"""Reads of the outside."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Prefetch, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from raglan.catalog.models import Service
from raglan.core.db.prepared import Prepared
from raglan.core.errors import NotFound
from raglan.incidents.models import Entry, HeadsUp, Incident, IncidentGroup, ServiceState
from raglan.outside.models import (
    Component,
    ComponentWord,
    Desk,
    PublicWindow,
    Question,
    Sending,
    Stage,
    StatusPage,
    StatusUpdate,
    Subscriber,
    Target,
    Wording,
)
from raglan.outside.state import Word

PAGE = "status_page:1"  # the one that there is, as events are about it


def desk(incident: Incident) -> Desk:
    """Return the desk of a room; one that nobody has touched yet is not stored."""
    found = Desk.objects.select_related("holder").filter(incident=incident).first()
    return found or Desk(incident=incident)


def is_late(desk: Desk, at: datetime) -> bool:
    """Tell whether the promised word did not come in time."""
    return desk.next_word_at is not None and desk.next_word_at < at


def owes_last_word(incident: Incident) -> bool:
    """Tell whether an incident is closed, and those who were told of it have not heard that it is over."""
    if incident.state == Incident.State.OPEN:
        return False
    last = StatusUpdate.objects.filter(incident=incident).order_by("-number").first()
    return last is not None and last.stage != Stage.OVER


def updates(incident: Incident) -> QuerySet[StatusUpdate]:
    """What those who wait were told, newest first."""
    found = StatusUpdate.objects.filter(incident=incident).select_related("by", "withdrawn_by")
    words = Prefetch("words", ComponentWord.objects.select_related("component").order_by("component__position", "pk"))
    return found.prefetch_related("questions__asker", words).order_by("-number")


def questions(incident: Incident) -> QuerySet[Question]:
    """Questions of a desk: those that wait first, oldest of them first; then the answered ones."""
    turn = Case(
        When(state=Question.State.WAITING, then=Value(0)),
        When(state=Question.State.NEXT, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    found = Question.objects.filter(incident=incident).select_related("asker", "answered_by", "answered_in")
    return found.annotate(turn=turn).order_by("turn", "pk")


def update(pk: int) -> StatusUpdate:
    """Return an update. Raises NotFound."""
    found = StatusUpdate.objects.select_related("incident", "by").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such update.")
    return found


def goes_out(update: StatusUpdate) -> bool:
    """Tell whether an update may be told in public, as things are now."""
    return update.is_public and update.withdrawn_at is None and may_go_out(update.incident)


def question(pk: int) -> Question:
    """Return a question. Raises NotFound."""
    found = Question.objects.select_related("asker", "incident").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such question.")
    return found


_page = Prepared(lambda: StatusPage.objects.filter(pk=1))
_on = Prepared(lambda: StatusPage.objects.filter(pk=1, is_on=True).values_list("pk", flat=True))


def page() -> StatusPage:
    """Return how the status page is set up; one that nobody has touched yet is not stored, and off."""
    return _page.first() or StatusPage(pk=1)


def may_go_out(incident: Incident) -> bool:
    """Tell whether anything of an incident may be said in public: nothing of a private one, ever."""
    return not getattr(incident, "is_private", False)


def components(*, with_trouble: bool = False) -> QuerySet[Component]:
    """Components of the status page, in their order; their services with since when a room is open for them."""
    found = Component.objects.filter(removed_at__isnull=True).select_related("source")
    services = Service.objects.order_by("pk")
    if with_trouble:
        services = services.annotate(trouble_at=_room_since())
    return found.prefetch_related(Prefetch("services", services)).order_by("position", "pk")


def _room_since() -> Subquery:
    """Since when a room says that a service is not fine: the newest turn of one that is open and not private.

    A room that nobody here declared counts once somebody leads it, warns there too, or an alert is joined to it.
    """
    turns = Entry.objects.filter(incident=OuterRef("pk"), kind=Entry.Kind.TURN).exclude(service_state=ServiceState.FINE)
    rooms = Incident.objects.filter(services=OuterRef("pk"), state=Incident.State.OPEN, is_private=False)
    warned = Exists(HeadsUp.objects.filter(incident=OuterRef("pk"), person__isnull=False))
    joined = Exists(IncidentGroup.objects.filter(incident=OuterRef("pk")))
    stood_for = Q(declared_by__isnull=False) | Q(lead__isnull=False) | warned | joined
    broken = Q(kind=Incident.Kind.INCIDENT) & stood_for | Q(service_state__in=(ServiceState.DOWN, ServiceState.SLOW))
    since = Coalesce(Subquery(turns.order_by("-at").values("at")[:1]), "declared_at")
    told = rooms.filter(broken).exclude(service_state=ServiceState.FINE).annotate(since=since)
    return Subquery(told.order_by("-since").values("since")[:1])


def is_on() -> bool:
    """Say whether there is a status page for all to see."""
    return bool(_on())


def names_of_services() -> set[str]:
    """Return what alerts call the services that components stand on; none while the page is off."""
    if not _on():  # each commit of alerts asks
        return set()
    found = Component.objects.filter(removed_at__isnull=True, services__isnull=False)
    return {name.lower() for names in found.values_list("services__slug", "services__name") for name in names}


def last_words(found: Iterable[Component], since: datetime) -> dict[int, Word]:
    """Return what was said of each component last; nothing that was withdrawn or is private."""
    alone, out = Q(update__isnull=True), Q(update__is_public=True, update__withdrawn_at__isnull=True)
    said_of = ComponentWord.objects.filter(alone | out, component=OuterRef("pk"), at__gte=since)
    newest = Subquery(said_of.order_by("-at", "-pk").values("pk")[:1])
    chosen = Component.objects.filter(pk__in=[one.pk for one in found]).values_list(newest)
    words = ComponentWord.objects.filter(pk__in=[pk for (pk,) in chosen if pk]).select_related("update__incident")
    said = (word for word in words if word.update is None or goes_out(word.update))
    return {word.component_id: Word(word.state, word.at) for word in said}


def component(pk: int) -> Component:
    """Return a component that is on the page. Raises NotFound."""
    found = components().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such component.")
    return found


def windows() -> QuerySet[PublicWindow]:
    """Maintenance windows that are shown in public, and were not ended."""
    found = PublicWindow.objects.filter(maintenance__ended_at__isnull=True).select_related("maintenance")
    return found.prefetch_related("components").order_by("maintenance_id")


def window(maintenance_id: int) -> PublicWindow | None:
    """Return the public words of a maintenance window, if it has any, also when it is over."""
    return PublicWindow.objects.prefetch_related("components").filter(pk=maintenance_id).first()


def targets() -> QuerySet[Target]:
    """Places that the status page is pushed to."""
    return Target.objects.filter(ended_at__isnull=True).order_by("pk")


def target(pk: int) -> Target:
    """Return a place that the page is pushed to. Raises NotFound."""
    found = targets().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such place.")
    return found


def public_updates(since: datetime) -> list[StatusUpdate]:
    """Return public updates since a time, newest first; nothing of a private incident, whatever was said before."""
    public = StatusUpdate.objects.filter(is_public=True, withdrawn_at__isnull=True, at__gte=since)
    words = Prefetch("words", ComponentWord.objects.select_related("component").order_by("component__position", "pk"))
    found = public.select_related("incident").prefetch_related(words).order_by("-at", "-pk")
    return [one for one in found if goes_out(one)]


@dataclass(frozen=True, slots=True)
class Told:
    """How many are told, and what becomes of it. No address of a person is shown to anybody."""

    by_mail: int
    unconfirmed: int
    webhooks: list[Subscriber]
    outbox: dict[str, int]

    @property
    def waiting(self) -> int:
        """How many messages are on their way."""
        return self.outbox.get(Sending.State.WAITING, 0) + self.outbox.get(Sending.State.SENDING, 0)

    @property
    def missed(self) -> int:
        """How many were given up, or cut off on the way."""
        return self.outbox.get(Sending.State.GIVEN_UP, 0) + self.outbox.get(Sending.State.UNSURE, 0)


def told() -> Told:
    """Return how many are told, and what becomes of it."""
    mails = Subscriber.objects.filter(kind=Subscriber.Kind.EMAIL)
    states = Sending.objects.values_list("state").annotate(count=Count("pk")).order_by("state")
    return Told(
        by_mail=mails.filter(confirmed_at__isnull=False).count(),
        unconfirmed=mails.filter(confirmed_at__isnull=True).count(),
        webhooks=list(webhooks()),
        outbox=dict(states),
    )


def webhooks() -> QuerySet[Subscriber]:
    """Programs that are told of public updates."""
    return Subscriber.objects.filter(kind=Subscriber.Kind.WEBHOOK).order_by("pk")


def webhook(pk: int) -> Subscriber:
    """Return a program that is told. Raises NotFound."""
    found = webhooks().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such webhook.")
    return found


def wordings() -> QuerySet[Wording]:
    """Words that updates can begin with, in the order of stages as they come in an incident."""
    turn = Case(
        *(When(stage=stage, then=Value(number)) for number, stage in enumerate(Stage.values)),
        default=Value(9),
        output_field=IntegerField(),
    )
    return Wording.objects.filter(removed_at__isnull=True).annotate(turn=turn).order_by("turn", "name", "pk")


def wording(pk: int) -> Wording:
    """Return words that are offered. Raises NotFound."""
    found = wordings().filter(pk=pk).first()
    if found is None:
        raise NotFound("There are no such words.")
    return found
