"""Whom a caller may look after."""

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from django.http import HttpRequest

from raglan.core.errors import BadInput, NotAllowed, NotFound
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person


def own(request: HttpRequest, person_id: int) -> Person:
    """Return a person whom the caller may look after: themselves, or anybody with the configure scope.

    A change by token needs more than the scope to read, even about oneself; a change from our own screens needs a proof
    of who one is that is some minutes old at most, as on the screens themselves.
    """
    who = principal(request)
    if who.person is None or who.person.pk != person_id:
        require_scope(request, Scope.CONFIGURE)
    elif request.method != "GET" and who.token is not None:
        require_scope(request, Scope.RESPOND)
    if request.method != "GET" and who.token is None and is_reauthentication_required(request, app=""):
        raise NotAllowed("Prove once more who you are: sign out and in again, then do this again.")
    person = Person.objects.filter(pk=person_id, is_active=True).first()
    if person is None:
        raise NotFound("There is no such person.")
    shield_administrator(who.person, person)
    return person


def somebody(request: HttpRequest) -> Person:
    """Return the person behind the credential. Raises NotAllowed for a token that belongs to nobody."""
    who = principal(request).person
    if who is None:
        raise NotAllowed("This token belongs to nobody. Use one of a person: it is recorded who did this.")
    return who


def speaker(request: HttpRequest) -> Person:
    """Return the person who speaks: what is said is under a name. Raises BadInput for a token that is nobody's."""
    person = principal(request).person
    if person is None:
        raise BadInput("token", "belongs to nobody; use one of a person: it is told who speaks", status=422)
    return person


def responder(request: HttpRequest) -> Person:
    """Return the person who speaks, and may respond. Raises NotAllowed, BadInput."""
    require_scope(request, Scope.RESPOND)
    return speaker(request)


def shield_administrator(caller: Person | None, person: Person) -> None:
    """Let only an administrator look after another one.

    Else a manager could make a token that is worth more than their own.
    """
    if person.role != Person.Role.ADMINISTRATOR or (caller is not None and caller.pk == person.pk):
        return
    if caller is None or caller.role != Person.Role.ADMINISTRATOR:
        raise NotAllowed("Only an administrator can change this for an administrator.")
