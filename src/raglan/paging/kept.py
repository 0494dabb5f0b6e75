"""What a channel keeps for itself: one secret, made at its first use, sealed at rest, the same on all nodes."""

from collections.abc import Callable, Mapping

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.paging import events
from raglan.paging.models import ChannelSecret
from raglan.people import sealing

_spare: dict[str, str] = {}


def spare(sealed: Mapping[str, str]) -> None:
    """Know secrets of channels by heart, sealed, while the database is away; know none when it is back."""
    _spare.clear()
    _spare.update(sealed)


def secret(channel: str, make: Callable[[], str]) -> str:
    """Return a channel's secret; the first call makes it. Safe to call from two nodes at once."""
    if channel in _spare:
        return sealing.unseal(_spare[channel])
    found = ChannelSecret.objects.filter(channel=channel).first() or _keep(channel, make())
    return sealing.unseal(found.sealed)


@atomic
def _keep(channel: str, text: str) -> ChannelSecret:
    found, made = ChannelSecret.objects.get_or_create(
        channel=channel, defaults={"sealed": sealing.seal(text), "made_at": now()}
    )
    if made:
        timeline.append(events.ChannelSecretMade(channel=channel, made_at=found.made_at), about=[f"channel:{channel}"])
    return found
