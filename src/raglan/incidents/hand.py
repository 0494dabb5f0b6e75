"""Hand changes: told in one line, shown in the room, and warned of when a run reaches for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch, Q, QuerySet

from raglan.changes.asking import WATCHED
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict, NotFound
from raglan.core.keys import key_of
from raglan.fleet import panels
from raglan.fleet.models import Host
from raglan.incidents import hand_events as events
from raglan.incidents import moving, ports, privacy
from raglan.incidents.actions import Said, post
from raglan.incidents.hand_models import HandChange, HandTouch
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person

MOST_WORDS = 300
MOST_PLACE = 253
SHOWN = 6
ENDS = (HandChange.State.KEPT, HandChange.State.TAKEN_BACK, HandChange.State.UNDONE)
Scope = HandChange.Scope


@dataclass(frozen=True, slots=True)
class Told:
    """What was changed by hand. Without a scope, a place that is no host but a role or a cluster means all of these."""

    place: str
    thing: str
    words: str
    scope: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A hand change as a room shows it; `next_run` is when the next run on its host is expected.

    It `is_known` while any host is of its place: of others no run is heard, so that none can be warned of.
    """

    hand: HandChange
    touches: list[HandTouch]
    next_run: datetime | None
    is_known: bool = True

    @property
    def is_overdue(self) -> bool:
        """Whether no run was heard from its host when one should have been."""
        return self.next_run is not None and self.next_run < now()


def read(text: str) -> Told:
    """Read `web0091 httpd: put 2.4.6-40 back`. A role is `role=web`, a cluster `cluster=c1`. Raises BadInput."""
    head, colon, words = text.partition(":")
    place, _, thing = head.strip().partition(" ")
    if not colon or not thing.strip() or not words.strip():
        raise BadInput("", "Write it as !hand web0091 httpd: what you did", status=422)
    scope, equals, name = place.partition("=")
    if equals and scope.lower() in Scope.values:
        return Told(name, thing.strip(), words.strip(), scope.lower())
    return Told(place, thing.strip(), words.strip())


@atomic
def tell(incident: Incident, told: Told, *, by: Person) -> HandChange:
    """Keep what somebody changed by hand, and say it in the room; the same key once. Raises BadInput, Conflict."""
    key = key_of(told.key)
    if found := HandChange.objects.filter(incident=incident, key=key).first():
        return found
    place, thing, words = (" ".join(text.split()) for text in (told.place, told.thing, told.words))
    for field, text, most in (("place", place, MOST_PLACE), ("thing", thing, 300), ("words", words, MOST_WORDS)):
        if not text or len(text) > most:
            raise BadInput(field, f"say it in at most {most} characters", status=422)
    scope, place = _place(told.scope, place)
    said = Said(Entry.Kind.NOTE, f"Changed by hand on {_where(scope, place)}, {thing}: {words}", key=f"hand-{key}"[:64])
    entry = post(incident, said, by=by)  # refuses a room that is closed
    made = HandChange.objects.create(
        incident_id=entry.incident_id,
        key=key,
        scope=scope,
        place=place,
        thing=thing,
        words=words,
        by=by,
        at=entry.at,
    )
    payload = events.HandChangeTold(
        hand=made.pk,
        incident=made.incident_id,
        key=key,
        scope=scope,
        place=place,
        thing=thing,
        words=words,
        person=by.pk,
        told_at=made.at,
    )
    timeline.append(payload, actor=by, about=[made, f"incident:{made.incident_id}", WATCHED])
    return made


def _place(wanted: str, place: str) -> tuple[str, str]:
    """Return what kind of place is meant, and its name as hosts tell it: people write the first part of a long one."""
    if wanted and wanted not in Scope.values:
        raise BadInput("scope", f"one of {', '.join(Scope.values)}", status=422)
    hosts = Host.objects.filter(retired_at__isnull=True)
    if wanted in (Scope.ROLE, Scope.CLUSTER) or hosts.filter(name=place).exists():
        return wanted or str(Scope.HOST), place
    if not wanted and hosts.filter(role=place).exists():
        return str(Scope.ROLE), place
    if not wanted and hosts.filter(cluster=place).exists():
        return str(Scope.CLUSTER), place
    meant = hosts.filter(Q(name__iexact=place) | Q(name__istartswith=f"{place}."))
    names = list(meant.order_by("name").values_list("name", flat=True)[:2])
    return str(Scope.HOST), names[0] if len(names) == 1 else place


def _where(scope: str, place: str) -> str:
    return place if scope == Scope.HOST else f"all of {scope} {place}"


