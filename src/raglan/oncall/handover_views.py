"""The screen on which a shift is handed over."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from raglan.oncall import handover, queries
from raglan.oncall.forms import HandoverForm
from raglan.oncall.ports import handover_lines
from raglan.people.access import reader


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """What is open now, and the words for the next one."""
    schedule, person = queries.schedule(slug), reader(request)
    form = HandoverForm(request.POST or None, initial={"text": handover.own_note(schedule, person)})
    if request.method == "POST" and form.is_valid():
        handover.write_note(schedule, form.cleaned_data["text"], by=person)
        messages.success(request, "Kept. The next one gets it when your shift ends.")
        return redirect("oncall:schedule", slug)
    context = {
        "schedule": schedule,
        "form": form,
        "lines": handover_lines(schedule),
        "may_write": handover.may_write(schedule, person),
        "notes": handover.latest(schedule),
    }
    return render(request, "oncall/handover.html", context, status=422 if form.errors else 200)
