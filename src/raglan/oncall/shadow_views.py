"""Screens of shadowing: who learns beside those on call."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from raglan.core.errors import BadInput
from raglan.oncall import queries, shadows
from raglan.oncall.forms import ShadowForm
from raglan.people.access import reader
from raglan.people.models import Person


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, slug: str) -> HttpResponse:
    """Let somebody shadow a rota for a time."""
    schedule, by = queries.schedule(slug), reader(request)
    active = Person.objects.filter(is_active=True).order_by("name", "pk")
    form = ShadowForm(request.POST or None, initial={"person": by.pk})
    form.offer(active if by.may_configure else active.filter(pk=by.pk))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            shadow = shadows.add_shadow(schedule, data["person"], data["starts_at"], data["ends_at"], by=by)
        except BadInput as error:
            form.place_error(error.field, error.reason)
        else:
            messages.success(request, f"{shadow.person.name} shadows this rota, and is not on call by it.")
            return redirect("oncall:schedule", slug)
    context = {"schedule": schedule, "form": form}
    return render(request, "oncall/shadow.html", context, status=422 if form.errors else 200)


@require_POST
def end(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Let somebody shadow a rota no more."""
    shadow = shadows.find(slug, pk)
    shadows.end_shadow(shadow, by=reader(request))
    messages.success(request, f"{shadow.person.name} shadows this rota no more.")
    return redirect("oncall:schedule", slug)
