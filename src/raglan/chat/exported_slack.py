"""Messages as Slack writes them, in an export and when it calls us. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape

from raglan.chat.ports import put_files
from raglan.chat.told import Reading, Told, from_seconds, name_of
from raglan.core.decode import Json

NOT_SAID = ("channel_join", "channel_leave", "group_join", "group_leave")  # who came and went is not said by anybody
QUOTED = 60
_LINK = re.compile(r"<(?P<mark>[@#!]?)(?P<target>[^<>|]*+)(?:\|(?P<label>[^<>]*+))?>")


def threads_in(items: Sequence[Mapping[str, Json]], how: Reading) -> dict[str, str]:
    """Return the first words of each message that others answer in its thread, by its time."""
    asked = {str(item["thread_ts"]) for item in items if "thread_ts" in item}
    return {stamp: " ".join(_words(item, how).split()) for item in items if (stamp := str(item.get("ts", ""))) in asked}


def slack_line(item: Mapping[str, Json], how: Reading, threads: Mapping[str, str]) -> Told | None:
    """Read a message of an export; an answer in a thread says to what, as it stands among others here."""
    if item.get("type", "message") != "message" or item.get("subtype") in NOT_SAID:
        return None
    stamp, said, text = str(item.get("ts", "")), said_in_slack(item, how.names), _words(item, how)
    thread = str(item.get("thread_ts", stamp))
    if text and thread != stamp:
        asked = threads.get(thread, "")
        short = asked if len(asked) <= QUOTED else f"{asked[:QUOTED].rstrip()}…"
        text = f"(answers “{short}”)\n{text}" if asked else f"(in a thread)\n{text}"
    return Told(f"slack-{stamp}-{said.user}", from_seconds(float(stamp)), said.name, text)


def _words(item: Mapping[str, Json], how: Reading) -> str:
    """Return what a message says. Programs often say it in cards only, and those in blocks or fields."""
    text = said_in_slack(item, how.names).text
    if str(item.get("text") or "").strip():
        return text
    cards = [words_of_slack(words, how.names) for words in _cards(item) if words.strip()]
    return "\n".join([*dict.fromkeys(cards), *([text] if text else [])])


def _cards(item: Mapping[str, Json]) -> list[str]:
    found = _blocks(item.get("blocks"))
    attachments = item.get("attachments")
    for card in attachments if isinstance(attachments, list) else []:
        if not isinstance(card, dict):
            continue
        said = [str(card.get(name) or "") for name in ("pretext", "title", "text")]
        fields = card.get("fields")
        said += [
            f"{one.get('title') or ''}: {one.get('value') or ''}"
            for one in (fields if isinstance(fields, list) else [])
            if isinstance(one, dict)
        ]
        said += _blocks(card.get("blocks"))
        found += said if any(words.strip() for words in said) else [str(card.get("fallback") or "")]
    return found


def _blocks(blocks: Json) -> list[str]:
    """Return the texts of blocks; lists and styles of rich text are its words only."""
    found: list[str] = []
    for block in blocks if isinstance(blocks, list) else []:
        if isinstance(block, dict):
            named = block.get("fields")
            texts = [block.get("text"), *(named if isinstance(named, list) else [])]
            found += [str(one.get("text") or "") for one in texts if isinstance(one, dict)]
            found += ["".join(_leaves(block.get("elements")))] if block.get("type") == "rich_text" else []
    return found


def _leaves(elements: Json) -> list[str]:
    """Return the words of rich text, which is nested: sections, lists, quotes. The decoder bounds its depth."""
    found: list[str] = []
    for one in elements if isinstance(elements, list) else []:
        if isinstance(one, dict):
            found += [str(one.get("text") or one.get("url") or "")] if "elements" not in one else []
            found += [*_leaves(one.get("elements")), *(["\n"] if "elements" in one else [])]
    return found


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
    return name_of(str(found))


def words_of_slack(text: str, names: Mapping[str, str]) -> str:
    """Write people, rooms and links as words."""

    def words(found: re.Match[str]) -> str:
        target, label = found["target"], found["label"]
        if found["mark"]:
            return found["mark"].replace("!", "@") + (label or names.get(target, target))
        return f"{label} ({target})" if label and label != target else target

    return unescape(_LINK.sub(words, text))
