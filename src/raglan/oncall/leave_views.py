"""Screens of leave: a person's own times away, and the calendar that says them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from raglan.core.errors import BadInput
from raglan.oncall import leaves
from raglan.oncall.forms import LeaveCalendarForm, LeaveForm
from raglan.people.access import reader


@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """The reader's own times away; a POST names one more."""
    form = LeaveForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        person, data = reader(request), form.cleaned_data
        try:
            leaves.name_leave(person, data["starts_at"], data["ends_at"], actor=person)
        except BadInput as error:
            form.place_error(error.field, error.reason)
        else:
            messages.success(request, "Kept. Your shifts stay yours until somebody takes them.")
            return redirect("oncall:leave")
    return _show(request, form, LeaveCalendarForm())


@require_POST
def end_leave(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a time away back."""
    leaves.take_back(leaves.own(reader(request), pk), actor=reader(request))
    messages.success(request, "You are not away then.")
    return redirect("oncall:leave")


@require_POST
def leave_calendar(request: HttpRequest) -> HttpResponse:
    """Let a calendar say when the reader is away."""
    form, person = LeaveCalendarForm(request.POST), reader(request)
    if form.is_valid():
        url = form.cleaned_data["url"].strip()
        made = form.attempt(lambda: leaves.set_calendar(person, url=url, actor=person))
        if made:
            messages.success(request, "The calendar is read now, and every hour from here on.")
            return redirect("oncall:leave")
    return _show(request, LeaveForm(), form)


@require_POST
def end_leave_calendar(request: HttpRequest) -> HttpResponse:
    """Read the reader's leave calendar no more."""
    leaves.end_calendar(reader(request), actor=reader(request))
    messages.success(request, "The calendar is read no more.")
    return redirect("oncall:leave")


def _show(request: HttpRequest, form: LeaveForm, calendar_form: LeaveCalendarForm) -> HttpResponse:
    person = reader(request)
    context = {
        "form": form,
        "calendar_form": calendar_form,
        "leaves": leaves.coming(person),
        "calendar": leaves.calendar_of(person),
    }
    return render(request, "oncall/leave.html", context, status=422 if form.errors or calendar_form.errors else 200)
