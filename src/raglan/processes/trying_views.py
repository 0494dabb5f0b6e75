"""Screens of what is tried beside a process, and of who is in the kitchen."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from raglan.core import timeline
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput, RaglanError
from raglan.people.access import Scope, needs, reader, require
from raglan.processes import actions, experiments, kitchen, queries
from raglan.processes.forms import ClaimForm, ExperimentForm, JudgementForm
from raglan.processes.models import Experiment

form_methods = require_http_methods(["GET", "HEAD", "POST"])


@form_methods
@needs(Scope.RESPOND)
def new_experiment(request: HttpRequest, slug: str) -> HttpResponse:
    """Try another way of a process."""
    process, form, writer = queries.process(slug), ExperimentForm(request.POST or None), actions.by(reader(request))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        if form.attempt(lambda: experiments.begin(process, data["variant"], weeks=data["weeks"], writer=writer)):
            messages.success(request, "It is being tried. When its weeks are over, it stands on top of Processes.")
            return redirect("processes:show", slug)
    context = {"process": process, "form": form}
    return render(request, "processes/new_experiment.html", context, status=422 if form.errors else 200)


@form_methods
def experiment(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One experiment; say what came of it."""
    person = reader(request)
    if request.method == "POST":
        require(person, Scope.RESPOND)
    process = queries.process(slug)
    found, form = experiments.one(process, pk), JudgementForm(request.POST or None)

    def judge() -> Experiment:
        return experiments.end(found, form.judgement(), writer=actions.by(person))

    if request.method == "POST" and form.is_valid() and form.attempt(judge) is not None:
        messages.success(request, "Kept with its reason.")
        return redirect("processes:show", slug)
    context = {"process": process, "experiment": found, "form": form, "may": person.may_respond}
    return render(request, "processes/experiment.html", context, status=422 if form.errors else 200)


@form_methods
def who_is_in(request: HttpRequest) -> HttpResponse:
    """Who is at the places that people share to test, and who waits; go there oneself."""
    person, since = reader(request), timeline.newest_id()
    if request.method == "POST":
        require(person, Scope.RESPOND)
    form = ClaimForm(request.POST or None, initial={"place": clean_text(request.GET.get("place", ""))[:80]})
    if request.method == "POST" and form.is_valid():
        made = form.attempt(lambda: kitchen.claim(form.wanted(), by=person))
        if made:
            words = f"You are in {made.place}." if made.state == made.State.IN else f"You wait for {made.place}."
            messages.success(request, words)
            return redirect("processes:kitchen")
    context = {
        "form": form,
        "places": kitchen.places(),
        "may": person.may_respond,
        "reader": person,
        "live_topics": "kitchen",
        "live_since": since,
    }
    template = "processes/part_kitchen.html" if request.GET.get("part") else "processes/kitchen.html"
    return render(request, template, context, status=422 if form.errors else 200)


@require_POST
@needs(Scope.RESPOND)
def change_claim(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave, go in after waiting, or stay longer."""
    person, found = reader(request), kitchen.going(pk)
    try:
        match request.POST.get("do"):
            case "leave":
                kitchen.leave(found, by=person)
                messages.success(request, f"You left {found.place}.")
            case "begin":
                kitchen.begin(found, by=person)
                messages.success(request, f"You are in {found.place}.")
            case _:
                minutes = request.POST.get("minutes", "")
                kitchen.extend(found, int(minutes) if minutes.isdecimal() and len(minutes) < 7 else 0, by=person)
                messages.success(request, f"You stay in {found.place}.")
    except BadInput as error:
        messages.error(request, f"Not kept: {error.reason}.")
    except RaglanError as error:
        messages.error(request, error.sentence)
    return redirect("processes:kitchen")
