"""Screens of hosts: all of them, and one with what it runs."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from raglan.core import timeline
from raglan.core.decode import clean_text
from raglan.fleet import actions, owners, panels, queries, run_queries, tags
from raglan.fleet.models import Host
from raglan.people.access import Scope, reader, require

PER_PAGE = 50
SHOWN = 20
RUNS_SHOWN = 8
NAMESAKES = 11
MOST_EVENTS = 20
SKEWED_S = 60


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Hosts by name, with filters in the address."""
    since = timeline.newest_id()
    wanted = wanted_of(request)
    page = Paginator(queries.hosts(wanted), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "wanted": wanted,
        "is_filtered": wanted != queries.Wanted(),
        "numbers": queries.numbers(),
        "choices": _choices(wanted),
        "query": request.GET.urlencode(),
        "live_topics": "hosts",
        "live_since": since,
    }
    part = "fleet/part_hosts.html" if request.GET.get("part") else "fleet/hosts.html"
    return render(request, part, context)


@dataclass(frozen=True, slots=True)
class Choice:
    """What hosts can be chosen by: names to choose from, or to be written where there are too many of them."""

    name: str
    chosen: str
    names: list[str]
    most: int

    @property
    def is_written(self) -> bool:
        """Whether there may be more names than are known here."""
        return len(self.names) >= self.most


def _choices(wanted: queries.Wanted) -> list[Choice]:
    found = [
        *((word, queries.groups(word), queries.MOST_WORDS) for word in ("cluster", "role", "environment")),
        ("tag", tags.known(), tags.MOST_KNOWN),
    ]
    return [Choice(word, getattr(wanted, word), names, most) for word, names, most in found if names]


def wanted_of(request: HttpRequest) -> queries.Wanted:
    """Return what the address asks for."""

    def word(name: str) -> str:
        return clean_text(request.GET.get(name, ""))[:200].strip()

    state, alike = word("state"), word("alike")
    return queries.Wanted(
        text=word("q"),
        cluster=word("cluster"),
        role=word("role"),
        environment=word("environment"),
        service=word("service"),
        tag=word("tag"),
        state=state if state in queries.STATES else "",
        alike=int(alike) if alike.isascii() and alike.isdecimal() and len(alike) < 19 else 0,
    )


@require_GET
def host(request: HttpRequest, pk: int) -> HttpResponse:
    """One host: what it runs, what moved and turned lately, and what is odd about it."""
    since = timeline.newest_id()
    found = queries.host(pk)
    namesakes = queries.namesakes(found)
    units, installed = queries.units_of(found), queries.packages_of(found)
    text = clean_text(request.GET.get("q", ""))[:200].strip()
    context = {
        "host": found,
        "clock": clock_words(found),
        "told_at": owners.told_at(found.silent_since, found.silence_told_at),
        "usual": timedelta(seconds=found.report_interval_s or found.run_interval_s),
        "namesakes": list(namesakes[:NAMESAKES]),
        "more_namesakes": max(namesakes.order_by().count() - NAMESAKES, 0),
        "carries": list(found.carries.order_by("slug")),
        "moves": Paginator(queries.moves_of(found), SHOWN).get_page(request.GET.get("page")),
        "turns": Paginator(queries.turns_of(found), SHOWN).get_page(request.GET.get("turns")),
        "pages": urlencode({name: request.GET[name] for name in ("page", "turns") if name in request.GET}),
        "runs": list(run_queries.runs(host=found).defer("steps", "moves")[:RUNS_SHOWN]),
        "units": units,
        "failed": [unit for unit in units if unit.is_failed],
        "packages": [one for one in installed if text.lower() in one.name.lower()] if text else installed,
        "count": len(installed),
        "q": text,
        "told": [event for event in timeline.about(found, limit=MOST_EVENTS) if event.kind in TOLD],
        "panels": panels.panels(found),
        "may": reader(request).may_respond,
        "live_topics": f"host:{found.pk}",
        "live_since": since,
    }
    part = "fleet/part_lately.html" if request.GET.get("part") else "fleet/host.html"
    return render(request, part, context)


TOLD = ("host.renamed", "host.machine_shared", "host.retired", "host.heard_again")


def clock_words(found: Host) -> str:
    """Return by how much the clock of a host is wrong, empty when it is not."""
    offset = timedelta(seconds=abs(found.clock_offset_s))
    if offset < timedelta(seconds=SKEWED_S):
        return ""
    return f"{_spell(offset)} {'ahead' if found.clock_offset_s > 0 else 'behind'}"


def _spell(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{round(minutes / 60)} h" if minutes < 2 * 24 * 60 else f"{round(minutes / 60 / 24)} days"


@require_POST
def retire(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a host out of the fleet."""
    person = reader(request)
    require(person, Scope.RESPOND)
    found = queries.host(pk)
    actions.retire_host(found, actor=person)
    messages.success(request, f"{found.name} is retired. When it reports again, it is back.")
    return redirect("fleet:host", pk)
