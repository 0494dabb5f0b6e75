"""Verbs of signing in: the first link, invitations, passwords, browsers."""

from datetime import timedelta

from django.contrib.auth.password_validation import validate_password
from django.contrib.sessions.backends.db import SessionStore
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string

from raglan.config import config
from raglan.core import secrets, timeline
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import BadInput, NotAllowed, NotFound
from raglan.people import events, mail
from raglan.people.actions.contacts import tell
from raglan.people.actions.persons import add_person, require_below, update_profile
from raglan.people.models import Invitation, Person, SetupLink, SignIn

LINK_AGE = timedelta(hours=24)
INVITATION_AGE = timedelta(days=7)


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
    """Make the first administrator by the one-time link. Raises NotFound; BadInput, and then the link still works."""
    link = setup_link(token)
    if not SetupLink.objects.filter(pk=link.pk, used_at__isnull=True).update(used_at=now()):
        raise NotFound("This link was just used. Sign in instead.")
    role = Person.Role.ADMINISTRATOR
    person = add_person(email=email, name=name, role=role, time_zone=time_zone, actor=timeline.SYSTEM)
    set_password(person, password)
    timeline.append(events.SignInPrepared(what="first administrator made"), actor=person, about=[person])
    return person


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
    """Add somebody and return the link that lets them choose a password; it is mailed to them, too."""
    if role == Person.Role.ADMINISTRATOR and by.role != Person.Role.ADMINISTRATOR:
        raise NotAllowed("Only an administrator can make another one.", who="Administrators")
    person = add_person(email=email, name=name, role=role, time_zone=by.time_zone, actor=by)
    link = invitation_link(person, by=by)
    text = render_to_string("people/mail/invitation.txt", {"person": person, "by": by, "link": link})
    mail.write(person.email, subject=f"{by.name} invites you to raglan", text=text, about=person)
    return person, link


@atomic
def invitation_link(person: Person, *, by: Person) -> str:
    """Return a fresh link for somebody who can not sign in; earlier ones end. Raises NotAllowed."""
    require_below(person, by)
    Invitation.objects.filter(person=person, used_at__isnull=True).delete()
    token, at = secrets.random_token(), now()
    Invitation.objects.create(
        person=person, digest=secrets.digest(token), created_at=at, expires_at=at + INVITATION_AGE
    )
    timeline.append(events.SignInPrepared(what="invitation made"), actor=by, about=[person])
    if person.has_usable_password():
        tell(person, f"{by.name} made a link with which your password can be set anew.")
    return f"{config().public_url}/invitation/{token}/"


def invitation(token: str) -> Invitation:
    """Return an invitation that still works. Raises NotFound."""
    live = Invitation.objects.select_related("person").filter(used_at__isnull=True, expires_at__gt=now())
    found = live.filter(digest=secrets.digest(token), person__is_active=True).first()
    if found is None:
        raise NotFound("This invitation was used or is over. Ask whoever invited you for a fresh one.")
    return found


@atomic
def accept_invitation(token: str, *, password: str, time_zone: str) -> Person:
    """Set the password of an invited person; the link works once. Raises NotFound, BadInput."""
    found = invitation(token)
    if not Invitation.objects.filter(pk=found.pk, used_at__isnull=True).update(used_at=now()):
        raise NotFound("This invitation was just used. Sign in instead.")
    set_password(found.person, password)
    update_profile(found.person, by=found.person, time_zone=time_zone)
    timeline.append(events.SignInPrepared(what="invitation used"), actor=found.person, about=[found.person])
    return found.person


@atomic
def announce_sign_in_change(person: Person, *, what: str) -> None:
    """Record a change to how somebody signs in, and tell them."""
    timeline.append(events.SignInChanged(what=what), actor=person, about=[person])
    tell(person, f"{what}.")


@atomic
def note_sign_in(person: Person, *, session_key: str, browser: str, address: str) -> SignIn:
    """Note the browser in which somebody signed in."""
    noted, _ = SignIn.objects.update_or_create(
        session_key=session_key,
        defaults={"person": person, "at": now(), "browser": browser[:200], "address": address[:45]},
    )
    return noted


@atomic
def end_sign_in(sign_in: SignIn) -> None:
    """Sign a browser out from elsewhere, at once."""
    SessionStore(session_key=sign_in.session_key).delete()
    if SignIn.objects.filter(pk=sign_in.pk).delete()[0]:
        changed = events.SignInChanged(what="A browser was signed out")
        timeline.append(changed, actor=sign_in.person, about=[sign_in.person])
