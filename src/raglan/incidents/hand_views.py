"""Screens of hand changes: tell one, see which runs reach for them, and say what became of them."""

import secrets

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import hand, queries
from raglan.incidents.hand_models import HandChange
from raglan.incidents.models import Incident
from raglan.people.access import Scope, needs, reader, require
from raglan.people.forms import Form
from raglan.ui import typed


class HandForm(Form):
    """What was changed by hand."""

    place = forms.CharField(
        label="Where", max_length=hand.MOST_PLACE, help_text="A host, such as web0091; or a role or cluster."
    )
    scope = forms.ChoiceField(
        label="That is",
        required=False,
        choices=[("", "whatever has this name"), *HandChange.Scope.choices],
    )
    thing = forms.CharField(
        label="What of it", max_length=300, help_text="A package, a service, or a file with its path."
    )
    words = forms.CharField(label="What you did, in a line", max_length=hand.MOST_WORDS)
    key = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def told(self) -> hand.Told:
        """Return what was told."""
        data = self.cleaned_data
        return hand.Told(data["place"], data["thing"], data["words"], data["scope"], data["key"])


@require_http_methods(["GET", "HEAD", "POST"])
def hand_changes(request: HttpRequest, pk: int) -> HttpResponse:
    """What was changed by hand in an incident; tell another."""
    person = reader(request)
    if request.method == "POST":
        require(person, Scope.RESPOND)
    incident = queries.incident(pk)
    form = HandForm(request.POST or None, initial={"key": secrets.token_hex(16)})

    def tell() -> HandChange:
        return hand.tell(incident, form.told(), by=person)

    if request.method == "POST" and form.is_valid() and form.attempt(tell) is not None:
        messages.success(request, "Kept. The room is told when a run reaches for it.")
        return redirect("incidents:hand_changes", pk)
    context = {
        "incident": incident,
        "hands": hand.seen(hand.hand_changes(incident)[:200]),
        "form": form,
        "may": person.may_respond,
        "may_tell": person.may_respond and incident.state == Incident.State.OPEN,
    }
    return render(request, "incidents/hand_changes.html", context, status=422 if form.errors else 200)


@require_POST
@needs(Scope.RESPOND)
def end_hand_change(request: HttpRequest, pk: int, hand_pk: int) -> HttpResponse:
    """Say what became of a hand change."""
    incident = queries.incident(pk)
    state, words = (clean_text(request.POST.get(name, "")) for name in ("state", "words"))
    try:
        hand.end(hand.hand_change(incident, hand_pk), state, words, by=reader(request))
    except (BadInput, Conflict) as error:
        return typed.refuse(request, f"hand-{hand_pk}", error, reverse("incidents:hand_changes", args=[pk]), at="words")
    return redirect("incidents:hand_changes", pk)
