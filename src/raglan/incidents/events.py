"""Kinds of events that incidents append."""

from datetime import datetime

from raglan.core.timeline import EventPayload


class IncidentDeclared(EventPayload):
    """People began to coordinate."""

    kind = "incident.declared"
    title: str
    severity: str
    services: list[int]
    state_words: str
    declared_by: int | None
    declared_at: datetime


class IncidentRenamed(EventPayload):
    """An incident has another title or severity, or both; what was before is told too."""

    kind = "incident.renamed"
    title: str
    severity: str
    title_before: str = ""
    severity_before: str = ""


class SaidAbout(EventPayload):
    """Somebody said which services an open incident is about, too."""

    kind = "incident.about"
    services: list[int]
    person: int


class IncidentTurned(EventPayload):
    """An incident is called a near miss, with what kept it from being worse, or an incident after all."""

    kind = "incident.turned"
    incident_kind: str
    kept: str


class IncidentsRelated(EventPayload):
    """Two incidents have to do with each other; `one` is the older."""

    kind = "incident.related"
    one: int
    other: int
    words: str
    person: int
    at: datetime


class IncidentsUnrelated(EventPayload):
    """Two incidents have nothing to do with each other after all."""

    kind = "incident.unrelated"
    one: int
    other: int


class EntryPosted(EventPayload):
    """Something was said in the room, as of when it was written."""

    kind = "entry.posted"
    entry: int
    incident: int
    entry_kind: str
    key: str
    text: str
    author: int | None
    author_words: str
    written_at: datetime
    service_state: str
    ask_state: str
    to_team: int | None
    to_person: int | None = None
    to_topic: str = ""
    ping_at: datetime | None
    ping_after_s: int = 0
    ping_person: int | None = None
    ping_team: int | None = None
    link: str


class OutcomeTold(EventPayload):
    """What happened after an intention, or what was learnt from an ask, hangs under it."""

    kind = "entry.outcome"
    entry: int
    person: int
    text: str
    result: str
    ask_state: str
    told_at: datetime
    number_before: int = 0  # of the earlier text as which the outcome that stood there is kept; none stood there if 0


class SameSaid(EventPayload):
    """Two people said within two minutes that they are doing the same; each is told of the other."""

    kind = "entry.alike"
    entry: int
    other: int


class EntryCorrected(EventPayload):
    """Whoever wrote an entry corrected it; what it said before stays readable."""

    kind = "entry.corrected"
    entry: int
    text: str
    before: str
    number: int
    corrected_at: datetime


class EntriesTakenOut(EventPayload):
    """Entries that were brought in from elsewhere were taken out again; what they said stays in the record."""

    kind = "entry.taken_out"
    entries: list[int]
    person: int


class EntryHelped(EventPayload):
    """An entry helped somebody who did not write it."""

    kind = "entry.helped"
    entry: int
    person: int
    helped_at: datetime


class HelpedTakenBack(EventPayload):
    """Somebody took back that an entry helped."""

    kind = "entry.helped_back"
    entry: int
    person: int


class EntryRisky(EventPayload):
    """Somebody marked an entry as risky now: whoever comes late is told of it first."""

    kind = "entry.risky"
    entry: int
    person: int
    marked_at: datetime


class RiskOver(EventPayload):
    """Somebody said that what an entry says is not risky any more."""

    kind = "entry.risk_over"
    entry: int
    person: int


class FileAttached(EventPayload):
    """A picture or file hangs at an entry; its bytes are kept beside, not here."""

    kind = "entry.attached"
    attachment: int
    entry: int
    name: str
    content_type: str
    size: int
    width: int
    height: int
    digest: str


class AskTaken(EventPayload):
    """Somebody can help."""

    kind = "ask.taken"
    entry: int
    person: int
    taken_at: datetime


class AskPinged(EventPayload):
    """Nobody took an ask in time, so that somebody is paged, as the room said."""

    kind = "ask.pinged"
    entry: int
    page: int
    pinged_at: datetime | None = None


class AskHandedBack(EventPayload):
    """Whoever took an ask can not do it after all; it waits again."""

    kind = "ask.handed_back"
    entry: int
    person: int
    ping_at: datetime | None


