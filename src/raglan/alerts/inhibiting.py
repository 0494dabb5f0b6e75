"""Verbs of inhibitions: save and remove. What they held back and nothing else holds is looked at again at once."""

from collections.abc import Sequence

from raglan.alerts import events, matchers, noise_queries
from raglan.alerts.holds import review
from raglan.alerts.inhibitors import renew
from raglan.alerts.models import Inhibition
from raglan.alerts.pipeline.route import Matcher
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic, take_turn
from raglan.core.errors import BadInput, Conflict

MAX_EQUAL = 20


@atomic
def save_inhibition(  # noqa: PLR0913 -- an inhibition is saved as a whole
    inhibition: Inhibition | None,
    *,
    name: str,
    source: Sequence[Matcher],
    target: Sequence[Matcher],
    equal: Sequence[str],
    same_source: bool | None = None,
    actor: timeline.Subject,
) -> Inhibition:
    """Make an inhibition, or a new version of one. What pages already goes on paging. Raises BadInput, Conflict.

    A new one counts within one source, unless said otherwise: else whoever holds the token of one source can hold back
    the alerts of all others. Left open, an older one stays as it is.
    """
    take_turn("alerts")
    names = check_inhibition(name, source, target, equal)
    inhibition = _next_version(inhibition)
    inhibition.same_source = inhibition.same_source if same_source is None else same_source
    inhibition.name, inhibition.equal = name.strip()[:200], names
    inhibition.source_matchers, inhibition.target_matchers = matchers.stored(source), matchers.stored(target)
    inhibition.save()
    told = events.InhibitionChanged(
        inhibition=inhibition.pk,
        name=inhibition.name,
        source_matchers=inhibition.source_matchers,
        target_matchers=inhibition.target_matchers,
        equal=names,
        same_source=inhibition.same_source,
        version=inhibition.version,
        created_at=inhibition.created_at,
    )
    timeline.append(told, actor=actor, about=[inhibition, "alerts"])
    renew(inhibition, noise_queries.inhibition_rule(inhibition))
    review(held_only=True)
    return inhibition


def check_inhibition(
    name: str, source: Sequence[Matcher], target: Sequence[Matcher], equal: Sequence[str]
) -> list[str]:
    """Return the labels that must be equal. Raises BadInput when an inhibition can not be saved as it is written."""
    if not name.strip():
        raise BadInput("name", "say what this explains, for those who wonder", status=422)
    matchers.check_all(source, "source_matchers")
    matchers.check_all(target, "target_matchers")
    names = [word.strip() for word in equal if word.strip()]
    if len(names) > MAX_EQUAL or any(len(word) > 128 for word in names):
        raise BadInput("equal", f"at most {MAX_EQUAL} labels of 128 characters", status=422)
    return names


def _next_version(inhibition: Inhibition | None) -> Inhibition:
    if inhibition is None:
        return Inhibition(created_at=now(), same_source=True)
    inhibition.refresh_from_db()
    if inhibition.removed_at is not None:
        raise Conflict("This inhibition was removed. Make a new one.")
    inhibition.version += 1
    return inhibition


@atomic
def remove_inhibition(inhibition: Inhibition, *, actor: timeline.Subject) -> None:
    """Let an inhibition hold nothing back any more. Safe to call twice."""
    at = now()
    if not Inhibition.objects.filter(pk=inhibition.pk, removed_at__isnull=True).update(removed_at=at):
        return
    told = events.InhibitionRemoved(inhibition=inhibition.pk, removed_at=at)
    timeline.append(told, actor=actor, about=[inhibition, "alerts"])
    renew(inhibition, None)
    review(held_only=True)
