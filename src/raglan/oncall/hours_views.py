"""Screens of hours: who had nights, weekends and holidays, and what counts as a holiday."""

from datetime import date, datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from raglan.oncall import fairness, queries
from raglan.oncall.ledger import Band
from raglan.oncall.wall import start_of_day
from raglan.people.access import Scope, needs, reader
from raglan.people.middleware import zone_of


@require_safe
def hours(request: HttpRequest, slug: str) -> HttpResponse:
    """The hours of a month by band, by name; `?format=csv` is for a spreadsheet."""
    schedule, person = queries.schedule(slug), reader(request)
    first = fairness.month_of(request.GET.get("month", ""))
    last = _month_after(first)
    zone = zone_of(person)
    start, end = start_of_day(first, zone), start_of_day(last, zone)
    lines = fairness.lines(schedule, start, end, reader=person)
    if request.GET.get("format") == "csv":
        return _csv(f"hours-{schedule.slug}-{first:%Y-%m}.csv", fairness.as_csv(lines))
    context = {
        "schedule": schedule,
        "lines": lines,
        "bands": list(Band),
        "first": first,
        "earlier": (first - timedelta(days=1)).replace(day=1),
        "later": last,
        "holidays": fairness.holidays_of(schedule),
    }
    return render(request, "oncall/hours.html", context)


def _csv(name: str, text: str) -> HttpResponse:
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _month_after(first: date) -> date:
    return (datetime(first.year, first.month, 1) + timedelta(days=32)).date().replace(day=1)  # noqa: DTZ001  # a date


@require_POST
@needs(Scope.CONFIGURE)
def holidays(request: HttpRequest, slug: str) -> HttpResponse:
    """Say which days are public holidays."""
    days = fairness.read_holidays(request.POST.get("holidays", "")[:40_000])
    fairness.set_holidays(queries.schedule(slug), days, actor=reader(request))
    messages.success(request, f"{len(days)} public holidays are known here.")
    return redirect("oncall:hours", slug)
