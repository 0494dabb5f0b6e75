"""Screen of git folders whose runbooks are copied into the library."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from raglan.people.access import Scope, needs, reader, require
from raglan.runbooks import folders as verbs
from raglan.runbooks import queries
from raglan.runbooks.forms import FolderForm


@require_http_methods(["GET", "HEAD", "POST"])
def folders(request: HttpRequest) -> HttpResponse:
    """Show the folders and how reading them goes; a POST names one more."""
    person = reader(request)
    form = FolderForm(request.POST or None)
    if request.method == "POST":
        require(person, Scope.CONFIGURE)
        if form.is_valid() and form.attempt(lambda: bool(verbs.add(form.draft(), actor=person))):
            messages.success(request, "It is read now, and every ten minutes from here on.")
            return redirect("runbooks:folders")
    context = {"form": form, "sources": list(queries.sources_with_counts()), "may": person.may_configure}
    return render(request, "runbooks/folders.html", context, status=422 if form.errors else 200)


@require_POST
@needs(Scope.CONFIGURE)
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy a folder no more."""
    verbs.end(queries.source(pk), actor=reader(request))
    messages.success(request, "It is read no more. Its runbooks stay, and can be changed here.")
    return redirect("runbooks:folders")


@require_POST
@needs(Scope.CONFIGURE)
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """Read a folder now."""
    verbs.read_soon(queries.source(pk))
    messages.success(request, "It is being read. Load this page again in a moment.")
    return redirect("runbooks:folders")
