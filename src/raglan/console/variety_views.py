"""Screens of the variety register: hosts that do not converge, and what they carried in past incidents."""

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from raglan.fleet import variety
from raglan.fleet.models import Host
from raglan.fleet.variety_models import Variety
from raglan.incidents import queries as incidents
from raglan.incidents.models import Incident
from raglan.people.access import Scope, reader, require
from raglan.people.forms import Form

PER_PAGE, INCIDENTS = 100, 8
form_methods = require_http_methods(["GET", "HEAD", "POST"])


class VarietyForm(Form):
    """Why a host does not converge, and what is to become of it."""

    why = forms.CharField(label="Why it does not converge, if you know", max_length=500, required=False)
    wish = forms.ChoiceField(label="What is to become of it", choices=Variety.Wish.choices, widget=forms.RadioSelect)


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Hosts on which automation does not run as elsewhere, those whose last run is longest ago first."""
    page = Paginator(variety.register(), PER_PAGE).get_page(request.GET.get("page"))
    hosts = list(page.object_list)
    serves = variety.serves(hosts)
    context = {
        "page": page,
        "shown": [(host, serves.get(host.pk, [])) for host in hosts],
        "is_known": bool(hosts) or variety.was_converging_seen(),
    }
    return render(request, "console/changes/variety.html", context)


@form_methods
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One of them: what it serves, what it kept through, and whether the fleet should keep it as it is."""
    person = reader(request)
    if request.method == "POST":
        require(person, Scope.RESPOND)
    host = variety.host(pk)
    noted = getattr(host, "variety", None)
    form = VarietyForm(request.POST or None, initial={"why": noted.why, "wish": noted.wish} if noted else {})
    if request.method == "POST" and form.is_valid():
        variety.note(host, why=form.cleaned_data["why"], wish=form.cleaned_data["wish"], by=person)
        messages.success(request, "Noted.")
        return redirect("console:variety_of", pk)
    serves = variety.serves([host]).get(host.pk, [])
    about = _carried_in(host, serves)
    context = {
        "host": host,
        "noted": noted,
        "form": form,
        "serves": serves,
        "kept": variety.kept_through(host),
        "incidents": list(about[:INCIDENTS]),
        "more_incidents": max(about.count() - INCIDENTS, 0),
        "may": person.may_respond,
    }
    return render(request, "console/changes/variety_of.html", context, status=422 if form.errors else 200)


def _carried_in(host: Host, serves: list[str]) -> QuerySet[Incident]:
    """Return incidents about what a host serves, since it was first heard; the newest first."""
    about = incidents.incidents().filter(services__slug__in=serves, declared_at__gt=host.first_heard_at)
    return about.distinct().order_by("-declared_at", "-pk")