@atomic
def end(hand: HandChange, state: str, words: str, *, by: Person) -> HandChange:
    """Tell what became of it, also when its room is closed. Raises BadInput, and Conflict when it is told already."""
    if state not in ENDS:
        raise BadInput("state", f"one of {', '.join(ENDS)}", status=422)
    words = " ".join(words.split())
    if len(words) > MOST_WORDS:
        raise BadInput("words", f"at most {MOST_WORDS} characters", status=422)
    at = now()
    open_one = HandChange.objects.filter(pk=hand.pk, state=HandChange.State.OPEN)
    if not open_one.update(state=state, ended_at=at, ended_by=by, ended_words=words):
        raise Conflict("Somebody told already what became of it.")
    ended = events.HandChangeEnded(hand=hand.pk, state=state, words=words, person=by.pk, ended_at=at)
    timeline.append(ended, actor=by, about=[hand, f"incident:{hand.incident_id}", WATCHED])
    hand.refresh_from_db()
    return hand


def hand_changes(incident: Incident) -> QuerySet[HandChange]:
    """All hand changes of a room, the newest first, with the runs that reached for them."""
    touches = HandTouch.objects.select_related("host").order_by("-at", "-pk")
    found = incident.hand_changes.select_related("by", "ended_by").prefetch_related(Prefetch("touches", touches))
    return found.order_by("-pk")


def open_ones(incident: Incident) -> list[HandChange]:
    """Return what still stands changed by hand in a room, the oldest first."""
    return list(incident.hand_changes.filter(state=HandChange.State.OPEN).order_by("pk"))


def seen(found: "QuerySet[HandChange]") -> list[Seen]:
    """Return hand changes as a room shows them, those that stand first; the number of queries is fixed."""
    rows = sorted(found, key=lambda one: one.state != HandChange.State.OPEN)
    known, due = _known([one for one in rows if one.state == HandChange.State.OPEN])
    stands = HandChange.State.OPEN
    return [
        Seen(one, list(one.touches.all()), due.get(one.place), one.state != stands or (one.scope, one.place) in known)
        for one in rows
    ]


def _known(rows: Iterable[HandChange]) -> tuple[set[tuple[str, str]], dict[str, datetime]]:
    """Return which places of some hand changes have hosts, and when the next run is due on a host, by its name."""
    named: dict[str, set[str]] = {scope: set() for scope in Scope.values}
    for one in rows:
        named[one.scope].add(one.place)
    known: set[tuple[str, str]] = set()
    live = Host.objects.filter(retired_at__isnull=True)
    for scope in (Scope.ROLE, Scope.CLUSTER):
        if named[scope]:
            found = live.filter(**{f"{scope}__in": named[scope]}).order_by().values_list(scope, flat=True).distinct()
            known |= {(str(scope), place) for place in found}
    due: dict[str, datetime] = {}
    for host in live.filter(name__in=named[Scope.HOST]).only("name", "ran_at", "run_interval_s"):
        known.add((str(Scope.HOST), host.name))
        if host.run_interval_s and host.ran_at is not None:
            due[host.name] = host.ran_at + timedelta(seconds=host.run_interval_s)
    return known, due


def hand_change(incident: Incident, pk: int) -> HandChange:
    """Return a hand change of a room. Raises NotFound."""
    found = hand_changes(incident).filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such hand change in this room.")
    return found


def standing(hosts: Iterable[tuple[str, str, str]]) -> "QuerySet[HandChange]":
    """Hand changes that stand on any of some hosts, each named with its role and cluster."""
    named, roles, clusters = (set(names) - {""} for names in zip(*hosts, strict=True))
    there = Q(scope=Scope.HOST, place__in=named) | Q(scope=Scope.ROLE, place__in=roles)
    return HandChange.objects.filter(there | Q(scope=Scope.CLUSTER, place__in=clusters), state=HandChange.State.OPEN)


def on_host(host: Host) -> list[HandChange]:
    """Return what stands changed by hand on a host, as far as whoever reads may know, the newest first."""
    found = standing([(host.name, host.role, host.cluster)])
    return list(found.filter(privacy.visible("incident__")).select_related("incident", "by").order_by("-pk")[:20])


def panel(incident: Incident, reader: Person) -> dict[str, object]:
    """Return what a room shows beside its timeline."""
    return {"hands": seen(hand_changes(incident)[:SHOWN])}


def host_panel(host: Host) -> dict[str, object]:
    """Return what the screen of a host shows."""
    return {"hands": on_host(host)}


moving.register("hand_changes", HandChange, has_key=True)
privacy.register(HandChange.ref_kind, HandChange, "incident", places=("hand-changes",))
ports.register_panel("incidents/part_hand.html", panel)
panels.register_panel("incidents/host_hand.html", host_panel)
