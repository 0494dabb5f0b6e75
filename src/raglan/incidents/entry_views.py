"""Screens of one entry: what one tap does with it, its own page, its correction; and of tools that people miss."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from raglan.core.db import atomic
from raglan.core.decode import clean_text
from raglan.core.errors import NotFound
from raglan.incidents import actions, files, queries, room
from raglan.incidents.forms import CorrectForm
from raglan.incidents.models import Entry
from raglan.people.access import Scope, reader, require
from raglan.people.models import Person


def _text(request: HttpRequest, name: str) -> str:
    """Return a field that no form has looked at, as both databases take it."""
    return clean_text(request.POST.get(name, ""))


VERBS: dict[str, Callable[[Entry, Person, HttpRequest], object]] = {
    "take": lambda entry, by, _: actions.take_ask(entry, by=by),
    "hand-back": lambda entry, by, request: actions.hand_back(entry, by=by, why=_text(request, "text")),
    "yes": lambda entry, by, request: actions.answer(entry, "yes", by=by, text=_text(request, "text")),
    "no": lambda entry, by, request: actions.answer(entry, "no", by=by, text=_text(request, "text")),
    "close": lambda entry, by, _: actions.close_ask(entry, by=by),
    "outcome": lambda entry, by, request: actions.tell_outcome(
        entry, _text(request, "text"), by=by, result=_text(request, "result")
    ),
    "helped": lambda entry, by, _: actions.mark_helped(entry, by=by),
    "helped-back": lambda entry, by, _: actions.take_helped_back(entry, by=by),
    "risky": lambda entry, by, _: actions.mark_risky(entry, by=by),
    "risk-over": lambda entry, by, _: actions.end_risk(entry, by=by),
}
AT_THE_ENTRY = ("helped", "helped-back", "risky", "risk-over")


@require_POST
def act_on_entry(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """One tap under an entry: take, yes, no, close, tell the outcome, or say that it helped."""
    person = reader(request)
    require(person, Scope.RESPOND)
    entry = Entry.objects.select_related("incident").filter(pk=pk).first()
    if entry is None:
        raise NotFound("There is no such entry.")
    if verb not in VERBS:
        raise NotFound("There is nothing like that to do with an entry.")
    VERBS[verb](entry, person, request)
    return _back(request, entry, _place(entry, verb))


def _place(entry: Entry, verb: str) -> str:
    """Return where the page opens again, so that who uses the keyboard goes on beside what was pressed."""
    if verb in AT_THE_ENTRY:
        return f"#e{entry.pk}"
    return f"#ask-{entry.pk}" if queries.open_asks(entry.incident).filter(pk=entry.pk).exists() else "#h-asks"


def _back(request: HttpRequest, entry: Entry, place: str = "") -> HttpResponseRedirect:
    return redirect("/#asking" if request.POST.get("back") == "now" else f"/incidents/{entry.incident_id}/{place}")


def show_entry(request: HttpRequest, pk: int) -> HttpResponse:
    """One entry whole: a long text, what it said earlier, and its correction by whoever wrote it."""
    person = reader(request)
    if request.method == "POST":
        require(person, Scope.RESPOND)
    entry = queries.entry(pk)
    form = CorrectForm(request.POST or None, initial={"text": entry.text})
    if request.method == "POST" and form.is_valid():
        done = form.attempt(lambda: _correct(entry, form.cleaned_data["text"], uploads(request), by=person))
        if done is not None:
            return _back(request, entry, f"#e{entry.pk}")
    is_own = entry.author_id == person.pk and entry.is_said
    may_correct = is_own and entry.incident.state == "open" and person.may_respond
    context = {"line": room.line(entry), "incident": entry.incident, "form": form if may_correct else None}
    return render(request, "incidents/entry.html", context, status=422 if form.errors else 200)


@atomic
def _correct(entry: Entry, text: str, sent: list[actions.Upload], *, by: Person) -> Entry:
    """Say it better and add files, both or neither."""
    return actions.attach(actions.correct(entry, text, by=by), sent, by=by)


def uploads(request: HttpRequest) -> list[actions.Upload]:
    """Return the files that a form brought. One that is too large is not read. Raises BadInput."""
    return [files.taken(sent) for sent in request.FILES.getlist("files")]


@require_GET
def show_file(request: HttpRequest, pk: int) -> HttpResponse:
    """One picture or file of an entry."""
    return files.serve(request, pk)


@require_POST
def lose_tool(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a tool is not reachable for oneself."""
    person = reader(request)
    require(person, Scope.RESPOND)
    actions.lose_tool(queries.incident(pk), _text(request, "name"), by=person)
    return redirect("incidents:room", pk)


@require_POST
def act_on_tool(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """One tap on a tool that is missed: for me too, or back."""
    person = reader(request)
    require(person, Scope.RESPOND)
    tool, verbs = queries.lost_tool(pk), {"missed": actions.confirm_lost, "back": actions.tool_back}
    if verb not in verbs:
        raise NotFound("There is nothing like that to do with a tool.")
    verbs[verb](tool, by=person)
    return redirect("incidents:room", tool.incident_id)
