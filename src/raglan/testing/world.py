"""A small world for tests: people, rotas, policies, a provider that remembers, and time that can be moved."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import TypeVar

from raglan.alerts import actions as alerts
from raglan.alerts import queries as alert_queries
from raglan.alerts.models import Inhibition, Maintenance, Route, Silence
from raglan.alerts.pipeline.route import Matcher
from raglan.alerts.ports import Batch, Decoded, Outcome, RawSignal, SourceKey, Status
from raglan.catalog.models import Service
from raglan.core import timeline, timers
from raglan.core.clock import CLOCK, now
from raglan.core.errors import DeliveryError
from raglan.core.models import Timer
from raglan.oncall import actions as oncall
from raglan.oncall.models import Override, Schedule
from raglan.paging import actions as paging
from raglan.paging import circuit, ports
from raglan.paging.models import Notification, Page, Policy
from raglan.paging.plan import Target
from raglan.people import actions as people
from raglan.people.models import ContactMethod, Person, Team

_numbers = count(1)
TICK = timedelta(milliseconds=1)


# People and duties ---------------------------------------------------------------------------------------------------


def person(name: str = "Mara Keller", *, role: str = Person.Role.RESPONDER, time_zone: str = "Europe/Berlin") -> Person:
    """Return somebody new, with a mail address as the only way to them."""
    email = f"{name.split(maxsplit=1)[0].lower()}{next(_numbers)}@example.test"
    return people.add_person(email=email, name=name, role=role, time_zone=time_zone, actor="raglan")


def administrator(name: str = "Ada Lamb") -> Person:
    """Return a new administrator."""
    return person(name, role=Person.Role.ADMINISTRATOR)


def way(to: Person, kind: str, address: str = "") -> ContactMethod:
    """Give a person one more way to be reached."""
    address = address or (
        f"https://hooks.example.test/{to.pk}/{next(_numbers)}"
        if kind == ContactMethod.Kind.WEBHOOK
        else f"second{next(_numbers)}@example.test"
    )
    return ContactMethod.objects.create(person=to, kind=kind, address=address, created_at=now())


def mail_of(someone: Person) -> ContactMethod:
    """Return a person's first mail address."""
    return ContactMethod.objects.filter(person=someone, kind=ContactMethod.Kind.EMAIL).order_by("pk")[0]


def team(*members: Person, name: str = "Web") -> Team:
    """Return a new team with members."""
    made = people.create_team(name=name, slug=f"team-{next(_numbers)}", actor="raglan")
    for member in members:
        people.add_member(made, member, actor="raglan")
    return made


def schedule(*turns: Person, of: Team | None = None) -> Schedule:
    """Return a rota with weekly turns that began years ago; without people it is one long gap."""
    order = [someone.pk for someone in turns]
    draft = oncall.RotationDraft(order, date(2024, 1, 1), 0, time(9)) if order else None
    slug = f"rota-{next(_numbers)}"
    return oncall.create_schedule(
        name="Web duty", slug=slug, team=of, time_zone="Europe/Berlin", rotation=draft, actor="raglan"
    )


def cover(rota: Schedule, by: Person, *, hours: float = 1) -> Override:
    """Let a person take the coming hours of a rota."""
    draft = oncall.OverrideDraft(by, now(), now() + timedelta(hours=hours))
    return oncall.add_override(rota, draft, by=by)


def service(slug: str, owner: Team | None = None) -> Service:
    """Return a service."""
    return Service.objects.create(name=slug.title(), slug=slug, team=owner)


Targeted = Person | Team | Schedule


def target(thing: Targeted) -> Target:
    """Return a thing as the target of a step."""
    return Target(thing.ref_kind, thing.pk)


def policy(
    *steps: tuple[int, Sequence[Targeted]], repeat: int = 0, slug: str = "", choices: paging.Choices | None = None
) -> Policy:
    """Return a policy: pairs of the wait after a step, in seconds, and whom the step pages."""
    drafts = [paging.StepDraft(wait_s, tuple(target(thing) for thing in things)) for wait_s, things in steps]
    return policy_of(*drafts, repeat=repeat, slug=slug, choices=choices)


