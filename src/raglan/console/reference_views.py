"""The REST reference, drawn from the document that programs read: a list of all, and a screen for each part."""

import json
from dataclasses import astuple
from functools import cache

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_safe

from raglan.console import document, reference


@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """List every operation with its address. It needs no script and no other server."""
    return render(request, "console/docs.html", {"groups": _groups()})


@require_GET
def part(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the operations of one part, with all that they take and answer."""
    groups = _groups()
    group = next((group for group in groups if group.slug == slug), None)
    if group is None:
        raise Http404("REST has no such part.")
    operations = reference.operations(document.read(), slug)
    return render(request, "console/docs_part.html", {"groups": groups, "group": group, "operations": operations})


@require_safe
def openapi(request: HttpRequest) -> HttpResponse:
    """Return the document that programs read. It tells nothing of anybody, so that anybody may read it."""
    return HttpResponse(document.text(), content_type="application/json")


def _groups() -> list[reference.Group]:
    return [
        reference.Group(name, slug, [reference.Entry(*entry) for entry in entries])
        for name, slug, entries in json.loads(_listed())
    ]


@cache
def _listed() -> str:
    """Return the list as one text: objects would hold the memory of the whole document around them."""
    groups = reference.groups(document.read())
    return json.dumps([(group.name, group.slug, [astuple(entry) for entry in group.entries]) for group in groups])
