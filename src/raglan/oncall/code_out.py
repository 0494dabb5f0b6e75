"""Writes a schedule as code: the other direction of `as_code`. Pure."""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import time

from raglan.oncall.as_code import Document, LayerText, OverrideText
from raglan.oncall.windows import WEEKDAYS, days_of, line_of

PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9 _./@+-]*(?<! )")


def write(document: Document) -> str:
    """Return a document as YAML; read again it is the same."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    yield f"schedule: {_scalar(document.slug)}"
    if document.name:
        yield f"name: {_scalar(document.name)}"
    if document.team is not None:
        yield f"team: {_scalar(document.team)}"
    yield f"time_zone: {_scalar(document.time_zone)}"
    yield "layers:"
    for layer in document.layers:
        yield from _item(_layer_lines(layer, document.time_zone))
    if document.overrides is not None:
        yield "overrides:" if document.overrides else "overrides: []"
        for item in document.overrides:
            yield from _item(_override_lines(item))


def _item(lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        yield f"  {'- ' if number == 0 else '  '}{line}"


def _layer_lines(layer: LayerText, zone: str) -> Iterator[str]:
    if layer.name:
        yield f"name: {_scalar(layer.name)}"
    yield f"rank: {layer.rank}"
    if layer.time_zone != zone:
        yield f"time_zone: {_scalar(layer.time_zone)}"
    yield f'starts: "{layer.starts.isoformat()}"'
    on = f", on: {_scalar(WEEKDAYS[layer.on[0]] if layer.unit == 'weeks' else days_of(layer.on))}" if layer.on else ""
    yield f'turns: {{every: {layer.every}, unit: {layer.unit}{on}, at: "{clock_of(layer.at)}"}}'
    yield "people:"
    for group in layer.people:
        names = [_scalar(name) for name in group]
        yield f"  - {names[0]}" if len(names) == 1 else f"  - [{', '.join(names)}]"
    if layer.windows:
        yield "windows:"
        yield from (f"  - {_scalar(line_of(window))}" for window in layer.windows)
    if layer.active_days:
        yield "active_days: true"
    if layer.since:
        yield f'from: "{layer.since.isoformat()}"'
    if layer.until:
        yield f'until: "{layer.until.isoformat()}"'


def clock_of(at: time) -> str:
    """Return a time of day as it is written."""
    return at.isoformat("seconds" if at.second else "minutes")


def _override_lines(item: OverrideText) -> Iterator[str]:
    yield f"kind: {item.kind}"
    yield f"person: {_scalar(item.person)}"
    if item.instead_of:
        yield f"instead_of: {_scalar(item.instead_of)}"
    yield f'from: "{item.starts_at.isoformat()}"'
    yield f'until: "{item.ends_at.isoformat()}"'
    if item.reason:
        yield f"reason: {_scalar(item.reason)}"
    if item.rank:
        yield f"rank: {item.rank}"


def _scalar(text: str) -> str:
    """Return a text as YAML reads it back: plain where nothing could be taken for something else."""
    if PLAIN.fullmatch(text) and text.casefold() not in ("null", "true", "false", "yes", "no", "on", "off", "y", "n"):
        return text
    return json.dumps(text, ensure_ascii=False)
