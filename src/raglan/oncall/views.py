"""Screens of on call: thin doors that parse, authorize, call an action or a query, and render."""

from collections.abc import Mapping
from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.oncall import actions, board, covers, moves, queries
from raglan.oncall.drafts import check_override, check_rotation
from raglan.oncall.forms import AskForm, CoverForm, GiveBackForm, PreviewedForm, RotationForm, ScheduleForm
from raglan.people.access import Scope, needs, reader

LIVE = "oncall"
form_methods = require_http_methods(["GET", "HEAD", "POST"])


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All rotas now and next, and two weeks."""
    context = {"board": board.index(reader(request), request.GET.get("from", "")), "live_topics": LIVE}
    return render(request, "oncall/index.html", context)


@require_GET
def part(request: HttpRequest) -> HttpResponse:
    """The rotas and the calendar alone, for a page that heard that something changed."""
    context = {"board": board.index(reader(request), request.GET.get("from", ""))}
    return render(request, "oncall/part_board.html", context)


@require_GET
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """One rota: who, the turn orders, and the times that somebody took."""
    rota = board.rota(slug, reader(request), request.GET.get("from", ""))
    form = CoverForm(initial=board.cover_initial(rota.schedule, reader(request), {}))
    return render(request, "oncall/schedule.html", {"rota": rota, "form": form})


@form_methods
@needs(Scope.CONFIGURE)
def new(request: HttpRequest) -> HttpResponse:
    """A new rota from a list of names."""
    person, at = reader(request), now()
    monday = at.date() - timedelta(days=at.weekday())
    initial = {"time_zone": person.time_zone, "starts_on": monday}
    form = ScheduleForm(request.POST or None, initial=initial)
    look = _look_at_rotation(request, form, None)
    if look and _is_as_seen(request, form, look):
        data = form.cleaned_data
        schedule = form.save(
            lambda overrule: actions.create_schedule(
                name=data["name"],
                slug=data["slug"] or queries.free_slug(data["name"]),
                team=data["team"],
                time_zone=data["time_zone"],
                rotation=form.draft(),
                actor=person,
                overrule=overrule,
            )
        )
        if schedule:
            messages.success(request, f"{schedule.name} has its rota.")
            return redirect("oncall:schedule", schedule.slug)
    return _render_form(request, "oncall/rotation.html", form, {"look": look, "schedule": None})


@form_methods
@needs(Scope.CONFIGURE)
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Another turn order for a rota."""
    schedule = queries.schedule(slug, since=now())
    layer = None if request.GET.get("layer") == "+" else request.GET.get("layer", "")
    form = RotationForm(request.POST or None, initial=board.edit_initial(schedule, layer))
    look = _look_at_rotation(request, form, slug)
    if (
        look
        and _is_as_seen(request, form, look)
        and form.save(
            lambda overrule: actions.set_rotation(schedule, form.draft(), actor=reader(request), overrule=overrule)
        )
    ):
        messages.success(request, "The turn order is changed. What was before stays as it was.")
        return redirect("oncall:schedule", slug)
    context = {"look": look, "schedule": schedule, "turns": board.turns_of(schedule, now())}
    return _render_form(request, "oncall/rotation.html", form, context)


@require_POST
@needs(Scope.CONFIGURE)
def end(request: HttpRequest, slug: str) -> HttpResponse:
    """Let a layer end now."""
    schedule = queries.schedule(slug)
    actions.end_layer(schedule, queries.layer(schedule, request.POST.get("layer", "")), actor=reader(request))
    messages.success(request, "The layer ends now. What was before stays as it was.")
    return redirect("oncall:schedule", slug)


