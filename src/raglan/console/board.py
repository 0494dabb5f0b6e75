"""What Now shows, read once for a whole page or for one region of it. More rows never mean more queries."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Prefetch, Q, QuerySet, Sum

from raglan.alerts import noise_queries
from raglan.alerts import queries as alerts
from raglan.alerts.models import AlertGroup, Source
from raglan.changes import hold_queries
from raglan.changes import queries as changes
from raglan.changes.hold_models import HoldDrill
from raglan.changes.hold_views import Row
from raglan.changes.models import Change
from raglan.console import change_board
from raglan.core.clock import now
from raglan.incidents import privacy, room
from raglan.incidents import queries as incidents
from raglan.incidents.asking import Ask
from raglan.incidents.models import Entry, Incident, Responder
from raglan.oncall import queries as oncall
from raglan.oncall.models import Schedule
from raglan.paging import queries as paging
from raglan.paging.models import Page, Reached
from raglan.people.models import ContactMethod, Person
from raglan.reviews import queries as reviews
from raglan.reviews.models import Review

SHOWN = 20
CHANGES_SHOWN = 5
FACES = 5
QUIET_FOR = timedelta(minutes=30)
SERIOUS = ("critical", "error", "page", "unknown")


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """An open incident with its look and the people in its room."""

    incident: Incident
    look: str
    here: list[Responder]

    @property
    def faces(self) -> list[Responder]:
        """The first few, for their initials."""
        return self.here[:FACES]


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A page that reached nobody: whom it tried, and the room that follows it."""

    page: Page
    tried: str
    incident: Incident | None


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert group outside open incidents: how it looks, and who has it."""

    group: AlertGroup
    look: str
    words: str


@dataclass(frozen=True, slots=True)
class OwnShift:
    """The reader's current or next shift."""

    schedule: Schedule
    shift: oncall.NamedShift
    is_now: bool


