"""Words to those who own silent hosts and lost pins: by mail, a few at once, and never a page.

Hosts belong to the teams of the services that they carry, pins to those of the hosts of their role; what belongs to no
team is told to those who may configure. What begins within some minutes is one mail, and after one there is none for an
hour, however much comes.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, QuerySet

from raglan.catalog.models import Service
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.fleet import events
from raglan.fleet.mirror_models import Pin
from raglan.fleet.models import Host, HostService
from raglan.oncall.notices import owners_of_team, tell
from raglan.people.models import Person

TELL = "fleet.tell_owners"
SUBJECT = "fleet"
GATHER = timedelta(minutes=10)
APART = timedelta(hours=1)
AGAIN = timedelta(days=1)  # of a host that comes and goes its owners hear once a day
LISTED = 20
CHUNK = 500


def look_later() -> None:
    """Plan that owners are told, unless that is planned already."""
    if not timers.is_planned(TELL, subject=SUBJECT, by=now() + APART):
        timers.schedule(TELL, subject=SUBJECT, due_at=now() + GATHER)


@timers.handler(TELL)
def tell_owners(due: timers.Due) -> None:
    """Tell owners of what was found since; look again in an hour, and then only when something new is found."""
    if any([_tell_of_silent_hosts(), _tell_of_lost_pins()]):
        timers.schedule(TELL, subject=due.subject, due_at=now() + APART)
    elif (first := _quiet().order_by("silence_told_at").values_list("silence_told_at", flat=True).first()) is not None:
        timers.schedule(TELL, subject=due.subject, due_at=first + AGAIN)


def _quiet() -> QuerySet[Host]:
    """Silent hosts of whose silence nobody was told."""
    return Host.objects.filter(_untold("silence_told_at", "silent_since"), retired_at__isnull=True)


def _untold(told: str, since: str) -> Q:
    before = {f"{told}__lt": F(since)}
    return Q(**{f"{since}__isnull": False}) & (Q(**{f"{told}__isnull": True}) | Q(**before))


def _tell_of_silent_hosts() -> bool:
    at, shares, last = now(), Shares(), 0
    quiet = _quiet().exclude(silence_told_at__gt=at - AGAIN).order_by("pk")
    while hosts := list(quiet.filter(pk__gt=last).only("name", "cluster", "role", "silent_since")[:CHUNK]):
        keys, last = [host.pk for host in hosts], hosts[-1].pk
        whose = teams_of_hosts(keys)
        for host in hosts:
            shares.add(_host_line(host), whose.get(host.pk, set()))
        Host.objects.filter(pk__in=keys).update(silence_told_at=at)
    letter = Letter(
        head=lambda count: f"{_counted(count, 'host')} silent: {_have(count)} not told anything for longer than usual.",
        subject=lambda count: f"{_counted(count, 'host')} silent",
        path="/hosts/?state=silent",
        about="hosts",
    )
    return shares.send(letter)


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name} is" if count == 1 else f"{count:,} {name}s are"


def _have(count: int) -> str:
    return "it has" if count == 1 else "they have"


def _host_line(host: Host) -> str:
    place = ", ".join(word for word in (host.role, host.cluster) if word)
    since = f", since {host.silent_since:%a %d %b %H:%M} UTC" if host.silent_since else ""
    return f"{host.name}{f' ({place})' if place else ''}{since}"


def _tell_of_lost_pins() -> bool:
    pins = list(Pin.objects.filter(_untold("lost_told_at", "lost_since")).order_by("role", "name", "pk"))
    if not pins:
        return False
    whose = teams_of_roles({pin.role for pin in pins if pin.role})
    letter = Letter(
        head=lambda count: (
            f"{_counted(count, 'pinned version')} on no mirror any more. A fresh host would fail its first run."
        ),
        subject=lambda count: f"{_counted(count, 'pinned version')} on no mirror",
        path="/changes/mirrors/",
        about="mirrors",
    )
    shares = Shares()
    for pin in pins:
        shares.add(_pin_line(pin), whose.get(pin.role, set()))
    Pin.objects.filter(pk__in=[pin.pk for pin in pins]).update(lost_told_at=now())
    return shares.send(letter)


def _pin_line(pin: Pin) -> str:
    return f"{pin.name} {pin.version}{f' of {pin.role}' if pin.role else ', of all hosts'}"


def teams_of_hosts(hosts: Collection[int]) -> dict[int, set[int]]:
    """Return the teams whose services hosts carry, by host."""
    found: dict[int, set[int]] = {}
    for host, team in _teams(HostService.objects.filter(host__in=hosts), "host"):
        found.setdefault(host, set()).add(team)
    return found


def owners_of(hosts: Collection[int], roles: Collection[str]) -> list[Person]:
    """Return who is told of hosts and of roles: those of all their teams, each once."""
    found = [*teams_of_hosts(hosts).values(), *teams_of_roles(roles).values()]
    teams = sorted({team for one in found for team in one})
    return list(dict.fromkeys(person for team in teams or (None,) for person in owners_of_team(team)))


def teams_of_roles(roles: Collection[str]) -> dict[str, set[int]]:
    """Return the teams whose services hosts of roles carry, by role."""
    carried = HostService.objects.filter(host__role__in=roles, host__retired_at__isnull=True)
    found: dict[str, set[int]] = {}
    for role, team in _teams(carried, "host__role"):
        found.setdefault(role, set()).add(team)
    return found


def _teams(carried: QuerySet[HostService], column: str) -> list[tuple[Any, int]]:
    """Return what carries services of a team, with the team."""
    rows = list(carried.order_by().values_list(column, "slug").distinct())
    teams = Service.objects.filter(slug__in={slug for _, slug in rows}, team__isnull=False)
    of_slug = dict(teams.values_list("slug", "team_id"))
    return [(key, of_slug[slug]) for key, slug in rows if slug in of_slug]


@dataclass(frozen=True, slots=True)
class Letter:
    """What is written to owners, by how much there is to tell."""

    head: Callable[[int], str]
    subject: Callable[[int], str]
    path: str
    about: str


@dataclass(slots=True)
class Share:
    """What there is to tell one owner: how much, and the first of it in words."""

    count: int = 0
    lines: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Shares:
    """What there is to tell each owner. However much that is, little of it is kept."""

    count: int = 0
    mine: dict[Person, Share] = field(default_factory=dict)
    owners: dict[int | None, list[Person]] = field(default_factory=dict)

    def add(self, line: str, teams: Collection[int]) -> None:
        """Tell the owners among these teams of something."""
        self.count += 1
        for person in dict.fromkeys(one for team in sorted(teams) or (None,) for one in self._owners(team)):
            share = self.mine.setdefault(person, Share())
            share.count += 1
            if len(share.lines) < LISTED:
                share.lines.append(f"- {line}")

    def _owners(self, team: int | None) -> list[Person]:
        if team not in self.owners:
            self.owners[team] = owners_of_team(team)
        return self.owners[team]

    def send(self, letter: Letter) -> bool:
        """Write one mail to each owner; say whether there was anything to tell."""
        if not self.count:
            return False
        for person, share in self.mine.items():
            left = share.count - len(share.lines)
            more = [f"- and {left:,} more"] if left else []
            text = "\n".join([letter.head(share.count), "", *share.lines, *more])
            tell(person, letter.subject(share.count), text, about=letter.about, path=letter.path)
        people = sorted(person.pk for person in self.mine)
        said = events.OwnersTold(what=letter.about, count=self.count, people=people, at=now())
        timeline.append(said, about=[letter.about])
        return True


def told_at(since: datetime | None, at: datetime | None) -> datetime | None:
    """Return when owners were told of what lasts since a time; None when they were not."""
    return at if since is not None and at is not None and at >= since else None
