"""REST of changes on hosts: how far one may go, how it stands, and host by host."""

from datetime import datetime

from django.http import HttpRequest

from raglan.changes import likeness, proposing, queries
from raglan.changes.grouping import written
from raglan.changes.likeness import Like
from raglan.changes.propose_rest import ProposalIn, proposal_of
from raglan.core.rest import Router, Schema
from raglan.core.schema import Cursor, Limit
from raglan.fleet import progress, reach
from raglan.fleet.judging import Said
from raglan.fleet.open_changes import is_watched, said_of
from raglan.fleet.rolling import rolling

router = Router(tags=["changes"])


class ClusterReachOut(Schema):
    """How many hosts of a cluster are meant."""

    name: str
    hosts: int


class ToolThereOut(Schema):
    """A response tool that lives on hosts that are meant, and on how many."""

    service: str
    hosts: int
    purposes: str


class WayBackOut(Schema):
    """Whether a version that hosts have now can still be fetched: `two_way`, `one_way` or `unknown`."""

    package: str
    version: str
    door: str
    words: str
    evidence_age_s: int | None


class ReachOut(Schema):
    """How far a change may go. Times are from now on, by the runs that were seen; null where none was.

    `busiest_minute` is how many hosts run within one minute, where that is most: it shows how far runs are staggered.
    Of each package the ways back to the 20 versions that most hosts have are looked up; to `more_ways_back` none is.
    """

    hosts: int
    clusters: list[ClusterReachOut]
    versions: dict[str, dict[str, int]]
    unlisted: int
    seen_to_run: int
    half_after_s: int | None
    whole_after_s: int | None
    busiest_minute: int
    tools: list[ToolThereOut]
    ways_back: list[WayBackOut]
    more_ways_back: int
    notes: list[str]
    alike: list[str]


class ChangeCountsOut(Schema):
    """Hosts by how a change stands on them."""

    as_said: int
    open: int
    back: int
    differs: int
    waiting: int
    kept: int
    silent: int
    reached: int
    total: int


class HostGroupOut(Schema):
    """The hosts of a cluster or role."""

    name: str
    counts: ChangeCountsOut


class SurpriseOut(Schema):
    """A difference, with the first host that showed it."""

    id: int
    kind: str
    words: str
    host_id: int
    host: str
    at: datetime
    raised_at: datetime


class HostsByThenOut(Schema):
    """How many hosts had it by when."""

    at: datetime
    hosts: int


class FailedUnitOut(Schema):
    """A unit that failed on hosts that have the change, and on how many it was seen well since."""

    name: str
    failed: int
    well: int


class RollingOut(Schema):
    """A rollout group as it was written, and where it is."""

    group: str
    where: str
    counts: ChangeCountsOut
    first_at: datetime | None
    soaks_until: datetime | None
    early: bool


class ProgressOut(Schema):
    """How a change stands on its hosts; `watched` says whether hosts are still compared with it.

    One is not that is over, or older than the 200 newest that are open. `more_units` failed besides those of `units`.
    """

    watched: bool
    counts: ChangeCountsOut
    settles_at: datetime | None
    clusters: list[HostGroupOut]
    roles: list[HostGroupOut]
    groups: list[RollingOut]
    surprises: list[SurpriseOut]
    units: list[FailedUnitOut]
    more_units: int
    curve: list[HostsByThenOut]


class HostStandingOut(Schema):
    """How a change stands on one host; `state` is empty where it has not got it."""

    id: int
    name: str
    cluster: str
    role: str
    state: str
    words: str
    at: datetime | None
    back_at: datetime | None
    ran_at: datetime | None
    converged_at: datetime | None
    failing_since: datetime | None
    silent_since: datetime | None


@router.post("/changes/reach", response=ReachOut, operation_id="preview_change", summary="How far a change would go")
def preview_change(request: HttpRequest, data: ProposalIn) -> ReachOut:
    """Say how far a change would go, without proposing it."""
    proposal = proposal_of(data)
    proposing.check(proposal)
    return _reach(reach.said_in(proposal), proposal.title)


