"""Screens of what an installation says in its own words: what users feel."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from raglan.core.db import atomic
from raglan.incidents import actions, severities
from raglan.incidents.forms import SeveritiesForm
from raglan.people.access import Scope, needs, reader
from raglan.people.models import Person

form_methods = require_http_methods(["GET", "HEAD", "POST"])


@form_methods
@needs(Scope.CONFIGURE)
def show_severities(request: HttpRequest) -> HttpResponse:
    """Say in words of the house what users feel."""
    form = SeveritiesForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _keep(form, reader(request))
        messages.success(request, "The words are saved. They are said from now on, for old incidents too.")
        return redirect("console:setup")
    return render(request, "incidents/severities.html", {"form": form}, status=422 if form.errors else 200)


@atomic
def _keep(form: SeveritiesForm, by: Person) -> None:
    for one in severities.shelf():
        actions.change_severity_words(one.severity, form.cleaned_data[one.severity], by=by)
