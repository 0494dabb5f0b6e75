"""On Slack a line stands once, whatever becomes of its answer; an answer for one person is seen by nobody else."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from raglan.chat import actions, catching_up, lines, queries, sending
from raglan.chat.models import Message, Room, Workspace
from raglan.core.clock import now
from raglan.core.errors import DeliveryError
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, HeadsUp, Incident
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import test_slack
from tests.chat.test_slack import Api, answer, event, form, press, room_of, send
from tests.integrations.fakes import Answer

pytestmark = pytest.mark.django_db
api, slack, incident = test_slack.api, test_slack.slack, test_slack.incident


def slash(slack: Workspace, room: str, text: str) -> dict[str, Any]:
    fields = {"command": "/raglan", "channel_id": room, "user_id": "U0BO", "team_id": "T1", "trigger_id": text}
    body = urlencode({**fields, "text": text}).encode()
    answered = answer(slack, body, "application/x-www-form-urlencoded")
    return json.loads(answered.content) if answered.content else {}


def test_a_slash_command_in_a_channel_where_we_are_not_is_answered_by_itself(
    api: Api, slack: Workspace, incident: Incident
) -> None:
    declared = slash(slack, "C0ELSE", "declare mail is slow")
    made = Incident.objects.latest("pk")
    assert declared["response_type"] == "ephemeral"
    assert f"Incident {made.pk} is open: " in declared["text"]
    assert "Thank you for saying so" in slash(slack, "C0ELSE", "heads-up I broke it")["text"]
    assert HeadsUp.objects.count() == 1
    assert not queries.waiting(slack).filter(room__external_id="C0ELSE").exists()
    assert slash(slack, room_of(slack, incident), "join") == {}  # in a room of ours all see it
    send(slack)
    assert api.posted[-1]["text"] == "Bo Silva is here."


def test_only_who_pressed_a_button_reads_that_they_can_not(api: Api, slack: Workspace, incident: Incident) -> None:
    room = room_of(slack, incident)
    stands = len(api.posted)
    payload = {"type": "block_actions", "team": {"id": "T1"}, "user": {"id": "U0EVE"}, "channel": {"id": room}}
    pressed = {**payload, "trigger_id": "7", "actions": [{"value": "join"}]}
    assert form(slack, payload=json.dumps(pressed)) == 200
    send(slack)
    assert [(one[:2], "do not know who you are" in one[2]) for one in api.whispered] == [((room, "U0EVE"), True)]
    assert len(api.posted) == stands
    press(slack, room, "join")
    send(slack)
    assert (len(api.whispered), api.posted[-1]["text"]) == (1, "Bo Silva is here.")


def test_a_line_whose_answer_is_lost_stands_once(api: Api, slack: Workspace, incident: Incident, bo: Person) -> None:
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "hello"), by=bo)
    world.fire_all()
    line = actions.line_to(slack)
    api.loses_answers = True
    with pytest.raises(DeliveryError):
        sending.send_waiting(slack, line)
    api.loses_answers = False
    sending.send_waiting(slack, line)
    assert [one["text"] for one in api.posted].count("*Bo Silva:* hello") == 1
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "again"), by=bo)
    world.fire_all()
    api.loses_answers = True
    with pytest.raises(DeliveryError):
        sending.send_waiting(slack, line)
    api.loses_answers = False
    send(slack)  # a new start
    assert [one["text"] for one in api.posted].count("*Bo Silva:* again") == 1


def test_without_the_right_to_read_lines_go_all_the_same(
    api: Api, slack: Workspace, incident: Incident, bo: Person
) -> None:
    api.history = None
    incidents.post(incident, incidents.Said(Entry.Kind.NOTE, "hello"), by=bo)
    send(slack)
    assert api.posted[-1]["text"] == "*Bo Silva:* hello"
    found = actions.line_to(slack)
    assert isinstance(found, catching_up.ports.CatchesUp)
    assert catching_up.catch_up(slack, found, now()) == 0


def test_what_was_said_while_we_were_down_comes_in_once_and_in_order(
    api: Api, slack: Workspace, incident: Incident, bo: Person
) -> None:
    room, at = room_of(slack, incident), now().timestamp()
    heard = f"{at:.6f}"
    event(slack, room, text="heard", ts=heard)
    assert api.history is not None
    api.history += [{"type": "message", "user": "U0BO", "ts": heard, "text": "heard"}]
    api.history += [
        {"type": "message", "user": "U0BO", "ts": f"{at + number / 1000:.6f}", "text": f"missed {number}"}
        for number in range(1, 6)
    ]
    api.history += [{"type": "message", "bot_id": "B1", "ts": f"{at + 1:.6f}", "text": "by a program"}]
    for _ in range(2):
        lines.Line(slack)._send()
    event(slack, room, text="missed 5", ts=str(api.history[5]["ts"]))  # Slack tries again in the end
    said = list(
        Entry.objects.filter(incident=incident, kind=Entry.Kind.NOTE).order_by("pk").values_list("text", "author")
    )
    assert said == [(text, bo.pk) for text in ("heard", *(f"missed {number}" for number in range(1, 6)))]
    assert Message.objects.filter(room__external_id=room).count() == 6


def wrote(api: Api, at: float, text: str, thread: float = 0.0, **more: object) -> None:
    """Let Bo write while we are away: in the channel, or in a thread, whose first message then says so."""
    assert api.history is not None
    said = {"type": "message", "user": "U0BO", "ts": f"{at:.6f}", "text": text, **more}
    api.history.append(said | ({"thread_ts": f"{thread:.6f}"} if thread else {}))
    for one in api.history:
        if one["ts"] == f"{thread:.6f}":
            one |= {"thread_ts": one["ts"], "latest_reply": f"{at:.6f}"}


def notes(incident: Incident) -> list[str]:
    found = Entry.objects.filter(incident=incident, kind=Entry.Kind.NOTE).order_by("pk")
    return list(found.values_list("text", flat=True))


def test_what_was_said_in_threads_comes_in_once_and_in_its_place(
    api: Api, slack: Workspace, incident: Incident, bo: Person
) -> None:
    room, at = room_of(slack, incident), now().timestamp() - 40
    an_hour_ago = now() - timedelta(hours=1)
    Room.objects.filter(external_id=room).update(opened_at=an_hour_ago)
    Incident.objects.filter(pk=incident.pk).update(declared_at=an_hour_ago)
    old, quiet, last = at - 900, at - 800, at - 700
    for begun, text in ((old, "old"), (quiet, "quiet"), (last, "last")):
        wrote(api, begun, text)
        event(slack, room, text=text, ts=f"{begun:.6f}")
    wrote(api, quiet + 1, "heard in a thread", quiet)
    event(slack, room, text="heard in a thread", ts=f"{quiet + 1:.6f}", thread_ts=f"{quiet:.6f}")
    wrote(api, at, "in the channel")
    for number in range(1, 4):
        wrote(api, at + 2 * number, f"in an old thread {number}", old)
        wrote(api, at + 2 * number + 1, f"in a new thread {number}", at)
    wrote(api, at + 10, "shown in both", last, subtype="thread_broadcast")
    wrote(api, at + 11, "in the channel again")
    for _ in range(2):
        lines.Line(slack)._send()
    threads = [f"in {which} thread {number}" for number in range(1, 4) for which in ("an old", "a new")]
    said = ["in the channel", *threads, "shown in both", "in the channel again"]
    assert notes(incident) == ["old", "quiet", "last", "heard in a thread", *said]


def test_a_thread_that_is_gone_holds_nothing_back(api: Api, slack: Workspace, incident: Incident) -> None:
    at = now().timestamp()
    wrote(api, at, "begun", latest_reply=f"{at + 1:.6f}")
    wrote(api, at + 2, "after")
    lines.Line(slack)._send()
    assert notes(incident) == ["begun", "after"]


def test_what_was_said_while_slack_was_away_comes_in_when_it_is_back(
    api: Api, slack: Workspace, incident: Incident, bo: Person
) -> None:
    room, line = room_of(slack, incident), lines.Line(slack)
    line._send()
    incidents.post(incident, incidents.Said(Entry.Kind.FOUND, "by us"), by=bo)
    world.fire_all()
    down = api.next = Answer(503, b"<html>")
    line._send()
    at = now().timestamp()
    wrote(api, at, "said while it was away")
    wrote(api, at + 0.1, "and in a thread", at)
    event(slack, room, text="said when it was back", ts=f"{at + 0.2:.6f}")
    assert (api.next, notes(incident)) == (None, ["said when it was back"])
    api.next = down
    line._send()
    assert notes(incident) == ["said when it was back"]
    while line._send() == 0.0 or line._deaf_since:
        pass
    assert sorted(notes(incident)) == ["and in a thread", "said when it was back", "said while it was away"]
    asked = len(api.asked)
    for _ in range(3):
        line._send()
    assert len(api.asked) == asked  # nothing is asked for while nothing is amiss


def test_whoever_is_on_call_is_paged_by_a_button_that_asks_again(
    api: Api, slack: Workspace, mara: Person, bo: Person
) -> None:
    actions.know_as(slack, "U0BO", bo, actor="raglan")
    shop = world.service(owner=world.team(mara), slug="shop")
    world.schedule(mara, of=shop.team)
    declared = incidents.declare("Nobody can buy", by=bo, services=[shop])
    send(slack)
    button = api.posted[0]["blocks"][1]["elements"][-1]
    assert (button["value"], button["confirm"]["title"]["text"]) == ("page on-call", "Page who is on call?")
    for _ in range(2):
        press(slack, room_of(slack, declared), "page on-call")
    send(slack)
    page = Page.objects.get()
    assert (page.title, [one.person for one in page.reached.all()]) == ("Nobody can buy", [mara])
    assert "“Nobody can buy” waits for somebody already." in api.whispered[-1][2]
