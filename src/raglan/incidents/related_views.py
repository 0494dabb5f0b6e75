"""The screen of related incidents: link, say how, take back."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from raglan.incidents import actions, queries, related_queries
from raglan.incidents.forms import RelateForm
from raglan.people.access import Scope, needs, reader


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.RESPOND)
def related(request: HttpRequest, pk: int) -> HttpResponse:
    """What this incident has to do with others."""
    incident, person = queries.incident(pk), reader(request)
    form = RelateForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        other = queries.incident(form.cleaned_data["other"])
        if "unlink" in request.POST:
            actions.unrelate(incident, other, by=person)
            return redirect("incidents:related", pk)
        words = form.cleaned_data["words"]
        if form.attempt(lambda: actions.relate(incident, other, by=person, words=words) or True) is not None:
            return redirect("incidents:related", pk)
    links = related_queries.related(incident)
    offered = related_queries.suggestions(incident, links)
    context = {"incident": incident, "form": form, "links": links, "suggestions": offered}
    return render(request, "incidents/related.html", context, status=422 if form.errors else 200)
