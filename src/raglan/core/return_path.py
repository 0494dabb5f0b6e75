"""Where a mail comes back to when somebody's mail server refuses it later: an address of its own for each mail.

    smtp.send(mail, to, return_path.address("status", f"{sending.pk:x}"))

gives `bounces+status.1f-<mac>@raglan.example.org` as the sender on the envelope; the mail itself names `smtp_from`.
Only who was told that address can send a report to it, and it counts for this mail alone: the report itself can be
forged by anybody, and nothing that it says of whom the mail went to is believed.

It is off, and mails leave as from `smtp_from`, unless both `mail_bounces_to` and `mail_in_port` are set.
"""

import base64
import hmac
import re

from django.conf import settings

from raglan.config import config
from raglan.core.errors import BadInput
from raglan.core.mail_in import Mail

MOST_LOCAL = 64  # octets before the @ that every mail server takes, RFC 5321
MAC = 20  # characters of base32: 100 bits
TOKEN = re.compile(rf"([a-z]+)\.([a-z0-9_.]+)-([a-z2-7]{{{MAC}}})")


def is_on() -> bool:
    """Tell whether mails that come back later are heard of."""
    return bool(config().mail_bounces_to and config().mail_in_port)


def address(purpose: str, name: str) -> str:
    """Return where a mail comes back to; empty where that is off, or where the name is longer than an address holds.

    `purpose` says who takes it back, in small letters; `name` which mail it is, in small letters, digits, `_` and `.`.
    """
    if not is_on():
        return ""
    local, _, domain = config().mail_bounces_to.partition("@")
    whole = f"{local}+{purpose}.{name}-{_mac(str(settings.SECRET_KEY), purpose, name)}"
    return f"{whole}@{domain}" if len(whole) <= MOST_LOCAL else ""


def name_of(mail: Mail, purpose: str) -> str | None:
    """Return which mail came back; None when it is not one of this purpose. Raises BadInput when that was forged."""
    local, _, domain = config().mail_bounces_to.lower().partition("@")
    token = (mail.tag(local) or "").lower()
    if not local or not token.startswith(f"{purpose}.") or mail.recipient.rpartition("@")[2].lower() != domain:
        return None
    found = TOKEN.fullmatch(token)
    keys = [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    if found is None or not any([hmac.compare_digest(_mac(key, purpose, found[2]), found[3]) for key in keys]):  # noqa: C419 -- all are compared
        raise BadInput("to", "nobody here has this address")
    return found[2]


def _mac(key: str, purpose: str, name: str) -> str:
    digest = hmac.digest(key.encode(), f"raglan.return_path:{purpose}:{name}".encode(), "sha256")
    return base64.b32encode(digest).decode().lower()[:MAC]
