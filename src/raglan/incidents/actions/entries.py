"""Entries of a room's timeline."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.db import Prepared, atomic
from raglan.core.errors import BadInput
from raglan.core.keys import key_of
from raglan.incidents import events, queries
from raglan.incidents.actions.attachments import Upload, hang
from raglan.incidents.actions.holding import open_room
from raglan.incidents.actions.presence import be_here, room_and_now
from raglan.incidents.alike import are_alike
from raglan.incidents.models import Alike, EarlierText, Entry, Incident
from raglan.oncall import queries as oncall
from raglan.paging import queries as paging
from raglan.paging.plan import Target
from raglan.people.models import Person, Team

PING = "incidents.ping"
PING_AFTER = timedelta(minutes=5)
PING_WITHIN = (timedelta(minutes=1), timedelta(days=1))
MAX_TOPIC = 80
PINGED = (Entry.Kind.ASK, Entry.Kind.STUCK)
MAX_TEXT = 20_000
LONG_LEAD = 2_000
WAITS = (Entry.Kind.ASK, Entry.Kind.VERIFY, Entry.Kind.DOING, Entry.Kind.STUCK)
SAME_WITHIN = timedelta(minutes=2)


class PagesNobody(BadInput):
    """An ask would page a team that nobody is in."""

    def __init__(self, field: str, team: Team) -> None:
        why = f"nobody is in {team.name}, so that nobody would be paged; ask a person, or another team"
        super().__init__(field, why, status=422)


@dataclass(frozen=True, slots=True)
class IfNobody:
    """What happens when nobody takes an ask for so long: a person or a team is paged; with neither, nothing more."""

    after: timedelta = PING_AFTER
    person: Person | None = None
    team: Team | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody posts to a room. The same key posts once.

    Where nothing is said about it, an ask that nobody takes pages the team or the person that it was put to.
    """

    kind: Entry.Kind
    text: str
    key: str = ""
    to_team: Team | None = None
    author_words: str = ""
    link: str = ""
    files: Sequence[Upload] = ()
    to_person: Person | None = None
    to_topic: str = ""
    if_nobody: IfNobody | None = None


def whole(said: Said) -> Said:
    """Return what is said, a text that is too long for an entry as a file beside its first lines: nothing is cut."""
    text = said.text.strip()
    if len(text) <= MAX_TEXT:
        return said
    kept = text[:LONG_LEAD].rpartition("\n")[0] or text[:LONG_LEAD]
    pasted = Upload("pasted.txt", text.encode())
    return replace(said, text=f"{kept}\n… all {len(text):,} characters are in the file.", files=[*said.files, pasted])


@atomic
def post(incident: Incident, said: Said, *, by: Person | None, at: datetime | None = None) -> Entry:
    """Post an entry, as of when it was written.

    The same key posts once and returns what is there. Raises BadInput, Conflict.
    """
    key = key_of(said.key)
    if found := _by_key.first(incident.pk, key):
        return found
    text = _words(said)
    if not text:
        raise BadInput("text", "write a few words")
    if len(text) > MAX_TEXT:
        raise BadInput("text", f"is longer than {MAX_TEXT} characters", status=422)
    incident = open_room(incident)
    otherwise = _otherwise(said)
    is_pinged = bool(otherwise.person or otherwise.team)
    if found := _by_key.first(incident.pk, key):  # by another who held the room, or the one that this was merged into
        return found
    _check_somebody(otherwise, "if_nobody" if said.if_nobody else "to_team")
    entry = Entry.objects.create(
        incident=incident,
        key=key,
        kind=said.kind,
        text=text,
        author=by,
        author_words=said.author_words[:80],
        at=at or now(),
        service_state=incident.service_state,
        ask_state=Entry.AskState.WAITING if said.kind in WAITS else Entry.AskState.NONE,
        to_team=said.to_team,
        to_person=said.to_person,
        to_topic=_topic(said),
        ping_at=now() + otherwise.after if is_pinged else None,
        ping_after_s=int(otherwise.after.total_seconds()) if is_pinged else 0,
        ping_person=otherwise.person,
        ping_team=otherwise.team,
        link=said.link[:300],
    )
    _follow_up(entry, by)
    hang(entry, said.files, by=by)
    return entry


@atomic
def add_files(entry: Entry, files: Sequence[Upload], *, by: Person) -> None:
    """Hang those files at an entry that were added while it was on its way. Raises BadInput, NoRoom, Conflict."""
    held = set(entry.attachments.values_list("digest", flat=True)) if files else set()
    if any(one.digest not in held for one in files):
        open_room(entry.incident)
        hang(entry, files, by=by)


def stands_as(entry: Entry, said: Said, *, by: Person | None) -> bool:
    """Say whether an entry is what somebody says under its key, to the same, or was that before it was corrected."""
    text = _words(said)
    if (entry.author_id, entry.kind) != (by and by.pk, said.kind):
        return False
    if said.kind in PINGED and not _asks_the_same(entry, said):
        return False
    return entry.text == text or entry.earlier.filter(text=text, is_outcome=False).exists()


def _asks_the_same(entry: Entry, said: Said) -> bool:
    otherwise, nobody = _otherwise(said), IfNobody(person=None, team=None)
    is_pinged = bool(otherwise.person or otherwise.team)
    whom = (said.to_team, said.to_person, _topic(said), otherwise if is_pinged else nobody)
    after = timedelta(seconds=entry.ping_after_s)
    pings = IfNobody(after, entry.ping_person, entry.ping_team) if entry.ping_after_s else nobody
    return whom == (entry.to_team, entry.to_person, entry.to_topic, pings)


