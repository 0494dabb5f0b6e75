"""Asks once more who somebody is before what is worth asking."""

from functools import wraps

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest, HttpResponse

from raglan.people.access import P, Screen


def asked_again(view: Screen[P]) -> Screen[P]:
    """Let a change through when its person proved who they are some minutes ago; else ask, and then let it through."""

    @wraps(view)
    def asked(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method == "POST" and is_reauthentication_required(request, app=""):
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return asked
