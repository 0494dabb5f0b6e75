"""Verbs of people."""

from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import available_timezones

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from raglan.config import config
from raglan.core import secrets, timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict, NotAllowed, NotFound
from raglan.people import events, ports
from raglan.people.access import Scope
from raglan.people.models import ApiToken, ContactMethod, Invitation, Membership, Person, SetupLink, Team

LINK_AGE = timedelta(hours=24)
INVITATION_AGE = timedelta(days=7)
MAX_CONTACTS = 20


@atomic
def issue_setup_link() -> str | None:
    """Return the address that makes the first administrator, or None when somebody exists. Earlier links end."""
    if Person.objects.exists():
        return None
    SetupLink.objects.filter(used_at__isnull=True).delete()
    token, at = secrets.random_token(), now()
    SetupLink.objects.create(digest=secrets.digest(token), created_at=at, expires_at=at + LINK_AGE)
    return f"{config().public_url}/setup/first/{token}/"


def setup_link(token: str) -> SetupLink:
    """Return a setup link that still works. Raises NotFound."""
    live = SetupLink.objects.filter(digest=secrets.digest(token), used_at__isnull=True, expires_at__gt=now()).first()
    if live is None or Person.objects.exists():
        raise NotFound("This link was used or is over. `raglan serve` prints a fresh one while nobody exists.")
    return live


@atomic
def create_administrator(token: str, *, email: str, name: str, password: str, time_zone: str) -> Person:
    """Make the first administrator by the one-time link. Raises NotFound, BadInput."""
    link = setup_link(token)
    person = add_person(
        email=email, name=name, role=Person.Role.ADMINISTRATOR, time_zone=time_zone, actor=timeline.SYSTEM
    )
    set_password(person, password)
    SetupLink.objects.filter(pk=link.pk).update(used_at=now())
    timeline.append(events.SignInPrepared(what="first administrator made"), actor=person, about=[person])
    return person


@atomic
def add_person(
    *, email: str, name: str, role: str = Person.Role.RESPONDER, time_zone: str = "UTC", actor: timeline.Subject
) -> Person:
    """Add somebody, with email as the first way to reach them. Raises BadInput naming the field."""
    email = email.strip()
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
    person = Person.objects.create_person(email, name[:120], role=role, time_zone=time_zone, created_at=now())
    ContactMethod.objects.create(person=person, kind=ContactMethod.Kind.EMAIL, address=email, created_at=now())
    timeline.append(events.PersonAdded(name=person.name, role=role), actor=actor, about=[person, "people"])
    return person


def check_zone(time_zone: str) -> None:
    """Raise BadInput unless this is the name of a time zone."""
    if time_zone not in available_timezones():
        raise BadInput("time_zone", "choose a zone by its name, such as Europe/Berlin")


def set_password(person: Person, password: str) -> None:
    """Set a password. Raises BadInput when it is too easy to guess."""
    try:
        validate_password(password, person)
    except ValidationError as error:
        raise BadInput("password", " ".join(error.messages)) from None
    person.set_password(password)
    person.save(update_fields=["password"])


@atomic
def invite(*, email: str, name: str, role: str, by: Person) -> tuple[Person, str]:
    """Add somebody and return the link that lets them choose a password."""
    if role == Person.Role.ADMINISTRATOR and by.role != Person.Role.ADMINISTRATOR:
        raise NotAllowed("Only an administrator can make another one.")
    person = add_person(email=email, name=name, role=role, actor=by)
    return person, invitation_link(person, by=by)


@atomic
def invitation_link(person: Person, *, by: timeline.Subject) -> str:
    """Return a fresh link for somebody who can not sign in; earlier ones end."""
    Invitation.objects.filter(person=person, used_at__isnull=True).delete()
    token, at = secrets.random_token(), now()
    Invitation.objects.create(
        person=person, digest=secrets.digest(token), created_at=at, expires_at=at + INVITATION_AGE
    )
    timeline.append(events.SignInPrepared(what="invitation made"), actor=by, about=[person])
    return f"{config().public_url}/invitation/{token}/"


def invitation(token: str) -> Invitation:
    """Return an invitation that still works. Raises NotFound."""
    live = Invitation.objects.select_related("person").filter(
        digest=secrets.digest(token), used_at__isnull=True, expires_at__gt=now()
    )
    found = live.first()
    if found is None:
        raise NotFound("This invitation was used or is over. Ask whoever invited you for a fresh one.")
    return found


@atomic
def accept_invitation(token: str, *, password: str, time_zone: str) -> Person:
    """Set the password of an invited person; the link works once."""
    found = invitation(token)
    check_zone(time_zone)
    set_password(found.person, password)
    found.person.time_zone = time_zone
    found.person.save(update_fields=["time_zone"])
    Invitation.objects.filter(pk=found.pk).update(used_at=now())
    timeline.append(events.SignInPrepared(what="invitation used"), actor=found.person, about=[found.person])
    return found.person


@atomic
def update_profile(person: Person, *, by: Person, **fields: object) -> Person:
    """Change name, time zone, theme, density or shortcuts. Raises BadInput."""
    allowed = {"name", "time_zone", "theme", "density", "shortcuts_enabled"}
    changed = {name: value for name, value in fields.items() if name in allowed and getattr(person, name) != value}
    if "time_zone" in changed:
        check_zone(str(changed["time_zone"]))
    if "name" in changed and not str(changed["name"]).strip():
        raise BadInput("name", "say how people call you")
    for name, value in changed.items():
        setattr(person, name, value)
    if changed:
        person.save(update_fields=list(changed))
        timeline.append(events.PersonChanged(what=", ".join(sorted(changed))), actor=by, about=[person, "people"])
    return person


