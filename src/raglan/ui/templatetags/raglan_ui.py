"""Filters and tags of every screen. They are built in: no template has to load them."""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django import template
from django.forms import BaseForm, CheckboxInput, CheckboxSelectMultiple, RadioSelect
from django.forms.boundfield import BoundField, BoundWidget
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from raglan.core.clock import now
from raglan.ui import markdown as texts
from raglan.ui import states, svg, typed, wording

register = template.Library()


@functools.cache
def sprite() -> str:
    """Return the address of the icons."""
    return static("ui/icons.svg")


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw an icon. It stands beside a word; give a label only where no word is."""
    if label:
        return format_html(
            '<svg class="i" role="img" aria-label="{}"><use href="{}#i-{}"/></svg>', label, sprite(), name
        )
    return format_html('<svg class="i" aria-hidden="true"><use href="{}#i-{}"/></svg>', sprite(), name)


@register.simple_tag(takes_context=True, name="typed")
def typed_into(context: template.RequestContext, *form: object) -> typed.Typed:
    """Return what was typed into a small form and not taken: `{% typed "answer" one.pk as typed %}`."""
    return typed.take(context.request, "-".join(str(part) for part in form))


@register.simple_tag
def again(what: typed.Typed, name: str, *field_id: object) -> SafeString:
    """Write the attributes of a field that shows what was typed: its value, and where the reason stands."""
    value = format_html(' value="{}"', what.words[name]) if what.words.get(name) else SafeString()
    if what.wrong != name or not what:
        return value
    said = "".join(map(str, field_id))
    return value + format_html(' aria-invalid="true" aria-describedby="{}_error" data-focus', said)


@register.simple_tag
def why_not(what: typed.Typed, name: str, *field_id: object) -> SafeString:
    """Write why a field was not taken, below it."""
    if what.wrong != name or not what:
        return SafeString()
    said = "".join(map(str, field_id))
    return format_html('<span class="msg" id="{}_error">{}<span>{}</span></span>', said, icon("bad"), what.why)


@register.filter
def age(moment: datetime | None) -> str:
    """Write how long ago: 2 min ago."""
    return wording.age(moment, at=now()) if moment else ""


@register.filter
def since(moment: datetime | None) -> str:
    """Write how long it has been, without "ago": 14 min."""
    return wording.span(now() - moment) if moment else ""


@register.filter
def span(length: timedelta | None) -> str:
    """Write a length of time: 1 h 14 min."""
    return wording.span(length) if length is not None else ""


@register.filter
def clock(moment: datetime | None, seconds: str = "") -> str:
    """Write the time of day in the reader's zone."""
    return wording.clock(moment, timezone.get_current_timezone(), seconds=bool(seconds)) if moment else ""


@register.filter
def when(moment: datetime | None) -> str:
    """Write a moment as short as is clear: 18:00, Fri 09:00, Fri 27 Nov 09:00."""
    return wording.when(moment, timezone.get_current_timezone(), at=now()) if moment else ""


@register.filter
def day(moment: datetime | None) -> str:
    """Write the day as a heading: Today, Wednesday 18 November."""
    return wording.day(moment, timezone.get_current_timezone(), at=now()) if moment else ""


@register.filter
def long_day(moment: datetime | None) -> str:
    """Write the date in full: Wednesday 18 November."""
    return wording.long_day(moment.astimezone(timezone.get_current_timezone())) if moment else ""


@register.filter
def iso(moment: datetime | None) -> str:
    """Write a moment for machines."""
    return wording.iso(moment) if moment else ""


@register.filter
def initials(name: object) -> str:
    """Write the initials of a person or a name."""
    return wording.initials(str(getattr(name, "name", "") or name or ""))


@register.filter
def in_map(key: int, words: Mapping[int, str] | None) -> str:
    """Return what a mapping says of a key, or nothing: {{ group.pk|in_map:flapping }}."""
    return words.get(key, "") if words else ""


@register.filter
def counted(number: int, nouns: str) -> str:
    """Write a number with its noun: {{ 3|counted:"ask" }}, {{ 2|counted:"person,people" }}."""
    one, _, many = nouns.partition(",")
    return wording.counted(number, one, many)


@register.filter
def markdown(text: str | None) -> SafeString:
    """Render a text of several paragraphs."""
    return texts.render(text or "")


@register.filter
def markdown_line(text: str | None) -> SafeString:
    """Render a text that stays within a line."""
    return texts.render_line(text or "")


@register.filter
def state_class(kind: str) -> str:
    """Return the class of a state."""
    return states.look(kind).css


@register.filter
def state_icon(kind: str) -> str:
    """Return the shape of a state."""
    return states.look(kind).icon


@register.filter
def state_word(kind: str) -> str:
    """Return the word for a state."""
    return states.look(kind).word


@register.filter
def flash_class(level: str) -> str:
    """Return the class of a message after an act."""
    return states.FLASH.get(level, states.PLAIN).css


@register.filter
def flash_icon(level: str) -> str:
    """Return the shape of a message after an act."""
    return states.FLASH.get(level, states.PLAIN).icon


@register.filter
def share(part: float, whole: float) -> str:
    """Return a share as a flex number for a style attribute; never nothing, so that a single host is seen."""
    return svg.share(part, whole)


@register.filter
def as_json(value: object) -> str:
    """Write a value as JSON for a data attribute."""
    return json.dumps(value, default=str)


@register.filter
def bar_words(parts: Sequence[svg.Part], of: str) -> str:
    """Say in a sentence what a bar shows."""
    return svg.bar_words(parts, of)


@register.filter
def is_check(field: BoundField) -> bool:
    """Say whether a field is one check box, whose label stands after it."""
    return isinstance(field.field.widget, CheckboxInput)


@register.filter
def is_group(field: BoundField) -> bool:
    """Say whether a field is a group of radio buttons or check boxes, whose label is a legend."""
    return isinstance(field.field.widget, RadioSelect | CheckboxSelectMultiple)


STAND, FOLD_FROM = 8, 13  # check boxes of a group that stand, and how many there are before others fold


@dataclass(frozen=True, slots=True)
class Folded:
    """The choices of a group: some stand, and where there are very many, others unfold."""

    stand: Sequence[BoundWidget]
    more: Sequence[BoundWidget]

    @property
    def chosen(self) -> int:
        """How many of those that unfold are chosen."""
        return sum(bool(choice.data["selected"]) for choice in self.more)


@register.filter
def folded(field: BoundField) -> Folded:
    """Return the choices of a group as they are shown. All stand where one is chosen among what differs in kind."""
    choices, is_many = list(field), isinstance(field.field.widget, CheckboxSelectMultiple)
    stand = STAND if is_many and len(choices) >= FOLD_FROM else len(choices)
    return Folded(choices[:stand], choices[stand:])


@register.filter
def error_count(form: BaseForm) -> int:
    """Count the things that a form needs changed."""
    return sum(len(errors) for errors in form.errors.values())
