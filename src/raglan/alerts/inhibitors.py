"""Which firing alerts hold others back: noted when they fire, forgotten when they end; then what they held is seen."""

from collections.abc import Iterable, Sequence

from raglan.alerts.models import Alert, Inhibition, Inhibitor
from raglan.alerts.pipeline.hold import Causes
from raglan.alerts.pipeline.inhibit import Cause, InhibitionRule
from raglan.alerts.ports import RawSignal
from raglan.core import timers
from raglan.core.clock import now

REVIEW = "alerts.review"
CHUNK = 500


def causes_of(rules: Sequence[InhibitionRule], signals: Iterable[tuple[RawSignal, str, int]]) -> dict[str, list[Cause]]:
    """Return what fires and may explain these signals, by key; each signal comes with its fingerprint and source.

    What fires first in this very batch counts from its start, so that the order within a batch does not matter.
    """
    causes: dict[str, list[Cause]] = {}
    wanted: set[str] = set()
    for signal, fingerprint, source_id in signals if rules else ():
        if signal.status != "firing":
            continue
        for rule in rules:
            if rule.is_source(signal.labels):
                _add(causes, rule.key(signal.labels, source_id), Cause(fingerprint, signal.title[:300]))
            elif rule.is_target(signal.labels):
                wanted.add(rule.key(signal.labels, source_id))
    read_causes(wanted, causes)
    return causes


def read_causes(keys: Iterable[str], causes: dict[str, list[Cause]]) -> None:
    """Add the stored causes of these keys."""
    listed = sorted(set(keys))
    for start in range(0, len(listed), CHUNK):
        found = Inhibitor.objects.filter(key__in=listed[start : start + CHUNK]).order_by("pk")
        for key, fingerprint, title in found.values_list("key", "alert__fingerprint", "alert__title"):
            _add(causes, key, Cause(fingerprint, title))


def _add(causes: dict[str, list[Cause]], key: str, cause: Cause) -> None:
    known = causes.setdefault(key, [])
    if all(cause.fingerprint != other.fingerprint for other in known):
        known.append(cause)


def note_inhibitor(alert: Alert, rules: Sequence[InhibitionRule]) -> None:
    """Keep that an alert, which is stored in this transaction, holds others back."""
    if found := [rule for rule in rules if rule.is_source(alert.labels)]:
        Inhibitor.objects.bulk_create(
            Inhibitor(key=rule.key(alert.labels, alert.source_id), inhibition_id=rule.id, alert_id=alert.pk)
            for rule in found
        )


def drop_inhibitor(alert: Alert, rules: Sequence[InhibitionRule], causes: Causes) -> None:
    """Forget an alert that ends; what it held back is looked at again at once."""
    keys = [rule.key(alert.labels, alert.source_id) for rule in rules if rule.is_source(alert.labels)]
    if not keys:
        return
    Inhibitor.objects.filter(alert_id=alert.pk).delete()
    for key in keys:
        known = causes.get(key)
        if isinstance(known, list):
            known[:] = [cause for cause in known if cause.fingerprint != alert.fingerprint]
    timers.schedule(REVIEW, subject="alerts", due_at=now(), payload={"after": 0, "held_only": True})


def renew(inhibition: Inhibition, rule: InhibitionRule | None) -> None:
    """Find anew which firing alerts are on the source side of a rule that was changed or removed."""
    Inhibitor.objects.filter(inhibition=inhibition).delete()
    if rule is None:
        return
    firing = Alert.objects.filter(state=Alert.State.FIRING).values_list("pk", "labels", "source_id")
    made = [
        Inhibitor(key=rule.key(labels, source_id), inhibition=inhibition, alert_id=pk)
        for pk, labels, source_id in firing.iterator(chunk_size=2_000)
        if rule.is_source(labels)
    ]
    Inhibitor.objects.bulk_create(made, batch_size=CHUNK)
