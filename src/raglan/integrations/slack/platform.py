"""Slack as a chat platform: its Web API outward; inward it calls us, and signs it, or sends by a line that we open.

Slack takes no key with a message. So each message carries its key as metadata, and after a failure, or a new start, we
look whether it stands there already. That needs the scope channels:history (or groups:history); without it a line that
was taken just before raglan died may stand there a second time.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from html import escape
from typing import ClassVar
from urllib.parse import urlencode

from raglan.chat.ports import Aside, Heard, Incoming, Line, Opened, Setting, Wait, Wanted, cut, wakes
from raglan.core import http
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput, DeliveryError
from raglan.integrations.slack import history
from raglan.integrations.slack.history import EVENT
from raglan.integrations.slack.socket import Socket

CALLED, SOCKET = "http", "socket"
API = "https://slack.com/api"
USER = re.compile(r"[UW][A-Z0-9]{2,30}")
TEAM = re.compile(r"[TE][A-Z0-9]{0,30}")
MOST_TEXT, MOST_TOPIC, MOST_PAGES = 3_500, 240, 20
FOR_NOW = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}
    | {"ratelimited", "rate_limited"}
)
NOT_LET_IN = frozenset({"invalid_auth", "not_authed", "account_inactive", "token_expired", "token_revoked"})
PRIVATE = "method_not_supported_for_channel_type"
DONE_ALREADY = frozenset({"already_in_channel", "cant_invite_self", "name_taken"})
Answered = dict[str, Json]


class RefusedError(DeliveryError):
    """Slack refused this one thing; `is_let_in` says whether it knows us."""

    def __init__(self, why: str) -> None:
        self.is_let_in = why not in NOT_LET_IN
        super().__init__(f"Slack refused: {why[:100]}", permanent=self.is_let_in and why not in FOR_NOW)


def team_of(identity: str) -> str:
    """Return the ID of the workspace, or organisation, in which we are; empty as long as nobody asked."""
    found = TEAM.fullmatch(identity.rpartition(", ")[2])
    return found[0] if found else ""


class Slack:
    """The platform `slack`."""

    slug: ClassVar[str] = "slack"
    title: ClassVar[str] = "Slack"
    address_word: ClassVar[str] = "member ID"
    address_example: ClassVar[str] = "U012AB3CD"
    lobby_help: ClassVar[str] = (
        "A public channel, such as #incidents. New incidents are told there, and commands work. Empty: nowhere."
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("token", "Bot token", "Begins with xoxb-. It is sealed and not shown again.", is_secret=True),
        Setting(
            "way",
            "What is said there comes here",
            "Socket Mode needs nothing that can be reached from outside.",
            is_needed=False,
            choices=((CALLED, "by HTTP: Slack calls raglan"), (SOCKET, "by Socket Mode: raglan opens a line to Slack")),
        ),
        Setting(
            "signing_secret",
            "Signing secret",
            "For HTTP: with it Slack signs what it sends here.",
            is_secret=True,
            is_needed=False,
        ),
        Setting(
            "app_token",
            "App-level token",
            "For Socket Mode: begins with xapp-, and has the scope connections:write.",
            is_secret=True,
            is_needed=False,
        ),
        Setting(
            "rooms", "Channels are", "", choices=(("public", "public"), ("private", "private: only who is invited"))
        ),
        Setting("url", "Address of the API", f"Empty: {API}.", is_needed=False),
    )

    def check(self, settings: Mapping[str, str]) -> None:
        """Refuse what is no address, and a way without its secret."""
        if settings["url"]:
            http.check_url(settings["url"])
        needed = "app_token" if is_socket(settings) else "signing_secret"
        if not settings[needed]:
            raise BadInput(needed, "is needed", status=422)

    def check_address(self, address: str) -> str:
        """Return a member ID. Raises BadInput."""
        if not USER.fullmatch(address):
            raise BadInput("address", "write a member ID, such as U012AB3CD", status=422)
        return address

    def is_called(self, settings: Mapping[str, str]) -> bool:
        """It calls us, unless we open a line."""
        return not is_socket(settings)

    def names_of(self, who: str) -> tuple[str, ...]:
        """Return a member ID; who we are there is told with the workspace."""
        return who, who.partition(" in ")[0]

    def connect(self, settings: Mapping[str, str]) -> "Web":
        """Return a line."""
        return Web(settings)


def is_socket(settings: Mapping[str, str]) -> bool:
    """Tell whether we open a line, by plain settings; those of an earlier version name no way."""
    return settings.get("way") == SOCKET


def answer_of(aside: Aside) -> dict[str, object]:
    """Return what a slash command is answered: to whoever gave it, and to nobody else."""
    return {"response_type": "ephemeral", "text": cut(_escaped("\n".join(aside.words)), MOST_TEXT)}


class Web:
    """A line to a Slack workspace."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._url = settings["url"].rstrip("/") or API
        self._token = settings["token"]
        self._app_token = settings.get("app_token", "")
        self._is_private = settings["rooms"] == "private"
        self._me: Answered = {}
        self._sure: set[str] = set()  # rooms in which our last post stands for certain
        self._socket = Socket(self._open_url, answer_of) if is_socket(settings) else None

    @property
    def hears(self) -> bool:
        """Whether we open a line."""
        return self._socket is not None

    def whoami(self) -> str:
        """Return our own member ID, and the workspace with its ID."""
        me = self._who()
        return f"{me.get('user_id', '')} in {str(me.get('team', ''))[:200]}, {me.get('team_id', '')}"

    def open_room(self, wanted: Wanted) -> Opened:
        """Make a channel, or find the one that an earlier try made."""
        channel = self._ask("conversations.create", name=wanted.name, is_private=self._is_private).get("channel")
        if isinstance(channel, dict):
            room = str(channel.get("id", ""))
            self._sure.add(room)  # nothing stands in a new one
        else:
            room = self._named(wanted.name, own=True)
        with suppress(RefusedError):  # a room without its topic is a room
            self._ask("conversations.setTopic", channel=room, topic=_escaped(wanted.topic)[:MOST_TOPIC])
        return Opened(room, f"https://app.slack.com/client/{self._who().get('team_id', '')}/{room}")

    def find_room(self, name: str) -> Opened:
        """Enter a channel that people made."""
        room = self._named(name.lstrip("#"), own=False)
        try:
            self._ask("conversations.join", channel=room)
        except RefusedError as error:
            if PRIVATE not in error.sentence:  # into a private one people invite us
                raise
        return Opened(room, f"https://app.slack.com/client/{self._who().get('team_id', '')}/{room}")

    def post(self, room: str, line: Line) -> str:
        """Post a message, with buttons where it can be answered; return its id."""
        text = cut(_escaped(line.text), MOST_TEXT)
        said = f"*{_escaped(line.who)}* {text}" if line.who else text
        fields: dict[str, object] = {"channel": room, "text": said, "unfurl_links": False, "unfurl_media": False}
        if line.answers:
            fields["blocks"] = [
                {"type": "section", "text": {"type": "mrkdwn", "text": said[:3_000]}},
                {"type": "actions", "elements": [_button(label, command) for label, command in line.answers]},
            ]
        fields["metadata"] = {"event_type": EVENT, "event_payload": {"key": line.key}}
        ts = self._standing(room, line.key) or self._post(room, fields)
        self._sure.add(room)
        return f"{room}:{ts}"

    def whisper(self, room: str, person: str, text: str) -> None:
        """Say something that one person sees."""
        self._ask_once("chat.postEphemeral", channel=room, user=person, text=cut(_escaped(text), MOST_TEXT))

    def missed(self, room: str, since: datetime) -> list[Incoming]:
        """Return what people wrote in a channel and its threads since then, oldest first."""
        return history.missed(self._get, room, since)

    def _post(self, room: str, fields: Mapping[str, object]) -> str:
        """Post; whether our last post in a room stands there is not sure until that is answered, or refused."""
        self._sure.discard(room)
        try:
            return str(self._ask("chat.postMessage", **fields).get("ts", ""))
        except DeliveryError as error:
            if error.permanent or isinstance(error, Wait):
                self._sure.add(room)
            raise

    def _standing(self, room: str, key: str) -> str:
        """Return the time of a post that stands in a channel already; empty where none is found or can be read."""
        if room in self._sure:
            return ""
        try:
            return history.standing(self._get, room, key)
        except RefusedError as error:
            if not error.permanent:
                raise
            return ""

    def set_topic(self, room: str, topic: str) -> None:
        """Set the topic."""
        self._ask_once("conversations.setTopic", channel=room, topic=_escaped(topic)[:MOST_TOPIC])

    def invite(self, room: str, person: str) -> None:
        """Invite somebody; who is there already stays."""
        self._ask_once("conversations.invite", channel=room, users=person)

    def hear(self, cursor: str, wait_s: float) -> Heard:
        """Wait for what comes by our own line; else nothing: Slack calls us."""
        if self._socket is None:
            return Heard([], cursor)
        return self._socket.hear(str(self._who().get("team_id", "")), cursor, wait_s)

    def close(self) -> None:
        """Let go of the line."""
        if self._socket is not None:
            self._socket.close()

    def _open_url(self) -> str:
        """Return where to open a line now. Raises DeliveryError, Wait."""
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Bearer {self._app_token}"}
        url = str(_read(http.ask("POST", f"{self._url}/apps.connections.open", b"", headers)).get("url", ""))
        if not url.startswith("wss://") and not (url.startswith("ws://") and self._url.startswith("http://")):
            raise DeliveryError("Slack named no address for a line", permanent=False)
        return url

    def _who(self) -> Answered:
        if not self._me:
            self._me = self._ask("auth.test")
        return self._me

    def _named(self, name: str, *, own: bool) -> str:
        """Return the id of a channel by its name, or its id; `own` ones are those that we are in."""
        cursor = ""
        for _ in range(MOST_PAGES):
            query = {"types": "public_channel,private_channel", "limit": "1000", "exclude_archived": "true"}
            page = self._get("conversations.list", {**query, **({"cursor": cursor} if cursor else {})})
            channels = page.get("channels")
            for one in channels if isinstance(channels, list) else []:
                if isinstance(one, dict) and name in (one.get("name"), one.get("id")):
                    if own and not one.get("is_member"):
                        break
                    return str(one["id"])
            more = page.get("response_metadata")
            cursor = str(more.get("next_cursor") or "") if isinstance(more, dict) else ""
            if not cursor:
                break
        raise DeliveryError(f"#{name} is not there, or belongs to somebody else", permanent=True)

    def _ask_once(self, method: str, **fields: object) -> None:
        """Ask for what is not worth that lines wait for it: who lets us in and refuses it is not asked again."""
        try:
            self._ask(method, **fields)
        except RefusedError as error:
            raise DeliveryError(error.sentence, permanent=error.is_let_in) from None

    def _ask(self, method: str, **fields: object) -> Answered:
        body = json.dumps(fields, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "Authorization": f"Bearer {self._token}"}
        return _read(http.ask("POST", f"{self._url}/{method}", body, headers))

    def _get(self, method: str, query: dict[str, str]) -> Answered:
        headers = {"Authorization": f"Bearer {self._token}"}
        return _read(http.ask("GET", f"{self._url}/{method}?{urlencode(query)}", None, headers))