def policy_of(
    *steps: paging.StepDraft,
    repeat: int = 0,
    slug: str = "",
    choices: paging.Choices | None = None,
    of: Team | None = None,
) -> Policy:
    """Return a policy of steps as somebody wrote them."""
    return paging.save_policy(
        slug=slug or f"policy-{next(_numbers)}",
        name="Web",
        team=of,
        repeat=repeat,
        steps=steps,
        actor="raglan",
        choices=choices,
    )


def page(policy: Policy, title: str = "Apache is not running on web-014", *, severity: str = "critical") -> Page:
    """Start a page by a policy and take its first step."""
    started = paging.start(policy, paging.Words(title, severity=severity), reason=paging.Reason())
    fire_all()
    started.refresh_from_db()
    return started


# Alerts --------------------------------------------------------------------------------------------------------------


def source(kind: str = "alertmanager", *, mapping: dict[str, object] | None = None) -> SourceKey:
    """Return a new source as the doors see it."""
    slug = f"source-{next(_numbers)}"
    _, token = alerts.create_source(name=slug.title(), slug=slug, kind=kind, mapping=mapping, actor="raglan")
    return alert_queries.source_by_token(token)


def route(
    position: int,
    to: Policy,
    *matchers: tuple[str, str, str],
    group_by: Sequence[str] = (),
    options: alerts.RouteOptions | None = None,
) -> Route:
    """Send alerts whose labels match to a policy."""
    return alerts.save_route(
        position=position,
        matchers=[Matcher(*matcher) for matcher in matchers],
        group_by=group_by,
        policy=to,
        actor="raglan",
        options=options or alerts.RouteOptions(),
    )


def inhibition(
    source: tuple[str, str, str], target: tuple[str, str, str], *equal: str, same_source: bool | None = None
) -> Inhibition:
    """Let alerts of one kind hold back those of another."""
    sides = {"source": [Matcher(*source)], "target": [Matcher(*target)]}
    name = "One explains the other"
    return alerts.save_inhibition(None, name=name, equal=equal, same_source=same_source, actor="raglan", **sides)


def signal(status: Status = "firing", *, key: str = "", expires_at: datetime | None = None, **labels: str) -> RawSignal:
    """Return a decoded signal."""
    named = {"alertname": "HttpdDown", "service": "httpd", **labels}
    return RawSignal(
        status, named, {}, named["alertname"], named.get("severity", "critical"), dedup_key=key, expires_at=expires_at
    )


def silence_draft(*matchers: tuple[str, str, str], hours: float = 1, after: float = 0) -> alerts.SilenceDraft:
    """Return a silence as somebody writes it: from now or some hours later, for some hours."""
    starts_at = now() + timedelta(hours=after)
    return alerts.SilenceDraft(
        [Matcher(*m) for m in matchers], starts_at, starts_at + timedelta(hours=hours), "planned"
    )


def silence(*matchers: tuple[str, str, str], hours: float = 1, after: float = 0) -> Silence:
    """Mute alerts whose labels match."""
    draft = silence_draft(*matchers, hours=hours, after=after)
    return alerts.set_silence(draft, by=alerts.Setter("Mara Keller"), actor="raglan")


def maintenance(*matchers: tuple[str, str, str], first: date, start: time, **more: object) -> Maintenance:
    """Plan a window of an hour in Berlin in which alerts whose labels match are expected."""
    given = {"name": "Upgrade", "zone": "Europe/Berlin", "minutes": 60, **more}
    listed = [Matcher(*matcher) for matcher in matchers]
    draft = alerts.MaintenanceDraft(matchers=listed, first=first, start=start, **given)  # type: ignore[arg-type]  # by name
    return alerts.plan_maintenance(draft, by=None, who="Mara Keller", actor="raglan")


def ingest(key: SourceKey, *signals: RawSignal) -> Outcome:
    """Take signals in as one request."""
    return alerts.ingest([Batch(key, Decoded(list(signals)), now())])[0]


