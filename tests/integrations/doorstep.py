"""Knocks at the doors as the edge does, on the test's own thread and in its transaction."""

import json
from collections.abc import Mapping
from urllib.parse import unquote

from raglan.alerts import actions, ports, queries
from raglan.alerts.models import Source
from raglan.alerts.ports import Answer, Batch, IntakeRequest, Replies
from raglan.core.clock import now
from raglan.core.errors import BadInput, RaglanError
from raglan.edge.heads import header_token, split_path


def make(kind: str, *, mapping: dict[str, object] | None = None, secret: str = "") -> tuple[Source, str]:
    """Make a source and return it with its token."""
    slug = f"{kind}-{Source.objects.count()}"
    source, token = actions.create_source(name=slug.title(), slug=slug, kind=kind, mapping=mapping, actor="raglan")
    if secret:
        actions.save_secret(source, secret, actor="raglan")
    return source, token


def knock(
    method: str, path: str, body: object = b"", *, query: str = "", headers: Mapping[str, str] | None = None
) -> Answer:
    """Send one request; the token stands in the path, in a header or in the body, as the format has it.

    What has a percent sign in the path is quoted there, as on the wire.
    """
    token, rest = split_path(unquote(path))
    quoted = split_path(path)[1] if "%" in path else ""
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    named = {name.lower(): value for name, value in (headers or {}).items()}
    token = token or header_token(named.get("authorization", ""))
    request = IntakeRequest(method, rest, query, named, raw, "127.0.0.1", token, quoted)
    door = ports.door_for(method, rest)
    assert door is not None, f"no door takes {method} {rest}"
    try:
        source = queries.source_by_token(token or door.token(request))
        assert source.kind in door.kinds
        if isinstance(door, Replies) and (said := door.reply(source, request)) is not None:
            return said
        decoded = door.decode(source, request)
    except BadInput as error:
        return door.refuse(error)
    except RaglanError as error:
        return Answer(error.status, error.as_json())
    return door.answer(decoded, actions.ingest([Batch(source, decoded, now())])[0])


def said(answer: Answer) -> dict[str, object]:
    """Return the object that was answered."""
    assert isinstance(answer.body, dict), answer
    return answer.body