def _read(answer: http.Answer) -> Answered:
    if answer.status == 429:
        given = answer.headers.get("retry-after", "")
        seconds = float(given) if given.isdecimal() and len(given) < 5 else 5.0
        raise Wait("Slack wants fewer messages", seconds=min(seconds, 300))
    try:
        found = decode_json(answer.body, max_members=200_000)
    except BadInput:
        found = None
    if not isinstance(found, dict):
        raise DeliveryError(f"Slack answered {answer.status} with what can not be read", permanent=False)
    why = str(found.get("error", ""))
    if found.get("ok") or why in DONE_ALREADY:
        return found
    if answer.status >= 500 and not why:
        raise DeliveryError(f"Slack answered {answer.status}", permanent=False)
    raise RefusedError(why or str(answer.status))


def _button(label: str, command: str) -> dict[str, object]:
    found: dict[str, object] = {"type": "button", "text": _plain(label), "action_id": command, "value": command}
    if not wakes(command):
        return found
    asked = {"title": _plain(f"{label}?"), "text": _plain("They are woken now."), "confirm": _plain("Page")}
    return {**found, "confirm": {**asked, "deny": _plain("No")}}


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def _escaped(text: str) -> str:
    """Write a text as it is: no mention, no link, nobody is woken by it."""
    return escape(text, quote=False)
