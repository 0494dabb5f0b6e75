"""Who can be signed in as, on the sign-in screen of the demonstration."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import template
from django.http import HttpRequest
from django.template import Context
from django.template.loader import get_template
from django.utils.safestring import SafeString

from raglan.core.clock import now
from raglan.people import browsers, queries
from raglan.people.demo import demo_allowed
from raglan.people.models import Person

register = template.Library()


@register.simple_tag(takes_context=True)
def demo_people(context: Context) -> list[Person]:
    """Return the people whom one click signs in; nobody outside the demonstration."""
    request: HttpRequest = context["request"]
    return list(queries.people()[:60]) if demo_allowed(request) else []


@register.simple_tag(takes_context=True)
def draw_panel(context: Context, panel: tuple[str, dict[str, object]]) -> SafeString:
    """Draw a panel that another context registered, with what it gave for it."""
    name, own = panel
    with context.push(**own):
        drawn: SafeString = get_template(name).template.render(context)  # type: ignore[attr-defined]  # Django's own engine
    return drawn


@register.filter
def browser_words(agent: str) -> str:
    """Write which browser an agent string means: Firefox on Linux."""
    return browsers.in_words(agent)


@register.filter
def city(zone: str) -> str:
    """Write the place in the name of a time zone: Europe/Berlin is Berlin."""
    return zone.rpartition("/")[2].replace("_", " ")


@register.filter
def clock_there(zone: str) -> str:
    """Write what the clock shows in a time zone now."""
    try:
        return now().astimezone(ZoneInfo(zone)).strftime("%H:%M")
    except (ZoneInfoNotFoundError, ValueError):
        return "time not known"


@register.filter
def join_commas(scopes: str) -> str:
    """Write stored scopes for people: read, respond."""
    return ", ".join(word for word in scopes.split(",") if word)