def _topic(said: Said) -> str:
    return " ".join(said.to_topic.split())[:MAX_TOPIC]


def _words(said: Said) -> str:
    """Return the words of an entry; files alone are named."""
    return said.text.strip() or ", ".join(upload.name for upload in said.files)[:300].strip()


_by_key = Prepared(lambda incident, key: Entry.objects.filter(incident=incident, key=key))


def _otherwise(said: Said) -> IfNobody:
    """Return what happens when nobody takes what is said. Raises BadInput."""
    if said.kind not in PINGED:
        return IfNobody()
    chosen = said.if_nobody or IfNobody(person=said.to_person, team=None if said.to_person else said.to_team)
    if not PING_WITHIN[0] <= chosen.after <= PING_WITHIN[1]:
        raise BadInput("if_nobody", "must be from a minute to a day", status=422)
    return chosen


def _check_somebody(otherwise: IfNobody, field: str) -> None:
    """See that the team which is to be paged has somebody in it, or somebody on call by then. Raises PagesNobody."""
    team = None if otherwise.person else otherwise.team
    if team is None or paging.whom((Target("team", team.pk),), now()):
        return
    if not any(oncall.people_for_teams([team.pk], at) for at in (now(), now() + otherwise.after)):
        raise PagesNobody(field, team)


def _follow_up(entry: Entry, by: Person | None) -> None:
    if entry.ping_at:
        timers.schedule(PING, subject=timeline.ref(entry), due_at=entry.ping_at)
    if by is not None:
        be_here(entry.incident, by=by)
    posted = events.EntryPosted(
        entry=entry.pk,
        incident=entry.incident_id,
        entry_kind=entry.kind,
        key=entry.key,
        text=entry.text,
        author=entry.author_id,
        author_words=entry.author_words,
        written_at=entry.at,
        service_state=entry.service_state,
        ask_state=entry.ask_state,
        to_team=entry.to_team_id,
        to_person=entry.to_person_id,
        to_topic=entry.to_topic,
        ping_at=entry.ping_at,
        ping_after_s=entry.ping_after_s,
        ping_person=entry.ping_person_id,
        ping_team=entry.ping_team_id,
        link=entry.link,
    )
    timeline.append(posted, actor=by or timeline.SYSTEM, about=room_and_now(entry.incident, entry))
    if entry.kind == Entry.Kind.DOING:
        _tell_each_other(entry)


def _tell_each_other(entry: Entry) -> None:
    """Let people who announce the same act within two minutes know of each other; nobody is held up."""
    for other in queries.said_lately(entry, within=SAME_WITHIN):
        if not are_alike(entry.text, other.text):
            continue
        for one, two in ((entry, other), (other, entry)):
            if Alike.objects.get_or_create(entry=one, other=two)[1]:
                said = events.SameSaid(entry=one.pk, other=two.pk)
                timeline.append(said, about=[one.incident, one])


@atomic
def tell_outcome(entry: Entry, text: str, *, by: Person, result: str = "") -> Entry:
    """Hang what happened under an intention or an ask; that closes it. What was told there before stays readable.

    The same from the same person counts once. Raises BadInput, Conflict.
    """
    text = text.strip() or Entry.Result(_checked(result)).label if result else text.strip()
    if not text:
        raise BadInput("text", "say in a few words what happened")
    open_room(entry.incident)
    entry = Entry.objects.select_for_update(no_key=True, of=("self",)).select_related("incident").get(pk=entry.pk)
    if (entry.outcome, entry.result, entry.outcome_by_id) == (text[:MAX_TEXT], result, by.pk):
        return entry
    at = now()
    kept = _keep_outcome(entry, at)
    entry.outcome, entry.result = text[:MAX_TEXT], _checked(result)
    entry.outcome_by, entry.outcome_at = by, at
    entry.ask_state = Entry.AskState.ANSWERED if entry.kind in WAITS else entry.ask_state
    entry.ping_at = None
    entry.save(update_fields=["outcome", "result", "outcome_by", "outcome_at", "ask_state", "ping_at"])
    timers.cancel(PING, subject=timeline.ref(entry))
    told = events.OutcomeTold(
        entry=entry.pk,
        person=by.pk,
        text=entry.outcome,
        result=entry.result,
        ask_state=entry.ask_state,
        told_at=entry.outcome_at,
        number_before=kept,
    )
    timeline.append(told, actor=by, about=room_and_now(entry.incident, entry))
    return entry


def _keep_outcome(entry: Entry, at: datetime) -> int:
    """Keep the outcome that stands under an entry, before another one does; return its number, 0 where none stands."""
    if not entry.outcome:
        return 0
    kept = EarlierText.objects.create(
        entry=entry,
        number=entry.earlier.count() + 1,
        text=entry.outcome,
        until=at,
        is_outcome=True,
        result=entry.result,
        by_id=entry.outcome_by_id,
    )
    return kept.number


def _checked(result: str) -> str:
    if result and result not in Entry.Result.values:
        raise BadInput("result", f"must be one of {', '.join(Entry.Result.values)}", status=422)
    return result
