"""Screens of the library: find, read, write, remove and bring back runbooks."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.alerts import matchers
from raglan.core.decode import clean_text
from raglan.incidents.queries import open_incidents
from raglan.people.access import Scope, needs, reader
from raglan.runbooks import actions, document, queries
from raglan.runbooks.forms import RunbookForm, initial
from raglan.runbooks.models import Runbook
from raglan.ui import markdown

PER_PAGE = 40
form_methods = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True, slots=True)
class Shown:
    """A step as screens show it."""

    number: int
    title: str
    html: SafeString

    @property
    def heading(self) -> str:
        """Its number, and its title where the text does not begin with the same words."""
        is_said = unescape(strip_tags(self.html)).strip().startswith(self.title.removesuffix("…"))
        return f"Step {self.number}" if is_said else f"{self.number}. {self.title}"


def shown(steps: Sequence[document.Step]) -> list[Shown]:
    """Return steps with their commands ready to copy."""
    return [Shown(step.number, step.title, markdown.render_commands(step.text, f"c{step.number}")) for step in steps]


def _parts(text: str) -> dict[str, object]:
    found = document.understand(text)
    return {"intro": found.intro, "steps": shown(found.steps), "rest": found.rest}


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All runbooks, by title; found by words and by service."""
    words = clean_text(request.GET.get("q", ""))[:200]
    service, removed = clean_text(request.GET.get("service", ""))[:60], request.GET.get("show") == "removed"
    found = queries.search(words, service=service, removed=removed)
    context = {
        "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
        "q": words,
        "service": service,
        "services": list(queries.services_with_runbooks()[:200]),
        "removed": removed,
        "has_removed": removed or queries.runbooks(removed=True).exists(),
        "failing": [source for source in queries.sources() if source.failing_since],
        "may": reader(request).may_respond,
    }
    return render(request, "runbooks/index.html", context)


@require_GET
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """One runbook, as it is now or as it was."""
    runbook = queries.runbook(slug)
    wanted = request.GET.get("version", "")
    number = int(wanted) if wanted.isdecimal() and len(wanted) < 9 else runbook.version
    was = queries.version(runbook, number)
    followed = queries.last_followed(runbook)
    context = {
        "runbook": runbook,
        "was": was,
        "is_old": was.version != runbook.version,
        "home": queries.home_of(runbook),
        "conditions": matchers.read(was.alerts),
        "followed": list(followed[:5]),
        "followed_count": followed.count(),
        "rooms": list(open_incidents()[:5]),
        "may": reader(request).may_respond,
        **_parts(was.text),
    }
    return render(request, "runbooks/show.html", context)


@require_GET
def versions(request: HttpRequest, slug: str) -> HttpResponse:
    """All versions of a runbook."""
    runbook = queries.runbook(slug)
    page = Paginator(queries.versions(runbook), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "runbooks/versions.html", {"runbook": runbook, "page": page})


@form_methods
@needs(Scope.RESPOND)
def new(request: HttpRequest) -> HttpResponse:
    """Write a new runbook."""
    person, form = reader(request), RunbookForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and request.POST.get("do") == "save":
        made = form.attempt(lambda: actions.write_new(form.draft(), writer=actions.by(person)))
        if made:
            messages.success(request, "It is in the library.")
            return redirect("runbooks:show", made.slug)
    return _form(request, form)


@form_methods
@needs(Scope.RESPOND)
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a runbook; two at once are both shown."""
    person, runbook = reader(request), queries.runbook(slug)
    form = RunbookForm(request.POST or None, initial=initial(runbook))
    if request.method == "POST" and form.is_valid() and request.POST.get("do") == "save":
        seen = form.cleaned_data["seen_version"] or 0
        writer = actions.by(person)
        if form.attempt(lambda: actions.rewrite(runbook, form.draft(), seen_version=seen, writer=writer)):
            messages.success(request, "Saved. The earlier text stays under Versions.")
            return redirect("runbooks:show", slug)
    return _form(request, form, runbook)


def _form(request: HttpRequest, form: RunbookForm, runbook: Runbook | None = None) -> HttpResponse:
    """Show the form, with what it would look like once somebody asked for that."""
    text = request.POST.get("text", "").replace("\r\n", "\n")[: actions.MAX_TEXT]
    theirs = None
    if runbook is not None and request.method == "POST":
        runbook = queries.runbook(runbook.slug)
        seen = request.POST.get("seen_version", "")
        theirs = runbook if seen != str(runbook.version) else None
        if theirs:
            data = request.POST.copy()
            data["seen_version"] = str(theirs.version)
            form.data = data
    context = {
        "form": form,
        "runbook": runbook,
        "theirs": theirs,
        "home": queries.home_of(runbook) if runbook else "",
        "is_preview": bool(text.strip()),
        **_parts(text),
    }
    return render(request, "runbooks/form.html", context, status=422 if form.errors else 200)


@require_POST
@needs(Scope.RESPOND)
def remove(request: HttpRequest, slug: str) -> HttpResponse:
    """Take a runbook out of the library."""
    runbook = actions.remove(queries.runbook(slug), writer=actions.by(reader(request)))
    messages.success(request, f"“{runbook.title}” is removed. It can be brought back.")
    return redirect("runbooks:show", slug)


@require_POST
@needs(Scope.RESPOND)
def bring_back(request: HttpRequest, slug: str) -> HttpResponse:
    """Put a removed runbook into the library again."""
    runbook = actions.bring_back(queries.runbook(slug), writer=actions.by(reader(request)))
    messages.success(request, f"“{runbook.title}” is back in the library.")
    return redirect("runbooks:show", slug)
