"""Takes answers to pages of last resort, without the database: `/away/<token>/`.

Opening the link changes nothing; its one button does, and so do the buttons of messages by a POST. The token is signed
for one case and one person. What is answered is on this node's disk before the answer goes out.
"""

from datetime import timedelta

from django.conf import settings
from django.template.loader import render_to_string

from raglan.core import secrets
from raglan.core.errors import NotFound, Overloaded, RaglanError
from raglan.edge.answers import PLAIN, Receive, Scope, Send, WrongMethod, answer, check_head, refuse
from raglan.edge.last_resort.pager import Pager
from raglan.edge.last_resort.sending import PURPOSE, title_of
from raglan.edge.threads import Threads

PREFIX = "/away/"
GOOD_FOR = timedelta(hours=72)
HTML = "text/html; charset=utf-8"
SAID = {"have": "You have it.", "pass": "Passed on."}  # to buttons of messages
ONWARD = "pass-on"  # the page's own button, which leads back to the page
WAYS = ("", ONWARD, *SAID)
OVER = "This link is over, or lost its end on the way. Sign in to see open pages."


class Door:
    """Answers with a page for people and with a sentence for buttons of messages."""

    def __init__(self, pager: Pager) -> None:
        self._pager = pager
        self._threads = Threads("away", 2, line=64)

    def takes(self, path: str) -> bool:
        """Tell whether a path is ours."""
        return path.startswith(PREFIX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            check_head(scope)
            token, _, what = scope["path"].removeprefix(PREFIX).partition("/")
            what = what.strip("/")
            method = scope["method"]
            if method == "POST" and what in WAYS:
                await self._take(token, what, send)
            elif method in ("GET", "HEAD") and not what:
                await self._show(token, send)
            elif what in WAYS:
                raise WrongMethod("Send this with POST.")
            else:
                raise NotFound(OVER)
        except RaglanError as error:
            await refuse(send, error)

    async def _take(self, token: str, what: str, send: Send) -> None:
        case, person = _read(token)
        try:
            await self._threads.ask(lambda: self._pager.answer(case, person, has_it=what not in ("pass", ONWARD)))
        except OSError:
            raise Overloaded("The disk does not take this. Try again.") from None
        if what in SAID:
            await answer(send, 200, f"{SAID[what]}\n".encode(), content_type=PLAIN, headers=_headers())
        else:
            await answer(send, 303, b"", headers={**_headers(), "Location": f"{PREFIX}{token}/"})

    async def _show(self, token: str, send: Send) -> None:
        case, person = _read(token)
        page = await self._threads.ask(lambda: self._page(case, person))
        await answer(send, 200, page.encode(), content_type=HTML, headers=_headers())

    def _page(self, case_id: str, person: int) -> str:
        case = self._pager.case(case_id)
        with self._pager.diary.lock:
            strange = [item for item in self._pager.diary.cases.strange if item.case == case_id]
            answers = case.answers if case else strange
            facts = {
                "known": case is not None,
                "title": title_of(case) if case else "",
                "listed": [group.title for group in case.firing][1:10] if case else [],
                "since": case.at if case else None,
                "own": any(item.person == person for item in answers),
                "taken": bool(answers),
                "passed": case is not None and person in case.passed,
            }
        return render_to_string("paging/away.html", facts)

    def close(self) -> None:
        """End the threads."""
        self._threads.stop()


def _read(token: str) -> tuple[str, int]:
    """Return case and person of a token. Raises NotFound."""
    value = secrets.unsign(PURPOSE, token, max_age=GOOD_FOR)
    if value is None:
        raise NotFound(OVER)
    case, _, person = value.partition(":")
    return case, int(person)


def _headers() -> dict[str, str]:
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": settings.CONTENT_SECURITY_POLICY,
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }
