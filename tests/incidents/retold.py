"""How a copy of the state hears of what hangs under entries and rooms: one function for each kind of event."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from raglan.core.timeline import EventPayload
from raglan.incidents import events
from raglan.testing.replay import State

E = TypeVar("E", bound=EventPayload)
TELLERS: dict[type[EventPayload], Callable[[State, int, EventPayload], None]] = {}


def hears_of(kind: type[E]) -> Callable[[Callable[[State, int, E], None]], None]:
    """Register how a copy hears of one kind."""

    def register(teller: Callable[[State, int, E], None]) -> None:
        TELLERS[kind] = teller  # type: ignore[assignment]  # each hears of its own kind only

    return register


def tell(state: State, room: int, said: EventPayload) -> bool:
    """Tell a copy of one event; return whether anybody here knows its kind."""
    teller = TELLERS.get(type(said))
    if teller is not None:
        teller(state, room, said)
    return teller is not None


@hears_of(events.EntryCorrected)
def _(state: State, room: int, said: events.EntryCorrected) -> None:
    state["entries"][said.entry].update(text=said.text, corrected_at=said.corrected_at)
    state["earlier"][said.entry, said.number] = {
        **{"text": said.before, "until": said.corrected_at},
        **{"is_outcome": False, "result": "", "by_id": None},
    }


def keep_outcome(state: State, said: events.OutcomeTold) -> None:
    """Let the outcome that stands under an entry be an earlier one."""
    entry = state["entries"][said.entry]
    if said.number_before:
        state["earlier"][said.entry, said.number_before] = {
            **{"text": entry["outcome"], "until": said.told_at},
            **{"is_outcome": True, "result": entry["result"], "by_id": entry["outcome_by_id"]},
        }


@hears_of(events.EntriesTakenOut)
def _(state: State, room: int, said: events.EntriesTakenOut) -> None:
    for entry in said.entries:
        del state["entries"][entry]


@hears_of(events.EntryHelped)
def _(state: State, room: int, said: events.EntryHelped) -> None:
    state["helped"][said.entry, said.person] = {"at": said.helped_at}


@hears_of(events.HelpedTakenBack)
def _(state: State, room: int, said: events.HelpedTakenBack) -> None:
    del state["helped"][said.entry, said.person]


@hears_of(events.EntryRisky)
def _(state: State, room: int, said: events.EntryRisky) -> None:
    state["entries"][said.entry].update(risky_at=said.marked_at, risky_by_id=said.person)


@hears_of(events.RiskOver)
def _(state: State, room: int, said: events.RiskOver) -> None:
    state["entries"][said.entry].update(risky_at=None, risky_by_id=None)


@hears_of(events.PageFollowed)
def _(state: State, room: int, said: events.PageFollowed) -> None:
    state["pages"][said.page] = {"in": room}


@hears_of(events.FileAttached)
def _(state: State, room: int, said: events.FileAttached) -> None:
    own = {"pk": said.attachment, "entry_id": said.entry}
    state["attachments"][said.attachment] = {**said.model_dump(exclude={"attachment", "entry"}), **own}


@hears_of(events.AskHandedBack)
def _(state: State, room: int, said: events.AskHandedBack) -> None:
    again = {"taken_by_id": None, "taken_at": None, "ask_state": "waiting", "ping_at": said.ping_at}
    state["entries"][said.entry].update(again)


@hears_of(events.UpdateDue)
def _(state: State, room: int, said: events.UpdateDue) -> None:
    state["incidents"][room]["update_reminded_at"] = said.reminded_at


@hears_of(events.ToolLost)
def _(state: State, room: int, said: events.ToolLost) -> None:
    own = {"pk": said.tool, "incident_id": said.incident, "service_id": said.service, "lost_by_id": said.person}
    back = {"back_by_id": None, "back_at": None}
    state["tools"][said.tool] = {**own, "name": said.name, "lost_at": said.lost_at, **back}


@hears_of(events.ToolMissed)
def _(state: State, room: int, said: events.ToolMissed) -> None:
    state["missed"][said.tool, said.person] = {"at": said.missed_at}


@hears_of(events.ToolBack)
def _(state: State, room: int, said: events.ToolBack) -> None:
    state["tools"][said.tool].update(back_by_id=said.person, back_at=said.back_at)


@hears_of(events.HeadsUpAddressMade)
def _(state: State, room: int, said: events.HeadsUpAddressMade) -> None:
    state["addresses"][said.address] = {"pk": said.address, "person_id": said.person, "made_at": said.made_at}


@hears_of(events.HeadsUpAddressEnded)
def _(state: State, room: int, said: events.HeadsUpAddressEnded) -> None:
    del state["addresses"][said.address]


@hears_of(events.GroupTakenOut)
def _(state: State, room: int, said: events.GroupTakenOut) -> None:
    del state["groups"][said.group]


@hears_of(events.PageTakenOut)
def _(state: State, room: int, said: events.PageTakenOut) -> None:
    del state["pages"][said.page]


@hears_of(events.HelpOffered)
def _(state: State, room: int, said: events.HelpOffered) -> None:
    state["offers"][room, said.person] = {"words": said.words, "until": said.until}


@hears_of(events.OfferTakenBack)
def _(state: State, room: int, said: events.OfferTakenBack) -> None:
    del state["offers"][room, said.person]


@hears_of(events.SaidAbout)
def _(state: State, room: int, said: events.SaidAbout) -> None:
    services(state, room, said.services, [])


@hears_of(events.IncidentTurned)
def _(state: State, room: int, said: events.IncidentTurned) -> None:
    state["incidents"][room].update(kind=said.incident_kind, kept=said.kept)


@hears_of(events.IncidentsRelated)
def _(state: State, room: int, said: events.IncidentsRelated) -> None:
    state["related"][said.one, said.other] = {"words": said.words, "by": said.person, "at": said.at}


@hears_of(events.IncidentsUnrelated)
def _(state: State, room: int, said: events.IncidentsUnrelated) -> None:
    del state["related"][said.one, said.other]


@hears_of(events.ChecklistChanged)
def _(state: State, room: int, said: events.ChecklistChanged) -> None:
    state["checklists"].pop(said.role, None)
    if said.items:
        state["checklists"][said.role] = {"items": said.items}


@hears_of(events.ItemTicked)
def _(state: State, room: int, said: events.ItemTicked) -> None:
    state["ticks"][room, said.role, said.item] = {"by": said.person, "at": said.ticked_at}


@hears_of(events.ItemUnticked)
def _(state: State, room: int, said: events.ItemUnticked) -> None:
    del state["ticks"][room, said.role, said.item]


@hears_of(events.SeverityCalled)
def _(state: State, room: int, said: events.SeverityCalled) -> None:
    state["severities"].pop(said.severity, None)
    if said.words:
        state["severities"][said.severity] = {"words": said.words}


@hears_of(events.TaskAdded)
def _(state: State, room: int, said: events.TaskAdded) -> None:
    own = {"pk": said.task, "incident_id": said.incident, "owner_id": said.owner, "made_by_id": said.made_by}
    given = said.model_dump(include={"key", "text", "due_at", "made_at"})
    state["tasks"][said.task] = {**own, **given, "state": "open", "words": "", "ended_by_id": None, "ended_at": None}


@hears_of(events.TaskOwned)
def _(state: State, room: int, said: events.TaskOwned) -> None:
    state["tasks"][said.task]["owner_id"] = said.owner


@hears_of(events.TaskChanged)
def _(state: State, room: int, said: events.TaskChanged) -> None:
    state["tasks"][said.task].update(text=said.text, due_at=said.due_at)


@hears_of(events.TaskEnded)
def _(state: State, room: int, said: events.TaskEnded) -> None:
    ended = {"state": said.state, "words": said.words, "ended_by_id": said.person, "ended_at": said.ended_at}
    state["tasks"][said.task].update(ended)


@hears_of(events.TaskReopened)
def _(state: State, room: int, said: events.TaskReopened) -> None:
    state["tasks"][said.task].update(state="open", words="", ended_by_id=None, ended_at=None)


@hears_of(events.RoleTaken)
def _(state: State, room: int, said: events.RoleTaken) -> None:
    state["incidents"][room][f"{said.role}_id"] = said.person


@hears_of(events.ScriptChanged)
def _(state: State, room: int, said: events.ScriptChanged) -> None:
    state["scripts"].pop((said.moment, said.team), None)
    if said.words:
        state["scripts"][said.moment, said.team] = {
            "words": said.words,
            "title": said.title,
            "place": said.place,
        }


@hears_of(events.MadePrivate)
def _(state: State, room: int, said: events.MadePrivate) -> None:
    state["incidents"][room].update(is_private=True, listed_why=said.why)


@hears_of(events.OpenedUp)
def _(state: State, room: int, said: events.OpenedUp) -> None:
    state["incidents"][room].update(is_private=False, listed_why="")
    state["listed"] = {pk: row for pk, row in state["listed"].items() if row["incident_id"] != room}


@hears_of(events.PutOnList)
def _(state: State, room: int, said: events.PutOnList) -> None:
    own = {"pk": said.listed, "incident_id": room, "at": said.listed_at, "why": said.why, "how": said.how}
    state["listed"][said.listed] = {**own, "person_id": said.person, "team_id": said.team, "by_id": said.by}


@hears_of(events.TakenOffList)
def _(state: State, room: int, said: events.TakenOffList) -> None:
    del state["listed"][said.listed]


def move(state: State, moved: Mapping[str, list[int]], source: int, target: int) -> None:
    """Let what went from one room to another be there in a copy, too."""
    for kind in ("entries", "tasks", "tools", "heads_ups"):
        for pk in moved.get(kind, ()):
            state[kind][pk]["incident_id"] = target
    for pk in moved.get("entries", ()):
        came = state["entries"][pk]["came_from_id"]
        state["entries"][pk]["came_from_id"] = None if came == target else came or source
    for kind in ("groups", "pages"):
        for pk in moved.get(kind, ()):
            state[kind][pk]["in"] = target
    for person in moved.get("responders", ()):
        if (source, person) in state["offers"]:
            state["offers"][target, person] = state["offers"].pop((source, person))
        state["here"][target, person] = {**state["here"].pop((source, person)), "incident_id": target}


def keys(state: State, new: Mapping[str, str]) -> None:
    """Let rows have other keys."""
    for name, key in new.items():
        kind, _, pk = name.partition(":")
        state[kind][int(pk)]["key"] = key


def services(state: State, room: int, more: list[int], less: list[int]) -> None:
    """Let a room be about more services, or about less."""
    own = state["incidents"][room]["services"]
    state["incidents"][room]["services"] = sorted({*own, *more} - {*less})  # type: ignore[misc]  # a list


@hears_of(events.IncidentMerged)
def _(state: State, room: int, said: events.IncidentMerged) -> None:
    move(state, said.moved, said.source, said.into)
    keys(state, said.keys)
    services(state, said.into, said.services, [])
    closed = {"state": "closed", "closed_at": said.merged_at, "closing_words": said.closing_words}
    state["incidents"][said.source].update(closed, merged_into_id=said.into, next_update_at=None)


@hears_of(events.MergeUndone)
def _(state: State, room: int, said: events.MergeUndone) -> None:
    move(state, said.moved, said.into, said.source)
    keys(state, said.keys)
    services(state, said.into, [], said.services)
    state["incidents"][said.source].update(state="open", closed_at=None, closing_words="", merged_into_id=None)


@hears_of(events.IncidentSplit)
def _(state: State, room: int, said: events.IncidentSplit) -> None:
    move(state, said.moved, said.source, said.into)
    services(state, said.source, [], said.services)
