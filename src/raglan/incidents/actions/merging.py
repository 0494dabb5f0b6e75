"""Two rooms become one, and can be taken apart again; some of a room goes on in a new one."""

from collections.abc import Sequence
from dataclasses import dataclass

from raglan.catalog.models import Service
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict
from raglan.core.keys import key_of
from raglan.incidents import events, moving, privacy
from raglan.incidents.actions import listing
from raglan.incidents.actions.entries import Said, post
from raglan.incidents.actions.holding import hold, open_room, went_to
from raglan.incidents.actions.listing import Because
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.actions.privacy import make_private, open_up
from raglan.incidents.actions.roles import hand_over
from raglan.incidents.actions.rooms import declare
from raglan.incidents.models import Entry, Incident, IncidentGroup, IncidentPage, Listed, Move, Role
from raglan.people.models import Person

PRIVATE, OPEN = "private", "open"
BOTH_SAY = "One of the two is private. Say whether they are private together, or open."


@atomic
def merge(source: Incident, into: Incident, *, by: Person, outcome: str = "") -> Incident:
    """Let an incident go on in another one, with all that belongs to it. Safe to call twice. Returns the other one.

    A private and an open one are merged only when it is said what comes of it: private or open.
    Raises BadInput, Conflict.
    """
    if source.pk == into.pk:
        raise BadInput("into", "is this very incident", status=422)
    here, there = _hold_both(source, into)
    if here.merged_into_id == there.pk:
        return there
    _check_open(here, there)
    here, there = _agree(here, there, outcome, by)
    lead = here.lead if there.lead is None else None
    move = Move(kind=Move.Kind.MERGE, key=key_of(""), source=here, target=there, by=by, at=now())
    done = moving.move(moving.all_of(here, there), here, there)
    move.moved, move.keys, move.services = done.ids, done.old_keys, _bring_services(here, there)
    move.save()
    words = f"Merged into incident {there.pk}."
    here.state, here.closed_at, here.closing_words = Incident.State.CLOSED, move.at, words
    here.merged_into, here.next_update_at = there, None
    here.save(update_fields=["state", "closed_at", "closing_words", "merged_into", "next_update_at"])
    payload = events.IncidentMerged(
        move=move.pk,
        source=here.pk,
        into=there.pk,
        key=move.key,
        moved=moving.told(done.ids),
        keys=done.keys,
        services=move.services,
        closing_words=words,
        person=by.pk,
        merged_at=move.at,
    )
    timeline.append(payload, actor=by, about=_about(here, there))
    if lead is not None:
        there = hand_over(there, Role.LEAD, lead, by=by)
    stood = f" Where it stood: {here.summary}" if here.summary else ""
    _tell(there, f"{by.name} merged incident {here.pk} into this one: “{here.title}”.{stood}", move)
    return there


def _hold_both(source: Incident, into: Incident) -> tuple[Incident, Incident]:
    """Hold the room that goes, and the one in which the other goes on by now; always in the same order."""
    target = went_to(into.pk)
    if target == source.pk:
        raise Conflict(f"Incident {into.pk} was merged into this one.")
    held = {pk: hold(pk) for pk in sorted((source.pk, target))}
    return held[source.pk], held[target]


def _check_open(source: Incident, target: Incident) -> None:
    if source.merged_into_id:
        raise Conflict(f"This incident was merged into incident {source.merged_into_id} already.")
    for room in (source, target):
        if room.state != Incident.State.OPEN or room.merged_into_id:
            raise Conflict(f"Incident {room.pk} is closed. Reopen it to merge it.")


def _agree(source: Incident, target: Incident, outcome: str, by: Person) -> tuple[Incident, Incident]:
    """Let both be private, with one list, or both be open. Raises BadInput, Conflict."""
    if outcome not in ("", PRIVATE, OPEN):
        raise BadInput("outcome", f"must be {PRIVATE} or {OPEN}", status=422)
    if source.is_private != target.is_private:
        if not outcome:
            raise Conflict(BOTH_SAY)
        change, why = (
            (make_private, "It was merged with a private one")
            if outcome == PRIVATE
            else (
                open_up,
                "It was merged with one that everyone sees",
            )
        )
        source, target = change(source, why, by=by), change(target, why, by=by)
    if source.is_private:
        _share_list(source, target, by)
    return source, target


def _share_list(source: Incident, target: Incident, by: Person) -> None:
    for one, other in ((source, target), (target, source)):
        for line in privacy.listed(one):
            whom = line.person or line.team
            if whom is not None:
                listing.put(other, whom, Because(Listed.How(line.how), line.why, by))


def _bring_services(source: Incident, target: Incident) -> list[int]:
    known = set(target.services.values_list("pk", flat=True))
    new = sorted(set(source.services.values_list("pk", flat=True)) - known)
    target.services.add(*new)
    return new


