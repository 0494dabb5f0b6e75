"""Reads of people."""

from collections.abc import Iterable

from django.contrib.sessions.models import Session
from django.db.models import Prefetch, Q, QuerySet

from raglan.core.clock import now
from raglan.core.errors import BadInput, NotFound
from raglan.people.models import ApiToken, ContactMethod, Membership, Person, SignIn, Team


def people(search: str = "", team: str = "") -> QuerySet[Person]:
    """Return active people with their teams, by name; `search` looks at names, addresses and teams."""
    teams = Prefetch("memberships", Membership.objects.select_related("team").order_by("team__name"))
    found = Person.objects.filter(is_active=True).prefetch_related(teams).order_by("name", "pk")
    if team:
        found = found.filter(memberships__team__slug=team)
    for word in search.split():
        named = Q(name__icontains=word) | Q(email__icontains=word) | Q(memberships__team__name__icontains=word)
        found = found.filter(pk__in=Person.objects.filter(named).values("pk"))
    return found


def person(person_id: int) -> Person:
    """Return a person with their teams, active or not. Raises NotFound."""
    teams = Prefetch("memberships", Membership.objects.select_related("team").order_by("team__name"))
    found = Person.objects.filter(pk=person_id).prefetch_related(teams).first()
    if found is None:
        raise NotFound("There is nobody at this address.")
    return found


def by_email(email: str) -> Person | None:
    """Return the active person with an address, or None."""
    return Person.objects.filter(email=email.strip().lower(), is_active=True).first()


def named_team(slug: str | None, field: str = "team") -> Team | None:
    """Return the team that a caller named by its short name, None where none is named. Raises BadInput at the field."""
    if not slug:
        return None
    found = Team.objects.filter(slug=slug).first()
    if found is None:
        raise BadInput(field, "there is no such team", status=422)
    return found


def teams() -> QuerySet[Team]:
    """Return teams with their active members, by name."""
    members = Membership.objects.filter(person__is_active=True).select_related("person")
    return Team.objects.prefetch_related(
        Prefetch("memberships", members.order_by("-is_lead", "person__name"))
    ).order_by("name")


def team(slug: str) -> Team:
    """Return a team with its active members. Raises NotFound."""
    found = teams().filter(slug=slug).first()
    if found is None:
        raise NotFound("There is no such team.")
    return found


def teams_of(person: Person) -> QuerySet[Team]:
    """Return the teams of a person, by name."""
    return Team.objects.filter(memberships__person=person).order_by("name")


def contacts(person: Person) -> QuerySet[ContactMethod]:
    """Return ways to reach a person, oldest first."""
    return ContactMethod.objects.filter(person=person).select_related("person").order_by("pk")


def contact(person: Person, contact_id: int) -> ContactMethod:
    """Return one of a person's own ways. Raises NotFound."""
    found = contacts(person).filter(pk=contact_id).first()
    if found is None:
        raise NotFound("This way to reach you is not there any more.")
    return found


def tokens(person: Person) -> QuerySet[ApiToken]:
    """Return a person's tokens that were not revoked, newest first."""
    return ApiToken.objects.filter(person=person, revoked_at__isnull=True).order_by("-pk")


def token(person: Person, token_id: int) -> ApiToken:
    """Return one of a person's own tokens. Raises NotFound."""
    found = tokens(person).filter(pk=token_id).first()
    if found is None:
        raise NotFound("There is no such token, or it was revoked.")
    return found


def sign_ins(person: Person) -> list[SignIn]:
    """Return the browsers in which somebody is still signed in, newest first."""
    noted = list(SignIn.objects.filter(person=person).order_by("-at", "-pk"))
    live = _live(sign_in.session_key for sign_in in noted)
    return [sign_in for sign_in in noted if sign_in.session_key in live]


def sign_in(person: Person, sign_in_id: int) -> SignIn:
    """Return one of a person's own browsers. Raises NotFound."""
    found = SignIn.objects.select_related("person").filter(person=person, pk=sign_in_id).first()
    if found is None:
        raise NotFound("That browser is signed out already.")
    return found


def _live(keys: Iterable[str]) -> set[str]:
    alive = Session.objects.filter(session_key__in=list(keys), expire_date__gt=now())
    return set(alive.values_list("session_key", flat=True))
