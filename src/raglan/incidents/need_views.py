"""The screen on which people say what a lost tool needs."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from raglan.incidents import learned_needs, queries
from raglan.people.access import Scope, needs, reader


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.RESPOND)
def learned(request: HttpRequest, pk: int) -> HttpResponse:
    """What the lost tools of an incident may need, to be said by somebody who knows."""
    incident = queries.incident(pk)
    if request.method == "POST":
        tool, _, needed = request.POST.get("need", "").partition(" ")
        learned_needs.accept(incident, tool, needed, by=reader(request))
        messages.success(request, "The catalog knows it from now on.")
        return redirect("incidents:needs", pk)
    context = {
        "incident": incident,
        "proposed": learned_needs.proposed(incident),
        "unknown": learned_needs.unknown_tools(incident),
    }
    return render(request, "incidents/needs.html", context)
