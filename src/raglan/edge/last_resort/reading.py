"""Reads the standing from the database: a fixed number of queries once a minute, and one when nothing happened.

Who is on call comes from the function that answers it everywhere, for the next 24 hours.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from raglan.alerts import noise_queries, route_queries
from raglan.alerts import queries as alerts
from raglan.alerts.models import Alert, Inhibition, Inhibitor, Silence, Source
from raglan.alerts.pipeline.inhibit import Cause
from raglan.alerts.pipeline.severity import is_critical
from raglan.alerts.pipeline.silence import SilenceRule
from raglan.alerts.ports import SourceKey
from raglan.core import logs, timeline
from raglan.core.clock import now
from raglan.core.errors import RaglanError
from raglan.edge.last_resort.standing import (
    Duty,
    Kept,
    Owners,
    Rule,
    Somebody,
    Sources,
    Standing,
    Way,
    turns,
)
from raglan.oncall import queries as oncall
from raglan.oncall.models import Schedule
from raglan.oncall.queries import NamedShift
from raglan.paging import queries as paging
from raglan.paging.models import ChannelSecret, NotificationRule, Page, Policy
from raglan.paging.plan import Acknowledge, PlannedStep
from raglan.people.models import ContactMethod, Membership, Person

AHEAD = timedelta(hours=24)
ANEW = timedelta(minutes=10)
MOST_KNOWN = 20_000
PRINT = 16
log = logs.get("raglan.last_resort")


class Refreshing:
    """Keeps the standing on disk as fresh as the database is."""

    def __init__(self, standing: Kept[Standing], owners: Kept[Owners], sources: Kept[Sources]) -> None:
        self._standing = standing
        self._owners = owners
        self._sources = sources
        self._newest = -1
        self._read_at: datetime | None = None

    def refresh(self) -> bool:
        """Read and keep what changed; tell whether something was written. Raises what the database raises."""
        at, newest = now(), timeline.newest_id()
        if newest == self._newest and self._read_at is not None and at - self._read_at < ANEW:
            self._standing.confirm(at)
            return False
        self._owners.keep(read_owners(at))
        written = self._standing.keep(read(at))
        self._sources.keep(read_sources(at))
        self._newest, self._read_at = newest, at
        return written


def read(at: datetime) -> Standing:
    """Return all that paging without a database needs."""
    owners = [person.pk for person in paging.administrators()]
    fallback = Policy.objects.filter(is_fallback=True).values_list("pk", flat=True).first()
    return Standing(
        at=at,
        routes=tuple(route_queries.routes()),
        silences=_silences(at),
        windows=tuple(noise_queries.maintenance_rule(window) for window in noise_queries.maintenances()),
        inhibitions=tuple(
            noise_queries.inhibition_rule(rule)
            for rule in Inhibition.objects.filter(removed_at__isnull=True).order_by("pk")
        ),
        causes=_causes(),
        noisy_sources=tuple(
            Source.objects.filter(noisy_since__isnull=False).order_by("pk").values_list("pk", flat=True)
        ),
        known=tuple(sorted(_known())),
        rules=_rules(),
        fallback=fallback,
        duties=_duties(at),
        teams=_teams(),
        people=_people(Person.objects.filter(is_active=True)),
        owners=tuple(owners),
        channels=dict(ChannelSecret.objects.order_by("channel").values_list("channel", "sealed")),
    )


def read_owners(at: datetime) -> Owners:
    """Return those who look after raglan, with their ways."""
    found = _people(paging.administrators())
    return Owners(at, tuple(found[pk] for pk in sorted(found)))


def read_sources(at: datetime) -> Sources:
    """Return who may send alerts; a token that is good for a while is good until the next look."""
    known: dict[str, SourceKey] = {}
    for source in Source.objects.filter(disabled_at__isnull=True).order_by("pk"):
        try:
            key = alerts.source_key(source)
        except RaglanError as error:  # one whose secret was sealed by another key must not keep out the others
            log.error("a source is not known without the database", extra={"source": source.slug, "why": str(error)})
            continue
        known[source.token_digest] = key
        if source.previous_digest and source.previous_ends_at and source.previous_ends_at > at:
            known.setdefault(source.previous_digest, key)
    return Sources(at, known)


def _silences(at: datetime) -> tuple[SilenceRule, ...]:
    near = Silence.objects.filter(starts_at__lt=at + AHEAD, ends_at__gt=at).order_by("pk")
    return tuple(noise_queries.silence_rule(silence) for silence in near)


def _causes() -> dict[str, tuple[Cause, ...]]:
    found: dict[str, tuple[Cause, ...]] = {}
    rows = Inhibitor.objects.order_by("pk").values_list("key", "alert__fingerprint", "alert__title")
    for key, fingerprint, title in rows[:MOST_KNOWN]:
        found[key] = (*found.get(key, ()), Cause(fingerprint, title))
    return found


def _known() -> Iterable[str]:
    """Return what fires, is critical, and is held back or had by somebody: the newest first, within bounds."""
    had = Q(group__page__state=Page.State.ACKNOWLEDGED) | ~Q(held="")
    rows = Alert.objects.filter(had, state=Alert.State.FIRING).order_by("-pk").values_list("fingerprint", "severity")
    return (fingerprint[:PRINT] for fingerprint, severity in rows[:MOST_KNOWN] if is_critical(severity))


def _rules() -> dict[int, Rule]:
    policies = Policy.objects.prefetch_related("steps__targets").order_by("pk")
    return {policy.pk: _rule(policy) for policy in policies}


def _rule(policy: Policy) -> Rule:
    steps = tuple(
        PlannedStep(step.wait_s, tuple(map(paging.target_of, step.targets.all())), Acknowledge(step.acknowledge))
        for step in sorted(policy.steps.all(), key=lambda step: step.position)
    )
    return Rule(policy.name, policy.urgency, policy.repeat + 1, steps)


def _duties(at: datetime) -> dict[int, Duty]:
    return {schedule.pk: _duty(schedule, shifts) for schedule, shifts in oncall.calendar_between(at, at + AHEAD)}


def _duty(schedule: Schedule, shifts: Iterable[NamedShift]) -> Duty:
    return Duty(schedule.name, turns([(shift.ends_at, [one.pk for one in shift.people]) for shift in shifts]))


def _teams() -> dict[int, tuple[int, ...]]:
    found: dict[int, tuple[int, ...]] = {}
    for team, person in Membership.objects.filter(person__is_active=True).order_by("pk").values_list("team", "person"):
        found[team] = (*found.get(team, ()), person)
    return found


def _people(people: Iterable[Person]) -> dict[int, Somebody]:
    names = {person.pk: person.name for person in people}
    contacts = {contact.pk: contact for contact in ContactMethod.objects.filter(person__in=names).order_by("pk")}
    ways: dict[int, list[Way]] = {pk: [] for pk in names}
    for contact in contacts.values():
        ways[contact.person_id].append(_way(contact, 0))
    chosen: dict[int, list[Way]] = {}
    for rule in NotificationRule.objects.filter(person__in=names, urgency=NotificationRule.For.HIGH):
        if rule.contact_id in contacts:
            chosen.setdefault(rule.person_id, []).append(_way(contacts[rule.contact_id], rule.delay_s))
    return {pk: Somebody(pk, name, tuple(chosen.get(pk) or ways[pk])) for pk, name in names.items()}


def _way(contact: ContactMethod, delay_s: int) -> Way:
    return Way(contact.kind, contact.address, delay_s, contact.sealed)
