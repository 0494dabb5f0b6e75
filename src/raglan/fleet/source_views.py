"""Screens of what tells of hosts: make a source, see what it sent, give it a new token, try a report."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.core.clock import now
from raglan.core.errors import BadInput, NotFound
from raglan.fleet import paste, sources, trying
from raglan.fleet.forms import FleetSourceForm
from raglan.fleet.models import FleetSource
from raglan.people.access import Scope, needs, reader, require

MOST_TRIED = 1_000_000
form_methods = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All sources of the fleet."""
    return render(request, "fleet/sources.html", {"sources": list(sources.sources()), "person": reader(request)})


@never_cache
@form_methods
@needs(Scope.CONFIGURE)
def new(request: HttpRequest) -> HttpResponse:
    """Make a source. Its token is in the answer to the form, and nowhere else."""
    form = FleetSourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made, token = sources.create_source(
                name=data["name"], slug=data["slug"], kind=data["kind"], actor=reader(request)
            )
            return _show(request, made, token=token, status=201)
        except BadInput as error:
            form.add_error(error.field if error.field in form.fields else None, error.reason)
    return render(request, "fleet/new_source.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what a source sent lately, and what was wrong with it."""
    return _show(request, sources.source(slug))


@never_cache
@require_POST
def new_token(request: HttpRequest, slug: str) -> HttpResponse:
    """Give a source a new token; the old one is good for one more day."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    found = sources.source(slug)
    token = sources.rotate_token(found, actor=person)
    return _show(request, found, token=token)


@require_POST
def change(request: HttpRequest, slug: str) -> HttpResponse:
    """Switch a source off or on."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    what = request.POST.get("what", "")
    if what not in ("on", "off"):
        raise NotFound("There is no such switch.")
    sources.switch_source(sources.source(slug), is_on=what == "on", actor=person)
    messages.success(request, "It is heard again." if what == "on" else "Nothing more is taken from it.")
    return redirect("fleet:source", slug)


@require_POST
def try_report(request: HttpRequest, slug: str) -> HttpResponse:
    """Say what would become of a report; nothing of it is kept."""
    person = reader(request)
    require(person, Scope.CONFIGURE)
    found = sources.source(slug)
    body = request.POST.get("body", "")[:MOST_TRIED]
    trial = trying.try_report(found, body.encode("utf-8", "replace"))
    return _show(request, found, trial=trial, body=body, status=422 if trial.problem else 200)


def _show(request: HttpRequest, found: FleetSource, *, status: int = 200, **more: object) -> HttpResponse:
    token = str(more.get("token", ""))
    context = {
        "source": found,
        "paste": paste.paste_line(found, token or f"…{found.token_hint}"),
        "payloads": sources.payloads(found),
        "has_two_tokens": found.previous_ends_at is not None and found.previous_ends_at > now(),
        "body": paste.sample(),
        "person": reader(request),
        **more,
    }
    return render(request, "fleet/source.html", context, status=status)
