"""Screens of mirrors: is there a way back, which pins are lost, and where that is known from."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.core.decode import clean_text
from raglan.fleet import mirrors, pins
from raglan.fleet.mirror_forms import MirrorForm, PinsForm
from raglan.fleet.mirror_models import Mirror, MirrorPackage
from raglan.fleet.way_back import WayBack, way_back
from raglan.people.access import Scope, needs, reader
from raglan.people.models import Person

SHOWN = 30
PER_PAGE = 100
form_methods = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The drift radar, a look-up, and all mirrors."""
    package, version = (clean_text(request.GET.get(name, "")).strip()[:255] for name in ("package", "version"))
    held = pins.held()
    person = reader(request)
    context = {
        "mirrors": list(mirrors.mirrors()),
        "lost": [one for one in held if one.is_lost],
        "unknown": [one for one in held if not one.way.places],
        "roles": _roles(held),
        "package": package,
        "version": version,
        "way": _looked_up(package, version),
        "may": person.may_respond,
        "may_configure": person.may_configure,
    }
    return render(request, "fleet/mirrors.html", context)


def _looked_up(package: str, version: str) -> WayBack | None:
    return way_back(package, version) if package and version else None


def _roles(held: list[pins.Held]) -> list[tuple[str, int, int]]:
    """Return each role with how many pins it has, and how many of them are lost."""
    roles = sorted({one.pin.role for one in held})
    return [
        (role, sum(one.pin.role == role for one in held), sum(one.is_lost for one in held if one.pin.role == role))
        for role in roles
    ]


@require_GET
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """One mirror: how reading it goes, what came and what went lately."""
    mirror = mirrors.mirror(slug)
    gone = MirrorPackage.objects.filter(mirror=mirror, last_seen_at__isnull=False)
    went, came = gone.order_by("-last_seen_at", "name", "pk"), _came(mirror)
    only = request.GET.get("show", "")
    shown = [
        (title, word, Paginator(rows, PER_PAGE if word == only else SHOWN).get_page(_page(request, only)))
        for title, word, rows in (("What went", "went", went), ("What came", "came", came))
        if only not in ("went", "came") or word == only
    ]
    context = {
        "mirror": mirror,
        "lists": shown,
        "only": len(shown) == 1,
        "may": reader(request).may_configure,
    }
    return render(request, "fleet/mirror.html", context)


def _page(request: HttpRequest, only: str) -> str | None:
    return request.GET.get("page") if only else None


def _came(mirror: Mirror) -> QuerySet[MirrorPackage]:
    """Return what came after the first look, the newest first."""
    rows = MirrorPackage.objects.filter(mirror=mirror, last_seen_at__isnull=True)
    first = rows.order_by("first_seen_at").values_list("first_seen_at", flat=True).first()
    return rows.filter(first_seen_at__gt=first).order_by("-first_seen_at", "name", "pk") if first else rows.none()


@form_methods
@needs(Scope.CONFIGURE)
def new(request: HttpRequest) -> HttpResponse:
    """Name one more mirror."""
    person, form = reader(request), MirrorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = form.attempt(lambda: mirrors.add(form.draft(), actor=person))
        if made:
            messages.success(request, "It is being read now. Load this page again in a moment.")
            return redirect("mirrors:show", made.slug)
    return render(request, "fleet/mirror_form.html", {"form": form}, status=422 if form.errors else 200)


@form_methods
@needs(Scope.CONFIGURE)
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Read a mirror elsewhere, or under another name."""
    person, found = reader(request), mirrors.mirror(slug)
    now_ = {name: getattr(found, name) for name in ("name", "kind", "address", "scheme", "every_min")}
    form = MirrorForm({**request.POST.dict(), "kind": found.kind} if request.method == "POST" else None, initial=now_)
    if request.method == "POST" and form.is_valid() and form.attempt(lambda: _change(found, form, person)):
        messages.success(request, "It is read so from now on. What it had stays known.")
        return redirect("mirrors:show", slug)
    context = {"form": form, "mirror": found}
    return render(request, "fleet/mirror_form.html", context, status=422 if form.errors else 200)


def _change(found: Mirror, form: MirrorForm, person: Person) -> bool:
    mirrors.change(found, form.draft(), actor=person)
    return True


@require_POST
@needs(Scope.CONFIGURE)
def act(request: HttpRequest, slug: str) -> HttpResponse:
    """Read a mirror now, or no more."""
    mirror = mirrors.mirror(slug)
    if request.POST.get("do") == "end":
        mirrors.end(mirror, actor=reader(request))
        messages.success(request, "It is read no more, and what it had is forgotten.")
        return redirect("mirrors:index")
    mirrors.read_soon(mirror)
    messages.success(request, "It is being read. Load this page again in a moment.")
    return redirect("mirrors:show", slug)


@form_methods
@needs(Scope.RESPOND)
def edit_pins(request: HttpRequest) -> HttpResponse:
    """Paste the pins of a role."""
    role = clean_text(request.GET.get("role", ""))[:120]
    written = "\n".join(_lines(role))
    form = PinsForm(request.POST or None, initial={"role": role, "pins": written})
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data["role"]
        if said != role and form.attempt(lambda: pins.parse(form.cleaned_data["pins"]) is not None):
            form, role = _with_unseen(form), said
        if not form.errors and form.attempt(lambda: _set_pins(request, form)):
            messages.success(request, "These are the pins of this role now.")
            return redirect(reverse("mirrors:index"))
    return render(request, "fleet/pins_form.html", {"form": form, "role": role}, status=422 if form.errors else 200)


def _lines(role: str) -> list[str]:
    return [f"{one.name} {one.version}" for one in pins.pins().filter(role=role)]


def _with_unseen(form: PinsForm) -> PinsForm:
    """Show the pins that the role of a form has and that nobody who wrote there saw: they would be gone unseen."""
    role, text = form.cleaned_data["role"], form.cleaned_data["pins"]
    wanted = pins.parse(text)
    unseen = [line for line in _lines(role) if line.partition(" ")[0] not in wanted]
    if not unseen:
        return form
    shown = PinsForm({"role": role, "pins": "\n".join([text.rstrip(), *unseen]).lstrip()})
    shown.is_valid()
    shown.add_error("pins", f"{role or 'This'} has pins already. They stand at the end now: take out what should go.")
    return shown


def _set_pins(request: HttpRequest, form: PinsForm) -> bool:
    data = form.cleaned_data
    pins.set_pins(data["role"], pins.parse(data["pins"]), actor=reader(request))
    return True
