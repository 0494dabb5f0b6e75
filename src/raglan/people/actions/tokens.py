"""Verbs of API tokens."""

from collections.abc import Iterable
from datetime import timedelta

from raglan.core import secrets, timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.people import events
from raglan.people.access import Scope
from raglan.people.models import ApiToken, Person


@atomic
def issue_token(
    person: Person | None, *, name: str, scopes: Iterable[str], days: int | None, actor: timeline.Subject
) -> tuple[ApiToken, str]:
    """Make an API token; the secret is returned this once. Raises BadInput."""
    wanted = sorted(set(scopes))
    if not name.strip():
        raise BadInput("name", "say what uses this token")
    if not wanted or any(word not in set(Scope) for word in wanted):
        raise BadInput("scopes", f"choose among {', '.join(Scope)}")
    if days is not None and not 1 <= days <= 3650:
        raise BadInput("expires_in_days", "must be from 1 to 3650")
    prefix = secrets.random_token().replace("-", "").replace("_", "")[:8]
    secret = f"rgl_{prefix}_{secrets.random_token()}"
    at = now()
    token = ApiToken.objects.create(
        person=person,
        name=name.strip()[:120],
        prefix=prefix,
        digest=secrets.digest(secret),
        scopes=",".join(wanted),
        created_at=at,
        expires_at=at + timedelta(days=days) if days else None,
    )
    issued = events.TokenIssued(
        token=token.pk,
        person=token.person_id,
        name=token.name,
        prefix=prefix,
        scopes=token.scopes,
        created_at=at,
        expires_at=token.expires_at,
    )
    timeline.append(issued, actor=actor, about=[token, *([person] if person else [])])
    return token, secret


@atomic
def revoke_token(token: ApiToken, *, actor: timeline.Subject) -> None:
    """End a token at once."""
    at = now()
    if not ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=at):
        return
    revoked = events.TokenRevoked(token=token.pk, prefix=token.prefix, revoked_at=at)
    timeline.append(revoked, actor=actor, about=[token, *([token.person] if token.person else [])])
