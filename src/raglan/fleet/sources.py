"""Verbs and reads of what tells of hosts: made, switched, given new tokens, corrected by what they sent wrongly."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from raglan.core import secrets, timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, NotFound, NotSignedIn
from raglan.fleet import events
from raglan.fleet.models import FleetPayload, FleetSource

BOTH_TOKENS = timedelta(days=1)
KEPT = 20
MOST_TEXT = 20_000
UNKNOWN = "This token is not known here. Copy the line from Setup, What tells of hosts."


@dataclass(frozen=True, slots=True)
class FleetKey:
    """A source that a token was found to belong to."""

    id: int
    slug: str
    kind: str


def source_by_token(token: str) -> FleetKey:
    """Return the source of a token. Raises NotSignedIn: unknown and switched-off tokens are answered alike."""
    hashed = secrets.digest(clean_text(token)) if token else ""
    found = FleetSource.objects.filter(token_digest=hashed).first()
    if found is None and hashed:
        found = FleetSource.objects.filter(previous_digest=hashed, previous_ends_at__gt=now()).first()
    if found is None or found.disabled_at is not None:
        raise NotSignedIn(UNKNOWN)
    return FleetKey(found.pk, found.slug, found.kind)


def sources() -> QuerySet[FleetSource]:
    """All sources of the fleet, by name."""
    return FleetSource.objects.order_by("name", "pk")


def source(slug: str) -> FleetSource:
    """Return a source. Raises NotFound."""
    found = FleetSource.objects.filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such source.")
    return found


def payloads(source: FleetSource) -> list[FleetPayload]:
    """Return what a source sent last, as far as it is kept."""
    return list(source.payloads.order_by("-pk")[:KEPT])


@atomic
def create_source(*, name: str, slug: str, kind: str, actor: timeline.Subject) -> tuple[FleetSource, str]:
    """Make a source; return it with its token, which is shown this once. Raises BadInput when the slug is taken."""
    if kind not in FleetSource.Kind.values:
        raise BadInput("kind", f"choose one of {', '.join(FleetSource.Kind.values)}", status=422)
    if FleetSource.objects.filter(slug=slug).exists():
        raise BadInput("slug", "another source has this short name", status=409)
    token = _new_token()
    made = FleetSource.objects.create(
        name=name,
        slug=slug,
        kind=kind,
        token_digest=secrets.digest(token),
        token_hint=token[-4:],
        created_at=now(),
    )
    timeline.append(_changed(made, "made"), actor=actor, about=[made])
    return made, token


def _new_token() -> str:
    """Return letters and digits only, as a token may stand in an address: 190 random bits."""
    return secrets.random_token().replace("-", "x").replace("_", "y")[:32]


@atomic
def rotate_token(source: FleetSource, *, actor: timeline.Subject) -> str:
    """Give a source a new token; the old one is good for one more day, so that hosts can follow one by one."""
    token = _new_token()
    source.previous_digest, source.previous_ends_at = source.token_digest, now() + BOTH_TOKENS
    source.token_digest, source.token_hint = secrets.digest(token), token[-4:]
    source.save(update_fields=["token_digest", "token_hint", "previous_digest", "previous_ends_at"])
    timeline.append(_changed(source, "new token"), actor=actor, about=[source])
    return token


@atomic
def switch_source(source: FleetSource, *, is_on: bool, actor: timeline.Subject) -> None:
    """Take nothing more from a source, or take from it again. Safe to call twice."""
    changed = FleetSource.objects.filter(pk=source.pk, disabled_at__isnull=not is_on)
    if changed.update(disabled_at=None if is_on else now()):
        source.refresh_from_db()
        timeline.append(_changed(source, "on" if is_on else "off"), actor=actor, about=[source])


def _changed(source: FleetSource, what: str) -> events.FleetSourceChanged:
    return events.FleetSourceChanged(
        source=source.pk,
        slug=source.slug,
        what=what,
        name=source.name,
        source_kind=source.kind,
        token_hint=source.token_hint,
        created_at=source.created_at,
        disabled_at=source.disabled_at,
        previous_ends_at=source.previous_ends_at,
    )


@atomic
def note_payload(source_id: int, kind: str, body: bytes, *, problem: str = "") -> None:
    """Keep something that a source sent for its owner to see: a sample, or what could not be taken and why."""
    at = now()
    if problem:
        FleetSource.objects.filter(pk=source_id).update(last_error=problem[:1000], last_error_at=at, last_heard_at=at)
    text = clean_text(body[:MOST_TEXT].decode("utf-8", "replace"))
    FleetPayload.objects.create(source_id=source_id, received_at=at, kind=kind[:20], text=text, problem=problem[:1000])
    kept = FleetPayload.objects.filter(source_id=source_id).order_by("-pk").values_list("pk", flat=True)
    if old := list(kept[KEPT : 2 * KEPT]):
        FleetPayload.objects.filter(pk__in=old).delete()