@router.get("/changes/{int:pk}/reach", response=ReachOut, operation_id="reach_of_change", summary="How far it may go")
def reach_of_change(request: HttpRequest, pk: int) -> ReachOut:
    """Say how far a change may go."""
    change = queries.change(pk)
    return _reach(said_of(change), change.title, but=pk)


def _reach(said: Said, title: str, but: int | None = None) -> ReachOut:
    found = reach.reach(said)
    like = Like(title, list(said.packages), sorted(said.units), sorted(said.roles))
    ways = reach.ways_back(said, found.versions)
    return ReachOut(
        hosts=found.hosts,
        clusters=[ClusterReachOut(name=name, hosts=hosts) for name, hosts in found.clusters],
        versions={name: dict(versions) for name, versions in found.versions.items()},
        unlisted=found.unlisted,
        seen_to_run=found.seen_to_run,
        half_after_s=int(found.half.total_seconds()) if found.half else None,
        whole_after_s=int(found.whole.total_seconds()) if found.whole else None,
        busiest_minute=found.busiest,
        tools=[ToolThereOut(service=one.service.slug, hosts=one.hosts, purposes=one.purposes) for one in found.tools],
        ways_back=[
            WayBackOut(
                package=way.package,
                version=way.version,
                door=str(way.door),
                words=way.words,
                evidence_age_s=None if way.age is None else int(way.age.total_seconds()),
            )
            for way in ways.told
        ],
        more_ways_back=ways.more,
        notes=[note.title for note in likeness.notes(like)],
        alike=[change.title for change in likeness.changes(like, but=but)],
    )


@router.get(
    "/changes/{int:pk}/progress", response=ProgressOut, operation_id="progress_of_change", summary="How it stands"
)
def progress_of_change(request: HttpRequest, pk: int) -> ProgressOut:
    """Say how a change stands on its hosts: by cluster and role, over time, and what differs."""
    found = progress.Progress(queries.change(pk))
    return ProgressOut(
        watched=is_watched(found.change),
        counts=ChangeCountsOut.from_orm(found.counts),
        settles_at=found.settles_at,
        clusters=[HostGroupOut.from_orm(group) for group in found.clusters],
        roles=[HostGroupOut.from_orm(group) for group in found.roles],
        groups=[
            RollingOut(
                group=written(one.group),
                where=one.look(found.at)[1],
                counts=ChangeCountsOut.from_orm(one.counts),
                first_at=one.first_at,
                soaks_until=one.soaks_until,
                early=one.early,
            )
            for one in rolling(found)
        ],
        surprises=[
            SurpriseOut(
                id=one.pk,
                kind=one.kind,
                words=one.words,
                host_id=one.host_id,
                host=one.host.name,
                at=one.at,
                raised_at=one.raised_at,
            )
            for one in found.surprises
        ],
        units=[FailedUnitOut.from_orm(unit) for unit in found.units.told],
        more_units=found.units.more,
        curve=[HostsByThenOut.from_orm(step) for step in found.curve],
    )


@router.get(
    "/changes/{int:pk}/hosts", response=list[HostStandingOut], operation_id="hosts_of_change", summary="Host by host"
)
def hosts_of_change(
    request: HttpRequest, pk: int, state: str = "", cluster: str = "", after: Cursor = 0, limit: Limit = 100
) -> list[HostStandingOut]:
    """Return the hosts of a change by id, all or in one state (`left`: those without it), from `after` on."""
    change = queries.change(pk)
    found = progress.hosts_of(progress.Progress(change), state=state, cluster=cluster or None)
    page = list(found.filter(pk__gt=after).order_by("pk")[:limit])
    return [_standing(one) for one in progress.standing(change, page)]


def _standing(one: progress.Standing) -> HostStandingOut:
    arrival = one.arrival
    return HostStandingOut(
        id=one.host.pk,
        name=one.host.name,
        cluster=one.host.cluster,
        role=one.host.role,
        state=arrival.state if arrival else "",
        words=arrival.words if arrival else "",
        at=arrival.at if arrival else None,
        back_at=arrival.back_at if arrival else None,
        ran_at=one.host.ran_at,
        converged_at=one.host.converged_at,
        failing_since=one.host.failing_since,
        silent_since=one.host.silent_since,
    )
