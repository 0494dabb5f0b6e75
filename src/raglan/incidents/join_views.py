"""Screens that join alerts and pages to a room by hand: from the alert's side, the page's, and the room's."""

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from raglan.alerts import queries as alerts
from raglan.alerts.models import AlertGroup
from raglan.core.errors import NotFound
from raglan.incidents import actions, privacy, queries
from raglan.incidents.forms import JoinForm
from raglan.incidents.models import Incident
from raglan.paging import queries as paging
from raglan.paging.models import Page
from raglan.people.access import Scope, needs, reader

form_methods = require_http_methods(["GET", "HEAD", "POST"])
OFFERED = 50
ELSEWHERE = "It belongs to another incident by now. Take it out there first."


@form_methods
@needs(Scope.RESPOND)
def join_group(request: HttpRequest, pk: int) -> HttpResponse:
    """The incident that an alert group belongs to: join it to one, or take it out."""
    group = alerts.groups().filter(pk=pk).first()
    if group is None:
        raise NotFound("There is no such group of alerts.")
    joined = queries.incidents().filter(joined_groups__group=group).first()
    return _join(request, joined, group, f"/alerts/groups/{pk}/")


@form_methods
@needs(Scope.RESPOND)
def join_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The incident whose room follows a page: join it to one, or take it out."""
    page = paging.pages().filter(pk=pk).first()
    if page is None:
        raise NotFound("There is no such page.")
    joined = queries.incidents().filter(followed_pages__page=page).first()
    return _join(request, joined, page, f"/pages/{pk}/")


def _join(request: HttpRequest, joined: Incident | None, thing: AlertGroup | Page, back: str) -> HttpResponse:
    by = reader(request)
    groups, pages = ([thing], []) if isinstance(thing, AlertGroup) else ([], [thing])
    form = JoinForm(request.POST if request.method == "POST" else None)
    if "out" in request.POST:
        if joined is None:
            return redirect(back)
        actions.take_out(joined, groups, pages, by=by)
        messages.success(request, f"It is out of incident {joined.pk}. Its room says so.")
        return redirect(back)
    if request.method == "POST" and form.is_valid():
        incident = form.cleaned_data["incident"]
        if not actions.join_by_hand(incident, groups, pages, by=by):
            messages.error(request, ELSEWHERE)
        return redirect("incidents:room", incident.pk)
    context = {"thing": thing, "joined": joined, "form": form, "back": back}
    return render(request, "incidents/join.html", context, status=422 if form.errors else 200)


@form_methods
@needs(Scope.RESPOND)
def join_to_room(request: HttpRequest, pk: int) -> HttpResponse:
    """The alerts and pages of a room: join more of them, take some out."""
    incident, by = queries.incident(pk), reader(request)
    if request.method == "POST":
        groups = list(alerts.groups().filter(pk__in=_numbers(request, "group")))
        pages = list(paging.pages().filter(pk__in=_numbers(request, "page")))
        if "out" in request.POST:
            actions.take_out(incident, groups, pages, by=by)
        elif not actions.join_by_hand(incident, groups, pages, by=by) and (groups or pages):
            messages.error(request, ELSEWHERE)
        return redirect("incidents:alerts", pk)
    context = {
        "incident": incident,
        "groups": list(queries.groups_of(incident)[:OFFERED]),
        "pages": queries.pages_of(incident),
        "other_groups": list(alerts.open_groups().filter(_is_free("joined_incident"))[:OFFERED]),
        "other_pages": list(paging.live_pages().filter(_is_free("followed_by"), is_test=False)[:OFFERED]),
    }
    return render(request, "incidents/alerts.html", context)


def _is_free(joined: str) -> Q:
    """Narrow to what belongs to no incident, as far as the reader knows."""
    return Q(**{f"{joined}__isnull": True}) | Q(**{f"{joined}__incident__in": privacy.hidden()})


def _numbers(request: HttpRequest, name: str) -> list[int]:
    return [int(word) for word in request.POST.getlist(name)[:OFFERED] if word.isdecimal() and len(word) < 19]
