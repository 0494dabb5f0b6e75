"""REST of *what changed here lately* beside alerts and incidents, and of what got worse or better after a change."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Query

from raglan.alerts import changed
from raglan.alerts import queries as alerts
from raglan.changes.queries import change
from raglan.console import after_alerts, room_changes
from raglan.console.change_board import ChangeBoard
from raglan.core.clock import now
from raglan.core.errors import BadInput, NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Cursor
from raglan.fleet import lately
from raglan.incidents import queries as incidents

router = Router(tags=["changes"])


class LatelyOut(Schema):
    """A change; `tied` says that something ties it to what was asked about, and `why` says what."""

    id: int
    title: str
    state: str
    at: datetime
    origin: str
    told_by: str
    author: str | None
    hosts: int
    differs: str
    tied: bool
    why: str


class About(Schema):
    """What it is about: one of them, or nothing."""

    alert_id: Cursor = 0
    group_id: Cursor = 0
    incident_id: Cursor = 0


@router.get(
    "/changes/lately",
    response=list[LatelyOut],
    operation_id="list_changes_lately",
    summary="What changed here lately",
)
def list_changes_lately(request: HttpRequest, about: Annotated[About, Query()]) -> list[LatelyOut]:
    """Return what changed in the day before it, first what is tied to it by services, hosts, clusters or words."""
    return [_out(one) for one in _found(about)]


def _found(about: About) -> list[lately.Lately]:
    named = [name for name in ("alert_id", "group_id", "incident_id") if getattr(about, name)]
    if len(named) > 1:
        raise BadInput(named[1], "ask about one thing at a time", status=422)
    if about.incident_id:
        return room_changes.lately_in(incidents.incident(about.incident_id))
    if about.group_id:
        group = alerts.groups().filter(pk=about.group_id).first()
        if group is None:
            raise NotFound("There is no such group of alerts.")
        return lately.around(group.opened_at, changed.of_group(group))
    if about.alert_id:
        alert = alerts.alert_with_decisions(about.alert_id)
        if alert is None:
            raise NotFound("There is no such alert.")
        return lately.around(alert.starts_at, changed.of_alert(alert))
    return lately.around(now())


def _out(one: lately.Lately) -> LatelyOut:
    own = {name: getattr(one.change, name) for name in ("id", "title", "state", "at", "origin", "told_by")}
    author = one.change.author.name if one.change.author else None
    return LatelyOut(**own, author=author, hosts=one.hosts, differs=one.differs, tied=one.is_tied, why=one.why)


class UnitAfterOut(Schema):
    """A unit: on how many hosts it failed after a change, or is well again that had failed before it."""

    name: str
    hosts: int


class AlertAfterOut(Schema):
    """A group of alerts that opened, or ended, after a change began; `why` says what ties it to the change, if any."""

    group_id: int
    title: str
    opened_at: datetime
    closed_at: datetime | None
    tied: bool
    why: str


class SideOut(Schema):
    """One side: units and alerts, and how many more of each there are; what ties those to it is not looked for."""

    units: list[UnitAfterOut]
    more_units: int
    alerts: list[AlertAfterOut]
    more_alerts: int


class AfterOut(Schema):
    """What got worse and what got better after it, which is not to say because of it."""

    worse: SideOut
    better: SideOut


@router.get(
    "/changes/{int:pk}/after", response=AfterOut, operation_id="after_change", summary="What got worse or better"
)
def after_change(request: HttpRequest, pk: int) -> AfterOut:
    """Return units that failed and alerts that opened after a change began, and those that ended since."""
    board = ChangeBoard(change(pk))
    failed = [UnitAfterOut(name=one.name, hosts=one.failed) for one in board.progress.units.told]
    well = [UnitAfterOut(name=one.name, hosts=one.hosts) for one in board.came_back.told]
    return AfterOut(
        worse=_side(failed, board.progress.units.more, board.alerts),
        better=_side(well, board.came_back.more, board.ended),
    )


def _side(units: list[UnitAfterOut], more_units: int, found: after_alerts.Alerts) -> SideOut:
    alerts = [
        AlertAfterOut(
            group_id=one.group.pk,
            title=one.group.title,
            opened_at=one.group.opened_at,
            closed_at=one.group.closed_at,
            tied=bool(one.why),
            why=one.why,
        )
        for one in found.told
    ]
    return SideOut(units=units, more_units=more_units, alerts=alerts, more_alerts=found.more)
