"""Screens of inhibitions: what explains what."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.alerts import actions, dry_run, matchers, noise_queries
from raglan.alerts.forms import InhibitionForm, inhibition_initial
from raglan.alerts.models import Inhibition
from raglan.core.errors import BadInput, Conflict
from raglan.people.access import Scope, needs, reader

form_methods = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
def inhibitions(request: HttpRequest) -> HttpResponse:
    """All inhibitions, with how many alerts hold others back under each now."""
    rows = [
        (
            inhibition,
            [str(matcher) for matcher in matchers.read(inhibition.source_matchers)],
            [str(matcher) for matcher in matchers.read(inhibition.target_matchers)],
        )
        for inhibition in noise_queries.inhibitions()
    ]
    return render(request, "alerts/inhibitions.html", {"rows": rows, "may": reader(request).may_configure})


@form_methods
@needs(Scope.CONFIGURE)
def new_inhibition(request: HttpRequest) -> HttpResponse:
    """Make an inhibition."""
    return _form(request, InhibitionForm(request.POST or None), None)


@form_methods
@needs(Scope.CONFIGURE)
def inhibition(request: HttpRequest, pk: int) -> HttpResponse:
    """Change an inhibition."""
    found = noise_queries.inhibition(pk)
    return _form(request, InhibitionForm(request.POST or None, initial=inhibition_initial(found)), found)


@require_POST
@needs(Scope.CONFIGURE)
def remove_inhibition(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove an inhibition."""
    actions.remove_inhibition(noise_queries.inhibition(pk), actor=reader(request))
    messages.success(request, "The inhibition is removed. What it held back and still fires pages now.")
    return redirect("alerts:inhibitions")


def _form(request: HttpRequest, form: InhibitionForm, found: Inhibition | None) -> HttpResponse:
    if request.method == "POST" and request.POST.get("do") in ("try", "without"):
        return _trial(request, form, found)
    if request.method == "POST" and form.is_valid() and _save(request, form, found):
        messages.success(request, "The inhibition is saved. What pages already goes on.")
        return redirect("alerts:inhibitions")
    context = {"form": form, "inhibition": found}
    return render(request, "alerts/inhibition.html", context, status=422 if form.errors else 200)


def _trial(request: HttpRequest, form: InhibitionForm, found: Inhibition | None) -> HttpResponse:
    """Show who would have been paged otherwise in the last 30 days; nothing is saved."""
    trial = None
    if request.POST.get("do") == "without" and found is not None:
        form = InhibitionForm(initial=inhibition_initial(found))
        trial = dry_run.dry_run(dry_run.without_inhibition(found.pk))
    elif form.is_valid():
        data = form.cleaned_data
        try:
            change = dry_run.with_inhibition(
                found,
                name=data["name"],
                source=data["source_matchers"],
                target=data["target_matchers"],
                equal=form.labels(),
                same_source=data["same_source"],
            )
            trial = dry_run.dry_run(change)
        except BadInput as error:
            form.place(error)
    context = {"form": form, "inhibition": found, "trial": trial, "tried": request.POST.get("do")}
    return render(request, "alerts/inhibition.html", context, status=422 if form.errors else 200)


def _save(request: HttpRequest, form: InhibitionForm, found: Inhibition | None) -> bool:
    data = form.cleaned_data
    try:
        actions.save_inhibition(
            found,
            name=data["name"],
            source=data["source_matchers"],
            target=data["target_matchers"],
            equal=form.labels(),
            same_source=data["same_source"],
            actor=reader(request),
        )
    except BadInput as error:
        form.place(error)
        return False
    except Conflict as error:
        form.add_error(None, error.sentence)
        return False
    return True