class AskClosed(EventPayload):
    """An ask, a verification or an intention waits no more."""

    kind = "ask.closed"
    entry: int


class VerificationAnswered(EventPayload):
    """One more answer to a verification."""

    kind = "verification.answered"
    entry: int
    person: int
    side: str
    text: str
    answered_at: datetime


class StandingWritten(EventPayload):
    """Where it stands was written anew; the whole text is kept here, so that earlier ones stay readable."""

    kind = "incident.standing"
    summary: str
    know: list[str]
    trying: list[str]
    unknown: list[str]
    service_state: str
    state_words: str
    version: int
    person: int
    written_at: datetime
    next_update_at: datetime | None


class UpdateDue(EventPayload):
    """The time of a promised update has come; whoever leads is reminded, and the room only later."""

    kind = "incident.update_due"
    version: int
    person: int | None
    reminded_at: datetime


class ResponderHere(EventPayload):
    """A person joined the room, or says what they are on."""

    kind = "incident.here"
    person: int
    doing: str
    joined_at: datetime


class ResponderLeft(EventPayload):
    """A person left the room."""

    kind = "incident.left"
    person: int
    left_at: datetime


class HelpOffered(EventPayload):
    """Somebody in a room said what they can be asked, until when; it ends when they leave, and with the room."""

    kind = "incident.help_offered"
    person: int
    words: str
    until: datetime


class OfferTakenBack(EventPayload):
    """Somebody can not be asked any more for what they had offered."""

    kind = "incident.offer_back"
    person: int


class LeadTaken(EventPayload):
    """A person leads."""

    kind = "incident.lead"
    person: int
    note: str = ""


class RoleTaken(EventPayload):
    """A person has another role in the room, or nobody has it any more."""

    kind = "incident.role"
    role: str
    person: int | None
    note: str


class AvailabilityChanged(EventPayload):
    """Somebody said whether they can come, or it is over. Who and what is recorded nowhere."""

    kind = "availability.changed"


class GroupsJoined(EventPayload):
    """Alert groups now belong to the incident."""

    kind = "incident.alerts_joined"
    groups: list[int]
    joined_at: datetime


class PageFollowed(EventPayload):
    """The room tells from now on what becomes of a page."""

    kind = "incident.page_followed"
    page: int


class GroupTakenOut(EventPayload):
    """An alert group does not belong to the incident any more."""

    kind = "incident.alerts_taken_out"
    group: int


class PageTakenOut(EventPayload):
    """The room does not tell any more what becomes of a page."""

    kind = "incident.page_taken_out"
    page: int


class HeadsUpGiven(EventPayload):
    """A heads-up: I think I broke something, before the pager says so."""

    kind = "headsup.given"
    heads_up: int
    incident: int
    person: int | None
    text: str
    did: str
    saw: str
    reach: str
    need: str
    services: list[int]
    given_at: datetime
    key: str = ""
    author_words: str = ""


class HeadsUpAddressMade(EventPayload):
    """Somebody has an address for heads-ups by mail, in place of an earlier one."""

    kind = "headsup.address_made"
    address: int
    person: int
    made_at: datetime


class HeadsUpAddressEnded(EventPayload):
    """Somebody's address for heads-ups by mail works no more."""

    kind = "headsup.address_ended"
    address: int
    person: int


class HeadsUpNudged(EventPayload):
    """Whoever is on call is told of a heads-up."""

    kind = "headsup.nudged"
    heads_up: int
    page: int


class HeadsUpThanked(EventPayload):
    """Whoever gave a heads-up was thanked for it."""

    kind = "headsup.thanked"
    heads_up: int
    thanked_at: datetime


class ThanksChanged(EventPayload):
    """Heads-ups are thanked with other words from now on."""

    kind = "headsup.thanks_changed"
    thanks: int
    words: str


class IncidentStoodDown(EventPayload):
    """People stopped to coordinate."""

    kind = "incident.stood_down"
    words: str
    closed_at: datetime


class IncidentReopened(EventPayload):
    """Coordination goes on."""

    kind = "incident.reopened"
    why: str


class ToolLost(EventPayload):
    """A tool is not reachable for somebody in the room."""

    kind = "tool.lost"
    tool: int
    incident: int
    name: str
    service: int | None
    person: int
    lost_at: datetime


