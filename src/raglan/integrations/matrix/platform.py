"""Matrix as a chat platform: settings, and the line to a homeserver.

A post carries its key as the transaction id, for which the homeserver answers a second time with the first event; so
what is sent again after a crash stands there once.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import ClassVar
from urllib.parse import quote

from raglan.chat.ports import REST, Heard, Line, Opened, Setting, Wanted, signs_of
from raglan.core import http
from raglan.core.errors import BadInput, DeliveryError
from raglan.integrations.matrix import sync
from raglan.integrations.matrix.wire import RefusedError, Wire

USER = re.compile(r"@[^\s:@]{1,255}:[A-Za-z0-9.:\[\]-]{1,255}")
OPEN = "public"
MOST_HTML, MOST_BODY = 20_000, 36_000  # bytes; an event holds 64 KiB


class Matrix:
    """The platform `matrix`."""

    slug: ClassVar[str] = "matrix"
    title: ClassVar[str] = "Matrix"
    address_word: ClassVar[str] = "Matrix ID"
    address_example: ClassVar[str] = "@rowan:example.org"
    lobby_help: ClassVar[str] = (
        "Its address, such as #incidents:example.org. New incidents are told there, and commands work. Empty: nowhere."
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("url", "Homeserver", "Its address for clients, such as https://matrix.example.org."),
        Setting(
            "token", "Access token", "Of an account made for raglan. It is sealed and not shown again.", is_secret=True
        ),
        Setting(
            "rooms",
            "Who may enter the rooms",
            "Whoever is in an incident here and is known by a Matrix ID is invited in any case.",
            choices=(("private", "Those who are invited"), (OPEN, "Everybody who knows the address")),
        ),
    )

    def check(self, settings: Mapping[str, str]) -> None:
        """Refuse what is no address."""
        http.check_url(settings["url"])

    def check_address(self, address: str) -> str:
        """Return a Matrix ID. Raises BadInput."""
        if not USER.fullmatch(address):
            raise BadInput("address", "write a Matrix ID, such as @rowan:example.org", status=422)
        return address

    def is_called(self, settings: Mapping[str, str]) -> bool:
        """We listen."""
        return False

    def names_of(self, who: str) -> tuple[str, ...]:
        """Return a Matrix ID."""
        return (who,)

    def connect(self, settings: Mapping[str, str]) -> "Homeserver":
        """Return a line."""
        wire = Wire(settings["url"].rstrip("/"), settings["token"])
        return Homeserver(wire, is_open=settings["rooms"] == OPEN)


class Homeserver:
    """A line to a homeserver."""

    hears = True

    def __init__(self, wire: Wire, *, is_open: bool) -> None:
        self._wire = wire
        self._is_open = is_open
        self._me = ""
        self._door = sync.Door()

    def whoami(self) -> str:
        """Return our own Matrix ID."""
        if not self._me:
            self._me = str(self._wire.get("/account/whoami").get("user_id", ""))
        return self._me

    def open_room(self, wanted: Wanted) -> Opened:
        """Make a room under an alias, or find the one that an earlier try made."""
        alias = f"#{wanted.name}:{self._server()}"
        body = {
            "room_alias_name": wanted.name,
            "name": wanted.title,
            "topic": wanted.topic,
            "preset": "public_chat" if self._is_open else "private_chat",
            "visibility": "private",
        }
        try:
            made = str(self._wire.post("/createRoom", body)["room_id"])
        except RefusedError as error:
            if error.refusal != "M_ROOM_IN_USE":
                raise
            made = self._own_room(alias)
        return Opened(made, f"https://matrix.to/#/{quote(alias, safe='#:')}")

    def _own_room(self, alias: str) -> str:
        """Return the room that has an alias, if we are in it."""
        room = str(self._wire.get(f"/directory/room/{quote(alias, safe='')}").get("room_id", ""))
        joined = self._wire.get("/joined_rooms").get("joined_rooms")
        if not isinstance(joined, list) or room not in joined:
            raise DeliveryError(f"{alias} is the address of another room already", permanent=True)
        return room

    def find_room(self, name: str) -> Opened:
        """Join a room by its address or id."""
        room = str(self._wire.post(f"/join/{quote(name, safe='')}", {}).get("room_id", ""))
        return Opened(room, f"https://matrix.to/#/{quote(name, safe='#:!')}")

    def post(self, room: str, line: Line) -> str:
        """Send a message; the same key again answers with the same event."""
        path = f"/rooms/{quote(room, safe='')}/send/m.room.message/{quote(line.key, safe='')}"
        return str(self._wire.put(path, content_of(line)).get("event_id", ""))

    def set_topic(self, room: str, topic: str) -> None:
        """Set the topic."""
        self._wire.put(f"/rooms/{quote(room, safe='')}/state/m.room.topic/", {"topic": topic})

    def invite(self, room: str, person: str) -> None:
        """Invite somebody; who is there already stays."""
        try:
            self._wire.post(f"/rooms/{quote(room, safe='')}/invite", {"user_id": person})
        except RefusedError as error:
            if "already" not in error.sentence:
                raise

    def hear(self, cursor: str, wait_s: float) -> Heard:
        """Wait for news."""
        return sync.hear(self._wire, self.whoami(), self._door, cursor, wait_s)

    def close(self) -> None:
        """Nothing is kept open."""

    def _server(self) -> str:
        return self.whoami().partition(":")[2]


def content_of(line: Line) -> dict[str, object]:
    """Return a message: plain, and with who in bold where that is not too long. It wakes nobody by naming them."""
    line = replace(line, text=f"{line.text}{signs_of(line)}")
    html = escape(line.text).replace("\n", "<br>")
    html = f"<strong>{escape(line.who)}</strong> {html}" if line.who else html
    shown = {"format": "org.matrix.custom.html", "formatted_body": html} if _weight(html) <= MOST_HTML else {}
    kind = "m.text" if line.who else "m.notice"
    return {"msgtype": kind, "body": _bounded(line.plain), **shown, "m.mentions": {}}


def _weight(text: str) -> int:
    """Return how many bytes a text takes in an event."""
    return len(json.dumps(text, ensure_ascii=False).encode())


def _bounded(text: str) -> str:
    """Return a text that fits into an event, which holds 64 KiB; a longer one ends early and says so."""
    if _weight(text) <= MOST_BODY:
        return text
    while _weight(text) > MOST_BODY:
        text = text[: len(text) * 9 // 10]
    return text + REST
