"""Kinds of events that people append. No address and no secret stands in them."""

from raglan.core.timeline import EventPayload


class PersonAdded(EventPayload):
    """Somebody was added."""

    kind = "person.added"
    name: str
    role: str


class PersonChanged(EventPayload):
    """Something about a person was changed; `what` names the fields."""

    kind = "person.changed"
    what: str


class ContactChanged(EventPayload):
    """A way to reach a person was added or removed; whoever has the older ways is told."""

    kind = "contact.changed"
    what: str
    channel: str
    contact: int


class TeamChanged(EventPayload):
    """A team was made or its members changed."""

    kind = "team.changed"
    what: str


class TokenChanged(EventPayload):
    """A token was issued or revoked."""

    kind = "token.changed"
    what: str
    prefix: str
    scopes: str


class SignInPrepared(EventPayload):
    """A setup link or an invitation was made or used."""

    kind = "signin.prepared"
    what: str


class SignInChanged(EventPayload):
    """How somebody signs in was changed: password, codes, passkeys, or a browser signed out from afar."""

    kind = "signin.changed"
    what: str


class MailNotSent(EventPayload):
    """A mail about signing in could not be handed over; `said` is the mail server's answer."""

    kind = "mail.refused"
    said: str
