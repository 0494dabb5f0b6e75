"""Screens of words for some moments: as they are said here, and as each team says them."""

import secrets
from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods

from raglan.core.errors import NotFound
from raglan.incidents import actions, scripts
from raglan.incidents.forms import AddedMomentForm, MomentForm, ScriptForm
from raglan.incidents.models import Script
from raglan.people.access import Scope, needs, reader
from raglan.people.models import Team

form_methods = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
def show_scripts(request: HttpRequest) -> HttpResponse:
    """Short wordings for recurring moments, to read in quiet times."""
    person = reader(request)
    teams = Team.objects.order_by("name")
    teams = teams if person.may_configure else teams.filter(memberships__person=person)
    context = {"scripts": scripts.shelf(reader=person), "teams": teams if person.may_respond else []}
    return render(request, "incidents/scripts.html", context)


@form_methods
@needs(Scope.CONFIGURE)
def script(request: HttpRequest, moment: str) -> HttpResponse:
    """Adapt the words for a moment."""
    if moment not in scripts.OWN:
        raise NotFound("There is no such moment.")
    return _change(request, moment, None)


@form_methods
@needs(Scope.RESPOND)
def team_scripts(request: HttpRequest, slug: str) -> HttpResponse:
    """Words as a team says them; a member adds a moment that raglan does not know."""
    person, team = reader(request), _team(slug)
    if request.method == "POST":
        actions.must_be_of(team, person)
    form = MomentForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        moment = f"{slugify(data['title'])[:31].strip('-') or 'moment'}-{secrets.token_hex(4)}"
        if form.attempt(lambda: _said(moment, data, team, request)):
            return redirect("incidents:team_scripts", slug)
    may_change = person.may_configure or team.memberships.filter(person=person).exists()
    context = {"team": team, "scripts": scripts.shelf(team=team), "form": form, "may_change": may_change}
    context["places"] = Script.Place.choices
    return render(request, "incidents/team_scripts.html", context, status=422 if form.errors else 200)


@form_methods
@needs(Scope.RESPOND)
def team_script(request: HttpRequest, slug: str, moment: str) -> HttpResponse:
    """Say a moment in a team's own words; none bring back what is said here."""
    team = _team(slug)
    actions.must_be_of(team, reader(request))
    if moment not in {wording.moment for wording in scripts.shelf(team=team)}:
        raise NotFound("There is no such moment.")
    return _change(request, moment, team)


def _change(request: HttpRequest, moment: str, team: Team | None) -> HttpResponse:
    (wording,) = scripts.shelf([moment], team=team)
    kind = ScriptForm if moment in scripts.OWN else AddedMomentForm
    form = kind(request.POST or None, initial={"words": wording.words, "place": wording.place})
    if request.method == "POST" and form.is_valid():
        _said(moment, form.cleaned_data, team, request)
        return redirect("incidents:team_scripts", team.slug) if team else redirect("incidents:scripts")
    context = {"wording": wording, "form": form, "team": team}
    return render(request, "incidents/script.html", context, status=422 if form.errors else 200)


def _said(moment: str, data: Mapping[str, str], team: Team | None, request: HttpRequest) -> bool:
    title, place = data.get("title", ""), data.get("place", "")
    actions.change_script(moment, data["words"], by=reader(request), team=team, title=title, place=place)
    messages.success(request, "The words are saved.")
    return True


def _team(slug: str) -> Team:
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        raise NotFound("There is no such team.")
    return team
