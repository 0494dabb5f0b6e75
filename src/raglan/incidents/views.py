"""Screens of incidents: thin doors that parse, authorize, call an action or a query, and render."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from raglan.alerts.models import AlertGroup
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict, NotFound, RaglanError
from raglan.incidents import actions, composing, hand, ports, queries, room, scripts, task_queries
from raglan.incidents.actions.holding import went_to
from raglan.incidents.forms import CloseForm, NameForm, ReopenForm, StandingForm, WrongForm
from raglan.incidents.models import Entry, Incident, Script
from raglan.incidents.task_views import form_for
from raglan.paging import actions as paging
from raglan.paging import queries as pages
from raglan.people import reading
from raglan.people.access import Scope, require
from raglan.people.models import Person

PER_PAGE = 30
PANEL = "panel-"


def reader(request: HttpRequest) -> Person:
    """Return who is signed in; the middleware has seen to it that somebody is."""
    return cast("Person", request.user)


def responder(request: HttpRequest) -> Person:
    """Return who is signed in and may write. Raises NotAllowed."""
    person = reader(request)
    require(person, Scope.RESPOND)
    return person


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All incidents, open ones first."""
    kind = request.GET.get("kind", "")
    kind = kind if kind in Incident.Kind.values else ""
    found = queries.incidents(kind=kind).select_related("review")
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    shown = [(incident, room.look_of(incident.service_state)) for incident in page.object_list]
    context = {"page": page, "shown": shown, "live_topics": "now", "kind": kind}
    return render(request, "incidents/index.html", context)


def wrong(request: HttpRequest) -> HttpResponse:
    """Something is wrong: one question, then a room."""
    person = responder(request)
    form = WrongForm(request.POST or None, initial={"title": request.GET.get("title", "")[:300]})
    groups = _groups(request.GET.getlist("group") + request.POST.getlist("group"))
    if request.method == "POST" and form.is_valid():
        return redirect("incidents:room", _open(form, groups, person).pk)
    context = {
        "form": form,
        "groups": groups,
        "open_incidents": list(queries.open_incidents()[:10]),
    }
    return render(request, "incidents/wrong.html", context, status=422 if form.errors else 200)


def _groups(words: list[str]) -> list[AlertGroup]:
    """Return the groups that an address names; words that are no number of 64 bits name none."""
    numbers = [int(word) for word in words if word.isdecimal() and len(word) < 19]
    return list(AlertGroup.objects.filter(pk__in=numbers[:50]))


@atomic
def _open(form: WrongForm, groups: list[AlertGroup], person: Person) -> Incident:
    data = form.cleaned_data
    severity = data["severity"] or Incident.Severity.UNKNOWN
    incident = actions.declare(data["title"], by=person, severity=severity, services=list(data["services"]))
    if data["private_why"].strip():
        incident = actions.make_private(incident, data["private_why"], by=person)
    actions.join_groups(incident, groups, by=person)
    if data["is_near_miss"]:
        actions.turn_kind(incident, Incident.Kind.NEAR_MISS, by=person)
    return incident


@require_GET
def show_room(request: HttpRequest, pk: int) -> HttpResponse:
    """The room; of an incident that was merged, the one in which it goes on."""
    incident = queries.incident(pk)
    there = queries.incidents().filter(pk=went_to(pk)).first() if incident.merged_into_id else None
    if there is not None:
        return redirect("incidents:room", there.pk)
    return _show(request, incident, request.GET.get("kind", Entry.Kind.NOTE))


