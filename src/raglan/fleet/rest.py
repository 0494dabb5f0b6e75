"""REST of the fleet: hosts, what is installed and what moved, and what tells of them."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Query, Status
from pydantic import Field

from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, Limit, Line, ShortText, Slug
from raglan.fleet import actions, paste, queries, sources, trying
from raglan.fleet.models import FleetPayload, FleetSource, Host, Package, PackageMove, UnitTurn
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["hosts"])
State = Literal["", "silent", "failed", "shared", "retired"]
Kind = Literal["hosts", "puppet", "chef", "ansible", "salt"]


class HostsWanted(Schema):
    """Which hosts are asked for; `q` is a part of the name, `alike` a host with whose name or machine id they are."""

    q: ShortText = ""
    cluster: ShortText = ""
    role: ShortText = ""
    environment: ShortText = ""
    service: ShortText = ""
    tag: ShortText = ""
    state: State = ""
    alike: Cursor = 0


class HostOut(Schema):
    """A member of the fleet. Times are by raglan's clock; `clock_offset_s` is by how much its own is ahead."""

    id: int
    name: str
    machine: str
    cluster: str
    role: str
    environment: str
    system: str
    tags: list[str]
    first_heard_at: datetime
    installed_at: datetime | None
    aside: int
    last_heard_at: datetime
    reported_at: datetime | None
    ran_at: datetime | None
    converged_at: datetime | None
    failing_since: datetime | None
    report_interval_s: int
    run_interval_s: int
    clock_offset_s: int
    failed_units: int
    silent_since: datetime | None
    silence_told_at: datetime | None
    shared_since: datetime | None
    retired_at: datetime | None
    gate_answer: str
    gate_holds: list[str]
    gate_asked_at: datetime | None


class HostUnitOut(Schema):
    """A service of a host; `since` is empty when it never turned while raglan looked."""

    name: str
    state: str
    since: datetime | None
    started_at: datetime | None


class OneHostOut(HostOut):
    """One host, with its services and those of the catalog that it carries."""

    carries: list[str]
    units: list[HostUnitOut]


class HostPackageOut(Schema):
    """A package that is installed."""

    name: str
    version: str
    arch: str


class HostMoveOut(Schema):
    """That a package went from one version to another; empty `old` is a new one, empty `new` one that is gone."""

    id: int
    name: str
    arch: str
    old: str
    new: str
    at: datetime
    told_by: str


class HostTurnOut(Schema):
    """That a service turned."""

    id: int
    name: str
    was: str
    state: str
    at: datetime
    told_by: str


class HostNumbersOut(Schema):
    """How the fleet does."""

    all: int
    silent: int
    failed: int
    shared: int


@router.get("/hosts", response=list[HostOut], operation_id="list_hosts", summary="Hosts")
def list_hosts(request: HttpRequest, wanted: Query[HostsWanted], after: Cursor = 0, limit: Limit = 100) -> list[Host]:
    """Return hosts in the order in which raglan met them; `after` is the id to go on from."""
    found = queries.hosts(queries.Wanted(text=wanted.q, **wanted.dict(exclude={"q"})))
    return list(found.filter(pk__gt=after).order_by("pk")[:limit])


@router.get("/hosts/numbers", response=HostNumbersOut, operation_id="count_hosts", summary="How the fleet does")
def count_hosts(request: HttpRequest) -> queries.Numbers:
    """Return how many hosts there are, and how many are silent, have failed services, or share a machine id."""
    return queries.numbers()


@router.get("/hosts/{host_id}", response=OneHostOut, operation_id="get_host", summary="One host")
def get_host(request: HttpRequest, host_id: Id) -> dict[str, object]:
    """Return a host with its services."""
    found = queries.host(host_id)
    told = {name: getattr(found, name) for name in HostOut.model_fields}
    carries = list(found.carries.order_by("slug").values_list("slug", flat=True))
    return {**told, "carries": carries, "units": queries.units_of(found)}


@router.get(
    "/hosts/{host_id}/packages",
    response=list[HostPackageOut],
    operation_id="host_packages",
    summary="What is installed",
)
def host_packages(request: HttpRequest, host_id: Id) -> list[Package]:
    """Return what is installed on a host, by name."""
    return queries.packages_of(queries.host(host_id))


@router.get("/hosts/{host_id}/moves", response=list[HostMoveOut], operation_id="host_moves", summary="What moved")
def host_moves(request: HttpRequest, host_id: Id, before: Cursor = 0, limit: Limit = 100) -> list[PackageMove]:
    """Return what moved on a host, the last told first; `before` is the id to go on from."""
    found = queries.moves_of(queries.host(host_id)).order_by("-pk")
    return list((found.filter(pk__lt=before) if before else found)[:limit])


@router.get(
    "/hosts/{host_id}/turns", response=list[HostTurnOut], operation_id="host_turns", summary="How services turned"
)
def host_turns(request: HttpRequest, host_id: Id, before: Cursor = 0, limit: Limit = 100) -> list[UnitTurn]:
    """Return how services of a host turned, the last told first; `before` is the id to go on from."""
    found = queries.turns_of(queries.host(host_id)).order_by("-pk")
    return list((found.filter(pk__lt=before) if before else found)[:limit])


@router.post("/hosts/{host_id}/retire", response=HostOut, operation_id="retire_host", summary="Retire a host")
def retire_host(request: HttpRequest, host_id: Id) -> Host:
    """Take a host out of the fleet. When it reports again, it is back."""
    require_scope(request, Scope.RESPOND)
    actions.retire_host(queries.host(host_id), actor=principal(request).actor)
    return queries.host(host_id)


class FleetSourceIn(Body):
    """What is to tell of hosts."""

    name: Annotated[Line, Field(max_length=120)]
    slug: Slug
    kind: Kind = "hosts"


class FleetSourceOut(Schema):
    """What tells of hosts."""

    id: int
    name: str
    slug: str
    kind: str
    token_hint: str
    created_at: datetime
    disabled_at: datetime | None
    last_heard_at: datetime | None
    last_error: str
    last_error_at: datetime | None


class FleetTokenOut(FleetSourceOut):
    """A source with its token, shown this once, and the line to paste."""

    token: str
    paste: str


class FleetSwitchIn(Body):
    """Whether something is heard."""

    is_on: bool


class FleetPayloadOut(Schema):
    """Something that a source sent: a sample of what was taken, or what could not be."""

    id: int
    received_at: datetime
    kind: str
    text: str
    problem: str


class FleetTrialIn(Body):
    """A report as a host would send it."""

    body: Annotated[str, Field(max_length=1_000_000)]


class FleetTrialOut(Schema):
    """What would become of a report."""

    words: list[str]
    field: str
    problem: str


@router.get(
    "/fleet/sources", response=list[FleetSourceOut], operation_id="list_fleet_sources", summary="What tells of hosts"
)
def list_fleet_sources(request: HttpRequest) -> list[FleetSource]:
    """Return all sources of the fleet, by name."""
    return list(sources.sources())


@router.post(
    "/fleet/sources",
    response={201: FleetTokenOut},
    operation_id="make_fleet_source",
    summary="Make what tells of hosts",
)
def make_fleet_source(request: HttpRequest, data: FleetSourceIn) -> Status[dict[str, object]]:
    """Make a source of the fleet; its token is in this answer and nowhere else."""
    require_scope(request, Scope.CONFIGURE)
    who = principal(request).actor
    made, token = sources.create_source(name=data.name, slug=data.slug, kind=data.kind, actor=who)
    return Status(201, _with_token(made, token))


def _with_token(source: FleetSource, token: str) -> dict[str, object]:
    told = {name: getattr(source, name) for name in FleetSourceOut.model_fields}
    return {**told, "token": token, "paste": paste.paste_line(source, token)}


@router.get(
    "/fleet/sources/{slug}/payloads",
    response=list[FleetPayloadOut],
    operation_id="fleet_payloads",
    summary="What a source sent",
)
def fleet_payloads(request: HttpRequest, slug: Slug) -> list[FleetPayload]:
    """Return samples of what a source of the fleet sent, and what could not be understood, the newest first."""
    return list(sources.payloads(sources.source(slug)))


@router.post(
    "/fleet/sources/{slug}/token", response=FleetTokenOut, operation_id="rotate_fleet_token", summary="A new token"
)
def rotate_fleet_token(request: HttpRequest, slug: Slug) -> dict[str, object]:
    """Give a source of the fleet a new token; the old one is good for one more day."""
    require_scope(request, Scope.CONFIGURE)
    found = sources.source(slug)
    return _with_token(found, sources.rotate_token(found, actor=principal(request).actor))


@router.put(
    "/fleet/sources/{slug}/switch", response=FleetSourceOut, operation_id="switch_fleet_source", summary="On or off"
)
def switch_fleet_source(request: HttpRequest, slug: Slug, data: FleetSwitchIn) -> FleetSource:
    """Take nothing more from a source of the fleet, or take from it again."""
    require_scope(request, Scope.CONFIGURE)
    sources.switch_source(sources.source(slug), is_on=data.is_on, actor=principal(request).actor)
    return sources.source(slug)


@router.post(
    "/fleet/sources/{slug}/try", response=FleetTrialOut, operation_id="try_fleet_report", summary="Try a report"
)
def try_fleet_report(request: HttpRequest, slug: Slug, data: FleetTrialIn) -> trying.Trial:
    """Say what would become of a report; nothing of it is kept."""
    require_scope(request, Scope.CONFIGURE)
    return trying.try_report(sources.source(slug), data.body.encode("utf-8", "replace"))
