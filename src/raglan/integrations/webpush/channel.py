"""Sends a page to a browser that was added on the profile. Its buttons answer by a POST from the service worker.

What the push service carries it can not read. A browser that was reset or removed says so (404, 410), and its way is
then taken away and its person told.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from raglan.config import config
from raglan.core import http
from raglan.core.clock import now
from raglan.core.errors import BadInput, DeliveryError
from raglan.integrations.webpush import crypt
from raglan.paging import kept
from raglan.paging.ports import Gone, Message, Receipt, TooFast

PERMANENT = (400, 401, 403, 405, 413)
ENDED = (404, 410)
LASTS_S = 4 * 3600  # a device that is off for longer has other ways before this one
ADDRESS = re.compile(r"[A-Za-z0-9.:\[\]-]{1,250} [0-9a-f]{12}")
MOST_TITLE, MOST_TEXT = 250, 1_200


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a browser gives when it subscribes."""

    endpoint: str
    p256dh: str
    auth: str

    @property
    def address(self) -> str:
        """A name for people that tells nothing which lets others send: the service, and a mark of the browser."""
        return f"{urlsplit(self.endpoint).hostname} {hashlib.sha256(self.endpoint.encode()).hexdigest()[:12]}"

    @property
    def text(self) -> str:
        """What is kept sealed."""
        return json.dumps(asdict(self))

    def check(self) -> None:
        """Refuse what no browser gives. Raises BadInput."""
        http.check_url(self.endpoint, "endpoint")
        if len(self.endpoint) > 2_000:
            raise BadInput("endpoint", "is longer than any browser's")
        try:
            crypt.read_point(crypt.decode(self.p256dh))
            whole = len(crypt.decode(self.auth)) == 16
        except ValueError:
            whole = False
        if not whole:
            raise BadInput("p256dh", "these are not the keys of a browser")


def sender() -> crypt.Sender:
    """Return who we are to push services; made at the first use, kept sealed."""
    return crypt.Sender.read(kept.secret("webpush", lambda: crypt.Sender.new().text))


class WebPush:
    """The channel `push`. An address names a browser that was added on the profile."""

    kind = "push"

    def check(self, address: str) -> None:
        """Refuse what was typed: a browser is added in that browser."""
        if not ADDRESS.fullmatch(address):
            raise BadInput("address", "a browser is added on its own profile page, in that browser")

    def lane(self, address: str) -> str:
        """Return the push service."""
        return address.partition(" ")[0]

    def send(self, address: str, message: Message) -> Receipt:
        """Hand one message to the push service."""
        marks = ("[test] " if message.is_test else "") + ("(may be a repeat) " if message.may_repeat else "")
        because = f"You are paged because: {message.why}." if message.why else ""
        return _push(
            message,
            {
                "title": (marks + message.title)[:MOST_TITLE],
                "body": "\n".join(part for part in (because, message.text, message.next_words) if part)[:MOST_TEXT],
                **_buttons(message),
            },
            urgency="normal" if message.is_word else "high",
        )

    def update(self, address: str, message: Message, words: str) -> None:
        """Replace the notification by a quiet one."""
        _push(message, {"title": message.title[:MOST_TITLE], "body": words, "quiet": True}, urgency="normal")


def _buttons(message: Message) -> dict[str, object]:
    """Return the answers of a page, or the screens that a quiet word leads to."""
    if message.is_word:
        return {"word": True, "taps": [{"title": tap.words, "link": urlsplit(tap.link).path} for tap in message.taps]}
    return {"have": urlsplit(message.have_url).path, "pass": urlsplit(message.pass_url).path}


def _push(message: Message, words: dict[str, object], *, urgency: str) -> Receipt:
    subscription = _subscription(message)
    name = hashlib.sha256(message.key.encode()).hexdigest()[:32]
    body = json.dumps({"v": 1, "tag": name, "link": urlsplit(message.link).path, **words}, ensure_ascii=False)
    contact = f"mailto:{config().smtp_from}" if "@" in config().smtp_from else config().public_url
    headers = {
        "Authorization": sender().proof(subscription.endpoint, contact=contact, at=now()),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(LASTS_S),
        "Topic": name,
        "Urgency": urgency,
    }
    keys = {"public": crypt.decode(subscription.p256dh), "auth": crypt.decode(subscription.auth)}
    answer = http.post(subscription.endpoint, crypt.encrypt(_short(body), **keys), headers)
    if answer.status in ENDED:
        raise Gone("That browser has ended its subscription. Add it again on your profile.")
    if answer.status == 429:
        wait = answer.headers.get("retry-after", "")
        raise TooFast("the push service wants fewer messages", seconds=int(wait) if wait.isdecimal() else 30)
    if not 200 <= answer.status < 300:
        raise DeliveryError(f"the push service answered {answer.status}", permanent=answer.status in PERMANENT)
    return Receipt(provider_id=answer.headers.get("location", "")[-200:])


def _subscription(message: Message) -> Subscription:
    try:
        return Subscription(**json.loads(message.secret))
    except (ValueError, TypeError):
        raise Gone("The keys of that browser are lost. Add it again on your profile.") from None


def _short(body: str) -> bytes:
    """Return a body that fits into one message: text of many bytes a letter is cut once more."""
    data = body.encode()
    if len(data) <= crypt.MOST:
        return data
    read = json.loads(body)
    for most in (300, 60, 0):
        cut = {**read, "title": read["title"][: max(most, 60)], "body": read["body"][:most]}
        if len(data := json.dumps(cut, ensure_ascii=False).encode()) <= crypt.MOST:
            break
    return data