class Board:
    """Everything on Now for one reader. Each part is read when a template first asks for it."""

    def __init__(self, reader: Person) -> None:
        self.reader = reader
        self.at = now()

    @cached_property
    def incident_count(self) -> int:
        """How many incidents are open."""
        return incidents.open_incidents().count()

    @cached_property
    def incidents(self) -> list[OpenIncident]:
        """Open incidents, newest first, with who is in each room."""
        here = Responder.objects.filter(left_at__isnull=True).select_related("person").order_by("joined_at", "pk")
        found = incidents.incidents(state=Incident.State.OPEN).prefetch_related(Prefetch("responders", here))
        return [
            OpenIncident(item, room.look_of(item.service_state), list(item.responders.all())) for item in found[:SHOWN]
        ]

    @property
    def ask_link(self) -> str:
        """Where asking for help is written: in the newest open room, or in a new one."""
        return f"/incidents/{self.incidents[0].incident.pk}/?kind=ask#say" if self.incidents else "/wrong/"

    @cached_property
    def waiting_for_reader(self) -> list[Page]:
        """Pages that reached out to the reader and that nobody has answered."""
        asked = Reached.objects.filter(person=self.reader, answer=Reached.Answer.NONE).values("page_id")
        return list(paging.open_pages().filter(state=Page.State.TRIGGERED, pk__in=asked)[:SHOWN])

    @cached_property
    def unanswered(self) -> list[Unanswered]:
        """Pages that reached nobody, newest first."""
        reached = Prefetch("reached", Reached.objects.select_related("person").order_by("pk"))
        found = paging.open_pages().filter(state=Page.State.UNANSWERED).select_related("followed_by__incident")
        return [_unanswered(page) for page in found.prefetch_related(reached)[:SHOWN]]

    @cached_property
    def firing(self) -> list[Firing]:
        """Alert groups that fire outside open incidents, without those whose page is shown already."""
        loud = Q(page__state=Page.State.UNANSWERED, page__is_test=False)
        shown = [page.pk for page in self.waiting_for_reader]
        found = self._outside().exclude(loud).exclude(page__in=shown) if shown else self._outside().exclude(loud)
        groups = list(found[:SHOWN])
        flapping = noise_queries.flapping_in([group.pk for group in groups])
        return [_firing(group, flapping.get(group.pk, "")) for group in groups]

    @cached_property
    def outside_count(self) -> int:
        """How many alert groups fire outside open incidents."""
        return self._outside().count()

    def _outside(self) -> QuerySet[AlertGroup]:
        alone = Q(joined_incident__isnull=True) | Q(joined_incident__incident__state=Incident.State.CLOSED)
        alone |= Q(joined_incident__incident__in=privacy.hidden())
        return alerts.open_groups().filter(alone)

    @cached_property
    def firing_count(self) -> int:
        """How many alerts fire, in incidents and outside."""
        total = AlertGroup.objects.filter(state=AlertGroup.State.OPEN).aggregate(total=Sum("firing_count"))
        return total["total"] or 0

    @cached_property
    def silent(self) -> list[Source]:
        """Sources that were heard once and have been silent since: what they watch is not known."""
        found = Source.objects.filter(kind=Source.Kind.ALERTMANAGER, disabled_at__isnull=True)
        return list(found.filter(last_heard_at__lt=self.at - QUIET_FOR).order_by("last_heard_at")[:SHOWN])

    @property
    def is_calm(self) -> bool:
        """Whether nothing is known to be broken."""
        return not (self.unanswered or self.incidents or self.firing or self.silent or self.waiting_for_reader)

    @cached_property
    def last_closed(self) -> Incident | None:
        """The incident that was closed last."""
        closed = incidents.incidents(state=Incident.State.CLOSED).select_related("review")
        return closed.order_by("-closed_at").first()

    @cached_property
    def has_source(self) -> bool:
        """Whether anything is set up to send alerts."""
        return Source.objects.filter(disabled_at__isnull=True).exists()

    @cached_property
    def asks(self) -> list[Ask]:
        """Open asks of all open rooms, waiting ones first."""
        found = incidents.open_asks()[:SHOWN]
        asks = [Ask(entry, room.tally(entry) if entry.kind == Entry.Kind.VERIFY else "") for entry in found]
        return sorted(asks, key=lambda ask: not ask.is_waiting)

    @cached_property
    def ask_count(self) -> int:
        """How many asks are open."""
        return incidents.open_asks().count()

    @property
    def oldest_waiting(self) -> datetime | None:
        """Since when the oldest ask that is shown has waited."""
        return min((ask.entry.at for ask in self.asks if ask.is_waiting), default=None)

    @cached_property
    def changing(self) -> list[change_board.Row]:
        """Changes that hosts may be taking now, the newest first."""
        return change_board.under_way(CHANGES_SHOWN)

    @cached_property
    def waiting_changes(self) -> int:
        """How many changes were proposed and have not begun."""
        return changes.in_state(Change.State.PROPOSED).count()

    @cached_property
    def duties(self) -> list[oncall.Duty]:
        """All rotas now, gaps first: who, until when, who follows."""
        return sorted(oncall.current(self.at), key=lambda duty: duty.is_covered)

    @property
    def covered(self) -> int:
        """How many rotas have somebody on call."""
        return sum(duty.is_covered for duty in self.duties)

    @property
    def gaps(self) -> int:
        """How many rotas have nobody on call."""
        return len(self.duties) - self.covered

    @cached_property
    def own_shift(self) -> OwnShift | None:
        """The reader's current or next shift."""
        found = oncall.next_shift_of(self.reader, self.at) if self.duties else None
        if found is None:
            return None
        schedule, shift = found
        return OwnShift(schedule, shift, shift.starts_at <= self.at)

    @cached_property
    def holds(self) -> list[Row]:
        """Holds that stop automation now."""
        return [Row(hold, "on", hold_queries.tally(hold)) for hold in hold_queries.on_now()[:FACES]]

    @cached_property
    def last_drill(self) -> HoldDrill | None:
        """The last time that a stop was practised."""
        return hold_queries.last_drill()

    @cached_property
    def can_be_reached(self) -> bool:
        """Whether the reader has set up any way to be reached."""
        return ContactMethod.objects.filter(person=self.reader).exists()

    @cached_property
    def reading(self) -> list[Review]:
        """The newest reviews."""
        return list(reviews.reviews()[:3])


def _unanswered(page: Page) -> Unanswered:
    names = ", ".join(dict.fromkeys(item.person.name for item in page.reached.all()))
    followed = getattr(page, "followed_by", None)
    return Unanswered(page, names, followed.incident if followed and followed.incident.is_seen else None)


def _firing(group: AlertGroup, flapping: str) -> Firing:
    look = "bad" if group.severity in SERIOUS else "slow"
    held = flapping and group.held_count == group.firing_count
    return Firing(group, look, f"It {flapping}" if held else _who_has(group.page))


def _who_has(page: Page | None) -> str:
    if page is None:
        return "Held back: nobody could be paged"
    match page.state:
        case Page.State.ACKNOWLEDGED:
            return f"{page.acknowledged_by.name if page.acknowledged_by else 'Its source'} has it, not an incident"
        case Page.State.TRIGGERED:
            return "Nobody has it yet"
        case Page.State.UNANSWERED:
            return "Nobody could be reached"
        case _:
            return "Its page is over"
