"""Reads a change that any program tells, as JSON."""

from collections.abc import Sequence

from raglan.alerts.ports import IntakeRequest, SourceKey
from raglan.changes.actions import Told
from raglan.core.decode import parse_time
from raglan.core.errors import BadInput
from raglan.integrations import shape
from raglan.integrations.change_door import ChangeDoor, body_of, facts, link
from raglan.integrations.generic.doors import SIGNATURES

MOST_LINKS = 20


class AnyChange(ChangeDoor):
    """One change a request: title, origin, at, links, details, as REST has them."""

    kinds: Sequence[str] = ("generic",)
    path = "/change"

    def check(self, source: SourceKey, request: IntakeRequest) -> None:
        """Compare the signature, where the source has a secret."""
        if source.secret:
            given = next((request.headers[name] for name in SIGNATURES if name in request.headers), "")
            shape.check_signature(source.secret, given, request.body, header=SIGNATURES[0])

    def read(self, request: IntakeRequest) -> Told:
        """Return the change. Raises BadInput naming the field."""
        body = body_of(request.body)
        title = shape.text(body.get("title"), "title").strip()
        if not title:
            raise BadInput("title", "says in one line what was changed, and must not be empty")
        details = body.get("details")
        given = body.get("links")
        named = [one for one in (given if isinstance(given, list) else []) if isinstance(one, dict)]
        return Told(
            title=title,
            origin=shape.text(body.get("origin"), "origin"),
            at=parse_time(shape.text(body.get("at"), "at"), "at"),
            links=[
                found for one in named[:MOST_LINKS] for found in link(one.get("href"), shape.plain(one.get("text")))
            ],
            details=facts(**details) if isinstance(details, dict) else {},
        )
