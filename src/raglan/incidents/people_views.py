"""Screens of people in and around a room: hand a role over, say whether one can come, and what the room is about."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from raglan.catalog import queries as catalog
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.incidents import actions, queries, scripts
from raglan.incidents.forms import AvailabilityForm, HandOverForm
from raglan.incidents.models import Script
from raglan.people.access import Scope, needs, reader
from raglan.ui import typed

form_methods = require_http_methods(["GET", "HEAD", "POST"])


@form_methods
@needs(Scope.RESPOND)
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand a role over with a note."""
    person, incident = reader(request), queries.incident(pk)
    form = HandOverForm(request.POST or None, initial={"role": request.GET.get("role", "lead")})
    form.fields["person"].queryset = queries.people_here(incident)  # type: ignore[attr-defined]  # a ModelChoiceField
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        done = form.attempt(
            lambda: actions.hand_over(incident, data["role"], data["person"], by=person, note=data["note"])
        )
        if done is not None:
            return redirect("incidents:room", pk)
    context = {
        "incident": incident,
        "form": form,
        "is_alone": not queries.people_here(incident).exclude(pk=person.pk).exists(),
        "scripts": scripts.beside(Script.Place.HANDING_OVER, person),
    }
    return render(request, "incidents/hand_over.html", context, status=422 if form.errors else 200)


@form_methods
@needs(Scope.RESPOND)
def free(request: HttpRequest) -> HttpResponse:
    """Say whether one can come in the next hours, and see who can."""
    person = reader(request)
    own = queries.availability_of([person.pk]).first()
    initial = {"state": own.state, "words": own.words} if own else None
    form = AvailabilityForm(request.POST or None, initial=initial)
    if request.method == "POST" and "take_back" in request.POST:
        actions.take_availability_back(person)
        return redirect("incidents:free")
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        actions.say_availability(person, data["state"], length=timedelta(hours=data["hours"]), words=data["words"])
        messages.success(request, "It is shown to who looks for help, until its time is over. Then it is forgotten.")
        return redirect("incidents:free")
    context = {"form": form, "own": own, "can_come": list(queries.can_come()[:100])}
    return render(request, "incidents/free.html", context, status=422 if form.errors else 200)


@require_POST
@needs(Scope.RESPOND)
def about(request: HttpRequest, pk: int) -> HttpResponse:
    """Say which service a room is about, with one tap or by its name."""
    incident = queries.incident(pk)
    word = clean_text(request.POST.get("service", "") or request.POST.get("name", "")).strip()
    services, _ = catalog.called([word])
    try:
        actions.say_about(incident, services, by=reader(request))
    except BadInput:
        why = f"No service here is called “{word[:60]}”" if word else "Name a service"
        return typed.refuse(request, f"about-{pk}", BadInput("name", why), f"/incidents/{pk}/?about=ask#h-about")
    return redirect("incidents:room", pk)
