"""The answer of the gate in its forms, version 1: a text, a file with every hold, and one line for DNS.

docs/reference/gate.md is the promise; a form changes only with its version. Each text ends with `end`, so that whoever
reads half of one knows.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote

from raglan.changes.gate import PLACES, TOUCHED, VERSION, Answer, Asked, HoldRule, stamp
from raglan.core.errors import BadInput

_LISTED = re.compile(r'\s*(?:"([^"]*)"|“([^“”]*)”)\s*(?=,|$)|([^,]+)')
MOST_NAME = 253
MOST_WORDS = 1_000
MOST_DNS = 200
MOST_KNOWN = 2 << 20  # signs; hosts read 4 MiB of a file
KINDS = {"cluster": "clusters", "role": "roles", "environment": "environments", "tag": "tags"}
KINDS |= {"package": "packages", "change": "changes"}


def text(answer: Answer, *, with_reason: bool, read_s: int = 0, hands: Sequence[str] = ()) -> str:
    """Write the answer to one host. `read_s`: since so many seconds no new hold could have been seen.

    `hands` say what was changed by hand there and may be undone by the run that asks.
    """
    lines = [answer.word, f"gate: {VERSION}"]
    for hold in answer.holds:
        lines.append(f"hold: {hold.name}")
        lines += [f"reason: {hold.reason}"] if with_reason else []
        lines.append(f"until: {stamp(hold.ends_at)}")
        lines += ["drill: yes"] if hold.is_drill else []
    if with_reason:
        lines += [f"beside: {hold.name}: {why}" for hold, why in (*answer.through, *answer.elsewhere)]
    lines += [f"hand: {' '.join(words.split())}" for words in hands]
    lines += [f"read: {read_s} s ago"] if read_s else []
    return "\n".join([*lines, f"asked: {stamp(answer.at)}", "end", ""])


def file(
    rules: Iterable[HoldRule], at: datetime, *, good_until: datetime, known: Mapping[str, Asked] | None = None
) -> str:
    """Write every hold that is on or to come, for hosts that look for theirs by themselves.

    `known` is what raglan knows of hosts besides, by name; of too many some are left out, which is said.
    """
    lines = [f"raglan-gate {VERSION}", f"made: {stamp(at)}", f"good-until: {stamp(good_until)}", *_known(known or {})]
    for rule in rules:
        if rule.ends_at > at:
            lines += _lines_of(rule, at)
    return "\n".join([*lines, "end", ""])


def _known(known: Mapping[str, Asked]) -> Iterator[str]:
    """Write what is known of hosts in lines before the first hold, where a reader that does not know them passes by."""
    left = MOST_KNOWN
    for number, host in enumerate(sorted(known)):
        words = [f"{kind[:-1]}={quote(name)}" for kind in PLACES for name in getattr(known[host], kind)]
        line = f"knows: {' '.join((quote(host), *words))}"
        left -= len(line) + 1
        if left < 0:
            yield f"knows-not: {len(known) - number} hosts"
            return
        yield line


def _lines_of(rule: HoldRule, at: datetime) -> Iterator[str]:
    yield f"hold: {rule.name}"
    yield f"reason: {rule.reason}"
    yield f"from: {stamp(rule.starts_at)}"
    yield f"until: {stamp(rule.ends_at)}"
    for kind in (*PLACES, *TOUCHED):
        for name in getattr(rule.reach, kind):
            yield f"{kind[:-1]}: {name}"
    for exempt in rule.but:
        if exempt.ends_at > at:
            yield f"but: {exempt.kind} {exempt.name} until {stamp(exempt.ends_at)}"
    if rule.is_drill:
        yield "drill: yes"


def dns(answer: Answer) -> str:
    """Write the answer as the text of a TXT record: of several holds, when the last one ends, and its name."""
    said = f"v=raglan{VERSION} {answer.word} asked={stamp(answer.at)}"
    if not answer.holds or answer.until is None:
        return said
    return f"{said} until={stamp(answer.until)} hold={answer.holds[0].name}"[:MOST_DNS]


def asked_in(said: Mapping[str, Sequence[str]]) -> Asked:
    """Return what a host says of itself. Raises BadInput at a word that the gate does not know."""
    words: dict[str, tuple[str, ...]] = {}
    for name, values in said.items():
        if name not in KINDS and name != "host":
            known = ", ".join(("host", *KINDS))
            raise BadInput(name[:40], f"the gate does not know this word; it knows {known}", status=400)
        words[KINDS.get(name, name)] = tuple(_names(name, values))
    hosts = words.pop("host", ())
    if len(hosts) > 1:
        raise BadInput("host", "one host asks at a time", status=400)
    return Asked(host=hosts[0] if hosts else "", **words)


def _listed(value: str) -> list[str]:
    """Return the names of a value as tools write them: commas between, and a name that has some in double quotes.

    A quote that does not end its name is a sign like any other.
    """
    return [name for found in _LISTED.finditer(value) if (name := found[1] or found[2] or found[3])]


def _names(kind: str, values: Sequence[str]) -> list[str]:
    names = [name for value in values for name in _listed(value)]
    if kind == "tag":  # no hold can name such a tag; tools give odd ones, and all the others count
        names = [name for name in names if len(name) <= MOST_NAME and name.isprintable()]
    if len(names) > MOST_WORDS or any(len(name) > MOST_NAME or not name.isprintable() for name in names):
        raise BadInput(kind, f"at most {MOST_WORDS} names of {MOST_NAME} printable characters", status=400)
    return names
