"""The words of a message. What alike pages have in common is made once for all that go out in one go."""

from collections.abc import Hashable

from raglan.config import config
from raglan.core.db import bulk
from raglan.paging import coming, ports, queries, replies
from raglan.paging.models import Notification, Page
from raglan.people import sealing

ANSWERS = ("reply", "have", "pass")


def message_of(notification: Notification, *, takes_answers: bool = True) -> ports.Message:
    """Return what the channel hands over; where nobody `takes_answers`, what would bring them is not made."""
    return Words().message_of(notification, ports.around(notification.page), takes_answers=takes_answers)


class Words:
    """Makes the messages of one go. It is for now: what it says of the next step is as things are when it is asked."""

    def __init__(self) -> None:
        self._next: dict[Hashable, str] = {}

    def message_of(
        self, notification: Notification, around: ports.Around, *, takes_answers: bool = True
    ) -> ports.Message:
        """Return what the channel hands over; `around` is what is known around the page.

        Where nobody `takes_answers`, what would bring them is not made.
        """
        page, person, reached = notification.page, notification.person, notification.reached
        contact, public_url = notification.contact, config().public_url
        token = queries.link_token(page, person)
        words = "\n".join(f"{item.words} {item.text}".strip() for item in around.known)
        sealed = contact.sealed if contact else ""
        reply, have, no = replies.tokens(ANSWERS, notification.pk) if takes_answers else ("", "", "")
        return ports.Message(
            key=notification.key,
            page_id=page.pk,
            person_name=person.name,
            title=page.title,
            text="\n\n".join(part for part in (page.text, words) if part),
            severity=page.severity,
            since=page.created_at,
            why=reached.why if reached else "",
            link=f"{public_url}/p/{token}/",
            next_words=self._next_words(page),
            may_repeat=notification.may_repeat,
            is_test=page.is_test,
            token=reply,
            have_url=f"{public_url}/a/have/{have}/" if have else "",
            pass_url=f"{public_url}/a/pass/{no}/" if no else "",
            secret=sealing.unseal(sealed) if sealed else "",
        )

    def _next_words(self, page: Page) -> str:
        """Say what follows; the messages of the first step go out together, before anybody there can have answered."""
        plan, is_first = bulk.text_of(page.plan), page.round == 0 and page.step <= 0
        gone = frozenset[int]() if is_first else queries.spared(page)
        alike = (plan, page.state, page.round, page.step, page.next_step_at, page.held_since, gone)
        if alike not in self._next:
            self._next[alike] = coming.next_words(page, without=gone)
        return self._next[alike]
