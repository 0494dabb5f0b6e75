"""Who may know of an incident: the one place that decides.

An incident is open to all unless people made it private; then only those on its list know of it. Lists of things are
filtered by `visible()`. An address that names a thing of a private incident leads its stranger to the number 0, which
nothing has, so that it answers as if the thing were not there (`guard.py`). A live stream tells nobody of what they may
not know. Contexts above register what belongs to incidents, so that all of it is covered.
"""

from collections.abc import Callable, Collection, Sequence

from django.db.models import Model, Q, QuerySet

from raglan.core.db import Prepared
from raglan.incidents.models import Attachment, Entry, HeadsUp, Incident, Listed, LostTool, Task
from raglan.paging import ports as paging
from raglan.paging.models import Page, Reached
from raglan.people import reading
from raglan.people.models import Person, Team

PRIVACY = "privacy"  # the name under which live streams hear that somebody's sight changed
REASON = "incident"

_a_private_one = Prepared(lambda: Incident.objects.filter(is_private=True).values_list("pk", flat=True)[:1])

Hides = Callable[[Collection[int]], set[int]]
_kinds: dict[str, Hides] = {}
_places: dict[str, str] = {}


def visible(prefix: str = "") -> Q:
    """Return what narrows a query to incidents that whoever reads now may know of."""
    reader = reading.current()
    return Q() if reader is None else seen_by(reader.person_id, prefix)


def visible_to(person: Person | None, prefix: str = "") -> Q:
    """Return what narrows a query to incidents that a person may know of."""
    return seen_by(person.pk if person else None, prefix)


def seen_by(person_id: int | None, prefix: str = "") -> Q:
    """Return what narrows a query to incidents that somebody, or for None anybody, may know of."""
    is_open = Q(**{f"{prefix}is_private": False})
    if person_id is None:
        return is_open
    return is_open | Q(**{f"{prefix}pk__in": Listed.of(person_id).values("incident")})


def may_know(person: Person, incident: Incident) -> bool:
    """Tell whether a person may know of an incident."""
    return not incident.is_private or Listed.covers(person.pk, incident.pk)


def hidden() -> QuerySet[Incident]:
    """Return private incidents of which whoever reads now may not know."""
    return Incident.objects.filter(is_private=True).exclude(visible())


# Things that belong to incidents --------------------------------------------------------------------------------------


def register(kind: str, model: type[Model], path: str, *, places: Sequence[str] = ()) -> None:
    """Say that things of a kind belong to incidents. `path` leads from one to its incident.

    In addresses the number of one stands behind each of `places`, as in `/entries/7/`.
    """

    def hides(numbers: Collection[int]) -> set[int]:
        of_private = Q(**{f"{path}__in": hidden().values("pk")})  # of a number apart: the path may be `pk` itself
        return set(model._default_manager.filter(of_private, pk__in=numbers).values_list("pk", flat=True))

    _kinds[kind] = hides
    _places.update(dict.fromkeys(places, kind))


def kind_at(place: str) -> str:
    """Return the kind of things whose numbers stand behind a word in addresses; empty when it is none of rooms."""
    return _places.get(place, "")


def kinds() -> Sequence[str]:
    """Return the kinds of things that belong to incidents."""
    return tuple(_kinds)


def hides(kind: str, numbers: Collection[int]) -> set[int]:
    """Return which things of a kind whoever reads now may not know of."""
    look = _kinds.get(kind)
    return look(numbers) if look and reading.current() is not None and _a_private_one() else set()


def audible(topics: Sequence[str]) -> frozenset[str]:
    """Return the topics of a live stream that whoever reads now may hear.

    `incident:*` would tell how lively rooms are that somebody does not know of: it is for those from whom nothing is
    hidden. That somebody's sight changed is for streams alone.
    """
    wanted: dict[str, dict[int, str]] = {}
    wide = [topic for topic in topics if topic.endswith("*") and _is_of_rooms(topic)]
    for topic in topics:
        kind, _, number = topic.partition(":")
        if kind in _kinds and number.isdecimal() and len(number) < 19:
            wanted.setdefault(kind, {})[int(number)] = topic
    refused = {named[pk] for kind, named in wanted.items() for pk in hides(kind, list(named))}
    if wide and hidden().exists():
        refused |= set(wide)
    return frozenset(topics) - refused - {PRIVACY}


def _is_of_rooms(topic: str) -> bool:
    start = topic.rstrip("*")
    return any(f"{kind}:".startswith(start) or start.startswith(f"{kind}:") for kind in _kinds)


def _pages(numbers: Collection[int]) -> set[int]:
    """Return pages that were written in rooms of which a reader may not know; pages for alerts are nobody's secret."""
    found = Page.objects.filter(pk__in=numbers, reason_type=REASON, reason_id__in=hidden().values("pk"))
    return set(found.exclude(pages_seen()).values_list("pk", flat=True))


def pages_seen(prefix: str = "") -> Q:
    """Return what narrows a query to pages that whoever reads now may know of: who was paged knows of it always."""
    reader = reading.current()
    if reader is None:
        return Q()
    seen = ~Q(**{f"{prefix}reason_type": REASON, f"{prefix}reason_id__in": hidden().values("pk")})
    if reader.person_id is None:
        return seen
    own = Reached.objects.filter(person_id=reader.person_id).values("page")
    return seen | Q(**{f"{prefix}pk__in": own})


register("incident", Incident, "pk", places=("incidents", "related"))
register("entry", Entry, "incident", places=("entries",))
register("attachment", Attachment, "entry__incident", places=("files",))
register("tool", LostTool, "incident", places=("tools", "lost-tools"))
register("headsup", HeadsUp, "incident")
register("task", Task, "incident", places=("tasks",))
_kinds["page"], _places["pages"] = _pages, "page"
paging.register_sight(pages_seen)


# The list -------------------------------------------------------------------------------------------------------------


def listed(incident: Incident) -> QuerySet[Listed]:
    """Return the list of an incident, in the order in which people came on it."""
    return Listed.objects.filter(incident=incident).select_related("person", "team", "by").order_by("at", "pk")


def people_on(incident: Incident) -> QuerySet[Person]:
    """Return the people who see a private incident, by name or with a team."""
    lines = Listed.objects.filter(incident=incident)
    teams = Team.objects.filter(pk__in=lines.filter(team__isnull=False).values("team"))
    named = Q(pk__in=lines.filter(person__isnull=False).values("person"))
    return Person.objects.filter(named | Q(memberships__team__in=teams), is_active=True).distinct()
