"""Screens of private incidents: the list with its audit, and the exception."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.incidents import actions, privacy, privacy_audit, queries
from raglan.incidents.models import Incident, Listed
from raglan.incidents.privacy_forms import ExceptionForm, ListForm, PrivateForm, TakeOffForm, WhyForm
from raglan.people.access import Scope, needs, reader, require_administrator
from raglan.people.models import Person

form_methods = require_http_methods(["GET", "HEAD", "POST"])


@form_methods
@needs(Scope.RESPOND)
def private(request: HttpRequest, pk: int) -> HttpResponse:
    """Make an incident private, or look after the list of one that is, and read what happened to it."""
    incident, do = queries.incident(pk), request.POST.get("do", "")
    forms = _forms(request, incident, do)
    if request.method == "POST":
        if do not in forms:
            raise BadInput("do", "is not one of the buttons")
        form, by = forms[do], reader(request)
        if form.is_valid() and form.attempt(lambda: _do(incident, do, form.cleaned_data, by)) is not None:
            # Whoever took themselves off the list sees it no more.
            is_seen = Incident.objects.filter(privacy.visible(), pk=pk).exists()
            return redirect("incidents:private", pk) if is_seen else redirect("incidents:index")
    context = {
        "incident": incident,
        "forms": forms,
        "listed": sorted(privacy.listed(incident), key=lambda line: line.how != Listed.How.EXCEPTION),
        "traces": privacy_audit.traces(incident),
        "bad": next((form for form in forms.values() if form.errors), None),
    }
    return render(request, "incidents/private.html", context, status=422 if context["bad"] else 200)


Forms = PrivateForm | ListForm | TakeOffForm | WhyForm


def _forms(request: HttpRequest, incident: Incident, do: str) -> dict[str, Forms]:
    """Return the forms that an incident has as it is now; the one that was sent with what was sent."""
    sent = {do: request.POST} if request.method == "POST" else {}
    if not incident.is_private:
        here = queries.people_here(incident).exclude(pk=reader(request).pk)
        return {"make": PrivateForm(sent.get("make"), here=here)}
    return {
        "add": ListForm(sent.get("add"), auto_id="add_%s"),
        "remove": TakeOffForm(sent.get("remove"), listed=privacy.listed(incident)),
        "open": WhyForm(sent.get("open"), auto_id="open_%s"),
    }


def _do(incident: Incident, do: str, data: dict[str, Any], by: Person) -> Incident:
    match do:
        case "make":
            whom = [*data.get("people", ()), *([data["team"]] if data["team"] else [])]
            return actions.make_private(incident, data["why"], by=by, whom=whom)
        case "add":
            return actions.put_on_list(incident, data["person"] or data["team"], by=by, why=data["why"])
        case "remove":
            return actions.take_off_list(incident, int(data["listed"]), by=by, why=data["why"])
        case _:
            return actions.open_up(incident, data["why"], by=by)


@form_methods
def exception(request: HttpRequest) -> HttpResponse:
    """Look at a private incident of whose list one is not: for administrators, with a reason."""
    person = require_administrator(reader(request))
    number = clean_text(request.GET.get("incident", ""))
    form = ExceptionForm(request.POST or None, initial={"incident": number if number.isdecimal() else None})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        found = form.attempt(lambda: actions.look_by_exception(data["incident"], data["why"], by=person))
        if found is not None:
            messages.success(request, "Those on the list see that you look at it, and why.")
            return redirect("incidents:room", found.pk)
    return render(request, "incidents/exception.html", {"form": form}, status=422 if form.errors else 200)
