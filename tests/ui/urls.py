"""Addresses that fail in every way, for the error screens."""

from typing import NoReturn

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.http import require_POST

from raglan.core.errors import BadInput, Conflict, NotAllowed, NotFound, NotSignedIn, Overloaded

ERRORS: dict[str, Exception] = {
    "bad": SuspiciousOperation("odd bytes"),
    "bad-input": BadInput("until", "this is before the shift starts."),
    "forbidden": PermissionDenied(),
    "not-allowed": NotAllowed("Only a manager can change a rota.", who="Uma Rao"),
    "missing": Http404("No Incident matches the given query."),
    "not-found": NotFound("There is no incident 7."),
    "conflict": Conflict("Mara Novak has it already."),
    "busy": Overloaded("Too many at once.", retry_after=7),
    "away": OperationalError("disk I/O error"),
    "signed-out": NotSignedIn("Please sign in."),
    "boom": ZeroDivisionError("a secret value"),
}


def fail(request: HttpRequest, how: str) -> NoReturn:
    """Raise what the address names."""
    raise ERRORS[how]


@require_POST
def press(request: HttpRequest) -> HttpResponse:
    """Do something for a button."""
    return HttpResponse("done")


urlpatterns = [
    path("fail/post-only/", press),
    path("api/fail/post-only/", press),
    path("fail/<str:how>/", fail),
    path("api/fail/<str:how>/", fail),
    path("", include("raglan.ui.urls")),
]
handler400 = "raglan.ui.views.bad_request"
handler403 = "raglan.ui.views.not_allowed"
handler404 = "raglan.ui.views.not_found"
handler500 = "raglan.ui.views.server_error"
