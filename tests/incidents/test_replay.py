"""Events of incidents are enough: told to an older copy of the state, they give the stored one."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from raglan.alerts.models import AlertGroup
from raglan.core import timeline
from raglan.core.clock import now
from raglan.incidents import actions, checklists, events
from raglan.incidents.actions import Said, Standing, Upload, Warned
from raglan.incidents.models import (
    Alike,
    Answer,
    Attachment,
    Checklist,
    EarlierText,
    Entry,
    HeadsUp,
    HeadsUpAddress,
    Helped,
    Incident,
    IncidentGroup,
    IncidentPage,
    Listed,
    LostTool,
    Missed,
    Related,
    Responder,
    Script,
    SeverityWords,
    Task,
    Thanks,
    Tick,
)
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import replay, world
from tests.incidents import retold

INCIDENT = (
    *("title", "state", "severity", "service_state", "state_words", "declared_by_id", "lead_id", "declared_at"),
    *("scribe_id", "kind", "kept", "is_private", "listed_why", "merged_into_id"),
    *("closed_at", "closing_words", "summary", "know", "trying", "unknown", "standing_at", "standing_by_id"),
    *("standing_version", "next_update_at", "update_reminded_at"),
)
ENTRY = (
    *("incident_id", "key", "kind", "text", "author_id", "author_words", "at", "service_state", "ask_state"),
    *("to_person_id", "to_topic", "ping_after_s", "ping_person_id", "ping_team_id", "pinged_at"),
    *("to_team_id", "taken_by_id", "taken_at", "outcome", "result", "outcome_by_id", "outcome_at", "ping_at", "link"),
    *("corrected_at", "came_from_id", "risky_at", "risky_by_id"),
)
HEADS_UP = ("incident_id", "person_id", "text", "did", "saw", "reach", "need", "page_id", "at", "thanked_at", "key")
LISTED = ("incident_id", "person_id", "team_id", "how", "why", "by_id", "at")
LOST_TOOL = ("incident_id", "name", "service_id", "lost_by_id", "lost_at", "back_by_id", "back_at")
TASK = (
    *("incident_id", "key", "text", "state", "owner_id", "due_at", "made_by_id", "made_at", "words", "ended_by_id"),
    "ended_at",
)
ATTACHMENT = ("entry_id", "name", "content_type", "size", "width", "height", "digest")
Kind = Entry.Kind


def stored() -> replay.State:
    incidents = replay.rows(Incident, INCIDENT)
    for incident in Incident.objects.all():
        incidents[incident.pk]["services"] = sorted(incident.services.values_list("pk", flat=True))
    heads_ups = replay.rows(HeadsUp, HEADS_UP)
    for heads_up in HeadsUp.objects.all():
        heads_ups[heads_up.pk]["services"] = sorted(heads_up.services.values_list("pk", flat=True))
    here = Responder.objects.values("incident_id", "person_id", "doing", "joined_at", "left_at")
    answers = Answer.objects.values("entry_id", "person_id", "side", "text", "at")
    return {
        "incidents": incidents,
        "entries": replay.rows(Entry, ENTRY),
        "heads_ups": heads_ups,
        "thanks": replay.rows(Thanks, ("words",)),
        "addresses": replay.rows(HeadsUpAddress, ("person_id", "made_at")),
        "listed": replay.rows(Listed, LISTED),
        "here": {(row["incident_id"], row["person_id"]): dict(row) for row in here},
        "offers": {
            (row.incident_id, row.person_id): {"words": row.offer, "until": row.offer_until}
            for row in Responder.objects.exclude(offer="")
        },
        "answers": {(row["entry_id"], row["person_id"]): dict(row) for row in answers},
        "earlier": {
            (row.entry_id, row.number): {
                **{"text": row.text, "until": row.until},
                **{"is_outcome": row.is_outcome, "result": row.result, "by_id": row.by_id},
            }
            for row in EarlierText.objects.all()
        },
        "attachments": replay.rows(Attachment, ATTACHMENT),
        "scripts": {
            (row.moment, row.team_id): {"words": row.words, "title": row.title, "place": row.place}
            for row in Script.objects.all()
        },
        "severities": {row.severity: {"words": row.words} for row in SeverityWords.objects.all()},
        "related": {
            (row.incident_id, row.other_id): {"words": row.words, "by": row.by_id, "at": row.at}
            for row in Related.objects.all()
        },
        "checklists": {row.role: {"items": row.items} for row in Checklist.objects.all()},
        "ticks": {(row.incident_id, row.role, row.item): {"by": row.by_id, "at": row.at} for row in Tick.objects.all()},
        "tools": replay.rows(LostTool, LOST_TOOL),
        "tasks": replay.rows(Task, TASK),
        "missed": {(row.tool_id, row.person_id): {"at": row.at} for row in Missed.objects.all()},
        "helped": {(row.entry_id, row.person_id): {"at": row.at} for row in Helped.objects.all()},
        "alikes": {(row.entry_id, row.other_id): {"other": row.other_id} for row in Alike.objects.all()},
        "groups": {row.group_id: {"in": row.incident_id, "at": row.joined_at} for row in IncidentGroup.objects.all()},
        "pages": {row.page_id: {"in": row.incident_id} for row in IncidentPage.objects.all()},
    }


def tell(  # noqa: C901 -- one case for each kind of event
    state: replay.State, event: timeline.Happened, said: timeline.EventPayload
) -> None:
    """Let a copy of the state hear of one event."""
    room = next((int(name[9:]) for name in event.subjects if name.startswith("incident:")), 0)
    match said:
        case events.EntryPosted():
            posted(state, said)
        case events.OutcomeTold():
            retold.keep_outcome(state, said)
            told = {
                "outcome": said.text,
                "result": said.result,
                "outcome_by_id": said.person,
                "outcome_at": said.told_at,
            }
            state["entries"][said.entry].update(
                {**told, "result": said.result, "ask_state": said.ask_state, "ping_at": None}
            )
        case events.SameSaid():
            state["alikes"][said.entry, said.other] = {"other": said.other}
        case events.AskTaken():
            taken = {"taken_by_id": said.person, "taken_at": said.taken_at, "ping_at": None}
            state["entries"][said.entry].update({**taken, "ask_state": "taken"})
        case events.AskClosed():
            state["entries"][said.entry].update(ask_state="answered", ping_at=None)
        case events.AskPinged():
            state["entries"][said.entry].update(ping_at=None, pinged_at=said.pinged_at)
        case events.VerificationAnswered():
            own: replay.Row = {"entry_id": said.entry, "person_id": said.person}
            given = {"side": said.side, "text": said.text, "at": said.answered_at}
            state["answers"][said.entry, said.person] = {**own, **given}
        case events.HeadsUpGiven() | events.HeadsUpNudged() | events.HeadsUpThanked():
            tell_of_heads_up(state, said)
        case events.ThanksChanged():
            state["thanks"][said.thanks] = {"pk": said.thanks, "words": said.words}
        case events.GroupsJoined():
            state["groups"].update({pk: {"in": room, "at": said.joined_at} for pk in said.groups})
        case _:
            if not retold.tell(state, room, said):
                tell_of_room(state, room, said)


def posted(state: replay.State, said: events.EntryPosted) -> None:
    same = {"key", "text", "author_words", "service_state", "ask_state", "ping_at", "link", "to_topic", "ping_after_s"}
    given = said.model_dump(include=same)
    own = {"pk": said.entry, "incident_id": said.incident, "kind": said.entry_kind, "at": said.written_at}
    links: replay.Row = {"author_id": said.author, "to_team_id": said.to_team, "to_person_id": said.to_person}
    links |= {"ping_person_id": said.ping_person, "ping_team_id": said.ping_team}
    state["entries"][said.entry] = {**replay.fresh(Entry, ENTRY), **given, **own, **links}


def tell_of_heads_up(
    state: replay.State, said: events.HeadsUpGiven | events.HeadsUpNudged | events.HeadsUpThanked
) -> None:
    match said:
        case events.HeadsUpGiven():
            given = said.model_dump(include={"text", "did", "saw", "reach", "need", "services", "key"})
            own = {"pk": said.heads_up, "incident_id": said.incident, "person_id": said.person, "at": said.given_at}
            state["heads_ups"][said.heads_up] = {**replay.fresh(HeadsUp, HEADS_UP), **given, **own}
            room = state["incidents"][said.incident]
            if said.person is not None:
                room["services"] = sorted({*room["services"], *said.services})  # type: ignore[misc]  # a list
        case events.HeadsUpNudged():
            state["heads_ups"][said.heads_up]["page_id"] = said.page
        case events.HeadsUpThanked():
            state["heads_ups"][said.heads_up]["thanked_at"] = said.thanked_at


def tell_of_room(  # noqa: C901 -- one case for each kind of event
    state: replay.State, pk: int, said: timeline.EventPayload
) -> None:
    room = state["incidents"].get(pk, {})
    match said:
        case events.IncidentDeclared():
            given = said.model_dump(exclude={"declared_by"})
            own: replay.Row = {"pk": pk, "declared_by_id": said.declared_by}
            state["incidents"][pk] = {**replay.fresh(Incident, INCIDENT), **given, **own}
        case events.IncidentRenamed():
            room.update(said.model_dump(include={"title", "severity"}))
        case events.StandingWritten():
            written = {"standing_at": said.written_at, "standing_by_id": said.person, "standing_version": said.version}
            written["update_reminded_at"] = None
            room.update({**said.model_dump(exclude={"written_at", "person", "version"}), **written})
        case events.LeadTaken():
            room["lead_id"] = said.person
        case events.IncidentStoodDown():
            state["offers"] = {key: row for key, row in state["offers"].items() if key[0] != pk}  # type: ignore[index]
            ended = {"state": "closed", "closed_at": said.closed_at, "closing_words": said.words}
            room.update({**ended, "next_update_at": None})
            for entry in state["entries"].values():
                entry["ping_at"] = None if entry["incident_id"] == pk else entry["ping_at"]
        case events.IncidentReopened():
            room.update(state="open", closed_at=None)
        case events.ResponderHere():
            own = {"incident_id": pk, "person_id": said.person, "left_at": None}
            state["here"][pk, said.person] = {**own, "doing": said.doing, "joined_at": said.joined_at}
        case events.ResponderLeft():
            state["here"][pk, said.person]["left_at"] = said.left_at
            state["offers"].pop((pk, said.person), None)


def declaring(mara: Person, bo: Person) -> Incident:
    services = [world.service("httpd"), world.service("dns")]
    return actions.declare("Apache is down", by=mara, severity="sev2", services=services, state_words="503")


def posting(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    for kind in (Kind.NOTE, Kind.DOING, Kind.VERIFY, Kind.FOUND, Kind.DECIDED):
        actions.post(room, Said(kind, "words", key=f"k-{kind}"), by=bo, at=now() - timedelta(minutes=3))
        actions.post(room, Said(kind, "words", key=f"k-{kind}"), by=bo)


def correcting(mara: Person, bo: Person) -> None:
    entry = actions.post(declaring(mara, bo), Said(Kind.FOUND, "web0012 is up"), by=mara)
    for text in ("web0021 is up", "web0021 is up", "web0021 and web0022 are up"):
        actions.correct(entry, text, by=mara)


def helping(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    for text in ("one", "two"):
        entry = actions.post(room, Said(Kind.NOTE, text), by=mara)
        actions.mark_helped(entry, by=bo)
        actions.mark_helped(entry, by=bo)
    actions.take_helped_back(entry, by=bo)


def attaching(mara: Person, bo: Person) -> None:
    files = [Upload("error.log", b"AH00534"), Upload("again.log", b"AH00534")]
    entry = actions.post(declaring(mara, bo), Said(Kind.FOUND, "See the log", files=files), by=mara)
    actions.attach(entry, [Upload("access.log", b"GET / 503"), files[0]], by=mara)


def handing_roles_over(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    actions.hand_over(room, "scribe", bo, by=mara, note="I have to leave")
    actions.hand_over(room, "lead", bo, by=mara)
    for role in ("scribe", "lead"):
        actions.hand_over(room, role, None, by=bo)


def adapting_scripts(mara: Person, bo: Person) -> None:
    for words in ("Ta!", "Ta!", "Cheers"):
        actions.change_script("thanking", words, by=mara)
        actions.change_script("stop", words, by=mara)
    actions.change_script("stop", "Halt", by=mara, team=world.team(mara))
    actions.change_script("stop", "", by=bo)
    for words in ("Nobody can buy", "Nobody can buy", "", "It is down"):
        actions.change_severity_words("sev1", words, by=mara)


def keeping_it_private(mara: Person, bo: Person) -> None:
    joining_alerts(mara, bo)
    room = actions.make_private(Incident.objects.get(), "A key leaked", by=mara, whom=[world.team(bo)])
    ada = world.administrator()
    actions.put_on_list(room, ada, by=mara)
    actions.take_off_list(room, room.listed.get(person=ada).pk, by=mara, why="done")
    actions.look_by_exception(room.pk, "the auditor asks", by=ada)
    actions.join_groups(actions.declare("Elsewhere", by=world.person("Cy")), list(AlertGroup.objects.all()), by=bo)
    actions.open_up(room, "It is public", by=mara)


def losing_the_group_of_a_private_room(mara: Person, bo: Person) -> None:
    joining_alerts(mara, bo)
    actions.make_private(Incident.objects.get(), "A key leaked", by=mara)
    cy = world.person("Cy")
    actions.join_groups(actions.declare("Elsewhere", by=cy), list(AlertGroup.objects.all()), by=cy)


def merging(mara: Person, bo: Person) -> None:
    warning(mara, bo)
    source, into = Incident.objects.get(), actions.declare("Mail is late", by=bo)
    actions.post(source, Said(Kind.ASK, "Help?", key="k", to_person=bo), by=mara)
    actions.post(into, Said(Kind.NOTE, "Words", key="k"), by=mara)
    actions.lose_tool(source, "httpd", by=mara)
    actions.add_task(source, actions.ToDo("Call"), by=mara)
    actions.merge(source, into, by=mara)
    actions.merge(source, into, by=mara)


def taking_a_merged_one_out(mara: Person, bo: Person) -> None:
    merging(mara, bo)
    actions.undo_merge(Incident.objects.order_by("pk")[0], by=mara)


def splitting(mara: Person, bo: Person) -> None:
    joining_alerts(mara, bo)
    room = Incident.objects.get()
    groups = list(AlertGroup.objects.values_list("pk", flat=True)[:1])
    entries = [actions.post(room, Said(Kind.NOTE, "Words"), by=bo).pk]
    actions.split(room, actions.Chosen("One", entries, groups, services=list(room.services.all()[:1])), by=bo)


def losing_tools(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    tools = [actions.lose_tool(room, name, by=mara) for name in ("httpd", "Run books", " run  books")]
    for tool in tools:
        actions.confirm_lost(tool, by=bo)
    actions.tool_back(tools[0], by=bo)


def doing_tasks(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    one, two, _ = (
        actions.add_task(room, actions.ToDo(text, due_at=now() + timedelta(hours=1), key="k"), by=mara)
        for text in "abc"
    )
    other = actions.add_task(room, actions.ToDo("b", owner=bo), by=mara)
    actions.take_task(one, by=bo)
    actions.change_task(two, "c", due_at=None, by=bo)
    actions.end_task(one, "done", by=mara, words="Empty")
    actions.hand_task(other, None, by=bo)
    actions.end_task(other, "dropped", by=bo, words="No need")
    actions.reopen_task(other, by=mara)


def ask(mara: Person, bo: Person) -> Entry:
    return actions.post(declaring(mara, bo), Said(Kind.ASK, "Help?", to_team=world.team(bo)), by=mara)


def taking_an_ask(mara: Person, bo: Person) -> None:
    actions.take_ask(ask(mara, bo), by=bo)


def handing_an_ask_back(mara: Person, bo: Person) -> None:
    entry = actions.take_ask(ask(mara, bo), by=bo)
    actions.hand_back(entry, by=bo, why="I have to leave")
    world.fast_forward(timedelta(minutes=6))


def closing_an_ask(mara: Person, bo: Person) -> None:
    actions.close_ask(ask(mara, bo), by=bo)


def saying_what_it_is_about(mara: Person, bo: Person) -> None:
    for services in ([world.service("web")], [world.service("mail")]):
        actions.say_about(Incident.objects.first() or declaring(mara, bo), services, by=bo)


def offering_help(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    for words in ("httpd", "mail"):
        actions.offer_help(room, words, by=bo)
    actions.offer_help(room, "Chef", by=mara)
    actions.take_offer_back(room, by=mara)
    actions.leave(room, by=bo)
    actions.offer_help(room, "Chef", by=mara)
    actions.stand_down(room, by=mara)


def marking_risks(mara: Person, bo: Person) -> None:
    entry = ask(mara, bo)
    for step in (actions.mark_risky, actions.end_risk, actions.mark_risky):
        step(entry, by=bo)


def answering_an_ask(mara: Person, bo: Person) -> None:
    entry = ask(mara, bo)
    for person, text in ((bo, "Found it"), (mara, "Found it, and mended it")):
        actions.tell_outcome(entry, text, by=person)


def doing_the_same_at_once(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    for person in (mara, bo):
        actions.post(room, Said(Kind.DOING, "Restarting httpd on web0012"), by=person)
    actions.tell_outcome(Entry.objects.filter(kind=Kind.DOING)[0], "", by=bo, result="worse")


def waiting_for_help_in_vain(mara: Person, bo: Person) -> None:
    ask(mara, bo)
    world.fast_forward(timedelta(minutes=6))


def verifying(mara: Person, bo: Person) -> None:
    question = actions.post(declaring(mara, bo), Said(Kind.VERIFY, "Slow, too?"), by=mara)
    for side, text in (("yes", "in Berlin"), ("no", "")):
        actions.answer(question, side, by=bo, text=text)


def writing_where_it_stands(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    first = Standing("Half", ["a"], ["b"], ["c"], service_state="slow", state_words="8 of 10", next_update=timedelta(1))
    for standing in (first, Standing("All", service_state="fine")):
        actions.write_standing(room, standing, by=bo)


def promising_an_update(mara: Person, bo: Person) -> None:
    room = actions.take_lead(declaring(mara, bo), mara, by=bo)
    for summary in ("Half", "More"):
        actions.write_standing(room, Standing(summary, next_update=timedelta(minutes=10)), by=mara)
    world.fast_forward(timedelta(minutes=14))


def coming_and_going(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    actions.be_here(room, by=bo, doing="logs")
    actions.leave(room, by=bo)
    actions.be_here(room, by=bo)
    actions.take_lead(room, mara, by=bo)


def renaming(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    actions.rename(room, "Other words", severity="sev1", by=bo)
    actions.rename(room, "Other words", severity="sev3", by=bo)


def ending(mara: Person, bo: Person) -> None:
    entry = ask(mara, bo)
    actions.stand_down(entry.incident, by=mara, words="Over")


def going_on(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    actions.stand_down(room, by=mara)
    actions.reopen(room, by=bo, why="Back")
    actions.stand_down(room, by=mara, words="Over")


def warning(mara: Person, bo: Person) -> None:
    team = world.team(bo)
    world.schedule(bo, of=team)
    warned = Warned("I broke it", did="a", saw="b", reach="c", need="d", services=[world.service("httpd", team)])
    for _ in range(2):
        actions.give_heads_up(warned, by=mara)
    world.fire_all()
    world.paging.acknowledge(Page.objects.order_by("pk")[0], by=bo, via=world.paging.Via.LINK)
    world.fire_all()


def nearly_missing(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    for kind, kept in (("near_miss", "A spare"), ("near_miss", "Luck"), ("incident", "")):
        actions.turn_kind(room, kind, by=bo, kept=kept)
    actions.write_near_miss(actions.NearMiss("Nearly", "I saw it", kept="Luck"), by=mara)


def relating(mara: Person, bo: Person) -> None:
    one, two = declaring(mara, bo), actions.declare("Another", by=bo)
    for words in ("same host", "same host", "same change"):
        actions.relate(two, one, by=bo, words=words)
    actions.relate(one, actions.declare("A third", by=bo), by=mara)
    actions.unrelate(one, two, by=mara)


def ticking(mara: Person, bo: Person) -> None:
    room = declaring(mara, bo)
    for items in (["Breathe", "Ask"], ["Breathe", "Ask"], []):
        actions.change_checklist("lead", items, by=mara)
    for person in (mara, bo):
        for item in checklists.OWN["scribe"][:2]:
            actions.tick(room, "scribe", item, by=person)
    actions.untick(room, "scribe", checklists.OWN["scribe"][0], by=bo)


def heads_ups_by_mail(mara: Person, bo: Person) -> None:
    for person in (mara, mara, bo):
        actions.make_address(person, actor=person)
    for _ in range(2):
        actions.give_heads_up(Warned("I broke it", key="mail-1"), by=mara)
        actions.end_address(bo, actor=bo)


def choosing_thanks(mara: Person, bo: Person) -> None:
    for words in ("Well done", "Well done", "Thanks a lot", ""):
        actions.change_thanks(words, by=mara)


def joining_alerts(mara: Person, bo: Person) -> None:
    world.route(1, world.policy((60, [bo])))
    room = declaring(mara, bo)
    world.ingest(world.source(), world.signal(), world.signal(alertname="Other", service="x"))
    world.fire_all()
    actions.join_groups(room, list(world.alert_queries.open_groups()), by=mara)
    world.fast_forward(timedelta(minutes=3))
    one, other = world.alert_queries.open_groups()
    for _ in range(2):
        actions.take_out(room, [one], [other.page] if other.page else [], by=bo)


ACTS = (
    declaring,
    posting,
    doing_the_same_at_once,
    taking_an_ask,
    handing_an_ask_back,
    closing_an_ask,
    answering_an_ask,
    marking_risks,
    offering_help,
    saying_what_it_is_about,
    waiting_for_help_in_vain,
    verifying,
)
SAME = (
    doing_the_same_at_once,
    correcting,
    helping,
    attaching,
    promising_an_update,
    losing_tools,
    doing_tasks,
    nearly_missing,
    relating,
    ticking,
    handing_roles_over,
    adapting_scripts,
    keeping_it_private,
    merging,
    taking_a_merged_one_out,
    splitting,
    losing_the_group_of_a_private_room,
)
MORE = (
    writing_where_it_stands,
    coming_and_going,
    renaming,
    ending,
    going_on,
    warning,
    heads_ups_by_mail,
    choosing_thanks,
    joining_alerts,
)


@pytest.mark.parametrize("act", [*ACTS, *SAME, *MORE], ids=lambda act: act.__name__)
def test_events_told_to_an_older_copy_give_the_stored_state(
    mara: Person, bo: Person, act: Callable[[Person, Person], object]
) -> None:
    assert replay.differences(stored, tell, lambda: act(mara, bo)) == {}
