"""REST of runs of automation on hosts."""

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from django.http import HttpRequest

from raglan.core.rest import Router, Schema
from raglan.core.schema import Cursor, Id, Limit, ShortText
from raglan.fleet import run_queries as queries
from raglan.fleet.run_models import HostRun

router = Router(tags=["runs"])
Outcomes = Literal["started", "rehearsed", "unchanged", "changed", "failed"]


class RunOut(Schema):
    """A run, briefly. Times are by raglan's clock."""

    id: int
    host: int
    host_name: str
    tool: str
    key: str
    outcome: Outcomes
    at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    received_at: datetime
    version: str
    words: str
    changed: int
    failed: int


class RunStepOut(Schema):
    """A step that changed, failed or would change."""

    name: str
    outcome: Outcomes
    line: str
    more: str


class RunMoveOut(Schema):
    """A package that went from one version to another; `old` is empty for a new one, `new` for one that went."""

    name: str
    old: str
    new: str
    arch: str


class RunDetail(RunOut):
    """A run with its steps and what moved."""

    steps: list[RunStepOut]
    moves: list[RunMoveOut]


@router.get("/runs", response=list[RunOut], operation_id="list_runs", summary="Runs, the newest first")
def list_runs(
    request: HttpRequest,
    host: Id | None = None,
    outcome: Outcomes | None = None,
    tool: ShortText = "",
    after: Cursor = 0,
    limit: Limit = 100,
) -> list[RunOut]:
    """Return runs, of a host or of all; `after` is how many to pass over."""
    of = queries.host(host) if host else None
    found = queries.runs(host=of, outcome=outcome or "", tool=tool).defer("steps", "moves")
    return [RunOut.model_validate(_brief(one)) for one in found[after : after + limit]]


@router.get("/runs/{pk}", response=RunDetail, operation_id="get_run", summary="One run")
def get_run(request: HttpRequest, pk: Id) -> RunDetail:
    """Return a run with its steps and what moved by it."""
    one = queries.run(pk)
    moves = [{"name": name, "old": old, "new": new, "arch": arch} for name, old, new, arch in one.moves]
    steps = [asdict(step) for step in queries.steps(one)]
    return RunDetail.model_validate({**_brief(one), "steps": steps, "moves": moves})


def _brief(one: HostRun) -> dict[str, object]:
    names = [name for name in RunOut.model_fields if name not in ("host", "host_name")]
    return {**{name: getattr(one, name) for name in names}, "host": one.host_id, "host_name": one.host.name}
