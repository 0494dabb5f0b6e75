"""Verbs of people and teams."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from raglan.core import timeline, zones
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict, NotAllowed
from raglan.people import events
from raglan.people.actions.contacts import record
from raglan.people.actions.tokens import revoke_token
from raglan.people.models import ApiToken, ContactMethod, Membership, Person, Team


@atomic
def add_person(
    *, email: str, name: str, role: str = Person.Role.RESPONDER, time_zone: str = "UTC", actor: timeline.Subject
) -> Person:
    """Add somebody, with email as the first way to reach them. Raises BadInput naming the field."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise BadInput("email", "write a mail address such as mara@example.org") from None
    if Person.objects.filter(email__iexact=email).exists():
        raise BadInput("email", "somebody with this address exists", status=409)
    if not name.strip():
        raise BadInput("name", "say how people call you")
    if role not in Person.Role.values:
        raise BadInput("role", f"must be one of {', '.join(Person.Role.values)}")
    check_zone(time_zone)
    at = now()
    person = Person.objects.create_person(email, name[:120], role=role, time_zone=time_zone, created_at=at)
    added = events.PersonAdded(person=person.pk, name=person.name, role=role, time_zone=time_zone, created_at=at)
    timeline.append(added, actor=actor, about=[person, "people"])
    contact = ContactMethod.objects.create(person=person, kind=ContactMethod.Kind.EMAIL, address=email, created_at=at)
    record(contact, "added", actor)
    return person


def check_zone(time_zone: str) -> None:
    """Raise BadInput unless this is the name of a time zone."""
    if time_zone not in zones.names():
        raise BadInput("time_zone", "choose a zone by its name, such as Europe/Berlin")


@atomic
def update_profile(person: Person, *, by: Person, **fields: object) -> Person:
    """Change name, time zone, theme, density, shortcuts or quiet. Raises BadInput."""
    allowed = {"name", "time_zone", "theme", "density", "shortcuts_enabled", "quiet_screen"}
    changed = {name: value for name, value in fields.items() if name in allowed and getattr(person, name) != value}
    if "time_zone" in changed:
        check_zone(str(changed["time_zone"]))
    if "name" in changed and not str(changed["name"]).strip():
        raise BadInput("name", "say how people call you")
    for name, value in changed.items():
        setattr(person, name, value)
    if changed:
        person.save(update_fields=list(changed))
        _record_change(
            person, by, **{name: value if isinstance(value, bool) else str(value) for name, value in changed.items()}
        )
    return person


def _record_change(person: Person, by: Person, **values: str | bool) -> None:
    changed = events.PersonChanged(person=person.pk, values=values)
    timeline.append(changed, actor=by, about=[person, "people"])


@atomic
def set_role(person: Person, role: str, *, by: Person) -> Person:
    """Change what somebody may do. The last administrator stays one. Raises NotAllowed, Conflict."""
    if by.role != Person.Role.ADMINISTRATOR:
        raise NotAllowed("Only an administrator can change roles.", who="Administrators")
    if role not in Person.Role.values:
        raise BadInput("role", f"must be one of {', '.join(Person.Role.values)}")
    _keep_one_administrator(person, becomes=role)
    person.role = role
    person.save(update_fields=["role"])
    _record_change(person, by, role=role)
    return person


@atomic
def deactivate(person: Person, *, by: Person) -> Person:
    """End somebody's access at once; they are not paged any more. Their words stay. Raises NotAllowed, Conflict."""
    require_below(person, by)
    _keep_one_administrator(person, becomes="")
    person.is_active = False
    person.save(update_fields=["is_active"])
    for token in ApiToken.objects.filter(person=person, revoked_at__isnull=True):
        revoke_token(token, actor=by)
    _record_change(person, by, is_active=False)
    return person


def require_below(person: Person, by: Person) -> None:
    """Nobody gets at the account of an administrator but an administrator. Raises NotAllowed."""
    if person.role == Person.Role.ADMINISTRATOR and by.role != Person.Role.ADMINISTRATOR:
        raise NotAllowed("Only an administrator can do this for an administrator.", who="Administrators")


def _keep_one_administrator(person: Person, *, becomes: str) -> None:
    if person.role != Person.Role.ADMINISTRATOR or becomes == Person.Role.ADMINISTRATOR:
        return
    administrators = Person.objects.filter(role=Person.Role.ADMINISTRATOR, is_active=True).order_by("pk")
    # The lock keeps two administrators from ending each other's role at one moment.
    if all(other.pk == person.pk for other in administrators.select_for_update()):
        raise Conflict("This is the last administrator. Make another one first.")


@atomic
def create_team(*, name: str, slug: str, actor: timeline.Subject) -> Team:
    """Make a team. Raises BadInput when the short name is taken."""
    if not name.strip():
        raise BadInput("name", "give the team a name")
    if Team.objects.filter(slug=slug).exists():
        raise BadInput("slug", "another team has this short name", status=409)
    team = Team.objects.create(name=name.strip()[:120], slug=slug)
    made = events.TeamMade(team=team.pk, name=team.name, slug=team.slug)
    timeline.append(made, actor=actor, about=[team, "people"])
    return team


@atomic
def add_member(team: Team, person: Person, *, is_lead: bool = False, actor: timeline.Subject) -> Membership:
    """Put a person into a team, or change whether they lead it."""
    membership, _ = Membership.objects.update_or_create(team=team, person=person, defaults={"is_lead": is_lead})
    joined = events.MemberSet(team=team.pk, person=person.pk, is_lead=is_lead)
    timeline.append(joined, actor=actor, about=[team, person, "people"])
    return membership


@atomic
def remove_member(team: Team, person: Person, *, actor: timeline.Subject) -> None:
    """Take a person out of a team."""
    if Membership.objects.filter(team=team, person=person).delete()[0]:
        left = events.MemberRemoved(team=team.pk, person=person.pk)
        timeline.append(left, actor=actor, about=[team, person, "people"])
