"""What a source sent, tried on a mapping that is not saved yet, and what it asks of a person."""

from collections.abc import Iterator
from dataclasses import dataclass

from raglan.alerts.models import Signal, Source
from raglan.alerts.ports import RawSignal
from raglan.core.decode import Json
from raglan.core.errors import BadInput
from raglan.integrations.generic.doors import read
from raglan.integrations.mail_in.reader import read as read_mail

LAST = 20


@dataclass(frozen=True, slots=True)
class Trial:
    """One message under a mapping: the signal that it would be, or what is missing."""

    signal: Signal
    read: RawSignal | None
    problem: str


def on_what_came(source: Source, mapping: dict[str, object]) -> list[Trial]:
    """Read the last messages of a source by a mapping; nothing is stored."""
    came = Signal.objects.filter(source=source).order_by("-pk")[:LAST]
    is_mail = source.kind == Source.Kind.EMAIL
    return [_tried(signal, body, mapping, is_mail=is_mail) for signal in came for body in _bodies(signal)]


def _bodies(signal: Signal) -> Iterator[Json]:
    body = signal.raw.get("body") if isinstance(signal.raw, dict) else signal.raw
    yield from body[:LAST] if isinstance(body, list) else [body]


def _tried(signal: Signal, body: Json, mapping: dict[str, object], *, is_mail: bool) -> Trial:
    try:
        found = (
            read_mail(body, mapping, signal.source_id)
            if is_mail and isinstance(body, dict)
            else read(body, mapping, "")
        )
        return Trial(signal, found, "" if found else "a rule leaves this mail alone")
    except BadInput as error:
        return Trial(signal, None, error.sentence or "this is not an object")


def asks_to_confirm(source: Source, signal: Signal) -> bool:
    """Tell whether AWS asks with this message whether a topic may send here, and nobody has said so yet."""
    body = signal.raw.get("body") if isinstance(signal.raw, dict) else None
    if source.kind != Source.Kind.SNS or not isinstance(body, dict):
        return False
    topics = source.mapping.get("topics")
    is_known = isinstance(topics, list) and body.get("TopicArn") in topics
    return body.get("Type") == "SubscriptionConfirmation" and not is_known
