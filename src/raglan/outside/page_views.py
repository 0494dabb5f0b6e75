"""Screens of the status page: what it shows, where it is brought, how that goes, and what it looks like now."""

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.alerts import noise_queries
from raglan.core import timeline
from raglan.core.signing import STATUS, signing_key
from raglan.outside import components, publishing, queries, snapshot, subscribing
from raglan.outside import render as page_files
from raglan.outside import wordings as words
from raglan.outside.forms import (
    ComponentForm,
    PageForm,
    TargetForm,
    WebhookForm,
    WindowForm,
    WordingForm,
    component_initial,
    page_initial,
    wording_initial,
)
from raglan.outside.models import StatusPage, Target
from raglan.outside.ways.way import type_of
from raglan.people.access import Scope, needs, reader
from raglan.people.forms import Form

form_methods = require_http_methods(["GET", "HEAD", "POST"])


def _done(
    request: HttpRequest, form: Form, action: Callable[[], object], said: str, *, to: str = "outside:overview"
) -> HttpResponse | None:
    """Do what was posted, where it is understood; say so and lead on. None when the form is to be shown."""
    if request.method != "POST" or not form.is_valid() or not form.attempt(action):
        return None
    return _over(request, said, to=to)


def _over(request: HttpRequest, said: str, *, to: str = "outside:overview") -> HttpResponse:
    messages.success(request, said)
    return redirect(to)


def _removes(request: HttpRequest, word: str = "remove") -> bool:
    """Tell whether the button was pressed that takes the thing away."""
    return request.method == "POST" and request.POST.get("do") == word


def _form(request: HttpRequest, template: str, form: Form, **context: object) -> HttpResponse:
    return render(request, f"outside/{template}.html", {"form": form, **context}, status=422 if form.errors else 200)


def _targets() -> dict[str, object]:
    targets = list(queries.targets())
    standing = [one.name for one in targets if one.published_at]
    return {"targets": targets, "standing": standing, "kinds": Target.Kind.choices}


PARTS: dict[str, Callable[[StatusPage], dict[str, object]]] = {
    "components": lambda page: {"groups": snapshot.groups_now(page)},
    "targets": lambda _: _targets(),
    "told": lambda _: {"told": queries.told()},
}


def _parts(request: HttpRequest, *names: str) -> dict[str, object]:
    """Return what these parts of the overview show, and who reads."""
    page, person = queries.page(), reader(request)
    context = {"page": page, "may": person.may_configure, "may_say": person.may_respond}
    for name in names:
        context |= PARTS[name](page)
    return context


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Show how the page is set up, what it shows, and how bringing it to its places goes."""
    shown = {one.pk: one for one in queries.windows()}
    windows = [(window, shown.get(window.pk)) for window in noise_queries.maintenances()[:50]]
    context = {
        "windows": windows,
        "topic": queries.PAGE,
        "live_topics": queries.PAGE,
        "live_since": timeline.newest_id(),
    }
    return render(request, "outside/overview.html", {**context, **_parts(request, *PARTS)})


@require_GET
def part(request: HttpRequest, name: str) -> HttpResponse:
    """One part of the overview, for a page that heard that something changed."""
    if name not in PARTS:
        raise Http404
    return render(request, f"outside/part_{name}.html", _parts(request, name))


@form_methods
@needs(Scope.CONFIGURE)
def page(request: HttpRequest) -> HttpResponse:
    """Set the page up, on or off."""
    form = PageForm(request.POST or None, initial=page_initial(queries.page()))

    def save() -> object:
        return components.set_page(form.draft(), seen_version=form.cleaned_data["version"], actor=reader(request))

    return _done(request, form, save, "Saved.") or _form(request, "page_form", form)


@form_methods
@needs(Scope.CONFIGURE)
def new_component(request: HttpRequest) -> HttpResponse:
    """Put a component on the page."""
    form = ComponentForm(request.POST or None)
    said = "It is on the page. Until somebody says how it is, it is not known."
    done = _done(request, form, lambda: components.add_component(form.draft(), actor=reader(request)), said)
    return done or _form(request, "component", form)


@form_methods
@needs(Scope.CONFIGURE)
def component(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a component, or take it off the page."""
    found = queries.component(pk)
    if _removes(request):
        components.remove_component(found, actor=reader(request))
        return _over(request, f"“{found.name}” is not on the page any more.")
    form = ComponentForm(request.POST or None, initial=component_initial(found))
    done = _done(
        request, form, lambda: components.change_component(found, form.draft(), actor=reader(request)), "Saved."
    )
    return done or _form(request, "component", form, component=found)


