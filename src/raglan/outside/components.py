"""Verbs of what the status page shows: the page itself, its components, how they are, and planned maintenance."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from raglan.alerts.models import Maintenance, Source
from raglan.catalog.models import Service
from raglan.core import http, timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, Conflict
from raglan.incidents.models import ServiceState
from raglan.outside import events, queries
from raglan.outside.models import Component, ComponentWord, PublicWindow, StatusPage
from raglan.outside.publishing import publish_soon
from raglan.people.models import Person

MOST = 200
LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,2}")


@dataclass(frozen=True, slots=True)
class PageDraft:
    """The status page as somebody sets it up."""

    is_on: bool
    title: str
    intro: str = ""
    home_url: str = ""
    address: str = ""
    language: str = "en"
    zone: str = "UTC"
    word_hours: int = 24
    uses_script: bool = False
    takes_subscribers: bool = False


@dataclass(frozen=True, slots=True)
class ComponentDraft:
    """A component as somebody names it."""

    name: str
    group: str = ""
    text: str = ""
    position: int = 0
    source: Source | None = None
    quiet_min: int = 15
    services: Sequence[Service] = ()


@dataclass(frozen=True, slots=True)
class WindowDraft:
    """Public words for a maintenance window."""

    title: str
    text: str = ""
    components: Sequence[Component] = ()


@atomic
def set_page(draft: PageDraft, *, seen_version: int, actor: timeline.Subject) -> StatusPage:
    """Set the status page up, on or off. Raises BadInput, and Conflict when somebody was faster."""
    _check_page(draft)
    page, _ = StatusPage.objects.select_for_update().get_or_create(pk=1)
    if page.version != seen_version:
        raise Conflict("Somebody changed the status page meanwhile. Load it again.")
    for name in PageDraft.__slots__:
        value = getattr(draft, name)
        setattr(page, name, line(value) if isinstance(value, str) and name != "intro" else value)
    page.intro = clean_text(draft.intro.strip())
    page.version += 1
    page.save()
    told = {name: getattr(page, name) for name in (*PageDraft.__slots__, "version")}
    timeline.append(events.StatusPageSet(page=1, **told), actor=actor, about=[page])
    publish_soon()
    return page


def _check_page(draft: PageDraft) -> None:
    check_line(draft.title, "title", 120)
    if len(draft.intro) > 2_000:
        raise BadInput("intro", "is longer than 2000 characters", status=422)
    for name, url in (("home_url", draft.home_url), ("address", draft.address)):
        if url:
            http.check_url(url, name)
        if len(url) > 500:
            raise BadInput(name, "is longer than 500 characters", status=422)
    if not LANGUAGE.fullmatch(draft.language):
        raise BadInput("language", "write it as en, de or pt-BR", status=422)
    try:
        ZoneInfo(draft.zone)
    except (ValueError, OSError, LookupError):
        raise BadInput("zone", "name a time zone such as Europe/Berlin", status=422) from None
    if not 1 <= draft.word_hours <= 720:
        raise BadInput("word_hours", "from 1 to 720 hours", status=422)


@atomic
def add_component(draft: ComponentDraft, *, actor: timeline.Subject) -> Component:
    """Put a component on the page. Raises BadInput."""
    if queries.components().count() >= MOST:
        raise BadInput("name", f"{MOST} components are enough; remove one first", status=422)
    return _save(Component(), draft, actor)


@atomic
def change_component(component: Component, draft: ComponentDraft, *, actor: timeline.Subject) -> Component:
    """Name a component anew, or watch it in another way. Raises BadInput."""
    return _save(component, draft, actor)


def _save(component: Component, draft: ComponentDraft, actor: timeline.Subject) -> Component:
    check_line(draft.name, "name", 120)
    check_line(draft.group, "group", 120, empty=True)
    check_line(draft.text, "text", 300, empty=True)
    if not 0 <= draft.position <= 10_000:
        raise BadInput("position", "from 0 to 10000", status=422)
    if not 1 <= draft.quiet_min <= 10_080:
        raise BadInput("quiet_min", "from a minute to a week", status=422)
    component.name, component.group, component.text = line(draft.name), line(draft.group), line(draft.text)
    component.position, component.source, component.quiet_min = draft.position, draft.source, draft.quiet_min
    component.save()
    component.services.set(draft.services)
    told = events.ComponentSet(
        component=component.pk,
        name=component.name,
        group=component.group,
        text=component.text,
        position=component.position,
        source=component.source_id,
        quiet_min=component.quiet_min,
        services=sorted(service.pk for service in draft.services),
    )
    timeline.append(told, actor=actor, about=[component, queries.PAGE])
    publish_soon()
    return component


@atomic
def remove_component(component: Component, *, actor: timeline.Subject) -> None:
    """Take a component off the page. What was said of it stays in the record. Safe to call twice."""
    at = now()
    if Component.objects.filter(pk=component.pk, removed_at__isnull=True).update(removed_at=at):
        told = events.ComponentRemoved(component=component.pk, removed_at=at)
        timeline.append(told, actor=actor, about=[component, queries.PAGE])
        publish_soon()


@atomic
def say_state(component: Component, state: str, *, by: Person | None, actor: timeline.Subject) -> ComponentWord:
    """Say how a component is, apart from any incident. Raises BadInput."""
    if state not in ServiceState.values:
        raise BadInput("state", f"must be one of {', '.join(ServiceState.values)}", status=422)
    word = ComponentWord.objects.create(component=component, state=state, by=by, at=now())
    told = events.ComponentSaid(component=component.pk, state=state, person=by.pk if by else None, said_at=word.at)
    timeline.append(told, actor=actor, about=[component, queries.PAGE])
    publish_soon()
    return word


@atomic
def show_window(maintenance: Maintenance, draft: WindowDraft, *, actor: timeline.Subject) -> PublicWindow:
    """Show a maintenance window on the page, in public words. Raises BadInput."""
    check_line(draft.title, "title", 120)
    if len(draft.text) > 2_000:
        raise BadInput("text", "is longer than 2000 characters", status=422)
    words = {"title": line(draft.title), "text": clean_text(draft.text.strip())}
    shown, _ = PublicWindow.objects.update_or_create(maintenance=maintenance, defaults=words)
    shown.components.set(draft.components)
    told = events.WindowShown(
        maintenance=maintenance.pk, **words, components=sorted(component.pk for component in draft.components)
    )
    timeline.append(told, actor=actor, about=[shown, queries.PAGE])
    publish_soon()
    return shown


@atomic
def hide_window(maintenance: Maintenance, *, actor: timeline.Subject) -> None:
    """Show a maintenance window no more. Safe to call twice."""
    if PublicWindow.objects.filter(maintenance=maintenance).delete()[0]:
        told = events.WindowHidden(maintenance=maintenance.pk)
        timeline.append(told, actor=actor, about=[f"public_window:{maintenance.pk}", queries.PAGE])
        publish_soon()


def check_line(text: str, field: str, most: int, *, empty: bool = False) -> None:
    """Raise BadInput when a line of words is missing or too long."""
    if not line(text) and not empty:
        raise BadInput(field, "write it in a few words", status=422)
    if len(line(text)) > most:
        raise BadInput(field, f"is longer than {most} characters", status=422)


def line(text: str) -> str:
    """Return a text as one line that both databases take, without characters that nobody sees."""
    seen = "".join(c for c in " ".join(text.split()) if unicodedata.category(c) not in ("Cc", "Cf"))
    return " ".join(clean_text(seen).split())
