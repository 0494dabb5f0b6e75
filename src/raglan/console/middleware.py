"""Doors that need a sign-in, and the one that authenticates by itself."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

REST = "/api/v1/"
View = Callable[..., HttpResponseBase]


class SignInRequired(LoginRequiredMiddleware):
    """Every screen needs a sign-in unless its view says otherwise. REST answers 401 itself, from token or session."""

    def process_view(
        self, request: HttpRequest, view_func: View, view_args: tuple[Any, ...], view_kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Let REST through to its own authentication."""
        if request.path.startswith(REST):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)