@require_POST
@needs(Scope.RESPOND)
def say_state(request: HttpRequest, pk: int) -> HttpResponse:
    """Say how a component is, apart from any incident."""
    person = reader(request)
    components.say_state(queries.component(pk), request.POST.get("state", ""), by=person, actor=person)
    return redirect("outside:overview")


@form_methods
@needs(Scope.CONFIGURE)
def window(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a maintenance window on the page in public words, or show it no more."""
    maintenance = noise_queries.maintenance(pk)
    if _removes(request, "hide"):
        components.hide_window(maintenance, actor=reader(request))
        return _over(request, "It is shown no more.")
    shown = queries.window(pk)
    form = WindowForm(request.POST or None, shown=shown, name=maintenance.name)
    said = "It is shown ahead, up to two weeks before."
    done = _done(request, form, lambda: components.show_window(maintenance, form.draft(), actor=reader(request)), said)
    return done or _form(request, "window", form, maintenance=maintenance, shown=shown)


@form_methods
@needs(Scope.CONFIGURE)
def new_target(request: HttpRequest, kind: str) -> HttpResponse:
    """Name a place that the page is brought to."""
    if kind not in publishing.WAYS:
        raise Http404
    form = TargetForm(request.POST or None, kind=kind)
    said = "The page is brought there from now on, while it is on."
    done = _done(request, form, lambda: publishing.add(form.draft(), actor=reader(request)), said)
    return done or _form(request, "target", form, kind=Target.Kind(kind).label)


@require_POST
@needs(Scope.CONFIGURE)
def end_target(request: HttpRequest, pk: int) -> HttpResponse:
    """Bring the page to a place no more."""
    publishing.end(queries.target(pk), actor=reader(request))
    return _over(request, "It is brought there no more. What stands there grows old, and says so.")


@require_POST
@needs(Scope.RESPOND)
def publish(request: HttpRequest) -> HttpResponse:
    """Bring the page to all its places now."""
    if publishing.publish_soon():
        messages.success(request, "It is on its way.")
    else:
        messages.error(request, "The page is off, or has no place to go to.")
    return redirect("outside:overview")


@require_GET
def preview(request: HttpRequest, name: str = "index.html") -> HttpResponse:
    """Show the page as it would be made now."""
    content = page_files.files(snapshot.take(every_min=10)).get(name)
    if content is None:
        raise Http404
    return HttpResponse(content, content_type=type_of(name))


@form_methods
@needs(Scope.CONFIGURE)
def webhooks(request: HttpRequest) -> HttpResponse:
    """Show the programs that are told of public updates, with the keys that sign; a POST names one more."""
    form, here = WebhookForm(request.POST or None), "outside:webhooks"
    said = "It is told of public updates from now on."

    def add() -> object:
        return subscribing.add_webhook(form.cleaned_data["url"], actor=reader(request))

    if done := _done(request, form, add, said, to=here):
        return done
    found = [(one, signing_key(one.address, STATUS).decode()) for one in queries.webhooks()]
    return _form(request, "webhooks", form, webhooks=found, page=queries.page())


@require_POST
@needs(Scope.CONFIGURE)
def end_webhook(request: HttpRequest, pk: int) -> HttpResponse:
    """Tell a program no more."""
    subscribing.forget(queries.webhook(pk), why="ended here", actor=reader(request))
    return _over(request, "It is told no more.", to="outside:webhooks")


@form_methods
@needs(Scope.CONFIGURE)
def wordings(request: HttpRequest) -> HttpResponse:
    """Show the words that updates can begin with; a POST adds some."""
    form, here = WordingForm(request.POST or None), "outside:wordings"
    said = "They are offered from now on to whoever writes an update."
    done = _done(request, form, lambda: words.add(form.draft(), actor=reader(request)), said, to=here)
    return done or _form(request, "wordings", form, wordings=list(queries.wordings()))


@form_methods
@needs(Scope.CONFIGURE)
def wording(request: HttpRequest, pk: int) -> HttpResponse:
    """Change words, or offer them no more."""
    found, there = queries.wording(pk), "outside:wordings"
    if _removes(request):
        words.remove(found, actor=reader(request))
        return _over(request, f"“{found.name}” is offered no more.", to=there)
    form = WordingForm(request.POST or None, initial=wording_initial(found))
    done = _done(request, form, lambda: words.change(found, form.draft(), actor=reader(request)), "Saved.", to=there)
    return done or _form(request, "wordings", form, wording=found)
