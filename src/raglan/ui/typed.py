"""Words that were typed and could not be taken: they show once more, with the reason beside their field.

A form that has a page of its own is shown again at once, as `raglan.people.forms.Form` does. A small form on a page of
others leads back to that page with `refuse`; its template asks `{% typed "name of the form" as typed %}`. Each form has
its own words, so that two tabs which are refused one after the other both have theirs; the last forms are kept, for an
hour. What no page takes back stands on the page that says why, so that it can be copied.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from raglan.core.clock import now
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, RaglanError

KEY = "typed_by_form"
MOST = 400_000  # characters of one form: the longest text that an entry takes, and some; of all others as much again
MOST_FORMS = 8
KEPT_FOR = 3_600.0  # seconds
MOST_REPEATED = 2_000
NOT_WORDS = re.compile(r"token|key$|password|secret|^next$|^code$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into a form, which field is wrong, and why."""

    words: Mapping[str, str] = field(default_factory=dict)
    wrong: str = ""
    why: str = ""

    def __bool__(self) -> bool:
        return bool(self.words)


def refuse(request: HttpRequest, form: str, error: RaglanError, to: str, *, at: str = "") -> HttpResponse:
    """Lead back to where a form stands, which shows what was typed and why it was not taken; `at` names the field."""
    is_input = isinstance(error, BadInput)
    reason = error.reason if isinstance(error, BadInput) else error.sentence
    why = f"{reason[:1].upper()}{reason[1:].rstrip('.')}."
    wrong = at or (error.field if isinstance(error, BadInput) else "")
    _keep(request, form, {"words": _words(request), "wrong": wrong, "why": why, "at": now().timestamp()})
    messages.error(request, f"Not kept: {reason.rstrip('.')}." if is_input else _and_words(request, why))
    return HttpResponseRedirect(to)


def repeat(request: HttpRequest, error: RaglanError, to: str) -> HttpResponse:
    """Lead to a page that has no form for the words: it says why, and repeats them."""
    messages.error(request, _and_words(request, error.sentence))
    return HttpResponseRedirect(to)


def take(request: HttpRequest, form: str) -> Typed:
    """Return what was typed into a form, once; nothing where it was another form's."""
    session = getattr(request, "session", None)
    is_page = request.method == "GET" and "X-Raglan-Part" not in request.headers  # a part keeps forms as they are
    if session is None or not is_page or not session.get(KEY):
        return Typed()
    held = _held(session)
    kept = held.pop(form, None)
    if len(held) < len(session[KEY]):  # also what is only too old: it does not stay until the next refusal
        session[KEY] = held
    if kept is None:
        return Typed()
    return Typed(kept["words"], kept["wrong"], kept["why"])


def _held(session: SessionBase) -> dict[str, Any]:
    """Return what is kept of each form, the oldest first, without what is too old."""
    since = now().timestamp() - KEPT_FOR
    return {form: kept for form, kept in session.get(KEY, {}).items() if kept["at"] > since}


def _keep(request: HttpRequest, form: str, kept: dict[str, Any]) -> None:
    """Keep the words of a form beside those of others; of too many or too long ones the oldest go."""
    held = {name: one for name, one in _held(request.session).items() if name != form}
    while held and (len(held) >= MOST_FORMS or sum(map(_length, held.values())) > MOST):
        del held[next(iter(held))]
    request.session[KEY] = held | {form: kept}


def _length(kept: dict[str, Any]) -> int:
    return sum(map(len, kept["words"].values()))


def sentences(request: HttpRequest) -> list[str]:
    """Return what a form brought that somebody would not like to write again: words, no keys and no secrets."""
    if request.method != "POST":
        return []
    return [text for text in _words(request).values() if len(text.split()) > 1 or "\n" in text]


def _and_words(request: HttpRequest, why: str) -> str:
    """Say why, and repeat what was written: where somebody was faster the form may be gone."""
    said = " / ".join(sentences(request))
    return f"{why} You wrote: “{said[:MOST_REPEATED]}”" if said else why


def _words(request: HttpRequest) -> dict[str, str]:
    sent = {name: str(value) for name, value in request.POST.items() if not NOT_WORDS.search(name)}
    words = {name: clean_text(value) for name, value in sent.items()}
    return words if sum(map(len, words.values())) <= MOST else {}
