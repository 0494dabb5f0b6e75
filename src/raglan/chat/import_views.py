"""Screens that bring a chat in which was held elsewhere: look first, put it into the timeline, take it out again."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.chat import elsewhere, import_looks, imported_lines, importing, queries
from raglan.chat.import_forms import ImportForm, PastForm
from raglan.chat.models import ChatImport
from raglan.core import timeline
from raglan.core.errors import NotFound
from raglan.incidents.queries import incident as incident_of
from raglan.people.access import Scope, needs, reader
from raglan.people.models import Person
from raglan.ui.svg import Part
from raglan.ui.wording import counted

SHOWN = 30
State = ChatImport.State


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.RESPOND)
def bring_in_past(request: HttpRequest) -> HttpResponse:
    """Show what would come in; a second button makes an incident for it."""
    person, context = reader(request), dict[str, object]()
    form = PastForm(request.POST or None, request.FILES or None, initial={"zone": person.time_zone, "closes": True})
    found = form.attempt(form.export) if request.method == "POST" and form.is_valid() else None
    if found is not None:
        looked = form.attempt(lambda: elsewhere.look_at(form.past(), found, by=person))
        shown = [(line, False) for line in found.lines[:SHOWN]]
        context = {"looked": looked, "shown": shown, "new": len(found.lines), "problems": found.problems}
        context["more"] = len(found.lines) - len(shown)
    context |= {"form": form, "looks": import_looks.of(person)}
    return render(request, "chat/import.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Scope.RESPOND)
def bring_in(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what would come in; a second button puts it into the timeline."""
    incident, person = incident_of(pk), reader(request)
    form = ImportForm(request.POST or None, request.FILES or None, initial={"zone": person.time_zone})
    found = form.attempt(form.export) if request.method == "POST" and form.is_valid() else None
    context: dict[str, object] = {"incident": incident, "form": form, "earlier": queries.imports_of(incident)}
    if found is not None:
        there = imported_lines.known(incident, found.lines)
        new = len(found.lines) - len(there)
        looked = form.attempt(lambda: import_looks.look_at(found, by=person, incident=incident)) if new else None
        context |= {
            "looked": looked,
            "shown": [(line, imported_lines.key_of(line) in there) for line in found.lines[:SHOWN]],
            "more": max(0, len(found.lines) - SHOWN),
            "new": new,
            "known": len(there),
            "problems": found.problems,
        }
    context["looks"] = import_looks.of(person)
    return render(request, "chat/import.html", context, status=422 if form.errors else 200)


@require_GET
@needs(Scope.RESPOND)
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """How far an import is."""
    found = _of(pk, reader(request))
    context = {**_progress(found), **(_look(found) if found.state == State.LOOKED_AT else {})}
    if found.incident is not None:
        topic = timeline.ref(found.incident)
        context |= {"topic": topic, "live_topics": topic, "live_since": timeline.newest_id()}
    return render(request, "chat/import_show.html", context)


@require_GET
@needs(Scope.RESPOND)
def part(request: HttpRequest, pk: int) -> HttpResponse:
    """How far an import is, for a page that heard of it."""
    found = _of(pk, reader(request))
    return render(request, "chat/part_import.html", _progress(found))


@require_POST
@needs(Scope.RESPOND)
def act(request: HttpRequest, pk: int) -> HttpResponse:
    """Put what was looked at into the timeline, go on with it, drop it, or take it out again."""
    person = reader(request)
    found = _of(pk, person)
    if request.POST.get("do") == "drop":
        return _drop(request, found)
    if request.POST.get("do") == "take-out":
        importing.take_out(found, by=person)
        return redirect("chat:import", pk)
    importing.begin(found, by=person, make=elsewhere.make if found.incident is None else None)
    if found.state != State.THERE or found.incident is None:
        return redirect("chat:import", pk)
    already = f"; {found.known} were there already" if found.known else ""
    messages.success(request, f"{counted(found.new, 'line')} came in{already}.")
    return redirect("incidents:room", found.incident.pk)


def _drop(request: HttpRequest, found: ChatImport) -> HttpResponse:
    """Drop what was only looked at; what comes in already shows how far it is."""
    if found.state != State.LOOKED_AT or not import_looks.drop(found):
        return redirect("chat:import", found.pk)
    messages.success(request, f"{counted(found.total, 'line')} that you looked at will not come in.")
    return redirect("chat:bring_in", found.incident.pk) if found.incident else redirect("chat:bring_in_past")


def _look(found: ChatImport) -> dict[str, object]:
    """Return what of a look would come in now."""
    shown, there = import_looks.waiting(found, SHOWN), import_looks.known_of(found)
    new = found.total - len(there)
    return {
        "looked": found if new else None,
        "shown": [(line, imported_lines.key_of(line) in there) for line in shown],
        "more": found.total - len(shown),
        "new": new,
        "known": len(there),
    }


def _progress(found: ChatImport) -> dict[str, object]:
    """Return an import, and while it is on its way how far it is."""
    context: dict[str, object] = {"import": found, "incident": found.incident}
    if found.state in (State.COMING, State.STOPPED):
        done, of, word = found.done, found.total, "in"
    elif found.state == State.LEAVING:
        done, word = found.removed + found.stay, "out"
        of = done + found.lines.count()
    else:
        return context
    bar = [Part("good", done, word), Part("unknown", max(0, of - done), "to come")]
    return {**context, "bar": bar, "bar_of": of}


def _of(pk: int, person: Person) -> ChatImport:
    """Return an import; what somebody only looked at is theirs alone. Raises NotFound."""
    found = queries.chat_import(pk)
    if found.state == State.LOOKED_AT and found.by_id != person.pk:
        raise NotFound("There is no such import.")
    return found
