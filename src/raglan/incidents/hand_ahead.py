"""Warns before a run undoes what was changed by hand: when its host asks the gate, or its tool tells that it begins.

The room hears of it and whoever made the change, once for each hand change; the host reads it in the gate's answer.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from raglan.changes import asking
from raglan.config import config
from raglan.core import timeline
from raglan.core.db import atomic
from raglan.fleet import ports
from raglan.fleet.models import Host
from raglan.fleet.ports import Observation
from raglan.fleet.run_models import HostRun
from raglan.incidents import hand, hand_events
from raglan.incidents.actions import Said, post
from raglan.incidents.hand_models import HandChange
from raglan.incidents.models import Entry, Incident
from raglan.paging import quiet
from raglan.paging.ports import Tap
from raglan.people import mail

MOST_HANDS = 500
MOST_HOSTS = 5_000
Scope = HandChange.Scope


def cautions() -> Mapping[str, Sequence[asking.Caution]]:
    """Return what stands changed by hand, by host; what a private incident did is watched, and not told to hosts."""
    stand = HandChange.objects.filter(state=HandChange.State.OPEN).select_related("incident").order_by("-pk")
    rows = list(stand[:MOST_HANDS])
    found: dict[str, list[asking.Caution]] = {}
    places: dict[tuple[str, str], list[str]] = _members(rows)
    for row in rows:
        said = f"{row.thing} was changed by hand: {row.words}"
        caution = asking.Caution(row.thing, "" if row.incident.is_private else said, row.ahead_at is None)
        for name in places.get((row.scope, row.place), [row.place] if row.scope == Scope.HOST else []):
            found.setdefault(name.casefold(), []).append(caution)
    return found


def _members(rows: Sequence[HandChange]) -> dict[tuple[str, str], list[str]]:
    """Return the hosts of the roles and clusters that are named."""
    roles = {row.place for row in rows if row.scope == Scope.ROLE}
    clusters = {row.place for row in rows if row.scope == Scope.CLUSTER}
    if not roles and not clusters:
        return {}
    found: dict[tuple[str, str], list[str]] = {}
    hosts = Host.objects.filter(Q(role__in=roles) | Q(cluster__in=clusters), retired_at__isnull=True).order_by("pk")
    for name, role, cluster in hosts.values_list("name", "role", "cluster")[:MOST_HOSTS]:
        found.setdefault((Scope.ROLE, role), []).append(name)
        found.setdefault((Scope.CLUSTER, cluster), []).append(name)
    return found


@atomic
def asked(questions: Sequence[asking.Question]) -> None:
    """Hosts asked the gate, and may go on: a run is about to begin."""
    names = {question.host for question in questions}
    places = {
        name: (name, role, cluster)
        for name, role, cluster in Host.objects.filter(name__in=names, retired_at__isnull=True).values_list(
            "name", "role", "cluster"
        )
    }
    for question in questions:
        place = places.get(question.host, (question.host, "", ""))
        for change in hand.standing([place]).filter(ahead_at__isnull=True).order_by("pk"):
            if asking.Caution(change.thing).concerns(question.packages):
                what = f"It asked before it changes {', '.join(question.packages[:3])}." if question.packages else ""
                _warn(change, question.host, what or "Its automation asked whether it may go on.", question.at)


def begun(seen: Sequence[Observation]) -> None:
    """Runs began, as their tools tell."""
    if not HandChange.objects.filter(state=HandChange.State.OPEN, ahead_at__isnull=True).exists():
        return
    hosts = Host.objects.in_bulk([one.host for one in seen])
    runs = HostRun.objects.in_bulk([one.run for one in seen if one.run is not None])
    for one in seen:
        host = hosts[one.host]
        run = runs.get(one.run or 0)
        for change in hand.standing([(host.name, host.role, host.cluster)]).filter(ahead_at__isnull=True):
            _warn(change, host.name, f"{run.tool.capitalize() if run else 'Its automation'} has begun.", one.at)


def _warn(change: HandChange, host: str, words: str, at: datetime) -> None:
    if at < change.at:
        return
    untold = HandChange.objects.filter(pk=change.pk, state=HandChange.State.OPEN, ahead_at__isnull=True)
    if untold.update(ahead_at=at):
        payload = hand_events.HandChangeAhead(hand=change.pk, host=host, words=words, ahead_at=at)
        timeline.append(payload, about=[change, f"incident:{change.incident_id}", asking.WATCHED])


@timeline.reaction("hand_change.ahead")
def tell(event: timeline.Happened) -> None:
    """Say it in the room while that is open, and to whoever made the change: by mail, and by their quiet ways."""
    change = HandChange.objects.select_related("incident", "by").filter(pk=int(str(event.data["hand"]))).first()
    if change is None or change.state != HandChange.State.OPEN:
        return
    what = f"{change.thing}: {change.words}"
    host, words = event.data["host"], event.data["words"]
    text = f"A run is about to begin on {host} and may undo what was changed by hand ({what}). {words}"
    link = f"/incidents/{change.incident_id}/hand-changes/"
    if change.incident.state == Incident.State.OPEN:
        said = Said(Entry.Kind.MACHINE, text, key=f"event-{event.id}", author_words="Hand changes", link=link)
        post(change.incident, said, by=None)
    if change.by.is_active:
        subject = f"{host}: a run may undo what you changed by hand"
        url = config().public_url.rstrip("/") + link
        body = f"{text}\n\nA hold stops it; say there what becomes of it.\n\n{url}\n"
        mail.write(change.by.email, subject=subject, text=body, about=change)
        taps = [Tap("Hold it", "/changes/holds/new/"), Tap("What became of it", link)]
        quiet.say(change.by, quiet.Word(f"hand-ahead:{change.pk}", subject, text, link, taps))


asking.register(cautions, asked)
ports.register_onset(begun)
