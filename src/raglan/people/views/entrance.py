"""Doors that open without signing in, by a link or in the demonstration."""

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from raglan.core.errors import NotFound
from raglan.people import actions, queries
from raglan.people.demo import demo_allowed
from raglan.people.forms import Acceptance, FirstAdministrator
from raglan.people.models import Person


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def first_administrator(request: HttpRequest, token: str) -> HttpResponse:
    """Make the first administrator by the one-time link. Opening it uses nothing up."""
    actions.setup_link(token)
    form = FirstAdministrator(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person = form.attempt(lambda: actions.create_administrator(token, **form.cleaned_data))
        if person is not None:
            return _enter(request, person)
    return _private(render(request, "people/first.html", {"form": form}, status=422 if form.errors else 200))


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Let an invited person choose a password. Opening the link uses nothing up."""
    invitation = actions.invitation(token)
    form = Acceptance(request.POST or None, initial={"time_zone": invitation.person.time_zone})
    if request.method == "POST" and form.is_valid():
        person = form.attempt(lambda: actions.accept_invitation(token, **form.cleaned_data))
        if person is not None:
            return _enter(request, person)
    context = {"form": form, "invited": invitation.person}
    return _private(render(request, "people/accept.html", context, status=422 if form.errors else 200))


@login_not_required
@never_cache
@require_POST
def demo_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in as one of the demonstration's people. Off loopback, or without the demonstration, this does not exist."""
    if not demo_allowed(request):
        raise NotFound("There is nothing at this address.")
    person_id = request.POST.get("person", "")
    person = (
        queries.people().filter(pk=int(person_id)).first() if person_id.isdecimal() and len(person_id) < 19 else None
    )
    if person is None:
        raise NotFound("The demonstration has no such person.")
    get_adapter().login(request, person)
    record_authentication(request, person, method="demonstration")
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()})
    return redirect(target if safe else "/")


def _enter(request: HttpRequest, person: Person) -> HttpResponse:
    """Sign in as after a password: a second factor is still asked for."""
    record_authentication(request, person, method="link")
    answer: HttpResponse = perform_login(request, Login(user=person, redirect_url="/"))
    return answer


def _private(response: HttpResponse) -> HttpResponse:
    """Keep the address, which is a secret, from other places.

    Not `no-referrer`: a browser would then send the form with `Origin: null`, which is refused as forged.
    """
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex"
    return response
