"""Screen that brings a chat in which was held elsewhere: look first, then put it into the timeline."""

from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.timezone import make_naive
from django.views.decorators.http import require_http_methods

from raglan.chat import elsewhere, exported, importing
from raglan.core.clock import now
from raglan.core.decode import clean_text
from raglan.incidents.queries import incident as incident_of
from raglan.people.access import Scope, needs, reader
from raglan.people.forms import Form, zones
from raglan.ui.wording import counted

SHOWN = 30
KINDS = (
    ("auto", "find out"),
    ("slack", "Slack, JSON"),
    ("matrix", "Matrix, JSON"),
    ("text", "lines of text"),
)


class ImportForm(Form):
    """A chat, and how it is to be read."""

    text = forms.CharField(
        label="The chat",
        max_length=900_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false"}),
        help_text="The JSON of an export, or lines that begin with a time, such as 2026-05-04 14:02 Rowan: it is mine.",
    )
    kind = forms.ChoiceField(label="What it is", choices=KINDS)
    zone = forms.ChoiceField(label="Time zone", choices=zones, help_text="Of times that name none.")
    day = forms.DateField(
        label="Day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Of the first line, where lines have a time only.",
    )
    names = forms.CharField(
        label="Who is who",
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono"}),
        help_text="One a line, such as U0123 = Rowan Ellis; or the content of users.json.",
    )

    def export(self) -> exported.Export:
        """Return what was found. Raises BadInput."""
        data = self.cleaned_data
        names = exported.names_in(data["names"])
        how = exported.Reading(data["kind"], data["zone"], data["day"], names, until=now())
        return exported.read(clean_text(data["text"]), how)


class PastForm(ImportForm):
    """An incident that happened elsewhere, and its chat."""

    title = forms.CharField(label="What it was", max_length=300, help_text="In a few words, as a title.")
    began_at = forms.DateTimeField(
        label="It began",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="In the time zone below. Empty: with the first line.",
    )
    is_near_miss = forms.BooleanField(label="It was a near miss: nothing broke", required=False)
    closes = forms.BooleanField(label="It is over: close it as of the last line", required=False)

    def past(self) -> elsewhere.Past:
        """Return what was told of it."""
        data = self.cleaned_data
        began = data["began_at"]
        if began is not None:
            began = make_naive(began).replace(tzinfo=ZoneInfo(data["zone"]))
        return elsewhere.Past(data["title"], began, data["is_near_miss"], data["closes"])


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.RESPOND)
def bring_in_past(request: HttpRequest) -> HttpResponse:
    """Show what would come in; a second button makes an incident for it."""
    person = reader(request)
    form = PastForm(request.POST or None, initial={"zone": person.time_zone, "closes": True})
    found = form.attempt(form.export) if request.method == "POST" and form.is_valid() else None
    if found is not None and "do" in request.POST:
        made = form.attempt(lambda: elsewhere.bring_in(form.past(), found.lines, by=person))
        if made is not None:
            messages.success(request, f"{counted(made[1].new, 'line')} came in.")
            return redirect("incidents:room", made[0].pk)
    shown = [(line, False) for line in found.lines[:SHOWN]] if found else []
    context = {"form": form, "found": found, "shown": shown, "new": len(found.lines) if found else 0}
    return render(request, "chat/import.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.RESPOND)
def bring_in(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what would come in; a second button puts it into the timeline."""
    incident, person = incident_of(pk), reader(request)
    form = ImportForm(request.POST or None, initial={"zone": person.time_zone})
    found = form.attempt(form.export) if request.method == "POST" and form.is_valid() else None
    if found is not None and "do" in request.POST:
        brought = form.attempt(lambda: importing.bring_in(incident, found.lines, by=person))
        if brought is not None:
            already = f"; {brought.known} were there already" if brought.known else ""
            messages.success(request, f"{counted(brought.new, 'line')} came in{already}.")
            return redirect("incidents:room", pk)
    there = importing.known(incident, found.lines) if found else set()
    context = {
        "incident": incident,
        "form": form,
        "found": found,
        "shown": [(line, importing.key_of(line) in there) for line in found.lines[:SHOWN]] if found else [],
        "new": len(found.lines) - len(there) if found else 0,
        "known": len(there),
    }
    return render(request, "chat/import.html", context, status=422 if form.errors else 200)
