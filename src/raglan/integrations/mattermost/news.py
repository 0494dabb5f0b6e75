"""What is new on a Mattermost server: asked for, again and again, by the server's own times.

Nothing is lost by a gap, however long, and nothing has to reach us from outside. Each channel is read from a little
before the last change that is known, since a change may become visible after a later one; what was seen is dropped.
"""

import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from raglan.chat.ports import Heard, Incoming, Kind, put_files
from raglan.core.clock import now
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput, DeliveryError
from raglan.integrations.mattermost.wire import Fields, Wire, as_dict

LOOK_S = 2.0
OVERLAP_MS, BEFORE_MS = 10_000, 60_000
MOST_AT_ONCE, PAGE, MOST_PAGES = 1_000, 200, 25
IN_TURN = 10  # channels that are looked at one after the other for what was corrected or taken back
PROGRAMS = ("from_webhook", "from_bot", "from_plugin")
TOO_MUCH = (
    "More was written in chat while raglan was not there than could be read. What is older than the next lines from "
    "there is not in this record."
)


@dataclass(slots=True)
class Place:
    """How far was heard: the server's clock, and of each channel the last change that is known.

    No two are written alike, so that one tells whether what was heard last is kept.
    """

    at: int = 0
    channels: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: str) -> "Place":
        """Read a cursor; what can not be read is none."""
        try:
            found = as_dict(decode_json(cursor.encode())) if cursor else {}
        except BadInput:
            found = {}
        known = as_dict(found.get("channels"))
        return cls(_whole(found.get("at")), {room: _whole(stamp) for room, stamp in known.items()})

    def __str__(self) -> str:
        return json.dumps({"at": self.at, "channels": self.channels, "mark": secrets.token_hex(4)})


