"""Screen and REST of the channels: which providers are set up, and how they do on this node."""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from raglan.core.clock import now
from raglan.core.rest import Router, Schema
from raglan.paging import circuit, delivery, ports
from raglan.people.models import ContactMethod

router = Router(tags=["paging"])


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """One provider as people see it."""

    channel: str
    word: str
    provider: str
    missing: str
    can_confirm: bool
    receipts: bool
    per_hour: int
    last_hour: int
    lanes: tuple[circuit.Lane, ...]

    @property
    def resting(self) -> list[circuit.Lane]:
        """Which of its servers are left alone for now."""
        return [lane for lane in self.lanes if lane.rests(now())]

    @property
    def addresses(self) -> int:
        """How many addresses are left alone for now, of servers that are not."""
        return sum(lane.resting(now()) for lane in self.lanes)

    @property
    def troubled(self) -> list[circuit.Lane]:
        """Which of its servers failed last, the newest first."""
        failing = [lane for lane in self.lanes if lane.failed_at and lane.failed_at > (lane.went_well_at or _EVER)]
        return sorted(failing, key=lambda lane: lane.failed_at or _EVER, reverse=True)


_EVER = datetime.fromtimestamp(0, tz=now().tzinfo)


def rows() -> list[ProviderRow]:
    """Return every provider of every channel."""
    lanes = circuit.lanes()
    words = dict(ContactMethod.Kind.choices)
    return [
        ProviderRow(
            channel=kind,
            word=str(words.get(kind, kind)),
            provider=provider.name,
            missing=provider.why_off(),
            can_confirm=provider.can_confirm,
            receipts=isinstance(provider.channel, ports.Confirms),
            per_hour=provider.per_hour(),
            last_hour=delivery.handed_over_lately(provider),
            lanes=tuple(lane for lane in lanes if lane.name.split()[0] == provider.name),
        )
        for kind in ports.kinds()
        if kind in words  # the way of raglan's own test message leads to no person
        for provider in ports.providers(kind)
    ]


@require_GET
def channels(request: HttpRequest) -> HttpResponse:
    """Show which ways to people there are, and how they do."""
    return render(request, "paging/channels.html", {"rows": rows()})


class LaneOut(Schema):
    """One server behind a provider, as this node knows it; `resting_addresses` are left alone while it is not."""

    name: str
    rests_until: datetime | None
    handed_over: int
    failed: int
    in_flight: int
    resting_addresses: int
    last_error: str
    failed_at: datetime | None
    went_well_at: datetime | None


class ProviderOut(Schema):
    """One provider of a channel. Counts of lanes begin when this node started."""

    channel: str
    provider: str
    missing: str
    can_confirm: bool
    per_hour: int
    last_hour: int
    lanes: list[LaneOut]


@router.get("/channels", response=list[ProviderOut], operation_id="list_channels", summary="Channels and providers")
def list_channels(request: HttpRequest) -> list[ProviderOut]:
    """Return which providers are set up, and how they do on the node that answers."""
    return [
        ProviderOut(
            channel=row.channel,
            provider=row.provider,
            missing=row.missing,
            can_confirm=row.can_confirm,
            per_hour=row.per_hour,
            last_hour=row.last_hour,
            lanes=[_lane(lane) for lane in row.lanes],
        )
        for row in rows()
    ]


def _lane(lane: circuit.Lane) -> LaneOut:
    return LaneOut(
        name=lane.name,
        rests_until=lane.closed_until if lane.rests(now()) else None,
        handed_over=lane.handed_over,
        failed=lane.failed,
        in_flight=len(lane.in_flight),
        resting_addresses=lane.resting(now()),
        last_error=lane.last_error,
        failed_at=lane.failed_at,
        went_well_at=lane.went_well_at,
    )
