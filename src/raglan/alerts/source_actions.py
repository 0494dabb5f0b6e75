"""Verbs of sources: made, switched, given new tokens, corrected by what they sent wrongly."""

from datetime import timedelta

from raglan.alerts import events, ports
from raglan.alerts.holds import review
from raglan.alerts.models import Alert, Signal, Source
from raglan.alerts.pipeline.flap import FlapRule, check_rule, stored_rule
from raglan.alerts.steady import end_flaps
from raglan.core import secrets, timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text, decode_json
from raglan.core.errors import BadInput, NotFound
from raglan.people.sealing import seal

BOTH_TOKENS = timedelta(days=1)
REFUSED = "refused"
REFUSED_KEPT = 50
MOST_REFUSED = 20_000
MOST_SECRET = 500
MOST_NOTE = 25_000
IN_SMALL_LETTERS = (Source.Kind.EMAIL,)  # some senders of mail write addresses in small letters


@atomic
def create_source(
    *, name: str, slug: str, kind: str, mapping: dict[str, object] | None = None, actor: timeline.Subject
) -> tuple[Source, str]:
    """Make a source; return it with its token, which is shown this once. Raises BadInput when the slug is taken."""
    if kind not in Source.Kind.values:
        raise BadInput("kind", f"choose one of {', '.join(Source.Kind.values)}", status=422)
    if Source.objects.filter(slug=slug).exists():
        raise BadInput("slug", "another source has this short name", status=409)
    check_mapping(kind, mapping or {})
    token = _new_token(kind)
    source = Source.objects.create(
        name=name,
        slug=slug,
        kind=kind,
        mapping=mapping or {},
        token_digest=secrets.digest(token),
        token_hint=token[-4:],
        created_at=now(),
    )
    timeline.append(_changed(source, "made"), actor=actor, about=[source])
    return source, token


def _new_token(kind: str) -> str:
    """Return 32 characters, the length that clients of the PagerDuty format insist on: 190 random bits.

    In small letters and digits it is 160 bits.
    """
    token = secrets.random_token().replace("-", "x").replace("_", "y")[:32]
    return token.lower() if kind in IN_SMALL_LETTERS else token


@atomic
def rotate_token(source: Source, *, actor: timeline.Subject) -> str:
    """Give a source a new token; the old one is good for one more day, so that nothing is lost on the way."""
    token = _new_token(source.kind)
    source.previous_digest, source.previous_ends_at = source.token_digest, now() + BOTH_TOKENS
    source.token_digest, source.token_hint = secrets.digest(token), token[-4:]
    source.save(update_fields=["token_digest", "token_hint", "previous_digest", "previous_ends_at"])
    timeline.append(_changed(source, "new token"), actor=actor, about=[source])
    return token


@atomic
def end_old_token(source: Source, *, actor: timeline.Subject) -> None:
    """End the token before the newest one now, as after a leak. Safe to call twice."""
    ended = Source.objects.filter(pk=source.pk).exclude(previous_digest="")
    if ended.update(previous_digest="", previous_ends_at=None):
        source.refresh_from_db()
        timeline.append(_changed(source, "old token ended"), actor=actor, about=[source])


@atomic
def switch_source(source: Source, *, is_on: bool, actor: timeline.Subject) -> None:
    """Take nothing more from a source, or take from it again. Safe to call twice."""
    changed = Source.objects.filter(pk=source.pk, disabled_at__isnull=not is_on)
    if changed.update(disabled_at=None if is_on else now()):
        source.refresh_from_db()
        timeline.append(_changed(source, "on" if is_on else "off"), actor=actor, about=[source, "alerts"])


@atomic
def set_noisy(source: Source, *, is_noisy: bool, actor: timeline.Subject) -> None:
    """Store what a source sends and page nobody for it, or page again. Safe to call twice.

    Pages of what fires already end; what still fires when it may page again, pages.
    """
    changed = Source.objects.filter(pk=source.pk, noisy_since__isnull=is_noisy)
    if changed.update(noisy_since=now() if is_noisy else None):
        source.refresh_from_db()
        timeline.append(_changed(source, "noisy" if is_noisy else "pages again"), actor=actor, about=[source, "alerts"])
        review(held_only=not is_noisy)