# A provider ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that the provider took."""

    kind: str
    address: str
    message: ports.Message
    at: datetime


@dataclass
class Outbox:
    """A provider that remembers what it took, and refuses when told so."""

    sent: list[Sent] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] | None = None
    _refusals: dict[str, list[bool]] = field(default_factory=dict)
    _broken: dict[str, Exception] = field(default_factory=dict)

    def refuse(self, address: str, *, permanent: bool = False, times: int = 1) -> None:
        """Refuse the next messages to an address."""
        self._refusals.setdefault(address, []).extend([permanent] * times)

    def breaks(self, address: str, error: Exception) -> None:
        """Let our own code for an address raise, always."""
        self._broken[address] = error

    def take(self, kind: str, address: str, message: ports.Message) -> ports.Receipt:
        """Take or refuse one message."""
        self.tried.append(address)
        if self.meanwhile is not None:  # what happens elsewhere while a message is on its way
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        if address in self._broken:
            raise self._broken[address]
        if waiting := self._refusals.get(address):
            raise DeliveryError("the provider said no", permanent=waiting.pop(0))
        self.sent.append(Sent(kind, address, message, now()))
        return ports.Receipt(provider_id=f"provider-{len(self.sent)}")

    @property
    def addresses(self) -> list[str]:
        """Where messages went, in order."""
        return [item.address for item in self.sent]

    def to(self, someone: Person) -> list[Sent]:
        """Return what was handed over for a person, on any way."""
        return [item for item in self.sent if item.message.person_name == someone.name]


class RememberingChannel:
    """A channel whose provider is an outbox."""

    def __init__(self, kind: str, outbox: Outbox) -> None:
        self.kind = kind
        self._outbox = outbox

    def check(self, address: str) -> None:
        """Take every address."""

    def send(self, address: str, message: ports.Message) -> ports.Receipt:
        """Hand over to the outbox."""
        return self._outbox.take(self.kind, address, message)


Box = TypeVar("Box", bound=Outbox)


@contextmanager
def outbox(box: Box) -> Iterator[Box]:
    """Put an outbox in the place of every channel."""
    circuit.forget()
    with ports.only(*(RememberingChannel(kind, box) for kind in ContactMethod.Kind.values)):
        yield box
    circuit.forget()


def states_of(page: Page) -> dict[str, str]:
    """Return how far each message of a page came, by address."""
    return dict(Notification.objects.filter(page=page).order_by("pk").values_list("address", "state"))


# Time ----------------------------------------------------------------------------------------------------------------


def fire_all(limit: int = 3000) -> int:
    """Fire what is due now as the engine does: what raises is tried again later, or set aside. Return how many."""
    fired = 0
    while fired < limit and (batch := timers.claim(1)):
        _fire(batch[0])
        fired += 1
    return fired


def _fire(due: timers.Due) -> None:
    if due.kind == timeline.REACT_IF_NEEDED and not timers.fire_together([due]):
        return
    try:
        timers.fire(due)
    except Exception as error:  # as the engine: one bad timer does not stop the others
        timers.failed(due, f"{type(error).__name__}: {error}")


def fast_forward(by: timedelta) -> None:
    """Let time pass: stop at each timer on the way, fire it, go on."""
    end = now() + by
    fire_all()
    while (coming := next_moment()) is not None and coming <= end:
        CLOCK.move(max(timedelta(0), coming - now()) + TICK)
        fire_all()
    CLOCK.move(max(timedelta(0), end - now()))
    fire_all()


def next_moment() -> datetime | None:
    """Return when something can be claimed next: a timer is due and its lease, if any, is over."""
    waiting = Timer.objects.filter(parked_at__isnull=True, kind__in=list(timers.HANDLERS))
    moments = [
        max(due_at, leased or due_at)
        for due_at, leased, lane in waiting.values_list("due_at", "leased_until", "lane")
        if not lane or max(due_at, leased or due_at) > now()
    ]
    return min(moments, default=None)
