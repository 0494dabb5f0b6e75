"""Screens of automation cards: read, write, and say that an answer was practised."""

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.changes import automation
from raglan.changes.automation_forms import AutomationForm, initial
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, Conflict
from raglan.people.access import Scope, needs, reader
from raglan.ui import typed

form_methods = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
def cards(request: HttpRequest) -> HttpResponse:
    """All cards, each with when its answers were last practised."""
    removed = request.GET.get("show") == "removed"
    found = list(automation.cards(removed=removed))
    answered = automation.answered(found)
    context = {
        "cards": [(one, answered[one.pk]) for one in found],
        "removed": removed,
        "has_removed": removed or automation.cards(removed=True).exists(),
        "may": reader(request).may_respond,
    }
    return render(request, "changes/automation.html", context)


@require_GET
def card(request: HttpRequest, slug: str) -> HttpResponse:
    """One card."""
    found = automation.card(slug)
    context = {
        "card": found,
        "answered": automation.answered([found])[found.pk],
        "may": reader(request).may_respond and found.removed_at is None,
        "may_bring_back": reader(request).may_respond,
    }
    return render(request, "changes/automation_card.html", context)


@form_methods
@needs(Scope.RESPOND)
def new_card(request: HttpRequest) -> HttpResponse:
    """Make a card."""
    person, form = reader(request), AutomationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = form.attempt(lambda: automation.write_new(form.draft(), writer=automation.by(person)))
        if made:
            messages.success(request, "The card is made. Say when an answer was practised.")
            return redirect("automation:card", made.slug)
    return render(request, "changes/automation_form.html", {"form": form}, status=422 if form.errors else 200)


@form_methods
@needs(Scope.RESPOND)
def change_card(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a card; when somebody else was faster, theirs is shown beside."""
    person, found = reader(request), automation.card(slug)
    form = AutomationForm(request.POST or None, initial=initial(found))
    if request.method == "POST" and form.is_valid():
        seen, writer = form.cleaned_data["seen_version"] or 0, automation.by(person)
        if form.attempt(lambda: automation.rewrite(found, form.draft(), seen_version=seen, writer=writer)):
            messages.success(request, "Saved. Earlier answers stay readable.")
            return redirect("automation:card", slug)
    theirs = None
    if request.method == "POST" and request.POST.get("seen_version", "") != str(automation.card(slug).version):
        theirs = automation.card(slug)
        data = request.POST.copy()
        data["seen_version"] = str(theirs.version)
        form.data = data
    context = {"form": form, "card": found, "theirs": theirs}
    if theirs is not None:
        context["their_answers"] = automation.answered([theirs])[theirs.pk]
    return render(request, "changes/automation_form.html", context, status=422 if form.errors else 200)


@require_POST
@needs(Scope.RESPOND)
def act_on_card(request: HttpRequest, slug: str) -> HttpResponse:
    """Say that an answer was practised; remove a card, or bring it back."""
    found, writer = automation.card(slug), automation.by(reader(request))
    match request.POST.get("do"):
        case "remove":
            automation.remove(found, writer=writer)
            messages.success(request, "The card is removed. It can be brought back.")
        case "bring-back":
            automation.bring_back(found, writer=writer)
            messages.success(request, "The card is in use again.")
        case done:
            return _practise(request, found.slug, worked=done != "failed")
    return redirect("automation:card", slug)


def _day(written: str) -> date | None:
    """Return a day, None where none is written. Raises BadInput."""
    try:
        on = parse_date(written)
    except ValueError:  # such as the 30th of February
        on = None
    if written and on is None:
        raise BadInput("on", "a day is written as 2026-11-23")
    return on


def _practise(request: HttpRequest, slug: str, *, worked: bool) -> HttpResponse:
    question, words, day = (clean_text(request.POST.get(name, "")) for name in ("question", "words", "on"))
    writer = automation.by(reader(request))
    try:
        on = _day(day)
        automation.practise(automation.card(slug), question, words, worked=worked, writer=writer, on=on)
    except (BadInput, Conflict) as error:
        place = f"{reverse('automation:card', args=[slug])}#h-{question}"
        return typed.refuse(request, f"practised-{slug}-{question}", error, place)
    messages.success(request, "Kept: when it was practised, and what came of it.")
    return redirect("automation:card", slug)
