"""Who may listen to what, and what they missed: questions to the database, asked on threads.

Whoever is signed in may hear every name, for a name says nothing but that something changed; what changed is fetched
with the reader's own rights. Somebody with a page's signed link may hear of that page.
"""

from collections.abc import Sequence
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from urllib.parse import parse_qs

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from raglan.core import timeline
from raglan.edge.answers import Scope, header
from raglan.edge.threads import Threads
from raglan.paging import queries as paging


class Audience:
    """Asks on threads of its own, so that a thousand readers who come back at once do not stand before the screens."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._session = import_module(settings.SESSION_ENGINE).SessionStore

    async def authorize(self, scope: Scope, topics: Sequence[str]) -> frozenset[str] | None:
        """Return the topics that a reader may hear, None for somebody unknown."""
        key = session_key(header(scope, b"cookie"))
        is_known = bool(key) and await self._threads.ask(lambda: self._is_signed_in(key))
        if is_known:
            return frozenset(topics)
        link = next(iter(parse_qs(scope["query_string"].decode("latin-1")).get("link", [])), "")
        heard = await self._threads.ask(lambda: _page_of(link)) if link else None
        return frozenset((heard,)) if heard else None

    async def replay(self, since: int, topics: Sequence[str]) -> list[str] | None:
        """Return the names of what changed after an event, whatever was asked for; None when that is too much."""
        return await self._threads.ask(lambda: timeline.names_since(since))

    def _is_signed_in(self, key: str) -> bool:
        """Whether a session is somebody's who is still active and whose password is still that of the sign-in."""
        request = HttpRequest()
        request.session = self._session(key)
        return bool(get_user(request).is_authenticated)


def _page_of(link: str) -> str | None:
    found = paging.by_token(link)
    return timeline.ref(found[0]) if found else None


def session_key(cookie: str) -> str:
    """Return the key of the session in a Cookie header, empty when there is none."""
    try:
        found = SimpleCookie(cookie).get(settings.SESSION_COOKIE_NAME)
    except CookieError:
        return ""
    return found.value if found else ""