@atomic
def undo_merge(source: Incident, *, by: Person) -> Incident:
    """Take a merged incident out again, with what it brought, and open it. Safe to call twice.

    What belongs to something that came to the other one since stays there. Raises Conflict, saying what stands
    against it.
    """
    move = Move.objects.filter(source=source, kind=Move.Kind.MERGE, undone_at__isnull=True).first()
    if move is None:
        return hold(source.pk)
    held = {pk: hold(pk) for pk in sorted((move.source_id, move.target_id))}
    here, there = held[move.source_id], held[move.target_id]
    if here.merged_into_id is None:
        return here
    if why := why_not(move, here, there):
        raise Conflict(why)
    went = moving.that_go_back(move.moved, there)
    stays = f"What was said since stays here. {moving.missed(went, there)}".strip()
    back = moving.move(went, there, here)
    keys = {**back.keys, **moving.give_back(move.keys, (here, there))}
    there.services.remove(*move.services)
    at = move.undone_at = now()
    move.save(update_fields=["undone_at"])
    here.state, here.closed_at, here.closing_words, here.merged_into = Incident.State.OPEN, None, "", None
    here.save(update_fields=["state", "closed_at", "closing_words", "merged_into"])
    payload = events.MergeUndone(
        move=move.pk,
        source=here.pk,
        into=there.pk,
        moved=moving.told(went),
        keys=keys,
        services=move.services,
        undone_at=at,
    )
    timeline.append(payload, actor=by, about=_about(here, there))
    _tell(there, f"{by.name} took incident {here.pk} out again: “{here.title}”. {stays}", move)
    _tell(here, f"{by.name} took this incident out of incident {there.pk} again. It goes on here.", move)
    return here


def why_not(move: Move, source: Incident, target: Incident) -> str:
    """Say what stands against undoing a merge; empty when nothing does."""
    if target.merged_into_id:
        return f"Incident {target.pk} was merged into incident {target.merged_into_id} since. Undo that first."
    if target.state != Incident.State.OPEN:
        return f"Incident {target.pk} is closed. Reopen it first."
    if source.is_private != target.is_private:
        return "Who may see it changed since. Make it as it was first."
    if moving.missing(move.moved, target):
        return "Some of what it brought went on to another incident since."
    return ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What of a room goes on in a new one. The same key splits once."""

    title: str
    entries: Sequence[int] = ()
    groups: Sequence[int] = ()
    tasks: Sequence[int] = ()
    services: Sequence[Service] = ()
    key: str = ""


@atomic
def split(source: Incident, chosen: Chosen, *, by: Person) -> Incident:
    """Let some of a room go on in a new one; both say so. The same key splits once. Raises BadInput, Conflict."""
    key = key_of(chosen.key)
    if found := Move.objects.select_related("target").filter(source=source, key=key).first():
        return found.target
    source = open_room(source)
    ids = _ids(source, chosen)
    target = declare(chosen.title, by=by, severity=source.severity, services=chosen.services)
    if source.is_private:
        target = make_private(target, f"Incident {source.pk} is private", by=by)
        _share_list(source, target, by)
    done = moving.move(ids, source, target)
    services = sorted(set(source.services.values_list("pk", flat=True)) & {service.pk for service in chosen.services})
    source.services.remove(*services)
    given = {"source": source, "target": target, "moved": done.ids, "services": services, "by": by, "at": now()}
    move = Move.objects.create(kind=Move.Kind.SPLIT, key=key, **given)
    payload = events.IncidentSplit(
        move=move.pk,
        source=source.pk,
        into=target.pk,
        key=key,
        moved=moving.told(done.ids),
        services=services,
        person=by.pk,
        split_at=move.at,
    )
    timeline.append(payload, actor=by, about=_about(source, target))
    _tell(source, f"{by.name} took some of this into incident {target.pk}: “{target.title}”.", move)
    _tell(target, f"{by.name} took this out of incident {source.pk}: “{source.title}”.", move)
    return target


def _ids(source: Incident, chosen: Chosen) -> dict[str, list[int]]:
    """Return the rows that were chosen; the pages of alert groups go with them. Raises BadInput."""
    groups = IncidentGroup.objects.filter(incident=source, group__in=chosen.groups)
    found = {
        "entries": list(source.entries.filter(pk__in=chosen.entries).values_list("pk", flat=True)),
        "tasks": list(source.tasks.filter(pk__in=chosen.tasks).values_list("pk", flat=True)),
        "groups": list(groups.values_list("pk", flat=True)),
    }
    for kind, wanted in (("entries", chosen.entries), ("groups", chosen.groups), ("tasks", chosen.tasks)):
        if len(found[kind]) != len(set(wanted)):
            raise BadInput(kind, "names something that is not in this room", status=422)
    pages = IncidentPage.objects.filter(incident=source, page__in=groups.values("group__page"))
    found["pages"] = list(pages.values_list("pk", flat=True))
    if not any(found.values()) and not chosen.services:
        raise BadInput("entries", "choose what goes on in the new room", status=422)
    return {kind: ids for kind, ids in found.items() if ids}


def _about(source: Incident, target: Incident) -> list[timeline.Subject]:
    return room_and_now(source, target, "alerts")


def _tell(room: Incident, words: str, move: Move) -> None:
    other = move.target_id if room.pk == move.source_id else move.source_id
    key = f"move-{move.pk}-{'undone' if move.undone_at else move.kind}-{room.pk}"
    link = f"/incidents/{other}/"
    post(room, Said(Entry.Kind.MACHINE, words[:4000], key=key, author_words="raglan", link=link), by=None)
