"""The REST reference, drawn from the document that programs read: a list of all, and a screen for each part."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from raglan.console import reference


@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """List every operation with its address. It needs no script and no other server."""
    return render(request, "console/docs.html", {"groups": reference.groups()})


@require_GET
def part(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the operations of one part, with all that they take and answer."""
    group = next((group for group in reference.groups() if group.slug == slug), None)
    if group is None:
        raise Http404("REST has no such part.")
    return render(request, "console/docs_part.html", {"groups": reference.groups(), "group": group})
