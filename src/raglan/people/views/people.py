"""Doors to people and teams."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from raglan.core.errors import Conflict, NotFound
from raglan.people import actions, ports, queries
from raglan.people.access import Scope, allows, needs, reader
from raglan.people.forms import Invite, Member, NewTeam, Role
from raglan.people.models import Person, Team
from raglan.people.views.asked import asked_again

MOST = 200


def everybody(request: HttpRequest) -> HttpResponse:
    """Show people and teams; filters stay in the address."""
    search, team = request.GET.get("q", "")[:100], request.GET.get("team", "")[:60]
    found = list(queries.people(search, team)[: MOST + 1])
    context = {
        "found": found[:MOST],
        "more": len(found) > MOST,
        "most": MOST,
        "teams": queries.teams(),
        "search": search,
        "team": team,
        "may_configure": allows(reader(request), Scope.CONFIGURE),
    }
    return render(request, "people/people.html", context)


def person(request: HttpRequest, person_id: int) -> HttpResponse:
    """Show one person."""
    return _person(request, queries.person(person_id))


def _person(request: HttpRequest, shown: Person, **more: object) -> HttpResponse:
    viewer = reader(request)
    may_configure = allows(viewer, Scope.CONFIGURE)
    is_administrator = viewer.role == Person.Role.ADMINISTRATOR
    context = {
        "shown": shown,
        "is_you": shown.pk == viewer.pk,
        "contacts": queries.contacts(shown),
        "may_reach": shown.is_active and shown.pk != viewer.pk and allows(viewer, Scope.PAGE),
        "sees_addresses": may_configure or shown.pk == viewer.pk,
        "may_manage": may_configure and shown.pk != viewer.pk and (is_administrator or shown.role != "administrator"),
        "role_form": Role(initial={"role": shown.role}) if is_administrator and shown.is_active else None,
        "panels": ports.person_panels(shown),
        **more,
    }
    return render(request, "people/person.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.CONFIGURE)
@asked_again
def invite(request: HttpRequest) -> HttpResponse:
    """Add somebody; their link is shown this once."""
    by = reader(request)
    form = Invite(request.POST or None, by=by)
    if request.method == "POST" and form.is_valid():
        made = form.attempt(lambda: actions.invite(**form.cleaned_data, by=by))
        if made is not None:
            return render(request, "people/invited.html", {"invited": made[0], "link": made[1]}, status=201)
    return render(request, "people/invite.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_POST
@needs(Scope.CONFIGURE)
@asked_again
def fresh_invitation(request: HttpRequest, person_id: int) -> HttpResponse:
    """Make a fresh link for somebody who can not sign in; it is shown this once."""
    invited = _active(person_id)
    link = actions.invitation_link(invited, by=reader(request))
    return render(request, "people/invited.html", {"invited": invited, "link": link}, status=201)


@require_POST
@needs(Scope.CONFIGURE)
@asked_again
def set_role(request: HttpRequest, person_id: int) -> HttpResponse:
    """Change what somebody may do."""
    shown = _active(person_id)
    form = Role(request.POST)
    by = reader(request)
    changed = (
        form.attempt(lambda: actions.set_role(shown, form.cleaned_data["role"], by=by)) if form.is_valid() else None
    )
    if changed is not None:
        messages.success(request, f"{shown.name} is now {shown.get_role_display().lower()}.")
        return redirect("people:person", person_id=shown.pk)
    return _person(request, queries.person(person_id), role_form=form)


@require_POST
@needs(Scope.CONFIGURE)
@asked_again
def deactivate(request: HttpRequest, person_id: int) -> HttpResponse:
    """End somebody's access."""
    shown = _active(person_id)
    try:
        actions.deactivate(shown, by=reader(request))
    except Conflict as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, f"{shown.name} can not sign in any more, and is not paged.")
    return redirect("people:person", person_id=shown.pk)


def _active(person_id: int) -> Person:
    shown = queries.person(person_id)
    if not shown.is_active:
        raise NotFound("This person has left.")
    return shown


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.CONFIGURE)
def new_team(request: HttpRequest) -> HttpResponse:
    """Make a team."""
    form = NewTeam(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = form.attempt(lambda: actions.create_team(**form.cleaned_data, actor=reader(request)))
        if made is not None:
            return redirect("people:team", slug=made.slug)
    return render(request, "people/new_team.html", {"form": form}, status=422 if form.errors else 200)


def team(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a team and its members."""
    return _team(request, queries.team(slug))


def _team(request: HttpRequest, shown: Team, form: Member | None = None) -> HttpResponse:
    may_configure = allows(reader(request), Scope.CONFIGURE)
    form = form or (Member(team=shown) if may_configure else None)
    context = {"team": shown, "members": shown.memberships.all(), "may_configure": may_configure, "form": form}
    return render(request, "people/team.html", context, status=422 if form and form.errors else 200)


@require_POST
@needs(Scope.CONFIGURE)
@asked_again
def add_member(request: HttpRequest, slug: str) -> HttpResponse:
    """Put somebody into a team."""
    shown = queries.team(slug)
    form = Member(request.POST, team=shown)
    if not form.is_valid():
        return _team(request, shown, form)
    who, is_lead = form.cleaned_data["person"], form.cleaned_data["is_lead"]
    actions.add_member(shown, who, is_lead=is_lead, actor=reader(request))
    messages.success(request, f"{who.name} is in {shown.name}.")
    return redirect("people:team", slug=slug)


@require_POST
@needs(Scope.CONFIGURE)
@asked_again
def change_member(request: HttpRequest, slug: str, person_id: int) -> HttpResponse:
    """Make somebody lead a team or not, or take them out of it."""
    shown, who, by = queries.team(slug), queries.person(person_id), reader(request)
    if not shown.memberships.filter(person=who).exists():
        raise NotFound("They are not in this team any more.")
    match request.POST.get("do"):
        case "lead" | "follow" as wish:
            actions.add_member(shown, who, is_lead=wish == "lead", actor=by)
            messages.success(request, f"{who.name} {'leads' if wish == 'lead' else 'no longer leads'} {shown.name}.")
        case "remove":
            actions.remove_member(shown, who, actor=by)
            messages.success(request, f"{who.name} is no longer in {shown.name}.")
    return redirect("people:team", slug=slug)
