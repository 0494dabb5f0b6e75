"""Screens of policies and routes: whom a page reaches, and which alerts start one."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from raglan.alerts import actions as alerts
from raglan.alerts.dry_run import dry_run, with_route, without_route
from raglan.alerts.models import Route
from raglan.console.forms import PolicyForm, RouteForm, policy_initial, route_initial
from raglan.core.errors import BadInput, Conflict, NotFound
from raglan.integrations.webhook.channel import signing_key
from raglan.paging import foresight, readiness
from raglan.paging.models import Policy
from raglan.paging.policies import plan_from
from raglan.paging.queries import plan_of
from raglan.people.access import Scope, needs, reader, require
from raglan.people.models import Person

VERSIONS = 20


def new_policy(request: HttpRequest) -> HttpResponse:
    """Make a policy."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    form = PolicyForm(request.POST or None, initial={"zone": person.time_zone})
    if request.method == "POST" and form.is_valid():
        if Policy.objects.filter(slug=form.cleaned_data["slug"]).exists():
            form.add_error("slug", "Another policy has this short name. Choose a different one, or change that policy.")
        elif not _wants_preview(request) and _save_policy(form, person):
            return _saved(request, form, "The policy is saved. Send alerts to it with a route.")
    context = {"form": form, "preview": _preview(form)}
    return render(request, "console/policy.html", context, status=422 if form.errors else 200)


def policy(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a policy, and let those change it who may. Running pages keep the plan that they started with."""
    person, found = reader(request), _policy(slug)
    initial = policy_initial(found)
    may = person.may_configure and initial is not None
    form = PolicyForm(request.POST or None, initial=initial) if may else None
    if request.method == "POST":
        require(person, Scope.CONFIGURE)
    if form is not None:
        form.fields["slug"].disabled = True
        if (
            request.method == "POST"
            and form.is_valid()
            and not _wants_preview(request)
            and _change(form, found, person)
        ):
            words = "The policy is saved. Pages that are under way keep the plan they started with."
            return _saved(request, form, words)
    context = _as_it_is(found) | {"form": form, "preview": _preview(form), "keys": _keys(found, person)}
    return render(request, "console/policy.html", context, status=422 if form and form.errors else 200)


def _change(form: PolicyForm, policy: Policy, person: Person) -> bool:
    return _is_newest(form, policy.version) and _save_policy(form, person)


def _wants_preview(request: HttpRequest) -> bool:
    return "preview" in request.POST


def _saved(request: HttpRequest, form: PolicyForm, words: str) -> HttpResponse:
    messages.success(request, words)
    for warning in _preview(form)["warnings"]:
        messages.warning(request, warning)
    return redirect("/setup/#h-policies")


def _preview(form: PolicyForm | None) -> dict[str, list[str]]:
    """Return what a filled-in form would do, in words, with what in it can never happen."""
    if form is None or not form.is_bound or not form.is_valid():
        return {"words": [], "warnings": []}
    choices = form.choices()
    plan = plan_from(form.drafts(), repeat=form.cleaned_data["repeat"], choices=choices)
    return {
        "words": foresight.words_of(plan, choices.urgency),
        "warnings": foresight.warnings(plan, choices.urgency),
    }


def _as_it_is(policy: Policy) -> dict[str, object]:
    plan = plan_of(policy)
    return {
        "policy": policy,
        "words": foresight.words_of(plan, policy.urgency),
        "warnings": foresight.warnings(plan, policy.urgency),
        "versions": foresight.versions(policy)[:VERSIONS],
    }


def _keys(policy: Policy, person: Person) -> list[tuple[str, str]]:
    """Return the keys that sign for the programs of a policy, for those who may configure."""
    urls = [target.url for step in plan_of(policy).steps for target in step.targets if target.url]
    return [(url, signing_key(url).decode()) for url in dict.fromkeys(urls)] if person.may_configure else []


def _policy(slug: str) -> Policy:
    found = Policy.objects.select_related("team").prefetch_related(
        "steps__targets__schedule", "steps__targets__person", "steps__targets__team"
    )
    policy = found.filter(slug=slug).first()
    if policy is None:
        raise NotFound("There is no such policy.")
    return policy


def _is_newest(form: PolicyForm | RouteForm, version: int) -> bool:
    """Say so when somebody else saved meanwhile; saving once more then takes this text."""
    if form.cleaned_data["seen_version"] == version:
        return True
    form.add_error(
        None, "Somebody saved this meanwhile. What they saved is shown above; save again to put yours in its place."
    )
    data = cast("QueryDict", form.data).copy()
    data["seen_version"] = str(version)
    form.data = data
    return False


def _save_policy(form: PolicyForm, person: Person) -> bool:
    data = form.cleaned_data
    try:
        readiness.save_policy(
            slug=data["slug"],
            name=data["name"],
            team=data["team"],
            repeat=data["repeat"],
            steps=form.drafts(),
            actor=person,
            choices=form.choices(),
            overrule=data["overrule"],
            strict=True,
        )
    except readiness.NotReady as error:
        form.ask_for_reason(error)
        return False
    except BadInput as error:
        form.refuse(error)
        return False
    return True


def new_route(request: HttpRequest) -> HttpResponse:
    """Make a route."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    last = Route.objects.order_by("-position").values_list("position", flat=True).first()
    form = RouteForm(request.POST or None, initial={"position": (last or 0) + 10})
    if request.method == "POST" and form.is_valid():
        if _wants_trial(request):
            return _trial(request, form, None)
        if Route.objects.filter(position=form.cleaned_data["position"]).exists():
            form.add_error("position", "There is a route at this place. Choose another number, or change that route.")
        elif _save_route(form, person):
            messages.success(request, "The route is saved. It decides for alerts from now on.")
            return redirect("/setup/#h-routes")
    return render(request, "console/route.html", {"form": form}, status=422 if form.errors else 200)


def route(request: HttpRequest, position: int) -> HttpResponse:
    """Show a route, and let those change it who may."""
    person = reader(request)
    found = _route(position)
    initial = route_initial(found)
    may = person.may_configure and initial is not None
    form = RouteForm(request.POST or None, initial=initial) if may else None
    if request.method == "POST":
        require(person, Scope.CONFIGURE)
    if form is not None:
        form.fields["position"].disabled = True
        if request.method == "POST" and _wants_trial(request) and form.is_valid():
            return _trial(request, form, found)
        if (
            request.method == "POST"
            and form.is_valid()
            and _is_newest(form, found.version)
            and _save_route(form, person)
        ):
            messages.success(request, "The route is saved. It decides for alerts from now on.")
            return redirect("/setup/#h-routes")
    return render(
        request, "console/route.html", {"form": form, "route": found}, status=422 if form and form.errors else 200
    )


@require_POST
@needs(Scope.CONFIGURE)
def move_route(request: HttpRequest, position: int) -> HttpResponse:
    """Let a route change places with its neighbour; the same button the other way undoes it."""
    up = request.POST.get("way") == "up"
    moved = alerts.move_route(_route(position), up=up, actor=reader(request))
    if moved.position == position:
        messages.info(request, f"It is the {'first' if up else 'last'} among its neighbours already.")
    return redirect("console:route", moved.position)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.CONFIGURE)
