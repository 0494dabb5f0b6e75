"""Screens of near misses: write one down afterwards, and turn an incident into one."""

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from raglan.core.clock import now
from raglan.incidents import actions, queries
from raglan.incidents.forms import KindForm, NearMissForm
from raglan.incidents.models import Incident
from raglan.people.access import Scope, needs, reader

form_methods = require_http_methods(["GET", "HEAD", "POST"])


@form_methods
@needs(Scope.RESPOND)
def near_miss(request: HttpRequest) -> HttpResponse:
    """Write down a near miss afterwards."""
    person = reader(request)
    form = NearMissForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        told = actions.NearMiss(
            title=data["title"],
            happened=data["happened"],
            kept=data["kept"],
            services=list(data["services"]),
            at=now() - timedelta(hours=data["ago"]),
        )
        written = form.attempt(lambda: actions.write_near_miss(told, by=person))
        if written is not None:
            messages.success(request, "It is written down. Its review is being drafted, for people to add to.")
            return redirect("incidents:room", written.pk)
    return render(request, "incidents/near_miss.html", {"form": form}, status=422 if form.errors else 200)


@form_methods
@needs(Scope.RESPOND)
def kind(request: HttpRequest, pk: int) -> HttpResponse:
    """Call an incident a near miss, or an incident after all."""
    person, incident = reader(request), queries.incident(pk)
    before = {"is_near_miss": incident.kind == Incident.Kind.NEAR_MISS, "kept": incident.kept}
    form = KindForm(request.POST if request.method == "POST" else None, initial=before)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        chosen = Incident.Kind.NEAR_MISS if data["is_near_miss"] else Incident.Kind.INCIDENT
        if form.attempt(lambda: actions.turn_kind(incident, chosen, by=person, kept=data["kept"])) is not None:
            return redirect("incidents:room", pk)
    context = {"incident": incident, "form": form}
    return render(request, "incidents/kind.html", context, status=422 if form.errors else 200)
