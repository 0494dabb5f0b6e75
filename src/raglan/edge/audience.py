"""Who may listen to what, and what they missed: questions to the database, asked on threads.

Whoever is signed in may hear every name but those of private incidents that they may not know of. A name says nothing
but that something changed; what changed is fetched with the reader's own rights, unless all who are signed in may read
it. Somebody with a page's signed link may hear of that page.
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
from raglan.edge.live import Reader
from raglan.edge.rounds import Happenings, Seen, Told
from raglan.edge.threads import Threads
from raglan.incidents import privacy, telling
from raglan.paging import queries as paging
from raglan.people import access, reading
from raglan.people.middleware import zone_of
from raglan.people.models import Person


class Audience:
    """Asks on threads of its own, so that a thousand readers who come back at once do not stand before the screens."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._session = import_module(settings.SESSION_ENGINE).SessionStore

    async def authorize(self, scope: Scope, topics: Sequence[str]) -> Reader | None:
        """Return who asks and the topics that they may hear, None for somebody unknown."""
        key = session_key(header(scope, b"cookie"))
        known = await self._threads.ask(lambda: self._reader_of(key, topics)) if key else None
        if known:
            return known
        link = next(iter(parse_qs(scope["query_string"].decode("latin-1")).get("link", [])), "")
        heard = await self._threads.ask(lambda: _page_of(link)) if link else None
        return Reader(frozenset((heard,))) if heard else None

    async def tell(self, happened: Happenings) -> Told:
        """Return what everybody may read of what happened."""
        return await self._threads.ask(lambda: told(happened))

    async def replay(self, since: int, topics: Sequence[str]) -> list[str] | None:
        """Return the names of what changed after an event, whatever was asked for; None when that is too much."""
        return await self._threads.ask(lambda: timeline.names_since(since))

    def _reader_of(self, key: str, topics: Sequence[str]) -> Reader | None:
        """Return whose session it is, if they are still active and their password is still that of the sign-in."""
        request = HttpRequest()
        request.session = self._session(key)
        person = get_user(request)
        if not isinstance(person, Person) or not person.is_authenticated:
            return None
        sight = telling.Sight(str(zone_of(person)), access.allows(person, access.Scope.RESPOND))
        with reading.read_for(person):
            return Reader(privacy.audible(topics), person.pk, sight)


def told(happened: Happenings) -> Told:
    """Return the new entries of the rooms that somebody watches, as everybody may read them."""
    sights: dict[str, set[telling.Sight]] = {}
    for topic, sight in happened.wanted:
        if isinstance(sight, telling.Sight):
            sights.setdefault(topic, set()).add(sight)
    found = telling.told(happened.events, after=happened.after, sights=sights)
    words: dict[Seen, str] = {(news.room, sight): data for news in found for sight, data in news.words.items()}
    whole = frozenset(news.room for news in found if news.is_whole)
    return Told(words, whole, frozenset().union(*(news.but for news in found)))


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
