"""First differences of changes: kept once for each kind, and told."""

from collections.abc import Mapping, Sequence

from raglan.changes.models import Change
from raglan.core import timeline
from raglan.fleet import watch_events
from raglan.fleet.watch_models import Surprise


def raise_surprises(found: Sequence[Surprise], changes: Mapping[int, Change]) -> None:
    """Keep first differences, each under its most telling kind that the change had not shown before."""
    if not found:
        return
    shown: dict[int, set[str]] = {}
    for change, kinds in Surprise.objects.filter(change__in={one.change_id for one in found}).values_list(
        "change", "kinds"
    ):
        shown.setdefault(change, set()).update(kinds)
    for one in found:
        known = shown.setdefault(one.change_id, set())
        fresh = [kind for kind in one.kinds if kind not in known]
        if fresh:
            one.kind = fresh[0]
            known.update(one.kinds)
            _raise(one, changes[one.change_id])


def _raise(found: Surprise, change: Change) -> None:
    own = {name: getattr(found, name) for name in ("kinds", "host_id", "words", "at", "raised_at")}
    one, is_new = Surprise.objects.get_or_create(change=change, kind=found.kind, defaults=own)
    if not is_new:  # another node was faster by a moment
        return
    author = Change.objects.values_list("author_id", flat=True).get(pk=change.pk)
    payload = watch_events.SurpriseRaised(
        surprise=one.pk,
        change=change.pk,
        title=change.title,
        author=author,
        difference=one.kind,
        kinds=list(one.kinds),
        host=one.host_id,
        host_name=one.host.name,
        words=one.words,
        at=one.at,
        raised_at=one.raised_at,
    )
    timeline.append(payload, about=[change, one, "changes", "now", f"host:{one.host_id}"])
