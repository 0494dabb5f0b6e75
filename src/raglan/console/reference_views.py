"""The REST reference, drawn from the same document that programs read."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from raglan.console import reference


@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """Show every operation. It needs no script and no other server."""
    return render(request, "console/docs.html", {"groups": reference.groups()})
