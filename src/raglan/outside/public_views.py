"""Screens for the public: be told by mail, confirm that, and be told no more. Opening a link changes nothing."""

from datetime import timedelta

from allauth.account.adapter import get_adapter
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from raglan.core import limits
from raglan.core.addresses import neighbours
from raglan.core.errors import Overloaded
from raglan.outside import queries, subscribing
from raglan.outside.forms import SubscribeForm

MOST_A_CLIENT = 10
HOUR = timedelta(hours=1)
form_methods = require_http_methods(["GET", "HEAD", "POST"])


@login_not_required
@never_cache
@form_methods
def subscribe(request: HttpRequest) -> HttpResponse:
    """Ask to be told by mail. The answer is the same for every address."""
    page = subscribing.open_page()
    form, is_asked = SubscribeForm(request.POST or None), False
    if request.method == "POST" and form.is_valid():
        _count(request)
        is_asked = bool(form.attempt(lambda: subscribing.ask(form.cleaned_data["address"]) is None))
    context = {"form": form, "page": page, "is_asked": is_asked}
    return _quiet(render(request, "outside/subscribe.html", context, status=422 if form.errors else 200))


def _count(request: HttpRequest) -> None:
    """Refuse a client that asks very often. Raises Overloaded."""
    client = neighbours(get_adapter().get_client_ip(request))
    if not limits.is_within(f"outside.subscribe:{client}", most=MOST_A_CLIENT, each=HOUR):
        raise Overloaded("You asked very often. Try again in an hour.", retry_after=3600)


@login_not_required
@never_cache
@form_methods
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm by a button; opening the link alone, as mail scanners do, changes nothing."""
    is_done = request.method == "POST"
    found = (subscribing.confirm if is_done else subscribing.asked)(token)
    context = {"page": queries.page(), "is_done": is_done or found.confirmed_at is not None}
    return _quiet(render(request, "outside/confirm.html", context))


@login_not_required
@csrf_exempt
@never_cache
@form_methods
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """Be told no more, by a button here or by that of a mail program, which sends a POST of its own (RFC 8058).

    The token is signed for one address and is the proof that a CSRF token would be; no session is read.
    """
    subscribing.digest_of(token, subscribing.LEAVE)
    is_done = request.method == "POST"
    if is_done:
        subscribing.leave(token)
    return _quiet(render(request, "outside/leave.html", {"page": queries.page(), "is_done": is_done}))


def _quiet(response: HttpResponse) -> HttpResponse:
    """Keep search engines out, and the address, which may hold a token, from other places.

    Not `no-referrer`: a browser would then send the form with `Origin: null`, which is refused as forged.
    """
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "same-origin"
    return response
