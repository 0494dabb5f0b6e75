"""Headers of every answer, and errors said plainly."""

from collections.abc import Callable

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware

from raglan.core import logs
from raglan.core.errors import RaglanError
from raglan.ui import views

log = logs.get("raglan.ui")


class SecurityHeaders(SecurityMiddleware):
    """Django's own headers, and those that it has no setting for."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Add what is missing; a view that set a header itself keeps it."""
        response = super().process_response(request, response)
        response.headers.setdefault("Content-Security-Policy", settings.CONTENT_SECURITY_POLICY)
        response.headers.setdefault("X-Frame-Options", settings.X_FRAME_OPTIONS)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class PlainErrors:
    """Answer a refusal of raglan with a page that says so; a database that is away with a static one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on; errors of views come through `process_exception`."""
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            return views.wrong_method(request, response["Allow"])
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Turn what views raise into an answer; anything unknown is left to the last handler."""
        match exception:
            case RaglanError():
                return views.refusal(request, exception)
            case OperationalError() | InterfaceError():
                log.error("the database did not answer a screen", extra={"error": str(exception), "path": request.path})
                return views.unavailable(request)
        return None
