"""What people of the story do, each as calls of the public API with a token of their own."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import singledispatchmethod
from typing import TypeVar

from raglan.demo.beats import (
    Acknowledge,
    Action,
    AnswerOutside,
    AskOutside,
    Begins,
    CanCome,
    Close,
    Declare,
    Ends,
    GiveHeadsUp,
    Happened,
    Here,
    HoldOutside,
    JoinAlerts,
    Lead,
    LoseTool,
    MarkHelped,
    MarkRisky,
    Misses,
    Propose,
    RaiseHold,
    Remember,
    Reply,
    Say,
    Stand,
    StandDown,
    Take,
    TakeTask,
    TaskDone,
    Tell,
    TellFigures,
    TellOutside,
    ToolBack,
    WriteTask,
)
from raglan.demo.checks import Checks
from raglan.demo.client import Client, Json, Refused, number, text
from raglan.demo.company import TOOL_NAMES
from raglan.demo.levers import INVENTED, all_serving_words, lowest_words
from raglan.demo.model import Figures
from raglan.demo.pace import Pace
from raglan.demo.world import Voice, World

WATCH = "Change watch"
# For a page to leave. Without a mail server none does; then people answer what they see on the screen.
PATIENCE_S = 20.0
_EXPECTS = {"nothing": "nothing", "version": "the new version", "restart": "a restart"}
_SAYS: dict[str, str] = {
    "note": "says",
    "doing": "is doing",
    "ask": "asks for help",
    "verify": "asks to verify",
    "found": "found",
    "decided": "decided",
    "tried": "tried",
    "ruled_out": "ruled out",
    "stuck": "is stuck on",
}


class RoomClosed(Exception):
    """Somebody closed the room while the story went on."""


T = TypeVar("T")


@dataclass(slots=True)
class Stage:
    """A server on which the story is acted. Each act returns the words that tell it."""

    world: World
    checks: Checks
    figures: Figures
    pace: Pace
    change: int = 0
    hold: int = 0
    room: int = 0
    review: int = 0
    is_over: bool = False
    _entries: dict[str, int] = field(init=False, default_factory=dict)
    _tools: dict[str, int] = field(init=False, default_factory=dict)
    _tasks: dict[str, int] = field(init=False, default_factory=dict)
    _key: str = field(init=False, default_factory=lambda: uuid.uuid4().hex)
    _count: int = field(init=False, default=0)

    def send(self, messages: Mapping[str, list[Json]]) -> None:
        """Send alerts as monitoring does."""
        for slug, alerts in messages.items():
            self.world.sources[slug].call("POST", "/api/v2/alerts", alerts)

    def post_machine(self, words: str) -> None:
        """Post an entry of the change watch."""
        body: dict[str, Json] = {"kind": "machine", "text": words, "author_words": WATCH, "key": self._next_key()}
        self._in_room(self.world.admin, "/entries", body)

    @singledispatchmethod
    def act(self, action: Action, voice: Voice) -> str:
        """Do it and say what was done. Raises Refused, Unreachable, RoomClosed."""
        raise TypeError(f"nobody knows how to act {action}")

    @act.register
    def _(self, action: Tell, voice: Voice) -> str:
        return action.text

    @act.register
    def _(self, action: Propose, voice: Voice) -> str:
        body: dict[str, Json] = {
            "title": action.title,
            "packages": [{"name": action.package, "version": action.version}],
            "expected": {"on_new": action.on_new, "on_existing": action.on_existing},
            "note": action.note,
        }
        self.change = number(voice.client.post("/changes/proposed", body))
        words = f"{_EXPECTS[action.on_new]} on new machines, {_EXPECTS[action.on_existing]} on those that have it"
        return f"says what to expect of “{action.title}”: {words}.\nLook at the change: {self._change_url}"

    @act.register
    def _(self, action: Begins, voice: Voice) -> str:
        voice.client.post(f"/changes/{self.change}/state", {"state": "under_way"})
        return ""

    @act.register
    def _(self, action: Ends, voice: Voice) -> str:
        voice.client.post(f"/changes/{self.change}/state", {"state": action.state, "words": action.words})
        return f"says what became of the change: {action.words}"

    @act.register
    def _(self, action: RaiseHold, voice: Voice) -> str:
        ends_at = datetime.now(UTC) + timedelta(hours=action.hours)
        body: dict[str, Json] = {"name": action.name, "reason": action.reason, "ends_at": ends_at.isoformat()}
        self.hold = number(voice.client.post("/holds", body))
        where = f"{self.world.url}/changes/holds/{self.hold}/"
        return f"raises a hold on everything: {action.reason}\nLook at the hold: {where}"

    @property
    def _change_url(self) -> str:
        return f"{self.world.url}/changes/{self.change}/"

    @act.register
    def _(self, action: GiveHeadsUp, voice: Voice) -> str:
        body: dict[str, Json] = {
            "text": action.text,
            "did": action.did,
            "saw": action.saw,
            "reach": action.reach,
            "need": action.need,
            "services": list(action.services),
        }
        self.room = number(voice.client.post("/heads-up", body), "incident_id")
        return f"gives a heads-up: {action.text}\nLook at the room: {self.world.url}/incidents/{self.room}/"

    @act.register
    def _(self, action: Declare, voice: Voice) -> str:
        body: dict[str, Json] = {
            "title": action.title,
            "severity": action.severity,
            "services": list(action.services),
        }
        self.room = number(voice.client.post("/incidents", body))
        return f"opens a room: {action.title}\nLook at the room: {self.world.url}/incidents/{self.room}/"

    @act.register
    def _(self, action: Say, voice: Voice) -> str:
        body: dict[str, Json] = {"key": self._next_key(), "kind": action.kind, "text": action.text}
        if action.to_team:
            body["to_team"] = action.to_team
        if action.to_topic:
            body["to_topic"] = action.to_topic
        entry = number(self._in_room(voice.client, "/entries", body))
        if action.name:
            self._entries[action.name] = entry
        return f"{_SAYS[action.kind]}: {action.text}"

    @act.register
    def _(self, action: Happened, voice: Voice) -> str:
        self._at_entry(voice.client, action.of, "outcome", {"text": action.text, "result": action.result})
        return f"tells what happened: {action.text}"

    @act.register
    def _(self, action: MarkHelped, voice: Voice) -> str:
        self._at_entry(voice.client, action.of, "helped")
        return "says that this helped."

    @act.register
    def _(self, action: MarkRisky, voice: Voice) -> str:
        self._at_entry(voice.client, action.of, "risky")
        return "marks this as risky now."

    @act.register
    def _(self, action: CanCome, voice: Voice) -> str:
        body: dict[str, Json] = {"state": action.state, "hours": action.hours, "words": action.words}
        voice.client.put("/availability", body)
        return f"can come: {action.state}, {action.words}"

    @act.register
    def _(self, action: Take, voice: Voice) -> str:
        self._at_entry(voice.client, action.of, "take")
        return "can help."

    @act.register
    def _(self, action: Reply, voice: Voice) -> str:
        self._at_entry(voice.client, action.of, "answers", {"answer": action.answer, "text": action.text})
        return f"answers {action.answer}. {action.text}".strip()

    @act.register
    def _(self, action: Close, voice: Voice) -> str:
        self._at_entry(voice.client, action.of, "close")
        return ""

    @act.register
    def _(self, action: Here, voice: Voice) -> str:
        self._in_room(voice.client, "/here", {"doing": action.doing})
        return f"is on: {action.doing}"

    @act.register
    def _(self, action: Lead, voice: Voice) -> str:
        self._in_room(voice.client, "/lead", {"person_id": voice.person_id, "note": action.note})
        return f"takes the lead. {action.note}".strip()

    @act.register
    def _(self, action: Stand, voice: Voice) -> str:
        body: dict[str, Json] = {
            "summary": action.summary,
            "know": list(action.know),
            "trying": list(action.trying),
            "unknown": list(action.unknown),
            "state": action.state,
            "state_words": action.state_words,
            "next_update_minutes": action.next_update_minutes,
        }
        self._in_room(voice.client, "/standing", body)
        return f"says where it stands: {action.summary}"

    @act.register
    def _(self, action: HoldOutside, voice: Voice) -> str:
        self._in_room(voice.client, "/outside/hold", {})
        desk = f"{self.world.url}/incidents/{self.room}/outside/"
        return f"holds the outside, so that nobody who repairs has to.\nLook at the desk: {desk}"

    @act.register
    def _(self, action: TellOutside, voice: Voice) -> str:
        body: dict[str, Json] = {"key": self._next_key(), "stage": action.stage, "text": action.text}
        if action.next_minutes:
            body["next_word_minutes"] = action.next_minutes
        self._in_room(voice.client, "/updates", body)
        return f"tells those who wait: {action.text}"

    @act.register
    def _(self, action: AskOutside, voice: Voice) -> str:
        body: dict[str, Json] = {"key": self._next_key(), "text": action.text}
        self._entries[action.name] = number(self._in_room(voice.client, "/questions", body))
        return f"asks the desk: {action.text}"

    @act.register
    def _(self, action: AnswerOutside, voice: Voice) -> str:
        voice.client.post(f"/questions/{self._entries[action.of]}/answer", {"answer": action.text})
        return f"answers: {action.text}" if action.text else "answers that in the next update."

    @act.register
    def _(self, action: Acknowledge, voice: Voice) -> str:
        self.pace.until(lambda: sum(map(_is_sent, _pages_of(voice))) >= action.pages, patience_s=PATIENCE_S)
        found = _pages_of(voice)
        titles = [f"“{text(page, 'title')}”" for page in found if _take(number(page), voice)]
        if not titles:
            return "has no page that waits."
        return f"has the page: {', '.join(titles)}\nLook at the alerts: {self.world.url}/alerts/"

    @act.register
    def _(self, action: JoinAlerts, voice: Voice) -> str:
        def groups() -> list[int]:
            rows = voice.client.rows("/alert-groups?state=open")
            return [number(row) for row in rows if text(row, "source") in self.world.sources]

        found = self._when_there(groups)
        if not found:
            return "finds no alerts to put into the room."
        self._in_room(voice.client, "/join-alerts", {"group_ids": found})
        return "puts the alerts into the room."

    @act.register
    def _(self, action: LoseTool, voice: Voice) -> str:
        self.send(self.checks.lose(action.service))
        body: dict[str, Json] = {"service": action.service, "words": action.text}
        self._tools[action.service] = number(self._in_room(voice.client, "/lost-tools", body))
        return f"tries {TOOL_NAMES[action.service]}: no answer. {action.text}".strip()

    @act.register
    def _(self, action: Misses, voice: Voice) -> str:
        voice.client.post(f"/lost-tools/{self._tools[action.service]}/confirm")
        return f"does not reach {TOOL_NAMES[action.service]} either."

    @act.register
    def _(self, action: ToolBack, voice: Voice) -> str:
        self.send(self.checks.get_back(action.service))
        voice.client.post(f"/lost-tools/{self._tools[action.service]}/back")
        return f"says that {TOOL_NAMES[action.service]} answers again."

    @act.register
    def _(self, action: WriteTask, voice: Voice) -> str:
        self._tasks[action.name] = number(self._in_room(voice.client, "/tasks", {"text": action.text}))
        return f"writes down what is to be done: {action.text}"

    @act.register
    def _(self, action: TakeTask, voice: Voice) -> str:
        voice.client.post(f"/tasks/{self._tasks[action.of]}/take")
        return "takes that."

    @act.register
    def _(self, action: TaskDone, voice: Voice) -> str:
        voice.client.post(f"/tasks/{self._tasks[action.of]}/end", {"words": action.words})
        return f"has done it. {action.words}"

    @act.register
    def _(self, action: TellFigures, voice: Voice) -> str:
        self.is_over = True
        words = figures_words(self.figures)
        self.post_machine(f"{words} {INVENTED}")
        return words

    @act.register
    def _(self, action: StandDown, voice: Voice) -> str:
        self._in_room(voice.client, "/stand-down", {"summary": action.summary})
        found = self._when_there(lambda: self._find_review(voice))
        self.review = found[0] if found else 0
        where = f"\nLook at the review draft: {self.world.url}/reviews/{self.review}/" if found else ""
        return f"stands down: {action.summary}{where}"

    @act.register
    def _(self, action: Remember, voice: Voice) -> str:
        if not self.review:
            return ""
        body: dict[str, Json] = {"question": action.question, "text": action.text}
        voice.client.post(f"/reviews/{self.review}/replies", body)
        return f"writes in the review: {action.text}"

    def _find_review(self, voice: Voice) -> list[int]:
        """Find the draft, which is made a moment after people stand down."""
        try:
            found = voice.client.get(f"/incidents/{self.room}/review")
        except Refused as refused:
            if refused.status != 404:
                raise
            return []
        return [number(found)] if isinstance(found, Mapping) else []

    def _when_there(self, look: Callable[[], list[T]]) -> list[T]:
        """Look until something is there, or patience ends."""
        found: list[T] = []

        def is_there() -> bool:
            found[:] = look()
            return bool(found)

        self.pace.until(is_there)
        return found

    def _at_entry(self, client: Client, name: str, verb: str, body: Mapping[str, Json] | None = None) -> None:
        client.post(f"/entries/{self._entries[name]}/{verb}", body)

    def _in_room(self, client: Client, path: str, body: Mapping[str, Json]) -> Mapping[str, Json]:
        try:
            return client.post(f"/incidents/{self.room}{path}", body)
        except Refused as refused:
            if refused.status == 409 and self._room_is_closed():
                raise RoomClosed from refused
            raise

    def _room_is_closed(self) -> bool:
        found = self.world.admin.get(f"/incidents/{self.room}")
        return isinstance(found, Mapping) and text(found, "state") == "closed"

    def _next_key(self) -> str:
        self._count += 1
        return f"{self._key}-{self._count}"


def _pages_of(voice: Voice) -> list[Mapping[str, Json]]:
    """Return the pages that want somebody and have reached out to this person."""
    found = [voice.client.get(f"/pages/{number(row)}") for row in voice.client.rows("/pages?state=open")]
    return [page for page in found if isinstance(page, Mapping) and voice.person_id in _reached(page)]


def _reached(page: Mapping[str, Json]) -> list[int]:
    rows = page.get("reached")
    return [number(row, "person_id") for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _is_sent(page: Mapping[str, Json]) -> bool:
    """Tell whether something has left for somebody: people answer what they got."""
    rows = page.get("reached")
    sent = [row.get("notifications") for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    attempts = [item for items in sent if isinstance(items, list) for item in items]
    return any(isinstance(item, Mapping) and item.get("handed_over_at") for item in attempts)


def _take(page_id: int, voice: Voice) -> bool:
    """Acknowledge a page; return whether it was still to be had."""
    try:
        voice.client.post(f"/pages/{page_id}/acknowledge")
    except Refused as refused:
        if refused.status != 409:
            raise
        return False
    return True


def figures_words(figures: Figures) -> str:
    """Say the figures of a replay."""
    return (
        f"Lowest serving: {lowest_words(figures)}. Minutes under 70 %: {figures.minutes_slow}. "
        f"All serving: {all_serving_words(figures)}."
    )
