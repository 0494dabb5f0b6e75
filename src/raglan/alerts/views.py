"""Screens of alerts: groups, one group, and why an alert was, or was not, paged."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from raglan.alerts import changed, links, noise_queries, queries
from raglan.alerts.models import AlertGroup
from raglan.alerts.pipeline.flap import spell
from raglan.alerts.pipeline.severity import is_critical
from raglan.core.decode import clean_text
from raglan.core.errors import NotFound
from raglan.fleet.lately import around
from raglan.people.models import Person

PER_PAGE = 40


@dataclass(frozen=True, slots=True)
class Fact:
    """A label or an annotation; an address of the web may be followed."""

    name: str
    value: str

    @property
    def is_link(self) -> bool:
        """Whether the value is an http or https address and nothing else."""
        return is_web(self.value)


def is_web(text: str) -> bool:
    """Tell whether a text is an http or https address and nothing else; no other scheme becomes a link."""
    return re.fullmatch(r"https?://[^\s<>\"]+", text, re.IGNORECASE) is not None


def _context(request: HttpRequest) -> dict[str, object]:
    state = request.GET.get("state", "")
    state = state if state in AlertGroup.State.values else ""
    search = clean_text(request.GET.get("q", ""))[:200]
    page = Paginator(queries.groups(state=state, search=search), PER_PAGE).get_page(request.GET.get("page"))
    return {
        "page": page,
        "flapping": noise_queries.flapping_in([group.pk for group in page.object_list]),
        "state": state,
        "q": search,
        "muted": noise_queries.silences(state="active").count(),
        "has_source": queries.sources().exists(),
        "query": request.GET.urlencode(),
        "may_respond": cast("Person", request.user).may_respond,
    }


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Groups, not single alerts; open ones first."""
    return render(request, "alerts/index.html", _context(request) | {"live_topics": "alerts"})


@require_GET
def part(request: HttpRequest) -> HttpResponse:
    """The list, for a screen that heard that something changed."""
    return render(request, "alerts/part_groups.html", _context(request))


@require_GET
def group(request: HttpRequest, pk: int) -> HttpResponse:
    """One group with its alerts."""
    found = queries.groups().filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no such group of alerts.")
    page = Paginator(queries.alerts_of(found), PER_PAGE).get_page(request.GET.get("page"))
    joined = getattr(found, "joined_incident", None)
    incident = joined.incident if joined and joined.is_seen else None
    context = {
        "group": found,
        "page": page,
        "incident": incident,
        "changes": around(found.opened_at, changed.of_group(found)),
        "flapping": noise_queries.flapping_alerts(page.object_list),
    }
    return render(request, "alerts/group.html", context)


@require_GET
def alert(request: HttpRequest, pk: int) -> HttpResponse:
    """Why an alert was, or was not, paged: each stage with its decision and reason."""
    found = queries.alert_with_decisions(pk)
    if found is None:
        raise NotFound("There is no such alert.")
    facts = [*found.labels.items(), *found.annotations.items()]
    context = {
        "alert": found,
        "signal": found.signals.order_by("-pk").first(),
        "facts": [Fact(name, value) for name, value in facts],
        "link": found.link if is_web(found.link) else "",
        "notes": queries.notes(found),
        "runbooks": links.of(found),
        "earlier": queries.earlier_episodes(found),
        "changes": around(found.starts_at, changed.of_alert(found)),
        "flap": (flap := noise_queries.flap_of(found)),
        "flap_words": noise_queries.flapping(flap).words if flap else "",
        "is_critical": is_critical(found.severity),
        "quiet": spell(timedelta(seconds=flap.quiet_s)) if flap else "",
        "open": spell(timedelta(seconds=flap.open_s)) if flap else "",
    }
    return render(request, "alerts/alert.html", context)


@require_GET
def storm(request: HttpRequest, pk: int) -> HttpResponse:
    """All groups that the pages of a policy's storms took, newest first."""
    found, groups = queries.storm(pk)
    page = Paginator(groups, PER_PAGE).get_page(request.GET.get("page"))
    flapping = noise_queries.flapping_in([group.pk for group in page.object_list])
    context = {
        "storm": found,
        "page": page,
        "flapping": flapping,
        "may_respond": cast("Person", request.user).may_respond,
    }
    return render(request, "alerts/storm.html", context | {"has_source": True})