@atomic
def save_flapping(source: Source, rule: FlapRule | None, *, actor: timeline.Subject) -> None:
    """Say from how many changes on alerts of a source flap; None goes by the default. Raises BadInput."""
    check_rule(rule)
    Source.objects.filter(pk=source.pk).update(flapping=stored_rule(rule))
    source.refresh_from_db()
    timeline.append(_changed(source, "flapping"), actor=actor, about=[source, "alerts"])
    if rule is not None and rule.is_off:
        end_flaps(source_id=source.pk, actor=actor)


@atomic
def save_mapping(source: Source, mapping: dict[str, object], *, actor: timeline.Subject) -> None:
    """Say anew where in the JSON each field stands. Raises BadInput."""
    check_mapping(source.kind, mapping)
    Source.objects.filter(pk=source.pk).update(mapping=mapping)
    source.refresh_from_db()
    timeline.append(_changed(source, "mapping"), actor=actor, about=[source])


def check_mapping(kind: str, mapping: dict[str, object]) -> None:
    """Raise BadInput where a mapping says what the door of this kind would not go by."""
    door = ports.door_of_kind(kind)
    if isinstance(door, ports.Mapped):
        door.check_mapping(mapping)


@atomic
def save_secret(source: Source, secret: str, *, actor: timeline.Subject) -> None:
    """Keep the secret with which a source signs what it sends; empty takes it without a signature again."""
    if len(secret) > MOST_SECRET:
        raise BadInput("secret", f"has more than {MOST_SECRET} characters", status=422)
    Source.objects.filter(pk=source.pk).update(secret_sealed=seal(secret) if secret else "")
    source.refresh_from_db()
    timeline.append(_changed(source, "secret" if secret else "no secret"), actor=actor, about=[source])


def _changed(source: Source, what: str) -> events.SourceChanged:
    return events.SourceChanged(
        source=source.pk,
        slug=source.slug,
        what=what,
        name=source.name,
        source_kind=source.kind,
        mapping=source.mapping,
        token_hint=source.token_hint,
        created_at=source.created_at,
        disabled_at=source.disabled_at,
        noisy_since=source.noisy_since,
        previous_ends_at=source.previous_ends_at,
        flapping=source.flapping,
    )


@atomic
def note_error(source_id: int, sentence: str, *, body: bytes = b"") -> None:
    """Keep the last things that a source sent and that could not be understood, for its owner to see and to try on."""
    at, sentence = now(), clean_text(sentence[:1000])  # it may repeat what was sent
    Source.objects.filter(pk=source_id).update(last_error=sentence, last_error_at=at, last_heard_at=at)
    if not body:
        return
    raw = {"body": _readable(body)}
    Signal.objects.create(source_id=source_id, received_at=at, status=REFUSED, raw=raw, problem=sentence)
    kept = Signal.objects.filter(source_id=source_id, status=REFUSED).order_by("-pk").values_list("pk", flat=True)
    if old := list(kept[REFUSED_KEPT : 2 * REFUSED_KEPT]):
        Signal.objects.filter(pk__in=old).delete()


def heard(source_id: int) -> None:
    """Note that a source was there, with something that is no signal."""
    with atomic():
        Source.objects.filter(pk=source_id).update(last_heard_at=now())


@atomic
def note_remote(source_id: int, remote: str) -> None:
    """Note from which address a source sent last: a token that leaked is seen by it."""
    Source.objects.filter(pk=source_id).exclude(last_remote=remote[:60]).update(last_remote=remote[:60])


@atomic
def note_alert(alert_id: int, *, text: str, by: str, actor: timeline.Subject) -> None:
    """Keep what somebody or a source says about an alert."""
    alert = Alert.objects.filter(pk=alert_id).first()
    if alert is None:
        raise NotFound("There is no such alert.")
    noted = events.AlertNoted(alert=alert.pk, by=by[:200], text=text[:MOST_NOTE])
    timeline.append(noted, actor=actor, about=[alert, f"group:{alert.group_id}"])


def _readable(body: bytes) -> object:
    if len(body) <= MOST_REFUSED:
        try:
            return decode_json(body)
        except BadInput:
            pass
    return clean_text(body[:MOST_REFUSED].decode("utf-8", "replace"))
