"""The screen on which people say where hosts belong that do not say so."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from raglan.fleet import places
from raglan.people.access import Scope, needs, reader
from raglan.people.forms import Form


class PlacesForm(Form):
    """All rules, one a line."""

    rules = forms.CharField(
        label="Rules, the first that fits counts",
        required=False,
        max_length=50_000,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "class": "mono"}),
        help_text="One a line, such as “web*: cluster east, role web, services shop search” or “db1: role db”.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.RESPOND)
def edit(request: HttpRequest) -> HttpResponse:
    """Say by name where hosts belong."""
    initial = {"rules": "\n".join(places.written(rule) for rule in places.rules())}
    form = PlacesForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        person, text = reader(request), form.cleaned_data["rules"]
        changed = form.attempt(lambda: places.set_rules(places.read(text), actor=person))
        if changed is not None:
            others = " The others follow one after another." if places.goes_on() else ""
            messages.success(request, f"Saved. {changed} hosts have other words now.{others}")
            return redirect("fleet:places")
    return render(request, "fleet/places.html", {"form": form}, status=422 if form.errors else 200)
