"""Slack by Socket Mode: we open a line, and nothing has to reach us from outside.

An envelope is acknowledged once what is in it is kept. What was not, Slack sends again, also by the next line; it
counts once, by the ids that Slack gives to messages and events.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from raglan.chat.ports import Aside, Heard, Incoming
from raglan.config import config
from raglan.core import websocket
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput, DeliveryError
from raglan.integrations.slack import reading
from raglan.integrations.slack.reading import Fields

SHORT_S = 10.0  # a line that ends sooner than this after it began is trouble, not a change of lines
MOST = 200
OFF = "Socket Mode is switched off in the app’s settings at Slack"


@dataclass(slots=True)
class _Told:
    """What was handed on and not acknowledged yet: its mark, and for each envelope its answer."""

    mark: str = ""
    heard: list[Incoming] = field(default_factory=list)
    envelopes: list[tuple[str, Aside | None]] = field(default_factory=list)


class Socket:
    """A line that Slack sends envelopes by, opened anew when it ends."""

    def __init__(self, open_url: Callable[[], str], answer: Callable[[Aside], dict[str, object]]) -> None:
        self._open_url = open_url
        self._answer = answer
        self._line: websocket.Line | None = None
        self._told = _Told()
        self._is_closed = False

    def hear(self, team: str, cursor: str, wait_s: float) -> Heard:
        """Wait for news. The cursor says whether what was told last is kept; if not, it is told again."""
        if self._told.heard and cursor != self._told.mark:
            return Heard(self._told.heard, self._told.mark)
        line = self._acknowledge(self._up())
        told, until = _Told(secrets.token_hex(8)), time.monotonic() + wait_s
        while len(told.heard) < MOST:
            left = 0.0 if told.heard else max(0.0, until - time.monotonic())
            frame = self._receive(line, left)
            if frame is None:
                break
            line = self._take(line, frame, team, told)
        self._told = told
        return Heard(told.heard, told.mark if told.heard else cursor)

    def close(self) -> None:
        """Let go; whoever waits returns soon."""
        self._is_closed = True
        if self._line is not None:
            self._line.close()

    def _up(self) -> websocket.Line:
        """Return the line; a new one has said hello. Raises DeliveryError, Wait."""
        if self._is_closed:
            raise DeliveryError("the line is closed", permanent=False)
        if self._line is None:
            line = websocket.connect(self._open_url())
            try:
                hello = _read(line.receive(config().send_deadline_s))
            except DeliveryError:
                line.close()
                raise
            if hello.get("type") != "hello":
                line.close()
                raise DeliveryError("Slack did not say hello on the line", permanent=False)
            self._line = line
            if self._is_closed:
                line.close()
        return self._line

    def _acknowledge(self, line: websocket.Line) -> websocket.Line:
        """Say that what was told last is kept, with what slash commands are answered."""
        told, self._told = self._told, _Told()
        try:
            for envelope, aside in told.envelopes:
                self._ack(line, envelope, aside)
        except DeliveryError:  # Slack sends it again by the next line
            self._drop(line)
            return self._up()
        return line

    def _ack(self, line: websocket.Line, envelope: str, aside: Aside | None = None) -> None:
        payload = {"payload": self._answer(aside)} if aside and aside.words else {}
        line.send(json.dumps({"envelope_id": envelope, **payload}, ensure_ascii=False))

    def _receive(self, line: websocket.Line, wait_s: float) -> Fields | None:
        """Return the next frame; None when none came in time, or the line ended after a good while."""
        try:
            text = line.receive(wait_s)
        except DeliveryError:
            self._drop(line)
            if self._is_closed or time.monotonic() - line.since < SHORT_S:
                raise
            return None
        return None if text is None else _read(text)

    def _take(self, line: websocket.Line, frame: Fields, team: str, told: _Told) -> websocket.Line:
        """Take one frame; return the line by which it goes on."""
        if frame.get("type") == "disconnect":
            return self._change(line, str(frame.get("reason", "")), told)
        envelope = frame.get("envelope_id")
        if not isinstance(envelope, str) or not envelope:
            return line
        aside = Aside() if frame.get("accepts_response_payload") else None
        message = _message(frame, team, aside)
        if message is not None:
            told.heard.append(message)
            told.envelopes.append((envelope, aside))
        else:
            self._ack(line, envelope)
        return line

    def _change(self, line: websocket.Line, reason: str, told: _Told) -> websocket.Line:
        """Go over to a new line before Slack ends this one. What is not acknowledged comes again by the new one."""
        if reason == "link_disabled":
            self._drop(line)
            raise DeliveryError(OFF, permanent=False)
        self._line = None
        try:
            return self._up()
        finally:
            told.envelopes.clear()
            line.close()

    def _drop(self, line: websocket.Line) -> None:
        line.close()
        if self._line is line:
            self._line = None


def _message(frame: Fields, team: str, aside: Aside | None) -> Incoming | None:
    """Return what an envelope says; nothing of another Slack workspace where the same app is installed."""
    body = reading.as_dict(frame.get("payload"))
    if team not in reading.places(body):
        return None
    match frame.get("type"):
        case "events_api":
            return reading.of_event(body)
        case "slash_commands":
            return reading.of_slash(body, aside)
        case "interactive":
            return reading.of_button(body)
        case _:
            return None


def _read(text: str | None) -> Fields:
    """Return a frame; what can not be read says nothing."""
    try:
        found: Json = decode_json((text or "").encode("utf-8", "replace"), max_members=200_000)
    except BadInput:
        return {}
    return reading.as_dict(found)
