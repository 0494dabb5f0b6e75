"""Screens of the heads-up: give one in one breath, and choose the words that thank for it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from raglan.core.clock import now
from raglan.core.decode import clean_text
from raglan.incidents import actions, queries, scripts
from raglan.incidents.forms import HeadsUpForm, ThanksForm
from raglan.incidents.models import HeadsUp
from raglan.people.access import Scope, needs, reader
from raglan.people.models import Person

form_methods = require_http_methods(["GET", "HEAD", "POST"])


@form_methods
@needs(Scope.RESPOND)
def heads_up(request: HttpRequest) -> HttpResponse:
    """Say that one may have broken something: one text is enough."""
    form = HeadsUpForm(request.POST or None, initial={"text": clean_text(request.GET.get("text", "")[:300])})
    if request.method == "POST" and form.is_valid():
        given = _give(form, reader(request))
        messages.success(request, _answer(given))
        return redirect("incidents:room", given.incident_id)
    context = {"form": form, "scripts": scripts.shelf(["broke"])}
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
