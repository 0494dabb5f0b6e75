"""Screens of runs: what a tool did on hosts, and one run step by step."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from raglan.fleet import run_queries as queries
from raglan.fleet.models import Host
from raglan.fleet.run_models import HostRun
from raglan.people.access import reader

PER_PAGE = 50


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Runs on all hosts, the newest first."""
    return _listed(request, None)


@require_GET
def of_host(request: HttpRequest, pk: int) -> HttpResponse:
    """Runs on one host."""
    return _listed(request, queries.host(pk))


def _listed(request: HttpRequest, host: Host | None) -> HttpResponse:
    reader(request)
    asked = request.GET.get("outcome", "")
    outcome = asked if asked in HostRun.Outcome.values else ""
    found = queries.runs(host=host, outcome=outcome).defer("steps", "moves")
    context = {
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "host": host,
        "outcome": outcome,
    }
    return render(request, "fleet/runs.html", context)


@require_GET
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: its steps, what moved, and what failed."""
    reader(request)
    run = queries.run(pk)
    context = {"run": run, "steps": queries.steps(run), "took": _took(run)}
    return render(request, "fleet/run.html", context)


def _took(run: HostRun) -> object:
    return run.ended_at - run.started_at if run.ended_at and run.started_at else None