def remove_route(request: HttpRequest, position: int) -> HttpResponse:
    """Ask before a route is removed, then remove it as it was seen."""
    found = _route(position)
    if request.method != "POST":
        context = {"route": found, "trial": dry_run(without_route(position))}
        return render(request, "console/remove_route.html", context)
    seen = request.POST.get("version", "")
    version = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else 0
    try:
        alerts.remove_route(found, version=version, actor=reader(request))
    except Conflict as error:
        messages.error(request, error.sentence)
        return redirect("console:route", position)
    messages.success(
        request,
        "The route is removed. What it took goes to the routes behind it, at last to the fallback. "
        "It can be put back below the routes.",
    )
    return redirect("/setup/#h-routes")


@require_POST
@needs(Scope.CONFIGURE)
def restore_route(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a removed route back as it was."""
    try:
        route = alerts.restore_route(pk, actor=reader(request))
    except Conflict as error:
        messages.error(request, error.sentence)
        return redirect("/setup/#h-routes")
    messages.success(request, "The route is back as it was. It decides for alerts from now on.")
    return redirect("console:route", route.position)


def _route(position: int) -> Route:
    found = Route.objects.select_related("policy", "parent").filter(position=position).first()
    if found is None:
        raise NotFound("There is no such route.")
    return found


def _wants_trial(request: HttpRequest) -> bool:
    return request.POST.get("do") == "try"


def _trial(request: HttpRequest, form: RouteForm, found: Route | None) -> HttpResponse:
    """Show who would have been paged otherwise in the last 30 days; nothing is saved."""
    data, trial = form.cleaned_data, None
    try:
        change = with_route(
            data["position"],
            matchers=form.matchers(),
            group_by=form.labels(),
            policy=data["policy"],
            options=form.options(),
        )
        trial = dry_run(change)
    except BadInput as error:
        form.refuse(error)
    context = {"form": form, "route": found, "trial": trial}
    return render(request, "console/route.html", context, status=422 if form.errors else 200)


def _save_route(form: RouteForm, person: Person) -> bool:
    data = form.cleaned_data
    try:
        alerts.save_route(
            position=data["position"],
            matchers=form.matchers(),
            group_by=form.labels(),
            policy=data["policy"],
            actor=person,
            options=form.options(),
        )
    except BadInput as error:
        form.refuse(error)
        return False
    return True
