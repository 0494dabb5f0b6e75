"""Mattermost as a chat platform: settings, and the line of a bot account.

A post carries its key: the server answers a second one within half a minute with the first, and after a failure, or a
new start, we look whether it stands there already.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

from raglan.chat.ports import DOOR, Connection, Heard, Line, Opened, Setting, Wanted
from raglan.core import http, signing
from raglan.core.errors import BadInput, DeliveryError
from raglan.integrations.mattermost.hook import Hook
from raglan.integrations.mattermost.news import News
from raglan.integrations.mattermost.wire import Fields, RefusedError, Wire, as_dict
from raglan.integrations.mattermost.words import plain, said

USER = re.compile(r"[a-z0-9]{26}")
TEAM = re.compile(r"[a-z0-9-]{1,64}")
MOST_NAME, MOST_HEADER, LOOK_BACK = 64, 1_000, 200
OPEN = "public"


class Mattermost:
    """The platform `mattermost`."""

    slug: ClassVar[str] = "mattermost"
    title: ClassVar[str] = "Mattermost"
    address_word: ClassVar[str] = "user ID"
    address_example: ClassVar[str] = "4xp9fdt77pncbef59f4k1qe83o"
    lobby_help: ClassVar[str] = (
        "A public channel, such as incidents. New incidents are told there, and commands work. Empty: nowhere. "
        "Without a bot: leave it empty, the webhook has its channel."
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("url", "Server", "Its address, such as https://chat.example.org."),
        Setting("team", "Team", "With a bot: its name as it stands in addresses, such as operations.", is_needed=False),
        Setting(
            "token",
            "Access token of the bot",
            "System Console, Integrations, Bot Accounts. It is sealed and not shown again.",
            is_secret=True,
            is_needed=False,
        ),
        Setting("rooms", "Channels are", "", choices=((OPEN, "public"), ("private", "private: only who is invited"))),
        Setting(
            "command_token",
            "Token of the slash command",
            "Mattermost shows it when the command is made. Empty: there is none.",
            is_secret=True,
            is_needed=False,
        ),
        Setting(
            "outgoing_token",
            "Token of the outgoing webhook",
            "For a channel in which no bot may be. Empty: there is none.",
            is_secret=True,
            is_needed=False,
        ),
        Setting(
            "hook",
            "Incoming webhook",
            "Only where no bot is allowed: its whole address. All incidents are then told in its channel.",
            is_secret=True,
            is_needed=False,
        ),
    )

    def check(self, settings: Mapping[str, str]) -> None:
        """Refuse what is no address, and a connection that can say nothing."""
        http.check_url(settings["url"])
        if settings["hook"]:
            http.check_url(settings["hook"], "hook")
        if not settings["token"] and not settings["hook"]:
            raise BadInput("token", "write the token of a bot, or the address of an incoming webhook", status=422)
        if settings["token"] and not TEAM.fullmatch(settings["team"]):
            raise BadInput("team", "write the team's name as it stands in addresses, such as operations", status=422)

    def check_address(self, address: str) -> str:
        """Return a user ID. Raises BadInput."""
        if not USER.fullmatch(address):
            raise BadInput(
                "address", "write a user ID: 26 small letters and digits, as the profile shows it", status=422
            )
        return address

    def is_called(self, settings: Mapping[str, str]) -> bool:
        """Its slash command, webhooks and buttons call us."""
        return True

    def names_of(self, who: str) -> tuple[str, ...]:
        """Return a user ID; who we are there is told with name, team and ID."""
        return who, who.partition(" in ")[0], who.rpartition(", ")[2]

    def connect(self, settings: Mapping[str, str]) -> Connection:
        """Return a line: of the bot, or without one of the incoming webhook."""
        if not settings["token"]:
            return Hook(settings["hook"])
        return Bot(settings)


def seal_of(door: str, room: str, command: str) -> str:
    """Return what proves that a button is ours: Mattermost does not sign what it sends when one is pressed."""
    key = signing.signing_key(door, "raglan.mattermost.button")
    return hmac.new(key, f"{room}\n{command}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()


class Bot:
    """A line to a server, as a bot account."""

    hears = True

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._url = settings["url"].rstrip("/")
        self._team_name = settings["team"]
        self._type = "O" if settings["rooms"] == OPEN else "P"
        self._door = settings.get(DOOR, "")
        self._wire = Wire(self._url, settings["token"])
        self._me: Fields = {}
        self._team: Fields = {}
        self._news: News | None = None
        self._sure: set[str] = set()  # rooms in which our last post stands for certain
        self._is_closed = False

    def whoami(self) -> str:
        """Return our name, the team, and our ID."""
        title = str(self._its_team().get("display_name") or self._team_name)
        return f"{self._who().get('username', '')} in {title[:200]}, {self._id()}"

    def open_room(self, wanted: Wanted) -> Opened:
        """Make a channel, or find the one that an earlier try made."""
        body = {
            "team_id": self._team_id(),
            "name": wanted.name,
            "display_name": wanted.title[:MOST_NAME],
            "header": plain(wanted.topic)[:MOST_HEADER],
            "type": self._type,
        }
        try:
            made = self._wire.post("/channels", body)
        except RefusedError as error:
            if ".exists." not in error.refusal:
                raise
            made = self._named(wanted.name)
            if made.get("creator_id") != self._id():
                raise DeliveryError(f"{wanted.name} is a channel of somebody else", permanent=True) from None
        return self._opened(made)

    def find_room(self, name: str) -> Opened:
        """Enter a channel that people made."""
        room = self._named(name.lstrip("~#").strip().lower())
        self._wire.post(f"/channels/{room.get('id', '')}/members", {"user_id": self._id()})
        return self._opened(room)

    def post(self, room: str, line: Line) -> str:
        """Post a message, with buttons where it can be answered; return its id."""
        if room not in self._sure and (there := self._standing(room, line.key)):
            self._sure.add(room)
            return there
        self._sure.discard(room)
        body: dict[str, object] = {
            "channel_id": room,
            "message": said(line),
            "pending_post_id": f"{self._id()}:{line.key}",
            "props": {"raglan": line.key, **self._buttons(room, line)},
        }
        made = str(self._wire.post("/posts", body).get("id", ""))
        self._sure.add(room)
        return made

    def set_topic(self, room: str, topic: str) -> None:
        """Set what stands above the channel."""
        self._ask_once("PUT", f"/channels/{_part(room)}/patch", {"header": plain(topic)[:MOST_HEADER]})

    def invite(self, room: str, person: str) -> None:
        """Let somebody into the channel; who is there already stays."""
        self._ask_once("POST", f"/channels/{_part(room)}/members", {"user_id": person})

    def hear(self, cursor: str, wait_s: float) -> Heard:
        """Wait for news."""
        if self._news is None:
            self._news = News(self._wire, self._team_id())
            if self._is_closed:
                self._news.close()
        return self._news.hear(self._id(), cursor, wait_s)

    def close(self) -> None:
        """Let whoever waits return."""
        self._is_closed = True
        if self._news is not None:
            self._news.close()

    def _who(self) -> Fields:
        if not self._me:
            self._me = self._wire.get("/users/me")
        return self._me

    def _id(self) -> str:
        return str(self._who().get("id", ""))

    def _its_team(self) -> Fields:
        if not self._team:
            self._team = self._wire.get(f"/teams/name/{_part(self._team_name)}")
        return self._team

    def _team_id(self) -> str:
        return str(self._its_team().get("id", ""))

    def _named(self, name: str) -> Fields:
        return self._wire.get(f"/teams/{self._team_id()}/channels/name/{_part(name)}")

    def _opened(self, channel: Fields) -> Opened:
        name = str(channel.get("name", ""))
        return Opened(str(channel.get("id", "")), f"{self._url}/{self._team_name}/channels/{_part(name)}")

    def _standing(self, room: str, key: str) -> str:
        """Return the id of a post that stands in a room already; empty where there is none."""
        found = self._wire.get(f"/channels/{_part(room)}/posts", {"per_page": str(LOOK_BACK)})
        for post in as_dict(found.get("posts")).values():
            one = as_dict(post)
            if as_dict(one.get("props")).get("raglan") == key and one.get("user_id") == self._id():
                return str(one.get("id", ""))
        return ""

    def _buttons(self, room: str, line: Line) -> dict[str, object]:
        if not self._door or not line.safe_answers:
            return {}
        actions = [
            {
                "id": f"raglan{number}",
                "type": "button",
                "name": label,
                "integration": {
                    "url": self._door,
                    "context": {"command": command, "seal": seal_of(self._door, room, command)},
                },
            }
            for number, (label, command) in enumerate(line.safe_answers)
        ]
        return {"attachments": [{"actions": actions}]}

    def _ask_once(self, method: str, path: str, body: object) -> None:
        """Ask for what is not worth that lines wait for it: a server that answers and refuses is not asked again."""
        try:
            (self._wire.put if method == "PUT" else self._wire.post)(path, body)
        except RefusedError as error:
            raise DeliveryError(error.sentence, permanent=error.permanent or bool(error.refusal)) from None


def _part(word: str) -> str:
    return quote(word, safe="")
