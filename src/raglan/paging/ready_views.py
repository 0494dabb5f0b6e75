"""Screens of readiness: who may be paged and can not be reached; and a person's own test by appointment."""

from datetime import time
from typing import cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from raglan.core.errors import BadInput
from raglan.paging import appointments, chat_ready, foresight, readiness
from raglan.paging.models import Appointment
from raglan.people import ports
from raglan.people.models import Person


class AppointmentForm(forms.Form):
    """When somebody wants to be tested."""

    kind = forms.ChoiceField(choices=[("", "not at all"), *Appointment.Kind.choices], required=False)
    weekday = forms.TypedChoiceField(
        choices=list(enumerate(foresight.DAYS)), coerce=int, required=False, empty_value="1"
    )
    at = forms.TimeField(required=False)
    hours_before = forms.IntegerField(required=False, min_value=1, max_value=168)


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    """Everybody whom a policy or a rota may page, those who can not be reached first."""
    members = readiness.overview()
    tests = {item.person_id: item for item in Appointment.objects.all()}
    context = {
        "rows": [(member, tests.get(member.readiness.person.pk)) for member in members],
        "lost": chat_ready.lost(),
        "blocked": sum(member.readiness.is_blocked for member in members),
    }
    return render(request, "paging/readiness.html", context)


@require_POST
def appointment(request: HttpRequest) -> HttpResponse:
    """Set or call off one's own test by appointment."""
    person = cast("Person", request.user)
    form = AppointmentForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose a day, and a time such as 14:00; hours before a shift from 1 to 168.")
    elif not form.cleaned_data["kind"]:
        appointments.call_off(person, by=person)
        messages.success(request, "No test is planned for you.")
    else:
        _agree(request, person, form)
    return redirect("/you/#h-appointment")


def _agree(request: HttpRequest, person: Person, form: AppointmentForm) -> None:
    data = form.cleaned_data
    try:
        appointments.agree(
            person,
            kind=data["kind"],
            weekday=int(data["weekday"]),
            at=data["at"] or time(14),
            hours_before=data["hours_before"] or 24,
            by=person,
        )
    except BadInput as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, "Agreed. Each of your ways is tested then; answer on each of them.")


def panel(person: Person) -> dict[str, object]:
    """Return what the profile's panel of tests shows."""
    return {
        "appointment": Appointment.objects.filter(person=person).first(),
        "kinds": Appointment.Kind.choices,
        "days": list(enumerate(foresight.DAYS)),
    }


ports.register_panel("paging/appointment_panel.html", panel)
