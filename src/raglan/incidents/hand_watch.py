"""Warns when a run reaches for what was changed by hand during an incident, or would, had it not been a rehearsal."""

from collections.abc import Iterable, Mapping, Sequence

from raglan.config import config
from raglan.core import timeline
from raglan.fleet import ports
from raglan.fleet.models import Host
from raglan.fleet.ports import Observation
from raglan.fleet.run_models import HostRun
from raglan.incidents import hand, hand_events
from raglan.incidents.actions import Said, post
from raglan.incidents.hand_matching import by_moves, by_steps
from raglan.incidents.hand_models import HandChange, HandTouch
from raglan.incidents.models import Entry, Incident
from raglan.people import mail

SETTLES = ("changed", "failed", "rehearsed")


def look(seen: Sequence[Observation]) -> None:
    """Keep which hand changes were reached for, once a host; the first one of a hand change warns."""
    told = [one for one in seen if one.moves or (one.run is not None and str(one.outcome) in SETTLES)]
    if not told or not HandChange.objects.filter(state=HandChange.State.OPEN).exists():
        return
    hosts = {host.pk: host for host in Host.objects.filter(pk__in={one.host for one in told})}
    stand = list(hand.standing((host.name, host.role, host.cluster) for host in hosts.values()))
    if not stand:
        return
    runs = HostRun.objects.in_bulk({one.run for one in told if one.run is not None})
    for one in told:
        run = runs.get(one.run) if one.run is not None else None
        for change in _there(stand, hosts[one.host]):
            if one.at >= change.at and (words := _reached(change, one, run)):
                _warn(change, hosts[one.host], run, words, one)


def _there(stand: Iterable[HandChange], host: Host) -> list[HandChange]:
    of: Mapping[str, str] = {
        HandChange.Scope.HOST: host.name,
        HandChange.Scope.ROLE: host.role,
        HandChange.Scope.CLUSTER: host.cluster,
    }
    return [change for change in stand if of[change.scope] == change.place]


def _reached(change: HandChange, seen: Observation, run: HostRun | None) -> str:
    """Return in words how what was seen reaches for a hand change; empty when it does not."""
    moves = [(move.name, move.old, move.new) for move in seen.moves] or (run.moves if run else [])
    return by_moves(change.thing, moves) or (by_steps(change.thing, run.steps) if run else "")


def _warn(change: HandChange, host: Host, run: HostRun | None, words: str, seen: Observation) -> None:
    is_rehearsal = run is not None and run.outcome == HostRun.Outcome.REHEARSED
    is_first = not HandTouch.objects.filter(hand=change, is_rehearsal=is_rehearsal).exists()
    who = run.tool.capitalize() if run else "Something on the host"
    own = {"run": run, "words": f"{who}: {words}"[:300], "at": seen.at}
    touch, is_new = HandTouch.objects.get_or_create(hand=change, host=host, is_rehearsal=is_rehearsal, defaults=own)
    if is_new and is_first:
        payload = hand_events.HandChangeTouched(
            hand=change.pk, host=host.name, is_rehearsal=is_rehearsal, words=touch.words
        )
        timeline.append(payload, about=[change, f"incident:{change.incident_id}", host])


@timeline.reaction("hand_change.touched")
def tell(event: timeline.Happened) -> None:
    """Say it in the room; when that is closed, write to whoever made the change."""
    number = int(str(event.data["hand"]))
    change = HandChange.objects.select_related("incident", "by").filter(pk=number).first()
    if change is None:
        return
    host, said_by_run = event.data["host"], event.data["words"]
    what = "A rehearsal shows that the next run would change" if event.data["is_rehearsal"] else "A run reached for"
    text = f"{what} what was changed by hand on {host} ({change.thing}: {change.words}). {said_by_run}"
    link = f"/incidents/{change.incident_id}/hand-changes/"
    if change.incident.state == Incident.State.OPEN:
        said = Said(Entry.Kind.MACHINE, text, key=f"event-{event.id}", author_words="Hand changes", link=link)
        post(change.incident, said, by=None)
    elif change.by.is_active:
        url = config().public_url.rstrip("/") + link
        subject = f"{event.data['host']}: what you changed by hand"
        mail.write(
            change.by.email, subject=subject, text=f"{text}\n\nSay there what became of it.\n\n{url}\n", about=change
        )


ports.register_judge(look)
ports.register_foresight(look)
