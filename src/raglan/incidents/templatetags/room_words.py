"""Words that stand beside the moment they serve."""

from django import template

from raglan.incidents import scripts

register = template.Library()


@register.inclusion_tag("incidents/scripts_beside.html")
def scripts_for(*moments: str) -> dict[str, object]:
    """Show short wordings for some moments, folded away: {% scripts_for "closing" "thanking" %}."""
    return {"scripts": scripts.shelf(moments)}
