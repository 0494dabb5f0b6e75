"""Verbs of subscribers: ask, confirm, leave. An address is told only after its owner said so by a signed link."""

import hashlib
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.signing import BadSignature, Signer, TimestampSigner
from django.core.validators import validate_email

from raglan.config import config
from raglan.core import http, limits, timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, Conflict, NotFound, Overloaded
from raglan.outside import events, queries
from raglan.outside.models import StatusPage, Subscriber
from raglan.people import mail

CONFIRM, LEAVE = "raglan.outside.confirm", "raglan.outside.leave"
VALID = timedelta(days=3)
AGAIN = timedelta(minutes=10)
HOUR = timedelta(hours=1)
MOST_AN_HOUR = 300
MOST_A_DAY = 3  # mails to one address
DAY = timedelta(days=1)
MOST_WEBHOOKS = 50
Kind = Subscriber.Kind


@atomic
def ask(address: str) -> None:
    """Send a mail with a link that confirms, unless the address had one lately, three in a day, or is told already.

    Whoever asks learns nothing of that, also when very many ask.

    Raises BadInput, NotFound while nobody may ask, Overloaded.
    """
    page, address, at = open_page(), _mail_address(address), now()
    if Subscriber.objects.filter(asked_at__gt=at - HOUR, kind=Kind.EMAIL).count() >= MOST_AN_HOUR:
        raise Overloaded("Very many people asked in the last hour. Try again later.", retry_after=3600)
    found = Subscriber.objects.select_for_update().filter(kind=Kind.EMAIL, address=address).first()
    if found is not None and (found.confirmed_at or found.asked_at > at - AGAIN):
        return
    if not limits.is_within(f"outside.asked:{_digest(address)}", most=MOST_A_DAY, each=DAY):
        return
    found, _ = Subscriber.objects.update_or_create(
        kind=Kind.EMAIL, address=address, defaults={"asked_at": at}, create_defaults={**_fresh(address, at)}
    )
    link = f"{config().public_url}/status/confirm/{_sign(found, CONFIRM)}/"
    text = (
        f"Somebody, perhaps you, asked that this address be told of news of “{page.title}”.\n\n"
        f"Confirm that within three days, by the button behind this link:\n{link}\n\n"
        "If it was not you, do nothing: then nothing more is sent.\n"
    )
    mail.write(address, subject=f"Be told of news: {page.title}", text=text, about=found, lane=mail.ASKED_FOR)


def _fresh(address: str, at: datetime) -> dict[str, object]:
    return {"created_at": at, "asked_at": at, "digest": _digest(address)}


def _mail_address(text: str) -> str:
    address = clean_text(text).strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise BadInput("address", "write a mail address such as mara@example.org", status=422) from None
    if len(address) > 254:
        raise BadInput("address", "is longer than 254 characters", status=422)
    return address


def open_page() -> StatusPage:
    """Return the status page while people may ask to be told of its news. Raises NotFound."""
    page = queries.page()
    if not page.is_on or not page.takes_subscribers:
        raise NotFound("There is nothing to subscribe to here.")
    return page


@atomic
def confirm(token: str) -> Subscriber:
    """Tell an address from now on. Safe to call twice. Raises NotFound when the link is over."""
    found = asked(token)
    if Subscriber.objects.filter(pk=found.pk, confirmed_at__isnull=True).update(confirmed_at=now()):
        told = events.SubscriberConfirmed(subscriber=found.pk, subscriber_kind=found.kind)
        timeline.append(told, about=[found, queries.PAGE])
    return found


@atomic
def leave(token: str) -> None:
    """Forget an address by the link in its mails, an old one, too. Safe to call twice; works while the page is off."""
    for found in Subscriber.objects.filter(digest=digest_of(token, LEAVE)):
        forget(found, why="asked to")


@atomic
def forget(subscriber: Subscriber, *, why: str, actor: timeline.Subject = timeline.SYSTEM) -> None:
    """Tell a subscriber no more, and keep nothing of the address."""
    told = events.SubscriberLeft(subscriber=subscriber.pk, why=why)
    timeline.append(told, actor=actor, about=[subscriber, queries.PAGE])
    subscriber.delete()


@atomic
def add_webhook(url: str, *, actor: timeline.Subject) -> Subscriber:
    """Tell an address of somebody else's program. Only who may configure does so. Raises BadInput, Conflict."""
    url = clean_text(url).strip()
    http.check_url(url, "url")
    if len(url) > 500:
        raise BadInput("url", "is longer than 500 characters", status=422)
    if not queries.page().is_on:
        raise Conflict("There is no public status page; set it up first.")
    if Subscriber.objects.filter(kind=Kind.WEBHOOK).count() >= MOST_WEBHOOKS:
        raise BadInput("url", f"{MOST_WEBHOOKS} webhooks are enough; end one first", status=422)
    at = now()
    made, is_new = Subscriber.objects.get_or_create(
        kind=Kind.WEBHOOK, address=url, defaults={**_fresh(url, at), "confirmed_at": at}
    )
    if not is_new:
        raise BadInput("url", "this address is told already", status=422)
    told = events.SubscriberConfirmed(subscriber=made.pk, subscriber_kind=made.kind)
    timeline.append(told, actor=actor, about=[made, queries.PAGE])
    return made


def leave_link(subscriber: Subscriber) -> str:
    """Return the address behind which a subscriber leaves."""
    return f"{config().public_url}/status/leave/{_sign(subscriber, LEAVE)}/"


def _sign(subscriber: Subscriber, purpose: str) -> str:
    signer = TimestampSigner(salt=purpose, sep=".") if purpose == CONFIRM else Signer(salt=purpose, sep=".")
    return signer.sign(subscriber.digest)


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:32]


def digest_of(token: str, purpose: str) -> str:
    """Return for which address a link was signed. Raises NotFound when it is over, or was not signed here."""
    try:
        if purpose == CONFIRM:
            return TimestampSigner(salt=purpose, sep=".").unsign(token, max_age=VALID)
        return Signer(salt=purpose, sep=".").unsign(token)
    except BadSignature:
        raise NotFound("This link is over, or lost its end on the way.") from None


def asked(token: str) -> Subscriber:
    """Return who is to be told by a link that confirms. Raises NotFound."""
    open_page()
    found = Subscriber.objects.filter(digest=digest_of(token, CONFIRM), kind=Kind.EMAIL).first()
    if found is None:
        raise NotFound("This link is over, or lost its end on the way.")
    return found
