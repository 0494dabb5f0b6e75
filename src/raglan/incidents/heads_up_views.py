"""Screens of the heads-up: give one in one breath, and choose the words that thank for it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from raglan.config import config
from raglan.core.clock import now
from raglan.core.decode import clean_text
from raglan.incidents import actions, queries, scripts
from raglan.incidents.forms import HeadsUpForm, ThanksForm
from raglan.incidents.models import HeadsUp, Script
from raglan.incidents.room import ABOUT
from raglan.people.access import Scope, needs, reader
from raglan.people.models import Person
from raglan.people.views.asked import asked_again

form_methods = require_http_methods(["GET", "HEAD", "POST"])


@form_methods
@needs(Scope.RESPOND)
def heads_up(request: HttpRequest) -> HttpResponse:
    """Say that one may have broken something: one text is enough."""
    known = {name: clean_text(request.GET.get(name, "")[:300]) for name in ("text", "did", "saw", "reach")}
    form = HeadsUpForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        given = _give(form, reader(request))
        messages.success(request, _answer(given))
        request.session[ABOUT] = 0 if form.cleaned_data["services"] else given.incident_id
        return redirect("incidents:room", given.incident_id)
    context = {"form": form, "scripts": scripts.beside(Script.Place.HEADS_UP, reader(request))}
    return render(request, "incidents/heads_up.html", context, status=422 if form.errors else 200)


def _give(form: HeadsUpForm, person: Person) -> HeadsUp:
    data = form.cleaned_data
    warned = actions.Warned(
        text=data["text"],
        did=data["did"],
        saw=data["saw"],
        reach=data["reach"],
        need=data["need"],
        services=list(data["services"]),
        key=data["key"],
    )
    return actions.give_heads_up(warned, by=person)


def _answer(given: HeadsUp) -> str:
    told = [person.name for person in queries.told_of(given, now())]
    heard = (
        f"{' and '.join(told)} will be told at once." if told else "Nobody else is on call for this: ask in the room."
    )
    return f"{queries.thanks()} {heard}"


@form_methods
@needs(Scope.CONFIGURE)
def thanks(request: HttpRequest) -> HttpResponse:
    """Choose the words that thank for a heads-up."""
    form = ThanksForm(request.POST or None, initial={"words": queries.thanks()})
    if request.method == "POST" and form.is_valid():
        person = reader(request)
        if form.attempt(lambda: actions.change_thanks(form.cleaned_data["words"], by=person)) is not None:
            messages.success(request, "The words are saved. They are said from the next heads-up on.")
            return redirect("console:setup")
    return render(request, "incidents/thanks.html", {"form": form}, status=422 if form.errors else 200)


@form_methods
@needs(Scope.RESPOND)
@asked_again
def address(request: HttpRequest) -> HttpResponse:
    """The reader's address for heads-ups by mail; a new one is shown once."""
    person, made = reader(request), ""
    if request.method == "POST":
        made = queries.address_words(actions.make_address(person, actor=person))
    context = {
        "made": made,
        "known": queries.heads_up_address(person),
        "is_on": bool(config().mail_in_port),
        "example": queries.address_words("…"),
    }
    answer = render(request, "incidents/heads_up_address.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@require_POST
@needs(Scope.RESPOND)
def end_address(request: HttpRequest) -> HttpResponse:
    """Let the reader's address work no more."""
    person = reader(request)
    actions.end_address(person, actor=person)
    messages.success(request, "That address works no more.")
    return redirect("incidents:heads_up_address")
