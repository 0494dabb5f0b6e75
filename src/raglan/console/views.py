"""Now: what is broken, who is asking, who is on call, and you."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from raglan.console.board import Board
from raglan.core import timeline
from raglan.core.errors import NotFound
from raglan.people.access import reader

PARTS = ("answers", "broken", "held", "changing", "asking", "oncall", "you", "reading")


@require_GET
def now(request: HttpRequest) -> HttpResponse:
    """Show the whole screen. The newest event is read first, so that nothing falls between it and the stream."""
    since = timeline.newest_id()
    context = {"board": Board(reader(request)), "live_topics": "now", "live_since": since}
    return render(request, "console/now.html", context)


@require_GET
def part(request: HttpRequest, name: str) -> HttpResponse:
    """Show one region of Now, for a screen that heard that something changed."""
    if name not in PARTS:
        raise NotFound("There is no such part of this screen.")
    return render(request, f"console/part_{name}.html", {"board": Board(reader(request))})
