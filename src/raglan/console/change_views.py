"""Screens of changes: which are under way, waiting and lately; propose one; what people ran into."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.changes import proposing, queries
from raglan.changes.models import OPEN, Change, PsaNote
from raglan.console import lost_views
from raglan.console.change_board import Ahead, ChangeBoard, under_way
from raglan.console.change_forms import ChangeForm, PsaForm
from raglan.core import timeline
from raglan.core.decode import clean_text
from raglan.core.errors import NotFound
from raglan.fleet import marks, pins, progress, reach
from raglan.people.access import Scope, needs, reader, require
from raglan.people.models import Person

PER_PAGE = 40
HOSTS_PER_PAGE = 100
MARKS_PER_PAGE = 720  # twenty rows
OPEN_SHOWN = 20
PARTS = ("head", "spread", "side", "turn", "whose", "lost")
STATES = (
    ("", "All"),
    ("differs", "Differ"),
    ("as_said", "As was said"),
    ("open", "Have it"),
    ("back", "Well again"),
    ("left", "Without it"),
)
form_methods = require_http_methods(["GET", "HEAD", "POST"])
TURNS = {
    "under_way": "It is under way.",
    "done": "It is done.",
    "stopped": "It is marked as stopped. A hold keeps hosts from taking it.",
    "taken_back": "It is taken back.",
}


def teller(person: Person) -> proposing.Teller:
    """Return a person as the one who tells of a change."""
    return proposing.Teller(person.name, person, person)


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Changes: under way, waiting, and lately."""
    since = timeline.newest_id()
    going, waiting = under_way(OPEN_SHOWN), list(queries.in_state(Change.State.PROPOSED)[:OPEN_SHOWN])
    lost_pins, more_lost = pins.lost()
    lately = Paginator(queries.lately(), PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "under_way": going,
        "waiting": waiting,
        "more": queries.in_state(*OPEN).count() - len(going) - len(waiting),
        "page": lately,
        "lost_pins": lost_pins,
        "more_lost": more_lost,
        "may": reader(request).may_respond,
        "live_topics": "changes",
        "live_since": since,
    }
    part = "console/changes/part_open.html" if request.GET.get("part") else "console/changes/index.html"
    return render(request, part, context)


@form_methods
@needs(Scope.RESPOND)
def new(request: HttpRequest) -> HttpResponse:
    """Say what is about to change and what to expect, look how far it goes, then propose it."""
    form = ChangeForm(request.POST or None, initial={"title": clean_text(request.GET.get("title", "")[:300])})
    ahead = None
    if request.method == "POST" and form.is_valid():
        if request.POST.get("do") == "save":
            made = form.attempt(lambda: proposing.propose(form.proposal(), by=teller(reader(request))))
            if made:
                messages.success(request, "It waits. The first host that takes it is compared with what you said.")
                return redirect("console:change", made.pk)
        else:
            ahead = form.attempt(lambda: _ahead(form.proposal()))
    context = {"form": form, "ahead": ahead}
    return render(request, "console/changes/form.html", context, status=422 if form.errors else 200)


def _ahead(proposal: proposing.Proposal) -> Ahead:
    proposing.check(proposal)
    return Ahead(reach.said_in(proposal), title=proposal.title)


@require_GET
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """One change: what, who to talk to, what is expected, and how it stands on its hosts."""
    since = timeline.newest_id()
    board = ChangeBoard(queries.change(pk))
    context = {
        "change": board.change,
        "board": board,
        "may": reader(request).may_respond,
        "live_topics": f"change:{pk} holds now",
        "live_since": since,
        **lost_views.context(request, board.change),
    }
    return render(request, "console/changes/show.html", context)


@require_GET
def part(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Show one region of a change, for a screen that heard that something changed."""
    if name not in PARTS:
        raise NotFound("There is no such part of this screen.")
    board = ChangeBoard(queries.change(pk))
    context = {"change": board.change, "board": board, "may": reader(request).may_respond, "lost": lost_views.lost()}
    return render(request, f"console/changes/part_{name}.html", context)


@require_GET
def next_form(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Lead on to the form of a heads-up, a hold or a room, filled in with what is known now: a message has no room."""
    board = ChangeBoard(queries.change(pk))
    links = {"heads-up": board.heads_up_link, "hold": board.hold_link, "room": board.room_link}
    if what not in links:
        raise NotFound("There is no such form.")
    return redirect(links[what])


@require_GET
def hosts(request: HttpRequest, pk: int) -> HttpResponse:
    """The hosts of a change by name, all or those of one state or cluster."""
    change = queries.change(pk)
    state, cluster = request.GET.get("state", ""), request.GET.get("cluster")
    found = progress.hosts_of(progress.Progress(change), state=_state(state), cluster=cluster)
    page = Paginator(found, HOSTS_PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "change": change,
        "page": page,
        "shown": progress.standing(change, list(page.object_list)),
        "state": state,
        "cluster": cluster,
        "states": STATES,
    }
    return render(request, "console/changes/hosts.html", context)


@require_GET
def marks_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The marks of a change page by page, in one cluster or in all: each leads to its host."""
    board = ChangeBoard(queries.change(pk))
    cluster = request.GET.get("cluster")
    found = progress.hosts_of(board.progress, cluster=cluster).only("pk", "name", "silent_since")
    page = Paginator(found, MARKS_PER_PAGE).get_page(request.GET.get("page"))
    height, drawn = marks.page([(host.pk, host.name, kind) for host, kind in board.progress.marks_of(list(page))])
    context = {
        "change": board.change,
        "board": board,
        "page": page,
        "cluster": cluster,
        "height": height,
        "marks": drawn,
    }
    return render(request, "console/changes/marks.html", context)


def _state(word: str) -> str:
    return word if word in dict(STATES) else ""


@require_POST
@needs(Scope.RESPOND)
def turn(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a change began, is done, is stopped or is taken back."""
    to, words = request.POST.get("state", ""), clean_text(request.POST.get("words", ""))
    proposing.turn(queries.change(pk), to, actor=reader(request), words=words)
    messages.success(request, TURNS[to])
    return redirect("console:change", pk)


@require_POST
@needs(Scope.RESPOND)
def take_on(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a change which nobody announced is one's own."""
    proposing.take_on(queries.change(pk), by=reader(request))
    messages.success(request, "It is yours. Say in the room, or here, what you meant it to do.")
    return redirect("console:change", pk)


@form_methods
def psa_notes(request: HttpRequest) -> HttpResponse:
    """What people ran into, newest first, and a form for one more."""
    person = reader(request)
    if request.method == "POST":
        require(person, Scope.RESPOND)
    number = request.GET.get("change", "")
    change = queries.change(int(number)) if number.isdecimal() and len(number) < 18 else None
    form = PsaForm(request.POST or None, initial=_about(change))
    if form.is_valid() and _kept(form, change, person):
        messages.success(request, "Thank you. Whoever plans something alike will see it.")
        return redirect("console:psa_notes")
    context = {
        "form": form,
        "change": change,
        "page": Paginator(queries.notes(), PER_PAGE).get_page(request.GET.get("page")),
        "may": person.may_respond,
    }
    return render(request, "console/changes/notes.html", context, status=422 if form.errors else 200)


def _kept(form: PsaForm, change: Change | None, person: Person) -> PsaNote | None:
    return form.attempt(lambda: proposing.write_psa(form.trap(change), by=teller(person)))


def _about(change: Change | None) -> dict[str, object]:
    if change is None:
        return {}
    return {"did": change.title, "packages": " ".join(package.name for package in change.packages.all())}
