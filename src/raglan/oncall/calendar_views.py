"""Screens of calendars: their addresses, and what is behind them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import redirect, render
from django.utils.http import parse_etags
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from raglan.core.errors import NotFound
from raglan.oncall import feeds, queries, sources
from raglan.oncall.forms import SourceForm
from raglan.oncall.models import Schedule
from raglan.people.access import Scope, needs, reader


@login_not_required
@require_safe
def feed(request: HttpRequest, secret: str) -> HttpResponse:
    """A calendar for programs that read calendars; its address is its key."""
    try:
        given = feeds.give(secret)
    except NotFound:
        return HttpResponse("There is no such calendar.\n", status=404, content_type="text/plain; charset=utf-8")
    known = {tag.removeprefix("W/") for tag in parse_etags(request.headers.get("If-None-Match", ""))}
    if given.etag in known or "*" in known:
        answer: HttpResponse = HttpResponseNotModified()
    else:
        answer = HttpResponse(given.body, content_type="text/calendar; charset=utf-8")
        answer["Content-Disposition"] = 'inline; filename="on-call.ics"'
    answer["ETag"] = given.etag
    answer["Cache-Control"] = "private, no-cache"
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
def calendars(request: HttpRequest) -> HttpResponse:
    """The reader's calendar addresses; a new one is shown once."""
    person = reader(request)
    made = None
    if request.method == "POST":
        schedule = _schedule(request)
        _, secret = feeds.make_feed(person, schedule, actor=person)
        made = (schedule.name if schedule else "Your shifts", feeds.address(secret))
    live = feeds.feeds_of(person)
    rows = [(None, live.get(None)), *((row, live.get(row.pk)) for row in Schedule.objects.order_by("name", "pk"))]
    return render(request, "oncall/calendars.html", {"rows": rows, "made": made})


@require_POST
def end_feed(request: HttpRequest) -> HttpResponse:
    """Let a calendar address stop to work."""
    person = reader(request)
    feeds.end_feed(person, _schedule(request), actor=person)
    messages.success(request, "That address works no more.")
    return redirect("oncall:calendars")


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.CONFIGURE)
def source(request: HttpRequest, slug: str) -> HttpResponse:
    """A foreign calendar that fills a rota: its address, when it was read, and what is wrong with it."""
    schedule = queries.schedule(slug)
    live = queries.source_of(schedule)
    form = SourceForm(request.POST or None, initial={"rank": live.rank if live else 0})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        made = form.attempt(
            lambda: sources.set_source(schedule, url=data["url"], rank=data["rank"], actor=reader(request))
        )
        if made:
            messages.success(request, "The calendar is read now, and every 15 minutes from here on.")
            return redirect("oncall:source", slug)
    context = {"schedule": schedule, "source": live, "form": form}
    return render(request, "oncall/source.html", context, status=422 if form.errors else 200)


@require_POST
@needs(Scope.CONFIGURE)
def end_source(request: HttpRequest, slug: str) -> HttpResponse:
    """Let a foreign calendar fill a rota no more."""
    sources.end_source(queries.schedule(slug), actor=reader(request))
    messages.success(request, "The calendar fills this rota no more. What it said before stays.")
    return redirect("oncall:schedule", slug)


def _schedule(request: HttpRequest) -> Schedule | None:
    slug = request.POST.get("schedule", "")
    return queries.schedule(slug) if slug else None
