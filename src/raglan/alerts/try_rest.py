"""REST of dry runs: any rule tried on the alerts of the last 30 days, before it is saved."""

from typing import Annotated

from django.http import HttpRequest
from pydantic import Field, model_validator

from raglan.alerts import actions, dry_run, noise_queries
from raglan.alerts.maintenance_rest import MaintenanceIn, draft_of
from raglan.alerts.models import Source
from raglan.alerts.rest import FlappingIn
from raglan.alerts.route_rest import DryRunOut, InhibitionIn, matchers_of
from raglan.core.errors import BadInput
from raglan.core.rest import Router
from raglan.core.schema import Body, Slug
from raglan.people.access import Scope, require_scope

router = Router(tags=["routes"])
Id = Annotated[int, Field(ge=1, le=2**53)]
RULES = ("inhibition", "without_inhibition", "maintenance", "without_maintenance", "without_route")


class TryIn(Body):
    """One change to try: a rule as it would be, or the id (of a route: the position) of one to do without.

    With an inhibition or a maintenance, `id` is the one that it replaces. `flapping` is that of all alerts, or of the
    source that is named. For a new or changed route: `POST /routes/try`.
    """

    inhibition: InhibitionIn | None = None
    without_inhibition: Id | None = None
    maintenance: MaintenanceIn | None = None
    without_maintenance: Id | None = None
    without_route: Annotated[int, Field(ge=0, le=100_000)] | None = None
    id: Id | None = None
    storm_groups: Annotated[int, Field(ge=0, le=100_000)] | None = None
    flapping: FlappingIn | None = None
    source: Slug | None = None

    @model_validator(mode="after")
    def _is_one_change(self) -> "TryIn":
        noise = self.storm_groups is not None or self.flapping is not None or self.source is not None
        named = [getattr(self, name) is not None for name in RULES]
        if sum(named) + noise != 1:
            raise ValueError("name exactly one change to try")
        return self

    @property
    def is_window(self) -> bool:
        """Whether it is about a maintenance window, which who may respond plans."""
        return self.maintenance is not None or self.without_maintenance is not None


@router.post("/rules/try", response=DryRunOut, operation_id="try_rules", summary="Try a rule on the last 30 days")
def try_rules(request: HttpRequest, data: TryIn) -> dry_run.DryRun:
    """Say who would have been paged otherwise, and who not; nothing is saved."""
    require_scope(request, Scope.RESPOND if data.is_window else Scope.CONFIGURE)
    return dry_run.dry_run(_change(data))


def _change(data: TryIn) -> dry_run.Change:
    if data.is_window:
        return _maintenance(data)
    if data.inhibition is not None:
        return _inhibition(data.inhibition, data.id)
    if data.without_inhibition is not None:
        return dry_run.without_inhibition(noise_queries.inhibition(data.without_inhibition).pk)
    if data.without_route is not None:
        return dry_run.without_route(data.without_route)
    rule = data.flapping.rule() if data.flapping else None
    return dry_run.with_noise(storm_groups=data.storm_groups, flapping=rule, source_id=_source(data.source))


def _maintenance(data: TryIn) -> dry_run.Change:
    if data.maintenance is None:
        return dry_run.with_maintenance(None, noise_queries.maintenance(data.without_maintenance or 0).pk)
    draft = draft_of(data.maintenance)
    actions.check_maintenance(draft)
    found = noise_queries.maintenance(data.id) if data.id else None
    return dry_run.with_maintenance(
        noise_queries.maintenance_rule(actions.window_of(draft)), found.pk if found else None
    )


def _inhibition(data: InhibitionIn, pk: int | None) -> dry_run.Change:
    return dry_run.with_inhibition(
        noise_queries.inhibition(pk) if pk else None,
        name=data.name,
        source=matchers_of(data.source_matchers),
        target=matchers_of(data.target_matchers),
        equal=data.equal,
        same_source=data.same_source,
    )


def _source(slug: str | None) -> int | None:
    if slug is None:
        return None
    found = Source.objects.filter(slug=slug).values_list("pk", flat=True).first()
    if found is None:
        raise BadInput("source", "there is no such source", status=422)
    return found
