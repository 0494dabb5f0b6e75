"""Doors to oneself: profile, ways to be reached, tokens, browsers."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from raglan.core.errors import Conflict, RaglanError
from raglan.people import actions, ports, queries
from raglan.people.access import reader
from raglan.people.forms import Contact, Profile, Token
from raglan.people.models import Person
from raglan.people.views.asked import asked_again

PROFILE = ("name", "time_zone", "theme", "density", "shortcuts_enabled", "quiet_screen")


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show a person to themselves, and save how they like to read."""
    person = reader(request)
    form = Profile(request.POST or None, initial={name: getattr(person, name) for name in PROFILE})
    sent = request.method == "POST" and form.is_valid()
    saved = form.attempt(lambda: actions.update_profile(person, by=person, **form.cleaned_data)) if sent else None
    if saved is not None:
        messages.success(request, "Saved.")
        return redirect("people:you")
    return _you(request, person, form, Contact())


def _you(request: HttpRequest, person: Person, form: Profile, contact_form: Contact) -> HttpResponse:
    context = {
        "form": form,
        "contact_form": contact_form,
        "contacts": queries.contacts(person),
        "panels": ports.panels(person),
        "teams": queries.teams_of(person),
    }
    status = 422 if form.errors or contact_form.errors else 200
    return render(request, "people/you.html", context, status=status)


@require_POST
@asked_again
def add_contact(request: HttpRequest) -> HttpResponse:
    """Add a way to be reached."""
    person = reader(request)
    form = Contact(request.POST)
    if form.is_valid():
        added = form.attempt(lambda: actions.add_contact(person, **form.cleaned_data, actor=person))
        if added is not None:
            messages.success(request, f"Added {added.address}. Send a test to see that it arrives.")
            return redirect("/you/#reach")
    return _you(request, person, Profile(initial={name: getattr(person, name) for name in PROFILE}), form)


@require_POST
def test_contact(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Send a test along the whole path."""
    person = reader(request)
    contact = queries.contact(person, contact_id)
    try:
        messages.success(request, ports.send_test(contact, person))
    except RaglanError as error:
        messages.error(request, f"No test was sent: {error.sentence}.".replace("..", "."))
    return redirect("/you/#reach")


@require_POST
@asked_again
def remove_contact(request: HttpRequest, contact_id: int) -> HttpResponse:
    """Remove a way to be reached; the last one stays."""
    person = reader(request)
    contact = queries.contact(person, contact_id)
    try:
        actions.remove_contact(contact, actor=person)
    except Conflict as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, f"Removed {contact.address}.")
    return redirect("/you/#reach")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """List a person's tokens, and make one."""
    if request.method == "POST":
        return _make_token(request)
    return _tokens(request, Token(person=reader(request)))


@asked_again
def _make_token(request: HttpRequest) -> HttpResponse:
    person = reader(request)
    form = Token(request.POST, person=person)
    if form.is_valid():
        made = form.attempt(lambda: actions.issue_token(person, **form.cleaned_data, actor=person))
        if made is not None:
            token, secret = made
            return _tokens(request, Token(person=person), made=token, secret=secret)
    return _tokens(request, form)


def _tokens(request: HttpRequest, form: Token, **more: object) -> HttpResponse:
    context = {"form": form, "tokens": queries.tokens(reader(request)), **more}
    return render(request, "people/tokens.html", context, status=422 if form.errors else 200)


@require_POST
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    """End a token at once."""
    person = reader(request)
    token = queries.token(person, token_id)
    actions.revoke_token(token, actor=person)
    messages.success(request, f"Revoked {token.name}. Whatever used it is refused from now on.")
    return redirect("people:tokens")


def sign_ins(request: HttpRequest) -> HttpResponse:
    """List the browsers in which a person is signed in."""
    found = queries.sign_ins(reader(request))
    return render(request, "people/sign_ins.html", {"sign_ins": found, "here": request.session.session_key})


@require_POST
def end_sign_in(request: HttpRequest, sign_in_id: int) -> HttpResponse:
    """Sign one other browser out."""
    actions.end_sign_in(queries.sign_in(reader(request), sign_in_id))
    messages.success(request, "That browser is signed out.")
    return redirect("people:sign_ins")


@require_POST
def end_other_sign_ins(request: HttpRequest) -> HttpResponse:
    """Sign all other browsers out."""
    others = [item for item in queries.sign_ins(reader(request)) if item.session_key != request.session.session_key]
    for item in others:
        actions.end_sign_in(item)
    messages.success(request, "All other browsers are signed out.")
    return redirect("people:sign_ins")
