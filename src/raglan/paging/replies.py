"""Answers that come back over a channel: buttons, keypads, replies. All of them end in the actions of paging.

A token stands for one purpose and one notification, so for one page and one person. It is short enough for the local
part of a mail address, and it ends with the link: 72 hours after its page began.
"""

import hmac
import re
import unicodedata
from collections.abc import Sequence

from django.conf import settings
from django.db.models import Q, QuerySet

from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.paging import actions, coming, queries
from raglan.paging.models import Notification, Page, Reached
from raglan.people import actions as people
from raglan.people.models import Person

MAC = 24  # hex digits: 96 bits
SHORT = 60  # characters of a title


def token(purpose: str, notification_id: int) -> str:
    """Return the token of a notification for one purpose, such as taking its page."""
    return tokens((purpose,), notification_id)[0]


def tokens(purposes: Sequence[str], notification_id: int) -> list[str]:
    """Return the tokens of a notification for some purposes."""
    key, begin = _bytes_of(settings.SECRET_KEY), f"{notification_id:x}-"
    return [begin + _mac(key, purpose, notification_id) for purpose in purposes]


def _bytes_of(key: str | bytes) -> bytes:
    return key if isinstance(key, bytes) else key.encode()


def _mac(key: bytes, purpose: str, notification_id: int) -> str:
    return hmac.digest(key, f"raglan.answer:{purpose}:{notification_id}".encode(), "sha256").hex()[:MAC]


def of(purpose: str, given: str) -> Notification | None:
    """Return the notification of a token, or None when it is forged, for another purpose or too old."""
    found = re.fullmatch(rf"([0-9a-f]{{1,15}})-([0-9a-f]{{{MAC}}})", given)
    if found is None:
        return None
    number, mac = int(found[1], 16), found[2]
    keys = map(_bytes_of, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])
    if not any([hmac.compare_digest(_mac(key, purpose, number), mac) for key in keys]):  # noqa: C419 -- all are compared
        return None
    return live().filter(pk=number).first()


def live() -> QuerySet[Notification]:
    """Notifications that can still be answered, newest first."""
    young = Notification.objects.filter(page__created_at__gt=now() - queries.LINK_AGE, person__is_active=True)
    return young.select_related("page", "person", "contact").order_by("-pk")


def newest_to(kind: str, address: str, said: str) -> Notification | None:
    """Return the message at an address that a reply without a token must mean.

    It is the newest one about a page that waits for this person still; whoever joins means the newest that is not over.
    """
    sent = live().filter(channel=kind, address=address, handed_over_at__isnull=False)
    wide = sent.exclude(page__state=Page.State.RESOLVED)
    if said == "join":
        return wide.first() or sent.first()
    still_open = sent.filter(page__state__in=actions.OPEN)
    return _unanswered(still_open).first() or still_open.first() or wide.first() or sent.first()


def _unanswered(sent: QuerySet[Notification]) -> QuerySet[Notification]:
    none = (Reached.Answer.NONE, Reached.Answer.UNREACHABLE)
    return sent.filter(Q(reached=None) | Q(reached__answer__in=none), confirmed_at=None)


def answer_newest(kind: str, address: str, said: str, *, via: actions.Via) -> str | None:
    """Answer what a reply without a token means; return what to say, or None when nobody was paged there.

    The sentence names the page, and says how many more wait for an answer.
    """
    notification = newest_to(kind, address, said)
    if notification is None:
        return None
    title = _one_line(notification.page.title)
    words = f"{answer(notification, said, via=via)} Page: {title if len(title) <= SHORT else title[:SHORT] + '..'}."
    sent = live().filter(channel=kind, address=address, page__state__in=actions.OPEN, handed_over_at__isnull=False)
    others = _unanswered(sent).exclude(page=notification.page).order_by().values("page").distinct().count()
    waits = "waits" if others == 1 else "wait"
    return f"{words} {others} more {waits} for your answer." if others else words


def _one_line(text: str) -> str:
    shown = "".join(char if unicodedata.category(char) not in ("Cc", "Cf", "Cs") else " " for char in text)
    return " ".join(shown.split()).rstrip(".")


def answer(notification: Notification, said: str, *, via: actions.Via) -> str:
    """Do what was answered to a message; return what to say to the person. Raises BadInput."""
    page, person = notification.page, notification.person
    match said:
        case "have":
            sentence = _take(page, person, via)
        case "join":
            actions.join(page, by=person, via=via)
            sentence = "You joined."
        case "pass":
            actions.pass_on(page, by=person, via=via)
            sentence = _passed(page)
        case _:
            raise BadInput("answer", "is not one of the answers")
    if notification.contact is not None:
        people.confirm_contact(notification.contact, actor=person)
    return sentence


def _take(page: Page, person: Person, via: actions.Via) -> str:
    if page.state == Page.State.RESOLVED:
        return "It is over already. Nothing is left to do."
    try:
        actions.acknowledge(page, by=person, via=via)
    except actions.AlreadyTaken as error:
        actions.join(page, by=person, via=via)
        who = error.page.acknowledged_by
        return f"{who.name if who else 'Somebody else'} has it already. You joined."
    page.refresh_from_db()
    return "You have it. Others are asked too." if page.state in actions.OPEN else "You have it."


def _passed(page: Page) -> str:
    page.refresh_from_db()
    if page.state not in actions.OPEN:
        return "Somebody has it already, or it is over."
    people = coming.next_people(page, now())
    names, verb = " and ".join(item.person.name for item in people), "are" if len(people) > 1 else "is"
    return f"Passed on. {names} {verb} next." if names else "Passed on. It stands open on Now."
