"""Mattermost without a bot: an incoming webhook, into the channel that it has. Nothing is heard by it."""

import json

from raglan.chat.ports import Heard, Line, Opened, Wanted
from raglan.core import http
from raglan.core.errors import DeliveryError
from raglan.integrations.mattermost.wire import as_dict, decoded, refusal
from raglan.integrations.mattermost.words import plain, said

NO_TEXT = "web.incoming_webhook.text.app_error"


class Hook:
    """A line that can only speak. All incidents are told in one channel, each line with its incident before it."""

    hears = False

    def __init__(self, url: str) -> None:
        self._url = url

    def whoami(self) -> str:
        """Ask the server with a line that has no text, which it refuses: nobody has to read anything."""
        answer = self._send({"text": ""})
        found = as_dict(decoded(answer.body))
        if found.get("id") != NO_TEXT:
            raise refusal(answer, found)
        return "an incoming webhook"

    def open_room(self, wanted: Wanted) -> Opened:
        """There is one channel for all; the name stands before each line."""
        return Opened(f"hook {wanted.name}")

    def find_room(self, name: str) -> Opened:
        """The webhook has its channel."""
        raise DeliveryError("an incoming webhook can enter no channel; leave the room empty", permanent=True)

    def post(self, room: str, line: Line) -> str:
        """Say a line."""
        answer = self._send({"text": f"{plain(room.removeprefix('hook '))}: {said(line)}"})
        if not 200 <= answer.status < 300:
            raise refusal(answer, as_dict(decoded(answer.body)))
        return ""

    def set_topic(self, room: str, topic: str) -> None:
        """The channel is not ours."""

    def invite(self, room: str, person: str) -> None:
        """The channel is not ours."""

    def hear(self, cursor: str, wait_s: float) -> Heard:
        """Nothing."""
        return Heard([], cursor)

    def close(self) -> None:
        """Nothing is kept open."""

    def _send(self, body: dict[str, str]) -> http.Answer:
        data = json.dumps(body, ensure_ascii=False).encode()
        return http.post(self._url, data, {"Content-Type": "application/json"})
