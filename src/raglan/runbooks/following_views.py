"""Screens of following a runbook in a room."""

import secrets

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.core import timeline
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.incidents.queries import incident as room_of
from raglan.people.access import Scope, needs, reader
from raglan.people.forms import Form
from raglan.people.models import Person
from raglan.runbooks import following, queries, suggest
from raglan.runbooks.following import Told
from raglan.runbooks.models import Following, StepResult
from raglan.runbooks.views import shown

SHOWN = 40
LOOKS: dict[str, str] = {StepResult.Result.DONE: "good", StepResult.Result.FAILED: "bad"}


class StepForm(Form):
    """What came of a step."""

    result = forms.ChoiceField(label="What came of it?", choices=StepResult.Result.choices, widget=forms.RadioSelect)
    words = forms.CharField(
        label="In a few words",
        required=False,
        max_length=following.MAX_WORDS,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="What you saw. Needed when it did not work or is skipped.",
    )
    number = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=1000)
    key = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)
    seen_key = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.RESPOND)
def follow(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose a runbook for a room, those that fit first, and begin."""
    incident = room_of(pk)
    if request.method == "POST":
        runbook = queries.runbook(clean_text(request.POST.get("runbook", "")))
        made = following.follow(incident, runbook, by=reader(request))
        return redirect("runbooks:following", pk, made.pk)
    words = clean_text(request.GET.get("q", ""))[:200]
    suggested = suggest.for_incident(incident)
    known = {one.runbook.pk for one in suggested}
    others = list(queries.search(words)[: SHOWN + len(known) + 1])
    context = {
        "incident": incident,
        "q": words,
        "suggested": [] if words else suggested,
        "others": [one for one in others if words or one.pk not in known][:SHOWN],
        "has_more": len(others) > SHOWN,
        "going": [one for one in queries.followings(incident) if one.state == Following.State.GOING],
    }
    return render(request, "runbooks/follow.html", context)


@require_GET
def show(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One step of a following, with all of them beside it."""
    return _screen(request, queries.following(pk, number), None)


@require_GET
def part(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """The list of steps, for a screen that heard that something changed."""
    found = queries.following(pk, number)
    steps = queries.steps_of(found)
    return render(request, "runbooks/part_steps.html", {"following": found, "steps": steps, "at": _wanted(request, 0)})


def _wanted(request: HttpRequest, otherwise: int) -> int:
    word = request.GET.get("step", "")
    return int(word) if word.isdecimal() and 0 < len(word) < 6 else otherwise


def _screen(request: HttpRequest, found: Following, form: StepForm | None) -> HttpResponse:
    steps = queries.steps_of(found)
    waiting = next((seen.step.number for seen in steps if seen.result is None), 1)
    at = min(max(1, _wanted(request, waiting)), len(steps))
    current = steps[at - 1]
    key = current.result.key if current.result else ""
    start = {"number": at, "key": secrets.token_hex(16), "seen_key": key, "result": StepResult.Result.DONE}
    context = {
        "following": found,
        "incident": found.incident,
        "steps": steps,
        "at": at,
        "current": current,
        "look": LOOKS.get(current.result.result, "") if current.result else "",
        "html": shown([current.step])[0].html,
        "needs": queries.what_it_needs(found),
        "form": form or StepForm(initial=start),
        "may": reader(request).may_respond and found.state == Following.State.GOING,
        "people": Person.objects.filter(is_active=True).exclude(role=Person.Role.VIEWER).order_by("name")[:500],
        "topic": timeline.ref(found),
        "live_topics": timeline.ref(found),
        "live_since": timeline.newest_id(),
    }
    return render(request, "runbooks/following.html", context, status=422 if form and form.errors else 200)


@require_POST
@needs(Scope.RESPOND)
def tell(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Tell the room what came of a step; then the next one shows."""
    found = queries.following(pk, number)
    form = StepForm(request.POST)
    if not form.is_valid():
        return _screen(request, found, form)
    data = form.cleaned_data
    told = Told(data["number"], data["result"], data["words"], data["key"], data["seen_key"])
    if not form.attempt(lambda: following.tell_step(found, told, by=reader(request))):
        fresh = request.POST.copy()  # whoever still wants to say it, says it about what stands there now
        theirs = found.results.filter(number=told.number).first()
        fresh["seen_key"] = theirs.key if theirs else ""
        form.data = fresh
        return _screen(request, queries.following(pk, number), form)
    if queries.following(pk, number).state == Following.State.DONE:
        messages.success(request, "That was the last step. The room knows.")
    return redirect("runbooks:following", pk, number)


@require_POST
@needs(Scope.RESPOND)
def change(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Hand a runbook over, take it over, or stop to follow it."""
    found, person = queries.following(pk, number), reader(request)
    match request.POST.get("do"):
        case "stop":
            following.stop(found, by=person, why=clean_text(request.POST.get("why", "")))
            return redirect("incidents:room", pk)
        case "take":
            following.hand_over(found, person, by=person)
        case "hand-over":
            word = request.POST.get("person", "")
            to = Person.objects.filter(pk=int(word)).first() if word.isdecimal() and len(word) < 19 else None
            if to is None:
                raise BadInput("person", "choose somebody")
            following.hand_over(found, to, by=person)
        case _:
            raise BadInput("do", "is not one of the buttons")
    return redirect("runbooks:following", pk, number)
