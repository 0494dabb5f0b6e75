"""Plugins for other tools, to be fetched by those who set them up."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from raglan.integrations import plugins
from raglan.people.access import reader


@require_GET
def plugin(request: HttpRequest, tool: str) -> HttpResponse:
    """The plugin for a tool, as a file."""
    reader(request)
    if tool not in plugins.PLACES:
        raise Http404
    answer = HttpResponse(plugins.text_of(tool), content_type="text/x-python; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="raglan.py"'
    return answer
