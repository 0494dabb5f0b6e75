"""Names in templates."""

from collections.abc import Iterable

from django import template

from raglan.changes import named

register = template.Library()


@register.filter
def written(names: Iterable[str]) -> str:
    """Write names as they are read: {{ host.tags|written }}."""
    return named.written(names)
