"""Renders sources with components in them, as a template file would be."""

from collections.abc import Mapping

from django.http import HttpRequest
from django.template import RequestContext, Template
from django.test import RequestFactory
from django_cotton.compiler_regex import CottonCompiler


class Reader:
    """Somebody signed in, as far as the frame is concerned."""

    name = "Hana Lind"
    theme = "system"
    density = "roomy"
    shortcuts_enabled = False


def request(path: str = "/", *, reader: object | None = None) -> HttpRequest:
    """Make a request; `reader` is whoever is signed in."""
    made = RequestFactory().get(path)
    made.person = reader  # type: ignore[attr-defined] # set by a middleware of people
    return made


def render(source: str, context: Mapping[str, object] | None = None, *, reader: object | None = None) -> str:
    """Render a template source."""
    template = Template(CottonCompiler().process(source))
    return template.render(RequestContext(request(reader=reader), dict(context or {})))
