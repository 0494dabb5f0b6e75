"""Screens of policies and routes: whom a page reaches, and which alerts start one."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render

from raglan.alerts import actions as alerts
from raglan.alerts.models import Route
from raglan.console.forms import PolicyForm, RouteForm, policy_initial, route_initial
from raglan.console.setup_views import step_words
from raglan.core.errors import BadInput, NotFound
from raglan.paging import actions as paging
from raglan.paging.models import Policy
from raglan.people.access import Scope, reader, require
from raglan.people.models import Person


def new_policy(request: HttpRequest) -> HttpResponse:
    """Make a policy."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    form = PolicyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if Policy.objects.filter(slug=form.cleaned_data["slug"]).exists():
            form.add_error("slug", "Another policy has this short name. Choose a different one, or change that policy.")
        elif _save_policy(form, person):
            messages.success(request, "The policy is saved. Send alerts to it with a route.")
            return redirect("/setup/#h-policies")
    return render(request, "console/policy.html", {"form": form}, status=422 if form.errors else 200)


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
            and _is_newest(form, found.version)
            and _save_policy(form, person)
        ):
            messages.success(request, "The policy is saved. Pages that are under way keep the plan they started with.")
            return redirect("/setup/#h-policies")
    context = {"form": form, "policy": found, "steps": [step_words(step) for step in found.steps.all()]}
    return render(request, "console/policy.html", context, status=422 if form and form.errors else 200)


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
        paging.save_policy(
            slug=data["slug"],
            name=data["name"],
            team=data["team"],
            repeat=data["repeat"],
            steps=form.drafts(),
            actor=person,
        )
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
        if Route.objects.filter(position=form.cleaned_data["position"]).exists():
            form.add_error("position", "There is a route at this place. Choose another number, or change that route.")
        elif _save_route(form, person):
            messages.success(request, "The route is saved. It decides for alerts from now on.")
            return redirect("/setup/#h-routes")
    return render(request, "console/route.html", {"form": form}, status=422 if form.errors else 200)


def route(request: HttpRequest, position: int) -> HttpResponse:
    """Show a route, and let those change it who may."""
    person = reader(request)
    found = Route.objects.select_related("policy").filter(position=position).first()
    if found is None:
        raise NotFound("There is no such route.")
    initial = route_initial(found)
    may = person.may_configure and initial is not None
    form = RouteForm(request.POST or None, initial=initial) if may else None
    if request.method == "POST":
        require(person, Scope.CONFIGURE)
    if form is not None:
        form.fields["position"].disabled = True
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


def _save_route(form: RouteForm, person: Person) -> bool:
    data = form.cleaned_data
    try:
        alerts.save_route(
            position=data["position"],
            matchers=form.matchers(),
            group_by=form.labels(),
            policy=data["policy"],
            actor=person,
        )
    except BadInput as error:
        form.refuse(error)
        return False
    return True