class ToolMissed(EventPayload):
    """It is not reachable for one more person."""

    kind = "tool.missed"
    tool: int
    person: int
    missed_at: datetime


class ToolBack(EventPayload):
    """A lost tool answers again."""

    kind = "tool.back"
    tool: int
    person: int
    back_at: datetime


class ChecklistChanged(EventPayload):
    """Whoever has a role looks after other things from now on; none: raglan's own list."""

    kind = "checklist.changed"
    role: str
    items: list[str]


class ItemTicked(EventPayload):
    """One thing of a role's list is looked after."""

    kind = "checklist.ticked"
    role: str
    item: str
    person: int
    ticked_at: datetime


class ItemUnticked(EventPayload):
    """A tick was taken back."""

    kind = "checklist.unticked"
    role: str
    item: str


class SeverityCalled(EventPayload):
    """A severity is called otherwise here from now on; no words: raglan's own."""

    kind = "severity.called"
    severity: str
    words: str


class TaskAdded(EventPayload):
    """Something to do was written down in a room."""

    kind = "task.added"
    task: int
    incident: int
    key: str
    text: str
    owner: int | None
    due_at: datetime | None
    made_by: int
    made_at: datetime


class TaskOwned(EventPayload):
    """Somebody has a task now, or nobody has it any more."""

    kind = "task.owned"
    task: int
    owner: int | None


class TaskChanged(EventPayload):
    """A task has other words, or another time until which it is wanted."""

    kind = "task.changed"
    task: int
    text: str
    due_at: datetime | None


class TaskEnded(EventPayload):
    """A task is done, or dropped with the reason."""

    kind = "task.ended"
    task: int
    state: str
    words: str
    person: int
    ended_at: datetime


class TaskReopened(EventPayload):
    """A task that was ended is open again."""

    kind = "task.reopened"
    task: int


class TaskDue(EventPayload):
    """A task is due; whoever has it is reminded, else whoever wrote it down. Once for each time that is set.

    When they may not know of its incident, the lead is reminded; nobody, when there is none.
    """

    kind = "task.due"
    task: int
    due_at: datetime
    person: int | None


class ScriptChanged(EventPayload):
    """Other words are proposed for a moment from now on; none: raglan's own."""

    kind = "script.changed"
    moment: str
    words: str
    team: int | None = None  # whose words they are; everybody's without one
    title: str = ""  # of a moment that a team has besides raglan's own
    place: str = "room"  # beside which such a moment stands


class MadePrivate(EventPayload):
    """From now on only people on a list know of the incident."""

    kind = "incident.made_private"
    why: str


class OpenedUp(EventPayload):
    """The incident is private no more; its list is gone."""

    kind = "incident.opened_up"
    why: str


class PutOnList(EventPayload):
    """A person or a team sees a private incident from now on; `how` says for which reason, an exception among them."""

    kind = "incident.listed"
    listed: int
    person: int | None
    team: int | None
    how: str
    why: str
    by: int | None
    listed_at: datetime


class TakenOffList(EventPayload):
    """A person or a team sees a private incident no more."""

    kind = "incident.unlisted"
    listed: int
    person: int | None
    team: int | None
    why: str


class IncidentMerged(EventPayload):
    """An incident is closed, and goes on in another one, with all that belongs to it.

    `moved` has the ids of what went there by kind, `keys` the new keys of what had the key of something there, and
    `services` those that the other one was not about before.
    """

    kind = "incident.merged"
    move: int
    source: int
    into: int
    key: str
    moved: dict[str, list[int]]
    keys: dict[str, str]
    services: list[int]
    closing_words: str
    person: int
    merged_at: datetime


class MergeUndone(EventPayload):
    """What an incident brought into another one went back, and it is open again.

    `keys` has the keys that changed by it: most of them are those from before the merge.
    """

    kind = "incident.unmerged"
    move: int
    source: int
    into: int
    moved: dict[str, list[int]]
    keys: dict[str, str] = {}
    services: list[int]
    undone_at: datetime


class IncidentSplit(EventPayload):
    """Some of what belonged to an incident goes on in a new one."""

    kind = "incident.split"
    move: int
    source: int
    into: int
    key: str
    moved: dict[str, list[int]]
    services: list[int]
    person: int
    split_at: datetime
