"""What exports of other chats hold: Slack's JSON, Matrix's JSON, plain text. Pure: text in, told lines out.

Each line gets an id of its own, the export's or a digest of the line, so that the same export again adds nothing.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from raglan.chat.ports import put_files
from raglan.core.decode import Json, clean_text, decode_json
from raglan.core.errors import BadInput

MOST = 5_000
MOST_MEMBERS = 500_000
KINDS = ("auto", "slack", "matrix", "text", "raglan")
# Whatever is read here takes time in proportion to its length: no run may be tried again from each of its places.
_STAMP = re.compile(
    r"[\[(]?(?P<day>\d{4}-\d\d-\d\d)?[T ,]{0,3}(?P<time>\d{1,2}:\d\d(?::\d\d)?)(?:[.,]\d{1,9})?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?[\])]?[\s,|-]{1,5}\s*+(?P<rest>\S.*)"
)
_ANGLED = re.compile(r"[<\[](?P<who>[^>\]]{1,60})[>\]]\s*(?P<text>.*)", re.DOTALL)
_COLON = re.compile(r"(?P<who>[^:]{1,60}):\s+(?P<text>.*)", re.DOTALL)
_MARK = "\ufeff"  # editors on Windows write it before everything else
_LINK = re.compile(r"<(?P<mark>[@#!]?)(?P<target>[^<>|]*+)(?:\|(?P<label>[^<>]*+))?>")


@dataclass(frozen=True, slots=True)
class Told:
    """One line of an export."""

    id: str
    at: datetime
    author: str
    text: str

    def as_json(self) -> dict[str, str]:
        """Return it in the form that is read again as kind `raglan`."""
        return {"id": self.id, "at": self.at.isoformat(), "author": self.author, "text": self.text}


@dataclass(frozen=True, slots=True)
class Reading:
    """How an export is to be read: its kind, the zone of times that name none, their day, and names for ids.

    A line that was said after `until` is left out: its time is wrong.
    """

    kind: str = "auto"
    zone: str = "UTC"
    day: date | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """What was found: lines by time, and what could not be understood."""

    kind: str
    lines: list[Told]
    problems: list[str]


def read(text: str, how: Reading) -> Export:
    """Read an export. Raises BadInput naming the field."""
    if how.kind not in KINDS:
        raise BadInput("kind", f"must be one of {', '.join(KINDS)}", status=422)
    zone, text = _zone(how.zone), text.removeprefix(_MARK)
    kind = how.kind if how.kind != "auto" else _kind_of(text)
    problems: list[str] = []
    lines = _plain(text, how, zone, problems) if kind == "text" else _of_json(kind, text, how, problems)
    found = _said_by(how.until, lines, problems)
    if len(found) > MOST:
        raise BadInput("text", f"has more than {MOST} lines; bring it in piece by piece", status=422)
    if not found:
        why = f": {problems[0]}" if problems else ""
        raise BadInput("text", f"holds no line that can be understood{why}", status=422)
    return Export(kind, sorted(found, key=lambda line: line.at), problems)


def _said_by(until: datetime | None, lines: Iterator[Told], problems: list[str]) -> list[Told]:
    """Leave out what is told to have been said in the future: it would stand on top of a timeline for years."""
    found = []
    for line in lines:
        if until is None or line.at <= until:
            found.append(line)
        else:
            _note(problems, f"a line of {line.at:%Y-%m-%d %H:%M} UTC is left out: that is still to come")
    return found


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput("zone", "is no time zone; write it as Europe/Berlin", status=422) from None


def _kind_of(text: str) -> str:
    start = text.lstrip()[:1]
    if start not in ("[", "{") or _STAMP.match(text.lstrip()):
        return "text"
    for item in _messages(text)[:20]:
        if "origin_server_ts" in item:
            return "matrix"
        if "ts" in item:
            return "slack"
        if "at" in item:
            return "raglan"
    raise BadInput("text", "is JSON of a kind that is not known here", status=422)


def _messages(text: str) -> list[dict[str, Json]]:
    """Return the messages of a list, or of an object that holds one."""
    found = decode_json(text.encode("utf-8", "replace"), max_members=MOST_MEMBERS)
    if isinstance(found, dict):
        found = next((found[name] for name in ("messages", "chunk", "events") if name in found), None)
    if not isinstance(found, list):
        raise BadInput("text", "is JSON without a list of messages", status=422)
    return [item for item in found if isinstance(item, dict)]


def _of_json(kind: str, text: str, how: Reading, problems: list[str]) -> Iterator[Told]:
    reads = {"slack": _slack, "matrix": _matrix, "raglan": _own}[kind]
    for number, item in enumerate(_messages(text), 1):
        try:
            line = reads(item, how)
        except (ValueError, OverflowError, OSError):
            _note(problems, f"message {number} has no time that can be understood")
            continue
        if line is not None and line.text.strip():
            yield line


def _note(problems: list[str], words: str) -> None:
    if len(problems) < 50:
        problems.append(words)


# Slack ---------------------------------------------------------------------------------------------------------------


def _slack(item: dict[str, Json], how: Reading) -> Told | None:
    """Read a message; who came and went is not said by anybody."""
    if item.get("type", "message") != "message" or item.get("subtype") in ("channel_join", "channel_leave"):
        return None
    stamp, said = str(item.get("ts", "")), said_in_slack(item, how.names)
    return Told(f"slack-{stamp}-{said.user}", _from_seconds(float(stamp)), said.name, said.text)


@dataclass(frozen=True, slots=True)
class Said:
    """What a message of Slack says: whose id it has, what they are called, their words and the files with them."""

    user: str
    name: str
    text: str


def said_in_slack(item: Mapping[str, Json], names: Mapping[str, str]) -> Said:
    """Read a message as Slack writes it, in an export and when it calls us."""
    user = str(item.get("user") or item.get("bot_id") or item.get("username") or "")
    files = item.get("files")
    named = (
        [str(one.get("name", "a file")) for one in files if isinstance(one, dict)] if isinstance(files, list) else []
    )
    words = words_of_slack(str(item.get("text") or ""), names)
    return Said(user, _slack_name(item, user, names), f"{words}\n{put_files(named)}".strip("\n"))


def _slack_name(item: Mapping[str, Json], user: str, names: Mapping[str, str]) -> str:
    if user in names:
        return names[user]
    profile = item.get("user_profile")
    known = profile if isinstance(profile, dict) else {}
    found = known.get("real_name") or known.get("display_name") or item.get("username") or user
    return _name(str(found))


def words_of_slack(text: str, names: Mapping[str, str]) -> str:
    """Write people, rooms and links as words."""

    def words(found: re.Match[str]) -> str:
        target, label = found["target"], found["label"]
        if found["mark"]:
            return found["mark"].replace("!", "@") + (label or names.get(target, target))
        return f"{label} ({target})" if label and label != target else target

    return unescape(_LINK.sub(words, text))


# Matrix, and our own -------------------------------------------------------------------------------------------------


def _matrix(item: dict[str, Json], how: Reading) -> Told | None:
    content = item.get("content")
    if item.get("type") != "m.room.message" or not isinstance(content, dict):
        return None
    related = content.get("m.relates_to")
    if isinstance(related, dict) and related.get("rel_type") == "m.replace":
        return None  # the export holds the corrected message as well
    stamp, sender = item.get("origin_server_ts"), str(item.get("sender", ""))
    if not isinstance(stamp, int):
        raise ValueError("no time")
    name = how.names.get(sender, sender)
    return Told(
        str(item.get("event_id") or f"{stamp}-{sender}"),
        _from_seconds(stamp / 1000),
        _name(name),
        str(content.get("body", "")),
    )


def _own(item: dict[str, Json], how: Reading) -> Told | None:
    at = datetime.fromisoformat(str(item.get("at", "")))
    if at.tzinfo is None:
        raise ValueError("no zone")
    return Told(
        str(item.get("id", "")),
        _in_range(at.astimezone(UTC)),
        _name(str(item.get("author", ""))),
        str(item.get("text", "")),
    )


def _from_seconds(seconds: float) -> datetime:
    return _in_range(datetime.fromtimestamp(seconds, UTC))


def _in_range(at: datetime) -> datetime:
    if not 1990 <= at.year <= 2200:
        raise ValueError("out of range")
    return at


def _name(text: str) -> str:
    return " ".join(clean_text(text).split())[:80] or "somebody"


# Plain text ----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Open:
    """A line of plain text that may go on in the next one."""

    at: datetime
    author: str
    texts: list[str]


def _plain(text: str, how: Reading, zone: ZoneInfo, problems: list[str]) -> Iterator[Told]:
    """Read lines that begin with a time; others go on with the one before."""
    seen: Counter[str] = Counter()
    lines: list[_Open] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = _STAMP.match(line.lstrip())
        at = _moment(found, how, zone, lines[-1].at if lines else None) if found else None
        if found is None and lines:
            lines[-1].texts.append(line)
        elif found is not None and at is not None:
            who, words = _who(found["rest"])
            lines.append(_Open(at, _name(how.names.get(who, who)), [words]))
        elif line.strip():
            why = "there is no day, and none was given" if found else "it does not begin with a time"
            _note(problems, f"line {number} is left out: {why}")
    for one in lines:
        words = "\n".join(one.texts).strip()
        same = f"{one.at.isoformat()}|{one.author}|{words}"
        seen[same] += 1
        digest = hashlib.sha256(f"{same}|{seen[same]}".encode("utf-8", "replace")).hexdigest()
        yield Told(f"text-{digest[:40]}", one.at, one.author, words)


def _moment(found: re.Match[str], how: Reading, zone: ZoneInfo, before: datetime | None) -> datetime | None:
    """Return when a line was written. One without a day is of the same as the line before, or of the next day."""
    try:
        clock = time.fromisoformat(found["time"].zfill(5 if found["time"].count(":") == 1 else 8))
        given = date.fromisoformat(found["day"]) if found["day"] else None
    except ValueError:
        return None
    day = given or (before.astimezone(zone).date() if before else how.day)
    if day is None or not 1990 <= day.year <= 2200:
        return None
    if found["zone"]:
        offset = found["zone"].replace("Z", "+00:00")
        return _checked(datetime.fromisoformat(f"{day}T{clock}{offset}"))
    first = datetime.combine(day, clock, zone)
    if before is None or first.astimezone(UTC) >= before:
        return _checked(first)
    again = first.replace(fold=1)  # in autumn an hour comes twice
    if again.astimezone(UTC) >= before:
        return _checked(again)
    goes_on = given is None and before - first.astimezone(UTC) > timedelta(hours=12)
    return _checked(datetime.combine(day + timedelta(days=1), clock, zone) if goes_on else first)


def _checked(at: datetime) -> datetime | None:
    return at.astimezone(UTC) if 1990 <= at.year <= 2200 else None


def _who(rest: str) -> tuple[str, str]:
    """Return who said it, as `<rowan> text` or `Rowan: text`, and what."""
    found = _ANGLED.fullmatch(rest) or _COLON.fullmatch(rest)
    return (found["who"].strip(), found["text"]) if found else ("somebody", rest)


def names_in(text: str) -> dict[str, str]:
    """Read who is who: Slack's `users.json`, or lines such as `U0123 = Rowan Ellis`."""
    text = text.removeprefix(_MARK)
    if text.lstrip()[:1] in ("[", "{"):
        try:
            found = decode_json(text.encode("utf-8", "replace"), max_members=MOST_MEMBERS)
        except BadInput as error:
            raise BadInput("names", f"can not be read: {error.reason}", status=422) from None
        listed = found.get("members") if isinstance(found, dict) else found
        people = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
        if not people:
            raise BadInput("names", "is JSON without a list of people", status=422)
        return {str(one.get("id")): _name(_called(one)) for one in people}
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {who.strip(): _name(name) for who, name in pairs if name.strip()}


def _called(one: Mapping[str, Json]) -> str:
    """Return what a person of Slack is called. An export has the whole name at their profile only."""
    profile = one.get("profile")
    told = profile if isinstance(profile, dict) else {}
    names = (one.get("real_name"), told.get("real_name"), told.get("display_name"), one.get("name"), one.get("id"))
    return next(str(name) for name in (*names, "somebody") if name)
