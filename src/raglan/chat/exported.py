"""What exports of other chats hold: Slack's JSON, Matrix's JSON, plain text. Pure: text in, told lines out.

Each line gets an id of its own, the export's or a digest of the line, so that the same export again adds nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from raglan.chat.exported_matrix import ENCRYPTED, corrections_in, matrix_line
from raglan.chat.exported_slack import Said, said_in_slack, slack_line, threads_in, words_of_slack
from raglan.chat.exported_text import STAMP, plain
from raglan.chat.told import Export, Reading, Told, in_range, name_of, note
from raglan.core.decode import Json, decode_json
from raglan.core.errors import BadInput

__all__ = ["Export", "Reading", "Said", "Told", "names_in", "read", "read_all", "said_in_slack", "words_of_slack"]

MOST = 50_000
MOST_MEMBERS = 3_000_000
KINDS = ("auto", "slack", "matrix", "text", "raglan")
_MARK = "\ufeff"  # editors on Windows write it before everything else
_Items = Sequence[dict[str, Json]]
_Reader = Callable[[dict[str, Json]], Told | None]


def read(text: str, how: Reading) -> Export:
    """Read an export. Raises BadInput naming the field."""
    return read_all([("", text)], how)


def read_all(files: Iterable[tuple[str, str]], how: Reading) -> Export:
    """Read an export that is several files, each with its name. Raises BadInput naming the field.

    A line that stands in two of them counts once. What one file does not hold is said with its name.
    """
    if how.kind not in KINDS:
        raise BadInput("kind", f"must be one of {', '.join(KINDS)}", status=422)
    zone, found, problems, kinds = _zone(how.zone), dict[str, Told](), list[str](), dict[str, None]()
    for name, text in files:
        own: list[str] = []
        kind, lines = _of_one(text.removeprefix(_MARK), how, zone, own, name)
        kinds[kind] = None
        for line in _said_by(how.until, lines, own):
            found.setdefault(line.id, line)
            if len(found) > MOST:
                raise BadInput("text", f"has more than {MOST:,} lines; bring it in piece by piece", status=422)
        for words in own:
            note(problems, f"{name}: {words}" if name else words)
    if not found:
        why = f": {problems[0]}" if problems else ""
        raise BadInput("text", f"holds no line that can be understood{why}", status=422)
    return Export(" and ".join(kinds), sorted(found.values(), key=lambda line: line.at), problems)


def _of_one(text: str, how: Reading, zone: ZoneInfo, problems: list[str], name: str) -> tuple[str, Iterator[Told]]:
    try:
        kind = how.kind if how.kind != "auto" else _kind_of(text)
        return kind, plain(text, how, zone, problems) if kind == "text" else _of_json(kind, text, how, problems)
    except BadInput as error:
        if not name:
            raise
        raise BadInput("text", f"“{name}” {error.reason}" if error.field else f"“{name}”: {error.reason}") from None


def _said_by(until: datetime | None, lines: Iterator[Told], problems: list[str]) -> Iterator[Told]:
    """Leave out what is told to have been said in the future: it would stand on top of a timeline for years."""
    for line in lines:
        if until is None or line.at <= until:
            yield line
        else:
            note(problems, f"a line of {line.at:%Y-%m-%d %H:%M} UTC is left out: that is still to come")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadInput("zone", "is no time zone; write it as Europe/Berlin", status=422) from None


def _kind_of(text: str) -> str:
    start = text.lstrip()[:1]
    if start not in ("[", "{") or STAMP.match(text.lstrip()):
        return "text"
    items = _messages(text)
    for item in items[:20]:
        if "origin_server_ts" in item:
            return "matrix"
        if "ts" in item:
            return "slack"
        if "at" in item:
            return "raglan"
    if not items:
        raise BadInput("text", "holds no message", status=422)
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
    items = _messages(text)
    return _lines(items, _reader(kind, items, how, problems), problems)


def _reader(kind: str, items: _Items, how: Reading, problems: list[str]) -> _Reader:
    if kind == "slack":
        threads = threads_in(items, how)
        return lambda item: slack_line(item, how, threads)
    if kind == "matrix":
        locked = sum(item.get("type") == ENCRYPTED for item in items)
        if locked:
            note(problems, f"{locked:,} messages are encrypted and can not be read; export them from a client")
        corrected = corrections_in(items)
        return lambda item: matrix_line(item, how, corrected)
    return _own


def _lines(items: _Items, reads: _Reader, problems: list[str]) -> Iterator[Told]:
    for number, item in enumerate(items, 1):
        try:
            line = reads(item)
        except (ValueError, OverflowError, OSError):
            note(problems, f"message {number} has no time that can be understood")
            continue
        if line is not None and line.text.strip():
            yield line


def _own(item: dict[str, Json]) -> Told:
    at = datetime.fromisoformat(str(item.get("at", "")))
    if at.tzinfo is None:
        raise ValueError("no zone")
    author, text = name_of(str(item.get("author", ""))), str(item.get("text", ""))
    return Told(str(item.get("id", "")), in_range(at.astimezone(UTC)), author, text)


def lists_people(text: str) -> bool:
    """Tell whether a file is Slack's `users.json`, which stands beside the days of its channels."""
    start = text.removeprefix(_MARK)[:20_000]
    return start.lstrip()[:1] == "[" and '"profile"' in start and '"ts"' not in start


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
        return {str(one.get("id")): name_of(_called(one)) for one in people}
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {who.strip(): name_of(name) for who, name in pairs if name.strip()}


def _called(one: Mapping[str, Json]) -> str:
    """Return what a person of Slack is called. An export has the whole name at their profile only."""
    profile = one.get("profile")
    told = profile if isinstance(profile, dict) else {}
    names = (one.get("real_name"), told.get("real_name"), told.get("display_name"), one.get("name"), one.get("id"))
    return next(str(name) for name in (*names, "somebody") if name)
