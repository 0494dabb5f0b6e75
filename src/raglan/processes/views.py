"""Screens of processes: find, read, write, rethink; and the note on a step that was not taken."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.people.access import Scope, needs, reader
from raglan.processes import actions, experiments, queries, skipping
from raglan.processes.forms import ProcessForm, SkipForm, initial
from raglan.processes.models import Process
from raglan.ui import typed

PER_PAGE = 40
TRIED_SHOWN = 20
form_methods = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All processes, by title."""
    words, removed = clean_text(request.GET.get("q", ""))[:200], request.GET.get("show") == "removed"
    context = {
        "page": Paginator(queries.search(words, removed=removed), PER_PAGE).get_page(request.GET.get("page")),
        "q": words,
        "removed": removed,
        "due": [] if words or removed else list(experiments.due()),
        "has_removed": removed or queries.processes(removed=True).exists(),
        "may": reader(request).may_respond,
    }
    return render(request, "processes/index.html", context)


@require_GET
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """One process, with what may be shown of the notes on its steps."""
    process = queries.process(slug)
    tallies = skipping.tallies(process)
    context = {
        "process": process,
        "tallies": tallies,
        "minutes": sum(one.step.minutes or 0 for one in tallies),
        "page": Paginator(experiments.of(process), TRIED_SHOWN).get_page(request.GET.get("page")),
        "is_noted": "noted" in request.GET,
        "may": reader(request).may_respond,
    }
    return render(request, "processes/show.html", context)


@require_GET
def versions(request: HttpRequest, slug: str) -> HttpResponse:
    """All versions of a process, whole."""
    process = queries.process(slug)
    page = Paginator(queries.versions(process), 20).get_page(request.GET.get("page"))
    return render(request, "processes/versions.html", {"process": process, "page": page})


@form_methods
@needs(Scope.RESPOND)
def new(request: HttpRequest) -> HttpResponse:
    """Write a new process."""
    person, form = reader(request), ProcessForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = form.attempt(lambda: actions.write_new(form.draft(), writer=actions.by(person)))
        if made:
            messages.success(request, "It is written down.")
            return redirect("processes:show", made.slug)
    return render(request, "processes/form.html", {"form": form}, status=422 if form.errors else 200)


@form_methods
@needs(Scope.RESPOND)
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a process; two at once are both shown."""
    person, process = reader(request), queries.process(slug)
    form = ProcessForm(request.POST or None, initial=initial(process, actions.standing(process)))
    if request.method == "POST" and form.is_valid():
        seen, writer = form.cleaned_data["seen_version"] or 0, actions.by(person)
        if form.attempt(lambda: actions.rewrite(process, form.draft(), seen_version=seen, writer=writer)):
            messages.success(request, "Saved. The earlier text stays under Versions.")
            return redirect("processes:show", slug)
    context = {"form": form, "process": process, "theirs": _theirs(request, form, process)}
    return render(request, "processes/form.html", context, status=422 if form.errors else 200)


def _theirs(request: HttpRequest, form: ProcessForm, process: Process) -> dict[str, object] | None:
    """Return what somebody else wrote meanwhile, and let the form be saved over it next time."""
    if request.method != "POST":
        return None
    process = queries.process(process.slug)
    if request.POST.get("seen_version", "") == str(process.version):
        return None
    data = request.POST.copy()
    data["seen_version"] = str(process.version)
    form.data = data
    return {"process": process, **initial(process, actions.standing(process))}


@require_POST
@needs(Scope.RESPOND)
def act(request: HttpRequest, slug: str) -> HttpResponse:
    """Remove a process, bring it back, or keep that it was rethought."""
    process, writer = queries.process(slug), actions.by(reader(request))
    match request.POST.get("do"):
        case "remove":
            actions.remove(process, writer=writer)
            messages.success(request, "It is not in use any more. It can be brought back.")
        case "bring-back":
            actions.bring_back(process, writer=writer)
            messages.success(request, "It is in use again.")
        case _:
            try:
                actions.rethink(process, clean_text(request.POST.get("words", "")), writer=writer)
            except BadInput as error:
                return typed.refuse(request, f"rethought-{slug}", error, reverse("processes:show", args=[slug]))
            else:
                messages.success(request, "Kept. The tally begins anew; the earlier one stays beside it.")
    return redirect("processes:show", slug)


@form_methods
def skip(request: HttpRequest, slug: str) -> HttpResponse:
    """Note a step that was not taken. Nothing of who asks is read here beyond that they are signed in.

    What it says afterwards goes by the address, because a message would be kept for this person.
    """
    process = queries.process(slug)
    step = request.GET.get("step", "")
    form = SkipForm(request.POST or None, standing=actions.standing(process), initial={"step": step})
    if request.method == "POST" and form.is_valid():
        chosen = queries.step(process, form.cleaned_data["step"])
        if form.attempt(lambda: skipping.note(chosen, form.said()) or True):
            return redirect(f"{reverse('processes:show', args=[slug])}?noted")
    context = {"process": process, "form": form}
    return render(request, "processes/skip.html", context, status=422 if form.errors else 200)