class News:
    """Looks at all channels that the account is in."""

    def __init__(self, wire: Wire, team: str) -> None:
        self._wire = wire
        self._path = f"/users/me/teams/{team}/channels"
        self._seen: dict[str, set[str]] = {}
        self._fresh: dict[str, set[str]] = {}
        self._told = ""
        self._names: dict[str, str] = {}
        self._turn = 0
        self._closed = threading.Event()

    def close(self) -> None:
        """Let whoever waits return."""
        self._closed.set()

    def hear(self, me: str, cursor: str, wait_s: float) -> Heard:
        """Wait for news since a place; without one only learn where news begins."""
        place = Place.read(cursor)
        if not place.at:
            found = self._wire.listed(self._path)
            stamp = self._wire.clock_ms
            begin = {_id(one): max(stamp, _whole(one.get("last_post_at"))) for one in found}
            # Nothing of before is told, which an earlier line may have heard.
            return Heard([], str(Place(stamp, {room: at + OVERLAP_MS for room, at in begin.items()})))
        if cursor == self._told:  # what was told last is kept by now: it is not told again
            self._seen.update(self._fresh)
        self._fresh = {}
        until = time.monotonic() + wait_s
        while True:
            heard = self._look(me, place)
            if heard or self._closed.is_set() or time.monotonic() >= until:
                self._told = str(place)
                return Heard(heard, self._told)
            self._seen.update(self._fresh)
            self._closed.wait(min(self._pause(len(place.channels)), max(0.0, until - time.monotonic())))

    @staticmethod
    def _pause(channels: int) -> float:
        """Return how long to wait between two looks: longer where the list of channels is long."""
        return LOOK_S + channels / 100

    def _look(self, me: str, place: Place) -> list[Incoming]:
        listed = [one for one in self._wire.listed(self._path) if _id(one)]
        before, place.at = place.at, max(place.at, self._wire.clock_ms)
        fresh = {_id(one) for one in listed if _id(one) not in place.channels}
        begin = {_id(one): max(_whole(one.get("create_at")) - 1, before - BEFORE_MS) + OVERLAP_MS for one in listed}
        place.channels = {room: place.channels.get(room, start) for room, start in begin.items()}
        self._seen = {room: keys for room, keys in self._seen.items() if room in place.channels}
        heard: list[Incoming] = []
        for one in self._to_read(listed, place, fresh):
            heard += self._of_channel(me, _id(one), place)
            place.channels[_id(one)] = max(place.channels[_id(one)], _whole(one.get("last_post_at")))
        return sorted(heard, key=lambda message: message.at)

    def _to_read(self, listed: list[Fields], place: Place, fresh: set[str]) -> Iterator[Fields]:
        """Yield channels in which something was written, and in turn one that was busy lately, for corrections."""
        lately = place.at - OVERLAP_MS
        changed = [
            one
            for one in listed
            if _id(one) in fresh or _whole(one.get("last_post_at")) > min(place.channels[_id(one)], lately)
        ]
        yield from changed
        busy = sorted(listed, key=lambda one: -_whole(one.get("last_post_at")))[:IN_TURN]
        if busy:
            self._turn = (self._turn + 1) % len(busy)
            if busy[self._turn] not in changed:
                yield busy[self._turn]

    def _of_channel(self, me: str, room: str, place: Place) -> list[Incoming]:
        since = place.channels[room] - OVERLAP_MS
        found, lost = self._posts(room, since)
        seen = self._seen.get(room, set())
        messages = [_lost(room, since)] if lost else []
        for post in sorted(found, key=lambda one: _whole(one.get("create_at"))):
            place.channels[room] = max(place.channels[room], _whole(post.get("update_at")))
            if _is_of_people(post, me):
                messages += self._changes(room, post, since)
        self._fresh[room] = {message.id for message in messages}
        return [message for message in messages if message.id not in seen]

    def _posts(self, room: str, since: int) -> tuple[list[Fields], bool]:
        """Return what changed in a channel since a time, and whether there was more than can be read."""
        path = f"/channels/{room}/posts"
        found = _posts_of(self._wire.get(path, {"since": str(max(1, since))}))
        if len(found) < MOST_AT_ONCE:
            return found, False
        found, before = [], ""  # the server leaves out some of them, whichever: read the history instead
        for _ in range(MOST_PAGES):
            query = {"per_page": str(PAGE), **({"before": before} if before else {})}
            page = _posts_of(self._wire.get(path, query))
            found += page
            if len(page) < PAGE or _whole(page[-1].get("create_at")) <= since:
                return found, False
            before = str(page[-1].get("id", ""))
        return found, True

    def _changes(self, room: str, post: Fields, since: int) -> Iterator[Incoming]:
        """Yield what became of a post since a time: written, corrected, taken back."""
        key, text = str(post.get("id", "")), text_of(post)
        edited, deleted = _whole(post.get("edit_at")), _whole(post.get("delete_at"))
        if _whole(post.get("create_at")) > since and text:
            yield self._message(room, post, key, Kind.MESSAGE)
        if edited > since and text and not deleted:
            yield self._message(room, post, f"{key}:{edited}", Kind.EDIT)
        if deleted > since:
            yield self._message(room, post, f"{key}:gone", Kind.TAKEN_BACK)

    def _message(self, room: str, post: Fields, key: str, kind: Kind) -> Incoming:
        author, about = str(post.get("user_id", "")), str(post.get("id", "")) if kind != Kind.MESSAGE else ""
        return Incoming(
            id=key,
            room=room,
            author=author,
            author_name=self._name(author),
            text=text_of(post),
            at=moment(post.get("create_at" if kind == Kind.MESSAGE else "update_at")),
            kind=kind,
            about=about,
        )

    def _name(self, user: str) -> str:
        """Return what somebody is called there; who can not be asked for is known by the id."""
        if user not in self._names:
            try:
                found = self._wire.get(f"/users/{user}")
            except DeliveryError:
                found = {}
            self._names[user] = str(found.get("username") or user)
        return self._names[user]


def _lost(room: str, since: int) -> Incoming:
    """Return the line that says what is missing; the same at each try."""
    return Incoming(f"gap-{room}-{since}", room, "", "", TOO_MUCH, now(), Kind.GAP)


def text_of(post: Fields) -> str:
    """Return what somebody wrote, and which files they put there."""
    files = as_dict(post.get("metadata")).get("files")
    names = (
        [str(one.get("name", "a file")) for one in files if isinstance(one, dict)] if isinstance(files, list) else []
    )
    return f"{post.get('message') or ''}\n{put_files(names)}".strip("\n")


def moment(stamp: Json) -> datetime:
    """Return a time that stands in milliseconds."""
    if not isinstance(stamp, int) or not 0 < stamp < 7_258_118_400_000:
        return now()
    return datetime.fromtimestamp(stamp / 1000, UTC)


def _is_of_people(post: Fields, me: str) -> bool:
    """Tell whether a person wrote a post: not we, no program, not the server, and it is no earlier text of another."""
    props: Mapping[str, Json] = as_dict(post.get("props"))
    if post.get("original_id") or str(post.get("type") or "").startswith("system_"):
        return False
    return post.get("user_id") not in (me, "", None) and not any(props.get(name) for name in PROGRAMS)


def _posts_of(found: Fields) -> list[Fields]:
    """Return the posts of an answer, in its order: newest first."""
    posts, order = as_dict(found.get("posts")), found.get("order")
    keys = [str(key) for key in order] if isinstance(order, list) else []
    return [as_dict(posts[key]) for key in keys if key in posts]


def _id(channel: Fields) -> str:
    return str(channel.get("id") or "")


def _whole(value: Json) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**53 else 0
