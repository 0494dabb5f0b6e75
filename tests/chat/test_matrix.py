"""Matrix against a small homeserver that tells what no true one lets us make: too deep, too long, refused."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from raglan.chat import actions, hearing, outbox, ports
from raglan.chat.models import Post, Room, Workspace
from raglan.core.clock import now
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.integrations.matrix import sync
from raglan.integrations.matrix.platform import Matrix, content_of
from raglan.people.models import Person
from raglan.testing import world
from tests.integrations.fakes import Answer, Request, http_server

pytestmark = pytest.mark.django_db
HOME = "!home:example.test"
Event = dict[str, object]


@dataclass
class Homeserver:
    """Its rooms are lists of events; a place in them is a number."""

    events: list[Event] = field(default_factory=list)
    joined: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    invited: dict[str, str] = field(default_factory=dict)
    kept: dict[str, Event] = field(default_factory=dict)  # as Synapse keeps its first answers for two minutes
    overlaps: bool = False  # as in Synapse, a gap may end behind what stands behind it

    def write(self, text: str, **more: object) -> None:
        """Let somebody write."""
        content = {"msgtype": "m.text", "body": text, **more}
        stamp = int(now().timestamp() * 1000)
        given = {"type": "m.room.message", "sender": "@bo:example.test", "origin_server_ts": stamp}
        self.events.append({**given, "event_id": f"$e{len(self.events)}", "content": content})

    def respond(self, request: Request) -> Answer:
        parts = urlsplit(request.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = unquote(parts.path.removeprefix("/_matrix/client/v3"))
        self.asked.append(path)
        if path.endswith("/messages"):
            return said(self._history(query))
        found: dict[str, object] = {
            "/account/whoami": {"user_id": "@raglan:example.test"},
            "/joined_rooms": {"joined_rooms": [HOME]},
            "/sync": self._sync(query) if path == "/sync" else {},
        }
        return said(found.get(path, {}))

    def _sync(self, query: dict[str, str]) -> Event:
        return self._news(query) if "since" in query else self.kept.setdefault(json.dumps(query), self._news(query))

    def _news(self, query: dict[str, str]) -> Event:
        limit, since = json.loads(query["filter"])["room"]["timeline"]["limit"], int(query.get("since", 0))
        news = self.events[since:]
        shown = news[-limit:] if limit else []
        before = len(self.events) - (0 if self.overlaps else len(shown))
        there = {"events": shown, "limited": len(shown) < len(news), "prev_batch": str(before)}
        asks = {room: {"invite_state": {"events": invitation(by)}} for room, by in self.invited.items()}
        self.invited = {}
        joined = {HOME: {"timeline": there}} if shown else {}
        return {"next_batch": str(len(self.events)), "rooms": {"join": joined, "invite": asks}}

    def _history(self, query: dict[str, str]) -> Event:
        start, to, limit = int(query["from"]), int(query["to"]), int(query["limit"])
        if query["dir"] == "b":
            end = max(to, start - limit)
            return {"chunk": self.events[end:start][::-1], **({"end": str(end)} if end > to else {})}
        end = min(to, start + limit)
        return {"chunk": self.events[start:end], **({"end": str(end)} if end < to else {})}


def invitation(by: str) -> list[Event]:
    asked = {"type": "m.room.member", "state_key": "@raglan:example.test", "sender": by}
    return [{"type": "m.room.name", "state_key": "", "sender": "@bo:example.test"}, asked]


def said(found: object) -> Answer:
    return Answer(200, json.dumps(found).encode())


@pytest.fixture
def server() -> Homeserver:
    return Homeserver()


@pytest.fixture
def matrix(server: Homeserver, outbox: world.Outbox) -> Iterator[Workspace]:
    with http_server(server.respond) as url:
        settings = {"url": url, "token": "t", "rooms": "private"}
        made = actions.connect(Matrix(), actions.Draft("Matrix", settings, opens_rooms=False), actor="raglan")
        hear(made)
        yield made


@pytest.fixture
def incident(matrix: Workspace, mara: Person, bo: Person) -> Incident:
    actions.know_as(matrix, "@bo:example.test", bo, actor="raglan")  # of strangers only some lines a minute count
    declared = incidents.declare("Apache is down", by=mara)
    Room.objects.create(workspace=matrix, incident=declared, external_id=HOME, created_at=now())
    return declared


def test_signs_under_a_line_answer_it(server: Homeserver, matrix: Workspace, incident: Incident, bo: Person) -> None:
    verify, ask = (
        incidents.post(incident, incidents.Said(kind, text), by=None)
        for kind, text in ((Entry.Kind.VERIFY, "slow?"), (Entry.Kind.ASK, "who knows pins?"))
    )
    room = Room.objects.get(incident=incident)
    for entry in (verify, ask):
        said = outbox.Words(f"entry-{entry.pk}", "x", entry=entry)
        Post.objects.filter(pk=outbox.say(room, said).pk).update(external_id=f"$post{entry.pk}", state="sent")

    def react(about: str, sign: str, sender: str = "@bo:example.test") -> None:
        related = {"rel_type": "m.annotation", "event_id": about, "key": sign}
        server.write("", **{"m.relates_to": related})
        server.events[-1] |= {"type": "m.reaction", "sender": sender}
        hear(matrix)

    react(f"$post{verify.pk}", "👍\U0001f3fd")
    assert verify.answers.get().side == "yes"
    react(f"$post{verify.pk}", "👎")
    react(f"$post{verify.pk}", "🎉")
    react("$elsewhere", "👍")
    react(f"$post{ask.pk}", "👍")
    assert (verify.answers.get().side, verify.answers.get().person) == ("no", bo)
    for _ in range(2):
        react(f"$post{verify.pk}", "✅", "@eve:example.test")
    assert verify.answers.count() == 1
    assert Post.objects.filter(text__contains="your sign does not count yet").count() == 1
    react(f"$post{ask.pk}", "✋")
    ask.refresh_from_db()
    assert (ask.taken_by, Entry.objects.filter(kind=Entry.Kind.NOTE).count()) == (bo, 0)


def test_which_signs_answer_a_line_stands_in_it() -> None:
    line = ports.Line("k", "slow? – Please say !yes 7", "Bo asks:", (("Yes, me too", "yes 7"), ("No", "no 7")))
    assert content_of(line)["body"] == "Bo asks: slow? – Please say !yes 7 · or react with 👍 yes, 👎 no"
    assert ports.without_signs(str(content_of(line)["body"])) == line.plain
    assert "react" not in str(content_of(ports.Line("k", "hello", "Bo:", (("Join", "join"),)))["body"])


def hear(matrix: Workspace) -> None:
    line: ports.Connection = actions.line_to(matrix)
    hearing.hear(matrix, line.hear(matrix.cursor, 0))


def texts(incident: Incident) -> list[str]:
    return list(Entry.objects.filter(incident=incident).order_by("pk").values_list("text", flat=True))


def deep() -> object:
    nested: object = "x"
    for _ in range(60):
        nested = [nested]
    return nested


@pytest.mark.parametrize("after", [0, 3, 130])
def test_an_event_that_can_not_be_read_is_gone_around_and_told_once(
    server: Homeserver, matrix: Workspace, incident: Incident, after: int
) -> None:
    server.write("before")
    server.write("deep", more=deep())
    for number in range(after):
        server.write(f"after {number}")
    hear(matrix)
    server.write("next")
    hear(matrix)
    machine, *rest = texts(incident)
    assert machine.startswith("Something written in chat about now could not be read.")
    assert rest == ["before", *(f"after {number}" for number in range(after)), "next"]
    assert Entry.objects.filter(incident=incident, kind=Entry.Kind.MACHINE).count() == 1


def test_an_answer_that_is_too_long_is_read_in_smaller_ones(
    server: Homeserver, matrix: Workspace, incident: Incident
) -> None:
    for number in range(90):
        server.write(f"long {number}", more="x" * 60_000)
    hear(matrix)
    server.write("next")
    hear(matrix)
    assert texts(incident) == [*(f"long {number}" for number in range(90)), "next"]


@pytest.mark.parametrize("letter", ["a", "&", "<", "\n", '"', "火", "🔥", "\x01"])
def test_any_text_fits_into_an_event(letter: str) -> None:
    content = content_of(ports.Line("k", letter * 12_000, "Bo Silva:"))
    assert len(json.dumps(content, ensure_ascii=False).encode()) < 60_000
    assert "formatted_body" in content_of(ports.Line("k", letter * 100, "Bo Silva:"))


def joins(server: Homeserver) -> list[str]:
    return [path.removeprefix("/join/") for path in server.asked if path.startswith("/join/")]


def test_only_who_is_known_or_of_the_own_homeserver_may_ask_raglan_in(
    server: Homeserver, matrix: Workspace, bo: Person
) -> None:
    line = actions.line_to(matrix)
    actions.know_as(matrix, "@bo:elsewhere.test", bo, actor="raglan")
    server.invited = {
        "!known:elsewhere.test": "@bo:elsewhere.test",
        "!strange:elsewhere.test": "@eve:elsewhere.test",
        "!home:example.test": "@eve:example.test",
        "!like:x.test": "@eve:example.test.evil.test",
        "!none:x.test": "",
    }
    hearing.hear(matrix, line.hear(matrix.cursor, 0))
    assert joins(server) == ["!known:elsewhere.test", "!home:example.test"]


def test_of_many_invitations_five_a_minute_are_taken(
    server: Homeserver, matrix: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, at = actions.line_to(matrix), 1_000.0
    monkeypatch.setattr(sync.time, "monotonic", lambda: at)
    for first in (0, 7):
        server.invited = {f"!r{number}": "@eve:example.test" for number in range(first, first + 7)}
        line.hear(matrix.cursor, 0)
    assert joins(server) == [f"!r{number}" for number in range(5)]
    at += 61
    line.hear(matrix.cursor, 0)
    assert joins(server)[5:] == [f"!r{number}" for number in range(5, 10)]


def test_a_gap_that_is_too_long_is_told_once(
    server: Homeserver, matrix: Workspace, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "MOST_PAGES", 2)
    monkeypatch.setattr(sync, "FEWER", (5, 1))
    for number in range(20):
        server.write(f"line {number}")
    hear(matrix)
    server.write("next")
    hear(matrix)
    machine, *rest = texts(incident)
    assert machine.startswith("More was written in chat while raglan was not there than could be read.")
    assert rest == [*(f"line {number}" for number in range(5, 20)), "next"]


def test_a_gap_of_just_as_much_as_can_be_read_is_whole(
    server: Homeserver, matrix: Workspace, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "MOST_PAGES", 2)
    monkeypatch.setattr(sync, "FEWER", (5, 1))
    for number in range(15):
        server.write(f"line {number}")
    hear(matrix)
    assert texts(incident) == [f"line {number}" for number in range(15)]


def test_what_stands_in_a_gap_and_behind_it_is_told_once(
    server: Homeserver, matrix: Workspace, incident: Incident, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "FEWER", (5, 1))
    server.overlaps = True
    for number in range(12):
        server.write(f"line {number}")
    told = actions.line_to(matrix).hear(matrix.cursor, 0).messages
    assert [one.text for one in told] == [f"line {number}" for number in range(12)]
    hear(matrix)
    hear(matrix)
    assert texts(incident) == [f"line {number}" for number in range(12)]


def test_a_line_that_begins_anew_does_not_hear_what_was_said_before(server: Homeserver, matrix: Workspace) -> None:
    """A workspace that is ended and connected again does not do a command a second time."""
    server.write("!declare mail is slow")
    line = actions.line_to(matrix)
    begins = line.hear("", 0)
    assert (begins.messages, line.hear(begins.cursor, 0).messages) == ([], [])
    server.write("after")
    assert [one.text for one in line.hear(begins.cursor, 0).messages] == ["after"]