def _show(
    request: HttpRequest,
    incident: Incident,
    kind: str,
    *,
    draft: str = "",
    asked: Mapping[str, str] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = room.whole(incident, reader(request), _view(request))
    services = context["services"]
    is_asked = "about" in request.GET or request.session.get(room.ABOUT) == incident.pk
    is_bare = is_asked and incident.state == Incident.State.OPEN and not services
    context |= {
        "about_offered": queries.about_offered(incident) if is_bare and reader(request).may_respond else [],
        "kind": kind,
        "draft": draft,
        "catalog": queries.tool_names(),
        "task_form": form_for(incident, reader(request)),
        **composing.choices(context, reader(request), asked or {"to": request.GET.get("to", "")}),
        "scripts": scripts.beside(Script.Place.ROOM, reader(request)),
    }
    return render(request, "incidents/room.html", context, status=status)


def _number(word: str) -> int:
    """Return a number out of an address; words that are none are 0."""
    return int(word) if re.fullmatch("[0-9]{1,18}", word) else 0


@require_GET
def catch_up(request: HttpRequest, pk: int) -> HttpResponse:
    """What somebody who comes late wants to know, at an address of its own."""
    incident = queries.incident(pk)
    context = {"incident": incident, "topic": room.topic(incident), "live_topics": room.topic(incident)}
    context |= room.catch_up(incident, reader(request), _view(request))
    context["scripts"] = scripts.beside(Script.Place.JOINING, reader(request))
    return render(request, "incidents/catch_up.html", context)


@require_GET
def show_part(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """One part of the room, for a page that heard that something changed."""
    if name.startswith(PANEL) and (panel := ports.panel(name.removeprefix(PANEL))):
        incident = queries.incident(pk)
        shown = {"incident": incident, "panel": panel.gather(incident, reader(request)), "person": reader(request)}
        return render(request, panel.template, shown)
    if name not in room.PARTS:
        raise NotFound("There is no such part of a room.")
    incident, view = queries.incident(pk), _view(request)
    context = {"incident": incident, **room.PARTS[name](incident, reader(request), view)}
    return render(request, f"incidents/part_{name}.html", context)


def _view(request: HttpRequest) -> room.View:
    show = request.GET.get("show", "everything")
    before = request.GET.get("before", "")
    return room.View(
        show=show if show in queries.SHOWN else "everything",
        oldest_first=request.GET.get("order") == "oldest",
        before=int(before) if before.isdecimal() and len(before) < 19 else 0,
    )


@require_POST
def post_entry(request: HttpRequest, pk: int) -> HttpResponse:
    """Post to the room: a form, or the page's own script."""
    person = responder(request)
    kind = request.POST.get("kind", Entry.Kind.NOTE)
    if kind not in [item[0] for item in room.COMPOSER]:
        raise BadInput("kind", "is not one that can be posted here")
    incident = queries.incident(pk)
    try:
        said = composing.said(request, Entry.Kind(kind))
        at = room.written_at(request.POST.get("written_at", ""), now())
        entry = actions.post(incident, said, by=person, at=at)
        if not actions.stands_as(entry, said, by=person):
            entry = actions.post(incident, composing.beside(said), by=person, at=at)
        actions.add_files(entry, said.files, by=person)
    except BadInput as error:
        if request.headers.get("X-Raglan-Part"):
            return JsonResponse(error.as_json(), status=error.status)
        messages.error(request, error.reason[:1].upper() + error.reason[1:] + ".")
        return _show(
            request,
            incident,
            kind,
            draft=composing.text(request, "text"),
            asked=composing.asked(request),
            status=error.status,
        )
    if request.headers.get("X-Raglan-Part"):
        return JsonResponse({"id": entry.pk, "key": entry.key}, status=201)
    return redirect(f"/incidents/{pk}/#e{entry.pk}")


def standing(request: HttpRequest, pk: int) -> HttpResponse:
    """Write where it stands; two at once are both shown."""
    person, incident = responder(request), queries.incident(pk)
    form = StandingForm(request.POST or None, initial=_standing_now(incident))
    theirs = None
    if request.method == "POST" and form.is_valid():
        try:
            actions.write_standing(incident, _standing_of(form), by=person)
            return redirect("incidents:room", pk)
        except Conflict as error:
            form.add_error(None, error.sentence)
            theirs = queries.incident(pk)
            form.data = {name: form.data[name] for name in form.data} | {"seen_version": str(theirs.standing_version)}
        except BadInput as error:
            form.add_error(error.field if error.field in form.fields else None, error.reason)
    context = {"incident": incident, "form": form, "theirs": theirs}
    return render(request, "incidents/standing.html", context, status=422 if form.errors else 200)


def _standing_now(incident: Incident) -> dict[str, object]:
    return {
        "summary": incident.summary,
        "know": "\n".join(incident.know),
        "trying": "\n".join(incident.trying),
        "unknown": "\n".join(incident.unknown),
        "service_state": incident.service_state,
        "state_words": incident.state_words,
        "next_update": 10,
        "seen_version": incident.standing_version,
    }


def _standing_of(form: StandingForm) -> actions.Standing:
    data = form.cleaned_data
    minutes = int(data["next_update"] or 0)
    return actions.Standing(
        summary=data["summary"],
        know=data["know"].splitlines(),
        trying=data["trying"].splitlines(),
        unknown=data["unknown"].splitlines(),
        service_state=data["service_state"],
        state_words=data["state_words"],
        next_update=timedelta(minutes=minutes) if minutes else None,
        seen_version=data["seen_version"],
    )


def name(request: HttpRequest, pk: int) -> HttpResponse:
    """Say better what is seen, and what users feel."""
    person, incident = responder(request), queries.incident(pk)
    form = NameForm(request.POST or None, initial={"title": incident.title, "severity": incident.severity})
    if request.method == "POST" and form.is_valid():
        actions.rename(incident, form.cleaned_data["title"], severity=form.cleaned_data["severity"], by=person)
        return redirect("incidents:room", pk)
    context = {"incident": incident, "form": form}
    return render(request, "incidents/name.html", context, status=422 if form.errors else 200)


@require_POST
def here(request: HttpRequest, pk: int) -> HttpResponse:
    """Join, say what one is on, leave, or take the lead."""
    person, incident = responder(request), queries.incident(pk)
    match request.POST.get("do", "here"):
        case "leave":
            actions.leave(incident, by=person)
        case "offer":
            hours = min(_number(request.POST.get("hours", "2")) or 2, 12)
            actions.offer_help(incident, composing.text(request, "words"), by=person, length=timedelta(hours=hours))
        case "offer-back":
            actions.take_offer_back(incident, by=person)
        case "lead":
            actions.take_lead(incident, person, by=person)
        case "scribe":
            actions.hand_over(incident, "scribe", person, by=person)
        case _:
            doing = composing.text(request, "doing") if "doing" in request.POST else None
            actions.be_here(incident, by=person, doing=doing)
    place = {"lead": "", "offer": "#h-asks", "offer-back": "#h-asks"}.get(request.POST.get("do", ""), "#h-here")
    return redirect(f"/incidents/{pk}/{place}")


def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close the incident: what is still open is shown first."""
    person, incident = responder(request), queries.incident(pk)
    form = CloseForm(request.POST or None, initial={"words": incident.summary})
    is_good = request.method == "POST" and form.is_valid()
    words = form.cleaned_data["words"] if is_good else ""
    if is_good and form.attempt(lambda: actions.stand_down(incident, by=person, words=words)) is not None:
        messages.success(request, "The incident is closed. Its review is being drafted from the timeline.")
        return redirect("incidents:room", pk)
    context = {
        "incident": incident,
        "form": form,
        "asks": list(queries.open_asks(incident)),
        "intentions": list(queries.open_intentions(incident)),
        "tasks": list(task_queries.open_tasks(incident)),
        "hands": hand.open_ones(incident),
        "lost": list(dict.fromkeys(tool.name for tool in queries.lost_tools(incident, only_lost=False)))[:8],
        "here": queries.here(incident),
        "scripts": scripts.beside(Script.Place.CLOSING, person),
    }
    return render(request, "incidents/close.html", context, status=422 if form.errors else 200)


def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on in the same room, and say why."""
    person, incident = responder(request), queries.incident(pk)
    form = ReopenForm({"why": composing.text(request, "why")} if request.method == "POST" else None)
    is_good = request.method == "POST" and form.is_valid()
    why = form.cleaned_data["why"] if is_good else ""
    if is_good and form.attempt(lambda: actions.reopen(incident, by=person, why=why)) is not None:
        return redirect("incidents:room", pk)
    context = {"incident": incident, "form": form}
    return render(request, "incidents/reopen.html", context, status=422 if form.errors else 200)


@login_not_required
@never_cache
@require_POST
def open_room_from_page(request: HttpRequest, token: str) -> HttpResponse:
    """Open a room for what a page is about, from the page's own link."""
    found = pages.by_token(token)
    if found is None:
        raise NotFound("This link is over.")
    page, person = found
    groups = list(AlertGroup.objects.filter(page=page))
    with reading.read_for(person):
        joined = queries.incidents().filter(followed_pages__page=page).first()
    try:
        incident = joined or actions.declare(page.title, by=person)
    except RaglanError as error:
        messages.error(request, error.sentence)
        return redirect(f"/p/{token}/")
    actions.join_groups(incident, groups, by=person)
    actions.follow(incident, page)
    if page.state in paging.OPEN:
        paging.acknowledge(page, by=person, via=paging.Via.LINK)
    return redirect(f"/p/{token}/")
