"""The words of a message. What alike pages have in common is made once for all that go out in one go."""

from collections.abc import Hashable

from raglan.config import config
from raglan.core.db import bulk
from raglan.paging import ports, queries, replies
from raglan.paging.models import Notification, Page
from raglan.people import sealing


def message_of(notification: Notification) -> ports.Message:
    """Return what the channel hands over."""
    return Words().message_of(notification, ports.around(notification.page))


class Words:
    """Makes the messages of one go. It is for now: what it says of the next step is as things are when it is asked."""

    def __init__(self) -> None:
        self._next: dict[Hashable, str] = {}

    def message_of(self, notification: Notification, around: ports.Around) -> ports.Message:
        """Return what the channel hands over; `around` is what is known around the page."""
        page = notification.page
        token = queries.link_token(page, notification.person)
        words = "\n".join(f"{item.words} {item.text}".strip() for item in around.known)
        sealed = notification.contact.sealed if notification.contact else ""
        public_url = config().public_url
        return ports.Message(
            key=notification.key,
            page_id=page.pk,
            person_name=notification.person.name,
            title=page.title,
            text="\n\n".join(part for part in (page.text, words) if part),
            severity=page.severity,
            since=page.created_at,
            why=notification.reached.why if notification.reached else "",
            link=f"{public_url}/p/{token}/",
            next_words=self._next_words(page),
            may_repeat=notification.may_repeat,
            is_test=page.is_test,
            token=replies.token("reply", notification.pk),
            have_url=f"{public_url}/a/have/{replies.token('have', notification.pk)}/",
            pass_url=f"{public_url}/a/pass/{replies.token('pass', notification.pk)}/",
            secret=sealing.unseal(sealed) if sealed else "",
        )

    def _next_words(self, page: Page) -> str:
        alike = (bulk.text_of(page.plan), page.state, page.round, page.step, page.next_step_at)
        if alike not in self._next:
            self._next[alike] = queries.next_words(page)
        return self._next[alike]
