"""Setup and own health: what raglan knows of itself, and everything that can be set up."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from raglan.alerts import queries as alerts
from raglan.alerts import route_queries
from raglan.alerts.models import Route, Source
from raglan.alerts.pipeline.route import Matcher
from raglan.console import actions, health
from raglan.core import timeline
from raglan.core.errors import Conflict, NotFound
from raglan.paging.models import Policy, Step
from raglan.people.access import Scope, reader, require
from raglan.people.models import ContactMethod, Person


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source with how it looks."""

    source: Source
    look: str
    word: str


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy with its steps in words."""

    policy: Policy
    steps: list[str]


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A route with its conditions in words."""

    route: Route
    words: str
    depth: int = 0

    @property
    def steps(self) -> range:
        """One for each route above it."""
        return range(self.depth)


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show own health, and all that is set up."""
    since, test = timeline.newest_id(), _test(reader(request))
    context = {
        "facts": health.facts(),
        "parked": health.parked(),
        "quiet": health.quiet_since(),
        "sources": source_rows(),
        "policies": policy_rows(),
        "routes": route_rows(),
        "removed": route_queries.removed_routes(),
        "live_topics": f"alerts health {test['test_topic']}",
        "live_since": since,
    }
    return render(request, "console/setup.html", context | test)


@require_GET
def part(request: HttpRequest, name: str) -> HttpResponse:
    """Show one region of the overview again."""
    match name:
        case "test":
            context = _test(reader(request))
        case "health":
            context = {"facts": health.facts(), "parked": health.parked(), "quiet": health.quiet_since()}
        case "sources":
            context = {"sources": source_rows()}
        case _:
            raise NotFound("There is no such part of this screen.")
    return render(request, f"console/part_{name}.html", context)


def _test(person: Person) -> dict[str, object]:
    last = health.last_test(person)
    contacts = list(ContactMethod.objects.filter(person=person).order_by("pk"))
    return {"test": last, "test_topic": health.test_page_ref(last), "contacts": contacts}


def source_rows() -> list[SourceRow]:
    """Return all sources with how they look."""
    return [SourceRow(source, *health.source_look(source)) for source in alerts.sources()]


def policy_rows() -> list[PolicyRow]:
    """Return all policies with their steps in words."""
    found = Policy.objects.select_related("team").prefetch_related(
        "steps__targets__schedule", "steps__targets__person", "steps__targets__team"
    )
    return [
        PolicyRow(policy, [step_words(step) for step in policy.steps.all()]) for policy in found.order_by("name", "pk")
    ]


def step_words(step: Step) -> str:
    """Say whom a step pages, and how long it waits."""
    whom = [
        f"whoever is on call for {target.schedule}"
        if target.schedule
        else f"everybody in {target.team}"
        if target.team
        else f"a program at {target.url}"
        if target.url
        else str(target.person)
        for target in step.targets.all()
    ]
    minutes = step.wait_s / 60
    return f"{', '.join(whom)}; then {minutes:g} min" if minutes else f"{', '.join(whom)}; then at once"


def route_rows() -> list[RouteRow]:
    """Return all routes with their conditions in words, in the order in which they are read."""
    found = list(Route.objects.select_related("policy", "parent").order_by("position"))
    return _below(None, found, 0)


def _below(parent_id: int | None, routes: list[Route], depth: int) -> list[RouteRow]:
    """Return routes as a tree is read: each before those below it."""
    rows: list[RouteRow] = []
    for route in routes:
        if route.parent_id == parent_id:
            rows += [RouteRow(route, _conditions(route), depth), *_below(route.pk, routes, depth + 1)]
    return rows


def _conditions(route: Route) -> str:
    matchers = [str(Matcher(item["name"], item["op"], item["value"])) for item in route.matchers]
    return " and ".join(matchers) or "every alert"


@require_POST
def test_path(request: HttpRequest) -> HttpResponse:
    """Send the reader a test page; the facts of it show on the screen as they come."""
    person = reader(request)
    chosen = request.POST.get("contact", "")
    is_number = chosen.isdecimal() and len(chosen) < 19
    contact = ContactMethod.objects.filter(person=person, pk=int(chosen)).first() if is_number else None
    try:
        messages.success(request, actions.send_test_page(person, contact))
    except Conflict as error:
        messages.error(request, error.sentence)
    return redirect("/setup/#h-test")


@require_POST
def try_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Let work that was set aside be tried again."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    actions.try_again(pk, actor=person)
    messages.success(request, "It is tried again now.")
    return redirect("/setup/#h-health")


@require_POST
def allow_paging(request: HttpRequest) -> HttpResponse:
    """Let a restored copy page again."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    actions.allow_paging(actor=person)
    messages.success(request, "raglan pages again.")
    return redirect("console:setup")
