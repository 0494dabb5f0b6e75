"""Kinds of events that people append. Each carries what it changed, so that state can be rebuilt from events.

Events are kept for ever, so no address, no password and no secret stands in them.
"""

from datetime import datetime

from raglan.core.timeline import EventPayload


class PersonAdded(EventPayload):
    """Somebody was added."""

    kind = "person.added"
    person: int
    name: str
    role: str
    time_zone: str
    created_at: datetime


class PersonChanged(EventPayload):
    """Something about a person was changed: role, how they read, whether they are still here."""

    kind = "person.changed"
    person: int
    values: dict[str, str | bool]


class ContactChanged(EventPayload):
    """A way to reach a person was added, answered or removed; whoever has the older ways is told."""

    kind = "contact.changed"
    what: str
    contact: int
    person: int
    channel: str
    label: str
    confirmed_at: datetime | None
    created_at: datetime


class TeamMade(EventPayload):
    """A team was made."""

    kind = "team.made"
    team: int
    name: str
    slug: str


class MemberSet(EventPayload):
    """A person is in a team, and leads it or not."""

    kind = "team.member_set"
    team: int
    person: int
    is_lead: bool


class MemberRemoved(EventPayload):
    """A person is in a team no more."""

    kind = "team.member_removed"
    team: int
    person: int


class TokenIssued(EventPayload):
    """A token was issued."""

    kind = "token.issued"
    token: int
    person: int | None
    name: str
    prefix: str
    scopes: str
    created_at: datetime
    expires_at: datetime | None


class TokenRevoked(EventPayload):
    """A token was revoked."""

    kind = "token.revoked"
    token: int
    prefix: str
    revoked_at: datetime


class SignInPrepared(EventPayload):
    """A setup link or an invitation was made or used."""

    kind = "signin.prepared"
    what: str


class SignInChanged(EventPayload):
    """How somebody signs in was changed: password, codes, passkeys, or a browser signed out from afar."""

    kind = "signin.changed"
    what: str


class MailNotSent(EventPayload):
    """A mail could not be handed over, or came back later; `said` is the answer, `mail` tells one that came back."""

    kind = "mail.refused"
    said: str
    mail: int | None = None
