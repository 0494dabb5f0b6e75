"""What people and tokens may do. Rights never filter who gets paged."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware

from raglan.core.clock import now
from raglan.core.db import Prepared
from raglan.core.errors import NotAllowed, NotSignedIn
from raglan.core.secrets import digest
from raglan.people.models import ApiToken, Person

P = ParamSpec("P")


class Scope(StrEnum):
    """What a token, or a person by their role, may do."""

    READ = "read"
    RESPOND = "respond"
    PAGE = "page"
    CONFIGURE = "configure"


BY_ROLE: dict[str, frozenset[Scope]] = {
    Person.Role.VIEWER: frozenset((Scope.READ,)),
    Person.Role.RESPONDER: frozenset((Scope.READ, Scope.RESPOND, Scope.PAGE)),
    Person.Role.MANAGER: frozenset(Scope),
    Person.Role.ADMINISTRATOR: frozenset(Scope),
}
WHO_CAN = {
    Scope.READ: "everyone who is signed in",
    Scope.RESPOND: "responders, managers and administrators",
    Scope.PAGE: "responders, managers and administrators",
    Scope.CONFIGURE: "managers and administrators",
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a person, perhaps through a token; a token may belong to nobody."""

    person: Person | None
    token: ApiToken | None
    scopes: frozenset[Scope]

    @property
    def actor(self) -> str:
        """The name under which events are recorded."""
        if self.person is not None:
            return f"person:{self.person.pk}"
        return f"token:{self.token.pk}" if self.token else "raglan"


def scopes_of(person: Person) -> frozenset[Scope]:
    """Return what a person may do."""
    return BY_ROLE.get(person.role, frozenset())


def allows(person: Person, scope: Scope) -> bool:
    """Whether the role of a person covers something."""
    return person.is_active and scope in scopes_of(person)


def require(person: Person, scope: Scope) -> None:
    """Raise NotAllowed, saying who can, when a person may not do something."""
    if not allows(person, scope):
        who = WHO_CAN[scope]
        raise NotAllowed(f"Your role does not cover this. It can be done by {who}.", who=who[0].upper() + who[1:])


def reader(request: HttpRequest) -> Person:
    """Return the signed-in person of a screen. Raises NotSignedIn."""
    person = request.user
    if not isinstance(person, Person):
        raise NotSignedIn("Sign in first.")
    return person


def require_administrator(person: Person | None) -> Person:
    """Return an administrator. Raises NotAllowed for everybody else."""
    if person is None or not person.is_active or person.role != Person.Role.ADMINISTRATOR:
        raise NotAllowed("Your role does not cover this. It can be done by administrators.", who="Administrators")
    return person


Screen = Callable[Concatenate[HttpRequest, P], HttpResponse]


def needs(scope: Scope) -> Callable[[Screen[P]], Screen[P]]:
    """Guard a screen: whoever lacks the right is told who has it."""

    def guard(view: Screen[P]) -> Screen[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            require(reader(request), scope)
            return view(request, *args, **kwargs)

        return guarded

    return guard


def require_scope(request: HttpRequest, scope: Scope) -> None:
    """Raise NotAllowed when a REST request may not do something."""
    if scope not in principal(request).scopes:
        raise NotAllowed(
            f"This token or role lacks the scope {scope}. It can be done by {WHO_CAN[scope]}.", scope=str(scope)
        )


def principal(request: HttpRequest) -> Principal:
    """Return who asks. Raises NotSignedIn."""
    found = getattr(request, "auth", None)
    if not isinstance(found, Principal):
        raise NotSignedIn("Sign in, or send a token as `Authorization: Bearer …`.")
    return found


_token = Prepared(
    lambda digest: ApiToken.objects.select_related("person").filter(digest=digest, revoked_at__isnull=True)
)


def by_token(secret: str) -> Principal | None:
    """Return the principal of an API token, or None when it is unknown, over or revoked.

    Its last use is kept to the minute: a busy client must not write with every request.
    """
    at = now()
    found = _token.first(digest(secret))
    if found is None or (found.expires_at is not None and found.expires_at <= at):
        return None
    if found.person is not None and not found.person.is_active:
        return None
    if found.last_used_at is None or at - found.last_used_at > timedelta(minutes=1):
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=at)
    scopes = frozenset(Scope(word) for word in found.scopes.split(",") if word)
    if found.person is not None:
        scopes &= scopes_of(found.person)
    return Principal(found.person, found, scopes)


def bearer(request: HttpRequest) -> Principal | None:
    """Return the principal of the token that a request brings, looked up once a request; None for one of no worth."""
    if not hasattr(request, "bearer"):
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        found = by_token(secret.strip()) if scheme.lower() == "bearer" and secret.strip() else None
        request.bearer = found  # type: ignore[attr-defined]  # kept for the authentication that follows
    kept = getattr(request, "bearer", None)
    return kept if isinstance(kept, Principal) else None


class _Csrf(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def rest_auth(request: HttpRequest) -> Principal:
    """Authenticate REST: by token in the header, or, for our own screens, by session with the CSRF check.

    Raises NotSignedIn, NotAllowed.
    """
    if request.headers.get("Authorization", ""):
        found = bearer(request)
        if found is None:
            raise NotSignedIn("This token is not known, is over, or was revoked.")
        return found
    user = request.user
    if isinstance(user, AnonymousUser) or not isinstance(user, Person) or not user.is_active:
        raise NotSignedIn("Sign in, or send a token as `Authorization: Bearer …`.")
    refused = _Csrf(lambda _: None).process_view(request, lambda: None, (), {})  # type: ignore[arg-type,return-value]
    if refused:
        raise NotAllowed("This request did not come from raglan’s own screens (CSRF).")
    return Principal(user, None, scopes_of(user))


# django-ninja leaves CSRF to the authenticator: `rest_auth` checks it for sessions, tokens need none.
