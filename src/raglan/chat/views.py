"""Screens of chat: what is connected and how it does, and who is who there."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from raglan.chat import actions, ports, queries
from raglan.chat.forms import HandleForm, WorkspaceForm
from raglan.chat.models import Handle, Workspace
from raglan.core.errors import NotAllowed, NotFound
from raglan.incidents.queries import incident as incident_of
from raglan.paging import chats
from raglan.people.access import Scope, allows, needs, reader
from raglan.people.views.asked import asked_again


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Show what is connected, how it does, and who is who."""
    person = reader(request)
    return render(request, "chat/index.html", _context(person.may_configure, HandleForm()))


def _context(may: bool, form: HandleForm) -> dict[str, object]:
    return {
        "workspaces": [
            (one, ports.platform(one.platform), queries.door_of(one), sorted(chats.rooms_of(one.pk)))
            for one in queries.workspaces_with_counts()
        ],
        "platforms": ports.platforms(),
        "handles": list(queries.handles()),
        "form": form,
        "may": may,
    }


@needs(Scope.CONFIGURE)
def connect(request: HttpRequest, slug: str) -> HttpResponse:
    """Connect a platform."""
    platform = ports.platform(slug)
    if platform is None:
        raise NotFound("No integration offers this chat.")
    form = WorkspaceForm(platform, None, request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = form.attempt(lambda: actions.connect(platform, form.draft(), actor=reader(request)))
        if made is not None:
            messages.success(request, f"{made.name} is connected. {_how_it_went(made)}")
            return redirect("chat:index")
    context = {"form": form, "platform": platform, "workspace": None}
    return render(request, "chat/form.html", context, status=422 if form.errors else 200)


@needs(Scope.CONFIGURE)
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a connection."""
    workspace = queries.workspace(pk)
    form = WorkspaceForm(actions.platform_of(workspace), workspace, request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = form.attempt(lambda: actions.change(workspace, form.draft(), actor=reader(request)))
        if made is not None:
            messages.success(request, f"Saved. {_how_it_went(made)}")
            return redirect("chat:index")
    context = {"form": form, "platform": actions.platform_of(workspace), "workspace": workspace}
    return render(request, "chat/form.html", context, status=422 if form.errors else 200)


def _how_it_went(workspace: Workspace) -> str:
    checked = actions.check(workspace)
    if checked.ok:
        return f"It knows us as {checked.words}."
    return f"But it does not answer as it should: {checked.words.rstrip('.')}."


@require_POST
@needs(Scope.CONFIGURE)
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask a platform who we are there."""
    workspace = queries.workspace(pk)
    checked = actions.check(workspace)
    if checked.ok:
        messages.success(request, f"{workspace.name} answers, and knows us as {checked.words}.")
    else:
        messages.error(request, f"{workspace.name}: {checked.words.rstrip('.')}.")
    return redirect("chat:index")


@require_POST
@needs(Scope.CONFIGURE)
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Connect it no more."""
    workspace = queries.workspace(pk)
    actions.end(workspace, actor=reader(request))
    messages.success(request, f"{workspace.name} is connected no more. Its rooms stay there as they are.")
    return redirect("chat:index")


@require_POST
@needs(Scope.CONFIGURE)
def know(request: HttpRequest) -> HttpResponse:
    """Say who somebody there is here."""
    form, person = HandleForm(request.POST), reader(request)
    if form.is_valid():
        data = form.cleaned_data
        if form.attempt(lambda: actions.know_as(data["workspace"], data["address"], data["person"], actor=person)):
            return redirect("chat:index")
    return render(request, "chat/index.html", _context(person.may_configure, form), status=422)


@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Know nobody by a name any more: one's own, or anybody's for who may configure."""
    person = reader(request)
    handle = Handle.objects.filter(pk=pk).first()
    if handle is None:
        raise NotFound("There is no such name.")
    if handle.person_id != person.pk and not allows(person, Scope.CONFIGURE):
        raise NotAllowed("This is somebody else’s name.")
    actions.forget(handle, actor=person)
    return redirect("/you/#h-chat" if handle.person_id == person.pk else "chat:index")


@require_POST
@asked_again
def code(request: HttpRequest) -> HttpResponse:
    """Make a code with which the reader says in chat who they are."""
    words = actions.make_code(reader(request))
    messages.success(request, f"Write this in chat within ten minutes, where raglan reads along: !link {words}")
    return redirect("/you/#h-chat")


@require_POST
@needs(Scope.RESPOND)
def open_room(request: HttpRequest, pk: int) -> HttpResponse:
    """Let an incident have a room in chat."""
    number = request.POST.get("workspace", "")
    workspace = queries.workspace(int(number) if number.isdecimal() and len(number) < 19 else 0)
    actions.open_room(incident_of(pk), workspace)
    return redirect("incidents:room", pk)
