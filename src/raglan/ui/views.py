"""Screens that belong to no context: errors, and keys and help."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils.http import url_has_allowed_host_and_scheme

from raglan.core.clock import now
from raglan.core.errors import NotSignedIn, Overloaded, RaglanError
from raglan.ui import typed

RETRY_AFTER = 10


@dataclass(frozen=True, slots=True)
class Screen:
    """What an error screen says."""

    title: str
    sentence: str
    icon: str = "info"
    who: str = ""
    typed: Sequence[str] = ()


TITLES = {
    400: "That could not be read",
    403: "That is not yours to do",
    404: "There is nothing at this address",
    409: "Somebody was faster",
    413: "That is too large",
    503: "Too much at once",
}


@login_not_required
def keys(request: HttpRequest) -> HttpResponse:
    """Show the keys, and how to read the screens."""
    return render(request, "ui/keys.html")


def refusal(request: HttpRequest, error: RaglanError) -> HttpResponse:
    """Say why raglan did not do what was asked."""
    if isinstance(error, NotSignedIn) and not wants_json(request):
        return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
    if wants_json(request):
        response: HttpResponse = JsonResponse(error.as_json(), status=error.status)
    elif error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, Overloaded):
        response = server_error(request)
    else:
        title = TITLES.get(error.status, "That did not work")
        who = str(error.details.get("who", ""))
        written = [] if isinstance(error, Overloaded) else typed.sentences(request)  # nothing more is read then
        response = _page(request, Screen(title, error.sentence, who=who, typed=written), error.status)
    if isinstance(error, Overloaded):
        response["Retry-After"] = str(error.retry_after)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what could not be read; its details are for the log, not for the page."""
    said = "Your browser sent something that raglan does not understand."
    if isinstance(exception, TooManyFilesSent):
        most = settings.DATA_UPLOAD_MAX_NUMBER_FILES
        said = f"More than {most} files came at once; nothing was kept. Send up to {most}, or one archive of them."
    elif isinstance(exception, TooManyFieldsSent):
        said = "More was chosen than raglan takes at once; nothing was kept. Go back and choose less."
    return _answer(request, 400, Screen(TITLES[400], said))


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that this needs another role, and who has it."""
    said = str(exception) or "Your role does not cover this."
    return _answer(request, 403, Screen(TITLES[403], said, icon="lock"))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that the address leads nowhere, or to something this reader may not see."""
    sentence = (
        "It may have been moved, or it may not be open to you. The address may also have lost its end in a message."
    )
    return _answer(request, 404, Screen(TITLES[404], sentence, icon="find"))


def wrong_method(request: HttpRequest, allowed: str) -> HttpResponse:
    """Say that an address is for a button, not for the address line; a browser alone would show an empty page."""
    sentence = "This address does something when a button is pressed; there is nothing to look at. Nothing was changed."
    response = _answer(request, 405, Screen("There is nothing to see here", sentence))
    response["Allow"] = allowed
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Ask to send a form again: nothing was changed, and what was typed can be kept by going back."""
    sentence = (
        "Nothing was changed. The page was open for very long, or cookies are off. Go back, load the page again, "
        "and send the form once more; the browser still has what you typed."
    )
    return _answer(request, 403, Screen("Please send that once more", sentence))


@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    """Show the static page: no database, no session, no context."""
    return _static(request, 500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Show the static page for when the database is away."""
    response = _static(request, 503)
    response["Retry-After"] = str(RETRY_AFTER)
    return response


def wants_json(request: HttpRequest) -> bool:
    """Say whether a program asks rather than a person."""
    return request.path.startswith("/api/") or request.headers.get("Accept", "").startswith("application/json")


def _answer(request: HttpRequest, status: int, screen: Screen) -> HttpResponse:
    if wants_json(request):
        code = HTTPStatus(status).phrase.lower().replace(" ", "_")
        return JsonResponse({"code": code, "message": screen.sentence}, status=status)
    return _page(request, screen, status)


def _page(request: HttpRequest, screen: Screen, status: int) -> HttpResponse:
    template = f"{status}.html" if status in (400, 403, 404) else "ui/error.html"
    return render(request, template, {"screen": screen, "status": status, "back": came_from(request)}, status=status)


def came_from(request: HttpRequest) -> str:
    """Return the page of raglan whose button was pressed; nothing where another site, or none, led here."""
    if request.method != "POST":
        return ""
    there = request.headers.get("Referer", "")
    try:
        ours = request.get_host()
    except SuspiciousOperation:  # a name that is not ours is what was refused
        return ""
    if not url_has_allowed_host_and_scheme(there, {ours}, require_https=request.is_secure()):
        return ""
    parts = urlsplit(there)
    address = parts.path + (f"?{parts.query}" if parts.query else "")
    is_page = parts.path != "/" and not parts.path.startswith("//") and _can_be_opened(parts.path)
    return address if is_page else ""


def _can_be_opened(path: str) -> bool:
    """Tell whether an address is that of a page: what only a button leads to shows refusals there, and nothing else."""
    view: Callable[..., object] | None
    try:
        view = resolve(path).func
    except Resolver404:
        return False
    while view is not None:
        methods = inspect.getclosurevars(view).nonlocals.get("request_method_list")
        if methods is not None:
            return "GET" in methods
        view = getattr(view, "__wrapped__", None)
    return True


def _static(request: HttpRequest, status: int) -> HttpResponse:
    if wants_json(request):
        return JsonResponse({"code": "error", "message": "raglan could not answer this."}, status=status)
    return HttpResponse(render_to_string(f"{status}.html", {"at": now()}), status=status)
