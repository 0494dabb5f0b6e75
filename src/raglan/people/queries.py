"""Reads of people."""

from django.db.models import Prefetch, QuerySet

from raglan.people.models import ApiToken, ContactMethod, Membership, Person, Team


def people() -> QuerySet[Person]:
    """Active people with their teams, by name."""
    teams = Prefetch("memberships", Membership.objects.select_related("team").order_by("team__name"))
    return Person.objects.filter(is_active=True).prefetch_related(teams).order_by("name", "pk")


def teams() -> QuerySet[Team]:
    """Teams with their members, by name."""
    members = Prefetch("memberships", Membership.objects.select_related("person").order_by("-is_lead", "person__name"))
    return Team.objects.prefetch_related(members).order_by("name")


def contacts(person: Person) -> QuerySet[ContactMethod]:
    """Ways to reach a person, oldest first."""
    return ContactMethod.objects.filter(person=person).order_by("pk")


def tokens(person: Person) -> QuerySet[ApiToken]:
    """A person's tokens that were not revoked, newest first."""
    return ApiToken.objects.filter(person=person, revoked_at__isnull=True).order_by("-pk")