@require_POST
@needs(Scope.CONFIGURE)
def withdraw(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take back a turn order that is planned."""
    rotation, begins_at = queries.rotation(slug, pk)
    actions.withdraw_rotation(rotation, begins_at=begins_at, actor=reader(request))
    messages.success(request, "The planned turn order will not come.")
    return redirect("oncall:schedule", slug)


@require_GET
@needs(Scope.RESPOND)
def choose_rota(request: HttpRequest) -> HttpResponse:
    """Cover a shift: of which rota."""
    duties = queries.current()
    if len(duties) == 1:
        return redirect("oncall:cover", duties[0].schedule.slug)
    return render(request, "oncall/choose_rota.html", {"duties": duties})


@form_methods
@needs(Scope.RESPOND)
def cover(request: HttpRequest, slug: str) -> HttpResponse:
    """Cover a shift."""
    person = reader(request)
    schedule = queries.schedule(slug, since=now())
    form = CoverForm(request.POST or None, initial=board.cover_initial(schedule, person, request.GET.dict()))
    look = None
    if request.method == "POST" and form.is_valid():
        try:
            check_override(form.draft())
            moves.check_acting(form.draft(), person)
            look = board.look_at_override(schedule, form.draft(), person)
        except BadInput as error:
            form.place_error(error.field, error.reason)
    if look and _is_as_seen(request, form, look):
        override = actions.add_override(schedule, form.draft(), by=person)
        messages.success(request, f"{override.person.name} has this time.")
        return redirect("oncall:schedule", slug)
    return _render_form(request, "oncall/cover.html", form, {"look": look, "schedule": schedule})


@form_methods
@needs(Scope.RESPOND)
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask somebody to take a shift."""
    person, schedule = reader(request), queries.schedule(slug, since=now())
    form = AskForm(request.POST or None, initial=board.ask_initial(schedule, person, request.GET.dict()))
    if request.method == "POST" and form.is_valid():
        try:
            covers.ask(schedule, form.draft(), by=person)
        except BadInput as error:
            form.place_error(error.field, error.reason)
        else:
            messages.success(request, "Asked. Your shift stays yours until somebody takes it.")
            return redirect("oncall:schedule", slug)
    return _render_form(request, "oncall/ask.html", form, {"schedule": schedule})


@require_POST
@needs(Scope.RESPOND)
def take(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take a shift that somebody asked for."""
    row = covers.find(slug, pk)
    covers.take(row, by=reader(request))
    messages.success(request, f"You have this time in place of {row.asker.name}.")
    return redirect("oncall:schedule", slug)


@require_POST
@needs(Scope.RESPOND)
def decline(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Say no to a request."""
    row = covers.find(slug, pk)
    covers.decline(row, by=reader(request))
    messages.success(request, f"{row.asker.name} is told that you can not.")
    return redirect("oncall:schedule", slug)


@require_POST
@needs(Scope.RESPOND)
def withdraw_request(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take a request back."""
    covers.withdraw(covers.find(slug, pk), by=reader(request))
    messages.success(request, "The request is taken back.")
    return redirect("oncall:schedule", slug)


@require_POST
@needs(Scope.RESPOND)
def cancel(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Give a time back to the rotation; when it moves the time of others, ask why first."""
    override, person = queries.override(slug, pk), reader(request)
    form = GiveBackForm(request.POST if "reason" in request.POST else None)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    try:
        moves.check_cancelling(override, person, reason)
    except BadInput as error:
        if form.is_bound and not form.errors:
            form.place_error(error.field, error.reason)
    else:
        if not form.errors:
            actions.cancel_override(override, actor=person, by=person, reason=reason)
            messages.success(request, f"The time of {override.person.name} went back to the turn order.")
            return redirect("oncall:schedule", slug)
    context = {"schedule": override.schedule, "override": override}
    return _render_form(request, "oncall/give_back.html", form, context)


def _look_at_rotation(request: HttpRequest, form: RotationForm, slug: str | None) -> board.Look | None:
    """Return what a written turn order would do, or None with the reasons at their fields."""
    if request.method != "POST" or not form.is_valid():
        return None
    try:
        check_rotation(form.draft())
    except BadInput as error:
        form.place_error(error.field, error.reason)
        return None
    schedule = queries.schedule(slug, since=now()) if slug else None
    effective = actions.effective_from() if schedule else None
    return board.look_at_rotation(schedule, form.draft(), reader(request), effective)


def _is_as_seen(request: HttpRequest, form: PreviewedForm, look: board.Look) -> bool:
    """Say whether this is to be saved and does what its preview showed; if not, it is shown again."""
    mark = form.mark(look.outcome)
    wanted, seen = request.POST.get("do") == "save", form.cleaned_data.get("seen")
    if wanted and seen == mark:
        return True
    form.data = {**{name: form.data.get(name, "") for name in form.fields}, "seen": mark}
    if wanted:
        messages.warning(request, "Something changed since you looked. This is what it would do now.")
    return False


def _render_form(
    request: HttpRequest, template: str, form: PreviewedForm, context: Mapping[str, object]
) -> HttpResponse:
    return render(request, template, {"form": form, **context}, status=422 if form.errors else 200)