@atomic
def set_role(person: Person, role: str, *, by: Person) -> Person:
    """Change what somebody may do. The last administrator stays one. Raises NotAllowed, Conflict."""
    if by.role != Person.Role.ADMINISTRATOR:
        raise NotAllowed("Only an administrator can change roles.")
    if role not in Person.Role.values:
        raise BadInput("role", f"must be one of {', '.join(Person.Role.values)}")
    _keep_one_administrator(person, becomes=role)
    person.role = role
    person.save(update_fields=["role"])
    timeline.append(events.PersonChanged(what=f"role: {role}"), actor=by, about=[person, "people"])
    return person


@atomic
def deactivate(person: Person, *, by: Person) -> Person:
    """End somebody's access; they are not paged any more. Their words stay."""
    _keep_one_administrator(person, becomes="")
    person.is_active = False
    person.save(update_fields=["is_active"])
    timeline.append(events.PersonChanged(what="deactivated"), actor=by, about=[person, "people"])
    return person


def _keep_one_administrator(person: Person, *, becomes: str) -> None:
    if person.role != Person.Role.ADMINISTRATOR or becomes == Person.Role.ADMINISTRATOR:
        return
    others = Person.objects.filter(role=Person.Role.ADMINISTRATOR, is_active=True).exclude(pk=person.pk)
    if not others.exists():
        raise Conflict("This is the last administrator. Make another one first.")


@atomic
def create_team(*, name: str, slug: str, actor: timeline.Subject) -> Team:
    """Make a team. Raises BadInput when the short name is taken."""
    if not name.strip():
        raise BadInput("name", "give the team a name")
    if Team.objects.filter(slug=slug).exists():
        raise BadInput("slug", "another team has this short name", status=409)
    team = Team.objects.create(name=name.strip()[:120], slug=slug)
    timeline.append(events.TeamChanged(what="made"), actor=actor, about=[team, "people"])
    return team


@atomic
def add_member(team: Team, person: Person, *, is_lead: bool = False, actor: timeline.Subject) -> Membership:
    """Put a person into a team, or change whether they lead it."""
    membership, _ = Membership.objects.update_or_create(team=team, person=person, defaults={"is_lead": is_lead})
    timeline.append(events.TeamChanged(what="member added"), actor=actor, about=[team, person, "people"])
    return membership


@atomic
def remove_member(team: Team, person: Person, *, actor: timeline.Subject) -> None:
    """Take a person out of a team."""
    if Membership.objects.filter(team=team, person=person).delete()[0]:
        timeline.append(events.TeamChanged(what="member removed"), actor=actor, about=[team, person, "people"])


@atomic
def add_contact(person: Person, *, kind: str, address: str, label: str = "", actor: timeline.Subject) -> ContactMethod:
    """Add a way to reach somebody; the same again returns what is there. Raises BadInput."""
    if kind not in ContactMethod.Kind.values:
        raise BadInput("kind", f"must be one of {', '.join(ContactMethod.Kind.values)}")
    address = address.strip()
    ports.check_address(kind, address)
    if found := ContactMethod.objects.filter(person=person, kind=kind, address=address).first():
        return found
    if ContactMethod.objects.filter(person=person).count() >= MAX_CONTACTS:
        raise BadInput("address", f"{MAX_CONTACTS} ways are enough; remove one first")
    contact = ContactMethod.objects.create(
        person=person, kind=kind, address=address[:500], label=label.strip()[:80], created_at=now()
    )
    timeline.append(
        events.ContactChanged(what="added", channel=kind, contact=contact.pk), actor=actor, about=[person, "people"]
    )
    return contact


@atomic
def remove_contact(contact: ContactMethod, *, actor: timeline.Subject) -> None:
    """Remove a way to reach somebody. The last one stays. Raises Conflict."""
    if ContactMethod.objects.filter(person_id=contact.person_id).count() == 1:
        raise Conflict("This is the only way to reach this person. Add another one first.")
    changed = events.ContactChanged(what="removed", channel=contact.kind, contact=contact.pk)
    about: list[timeline.Subject] = [contact.person, "people"]
    contact.delete()
    timeline.append(changed, actor=actor, about=about)


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
    token = ApiToken.objects.create(
        person=person,
        name=name.strip()[:120],
        prefix=prefix,
        digest=secrets.digest(secret),
        scopes=",".join(wanted),
        created_at=now(),
        expires_at=now() + timedelta(days=days) if days else None,
    )
    about: list[timeline.Subject] = [token, *([person] if person else [])]
    timeline.append(events.TokenChanged(what="issued", prefix=prefix, scopes=token.scopes), actor=actor, about=about)
    return token, secret


@atomic
def revoke_token(token: ApiToken, *, actor: timeline.Subject) -> None:
    """End a token at once."""
    if ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=now()):
        timeline.append(
            events.TokenChanged(what="revoked", prefix=token.prefix, scopes=token.scopes), actor=actor, about=[token]
        )
