"""Can everybody who may be paged be reached? Looked at when a policy is saved, each day, and before each shift."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Max, Q

from raglan.config import config
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import Conflict
from raglan.oncall import ports as oncall_ports
from raglan.oncall import queries as oncall
from raglan.oncall.models import Schedule
from raglan.paging import actions, events, foresight, queries
from raglan.paging.models import Notification, Page, Policy
from raglan.paging.plan import Plan, Target, Urgency
from raglan.people import mail
from raglan.people.models import ContactMethod, Person, Team

TOLD = "readiness"
TELL_AGAIN = timedelta(days=2, hours=23)  # the look of the third day tells again
BEFORE_SHIFT = timedelta(hours=24)
MAX_REASON = 300


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that stands between a page and a person. One that blocks leaves no way at all."""

    kind: str
    words: str
    blocks: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """How well somebody can be reached."""

    person: Person
    problems: tuple[Problem, ...]

    @property
    def is_ready(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def is_blocked(self) -> bool:
        """Whether no page would reach them."""
        return any(problem.blocks for problem in self.problems)

    @property
    def words(self) -> str:
        """All of it in one sentence."""
        return f"{self.person.name}: {', '.join(problem.words for problem in self.problems)}"


class NotReady(Conflict):
    """Somebody whom this would page can not be reached; a reason overrules it."""

    code = "not_ready"

    def __init__(self, found: Sequence[Readiness]) -> None:
        names = "; ".join(item.words for item in found)
        people = [{"person_id": item.person.pk, "problems": [one.kind for one in item.problems]} for item in found]
        super().__init__(
            f"Not everybody here can be reached. {names}. Save it with a reason to overrule.", people=people
        )
        self.found = found


def check(people: Iterable[Person]) -> list[Readiness]:
    """Return how well people can be reached. The number of queries does not grow with the people's messages."""
    found = list(dict.fromkeys(people))
    failing = _failing(found)
    return [Readiness(person, tuple(_problems(person, failing))) for person in found]


def _failing(people: Sequence[Person]) -> set[int]:
    """Return the contact methods whose last message could not be handed over."""
    failed = Q(state=Notification.State.FAILED)
    handed_over = Q(state=Notification.State.HANDED_OVER)
    rows = (
        Notification.objects.filter(person__in=people, contact__isnull=False)
        .values("contact_id")
        .annotate(failed=Max("pk", filter=failed), went=Max("pk", filter=handed_over))
    )
    return {row["contact_id"] for row in rows if (row["failed"] or 0) > (row["went"] or 0)}


def _problems(person: Person, failing: set[int]) -> Iterable[Problem]:
    if not person.is_active:
        yield Problem("left", "has left", blocks=True)
        return
    ways = [contact for contact, _ in actions.ways_to(person)]
    if not ways:
        yield Problem("no_way", "no way to be reached is set up", blocks=True)
        return
    broken = [contact for contact in ways if contact.pk in failing]
    if len(broken) == len(ways):
        yield Problem("failing", "the last message on every way was refused", blocks=True)
    elif broken:
        names = ", ".join(contact.get_kind_display() for contact in broken)
        yield Problem("partly_failing", f"the last message was refused: {names}", blocks=False)
    if all(contact.confirmed_at is None for contact in ways):
        yield Problem("unconfirmed", "has never answered a test", blocks=False)


def of_plan(plan: Plan) -> list[Readiness]:
    """Return the readiness of everybody whom a plan may page."""
    return check(person for step in plan.steps for target in step.targets for person in everybody(target))


def everybody(target: Target) -> list[Person]:
    """Return whom a target may page, those who have left among them."""
    if target.type == "person":
        return list(Person.objects.filter(pk=target.id))
    return foresight.people_of(target)


@atomic
def save_policy(  # noqa: PLR0913 -- a policy is saved as a whole
    *,
    slug: str,
    name: str,
    team: Team | None,
    repeat: int,
    steps: Sequence[actions.StepDraft],
    actor: timeline.Subject,
    choices: actions.Choices,
    overrule: str = "",
    strict: bool = False,
) -> Policy:
    """Save a policy whose people can be reached. Raises NotReady; a reason overrules it, and is kept.

    `strict` also asks that each of them has answered a test.
    """
    policy = actions.save_policy(
        slug=slug, name=name, team=team, repeat=repeat, steps=steps, actor=actor, choices=choices
    )
    found = of_plan(queries.plan_of(policy))
    stopped = [item for item in found if item.is_blocked or (strict and not item.is_ready)]
    if stopped and not overrule.strip():
        raise NotReady(stopped)
    if stopped:
        told = events.ReadinessOverruled(
            policy=policy.pk, people=[item.person.pk for item in stopped], reason=overrule.strip()[:MAX_REASON]
        )
        timeline.append(told, actor=actor, about=[policy, *(item.person for item in stopped)])
    return policy


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who may be paged: how well they can be reached, by what, and when next."""

    readiness: Readiness
    of: tuple[str, ...]


def overview() -> list[Member]:
    """Return everybody whom any policy or rota may page, those who can not be reached first."""
    places: dict[Person, list[str]] = {}
    for policy in Policy.objects.order_by("name"):
        for step in queries.plan_of(policy).steps:
            for target in step.targets:
                for person in everybody(target):
                    places.setdefault(person, []).append(policy.name)
    for row in Schedule.objects.order_by("name"):
        for person in foresight.people_of(Target("schedule", row.pk)):
            places.setdefault(person, []).append(row.name)
    members = [Member(item, tuple(dict.fromkeys(places[item.person]))) for item in check(places)]
    return sorted(members, key=lambda member: (_rank(member.readiness), member.readiness.person.name))


def _rank(found: Readiness) -> int:
    return 0 if found.is_blocked else 2 if found.is_ready else 1


def look(*, all_members: bool) -> int:
    """Tell the owners of whoever can not be reached: each day of everybody, each hour of those whose shift comes.

    Each is told of once in three days. Return how many were told of.
    """
    return look_at([member.readiness.person for member in overview()] if all_members else soon_on_call())


def look_at(people: Iterable[Person]) -> int:
    """Tell the owners of those of some people who can not be reached; return how many were told of."""
    told = 0
    for item in check(people):
        if item.is_blocked and not _told_lately(item.person):
            tell(item)
            told += 1
    return told


def soon_on_call() -> list[Person]:
    """Return whose shift begins within a day, on any rota."""
    at = now()
    found: dict[int, Person] = {}
    for _, shifts in oncall.calendar_between(at, at + BEFORE_SHIFT):
        for shift in shifts:
            found |= {person.pk: person for person in shift.people}
    return list(found.values())


def _told_lately(person: Person) -> bool:
    since = now() - TELL_AGAIN
    return Page.objects.filter(reason_type=TOLD, reason_id=person.pk, created_at__gte=since).exists()


@atomic
def tell(found: Readiness) -> Page | None:
    """Tell those who can put it right, in daylight: the leads of the person's teams, else the administrators.

    The person gets a mail at the address with which they sign in, the one way that needs no setting up.
    """
    active = Person.objects.filter(is_active=True).exclude(pk=found.person.pk)
    teams = found.person.memberships.values("team_id")
    leads = list(
        active.filter(memberships__team_id__in=teams, memberships__is_lead=True).distinct().order_by("pk")[:10]
    )
    people = leads or list(active.filter(role=Person.Role.ADMINISTRATOR).order_by("pk")[:10])
    if found.person.is_active:
        text = f"{found.words}.\n\nSet up a way and test it: {config().public_url.rstrip('/')}/you/"
        mail.write(found.person.email, subject="You may be paged and can not be reached", text=text, about=found.person)
    if not people:
        return None
    words = actions.Words(f"{found.person.name} may be paged and can not be reached", found.words, "info")
    reason = actions.Reason(TOLD, found.person.pk, "/readiness/")
    return actions.page_people(people, words, reason=reason, by=None, urgency=Urgency.LOW)


def contacts_of(person: Person) -> list[ContactMethod]:
    """Return the ways that a test by appointment tries: all that pages use."""
    return list(dict.fromkeys(contact for contact, _ in actions.ways_to(person)))


def _unready(people: Iterable[Person]) -> list[oncall_ports.Unready]:
    """Return those whom no page would reach, as on call asks before it saves a turn order."""
    return [
        oncall_ports.Unready(item.person, item.words, tuple(one.kind for one in item.problems))
        for item in check(people)
        if item.is_blocked
    ]


oncall_ports.register_readiness(_unready)
