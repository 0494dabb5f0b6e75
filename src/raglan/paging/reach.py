"""Reach someone: whom it would page, how, and what is open for them already; and a person's own rules."""

from typing import cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from raglan.core.errors import RaglanError
from raglan.oncall import queries as oncall
from raglan.paging import actions, queries
from raglan.paging.models import NotificationRule, Page, Reached
from raglan.paging.plan import Urgency
from raglan.people import ports
from raglan.people.access import Scope, require
from raglan.people.models import ContactMethod, Person

WAITS = (
    (0, "at once"),
    (60, "after 1 minute"),
    (180, "after 3 minutes"),
    (300, "after 5 minutes"),
    (600, "after 10 minutes"),
    (900, "after 15 minutes"),
)
FIELDS = {Urgency.HIGH: "delay", Urgency.LOW: "low"}


class ReachForm(forms.Form):
    """Whom to page, and with which words."""

    person = forms.ModelChoiceField(label="Whom", queryset=Person.objects.filter(is_active=True).order_by("name"))
    title = forms.CharField(
        label="What should they know?", max_length=300, help_text="They may have been asleep a minute ago."
    )


def someone(request: HttpRequest) -> HttpResponse:
    """Page a person by hand."""
    by = cast("Person", request.user)
    require(by, Scope.PAGE)
    form = ReachForm(request.POST or None, initial={"person": request.GET.get("person")})
    if request.method == "POST" and form.is_valid():
        person = form.cleaned_data["person"]
        page = actions.page_people([person], actions.Words(form.cleaned_data["title"]), reason=actions.Reason(), by=by)
        messages.success(request, f"{person.name} is being paged now.")
        return redirect("paging:page", page.pk)
    chosen = _chosen(request.GET.get("person", "")) if not form.is_bound else None
    context = {
        "form": form,
        "chosen": chosen,
        "ways": actions.ways_to(chosen) if chosen else [],
        "busy": busy_with(chosen) if chosen else [],
        "duties": oncall.current(),
    }
    return render(request, "paging/reach.html", context, status=422 if form.errors else 200)


def _chosen(word: str) -> Person | None:
    return Person.objects.filter(pk=int(word), is_active=True).first() if word.isdecimal() and len(word) < 19 else None


def busy_with(person: Person) -> list[Page]:
    """Return the pages that a person has now."""
    having = Reached.objects.filter(person=person, answer__in=(Reached.Answer.HAS_IT, Reached.Answer.JOINS)).values(
        "page_id"
    )
    return list(queries.live_pages().filter(pk__in=having, is_test=False)[:5])


@require_POST
def rules(request: HttpRequest) -> HttpResponse:
    """Save when which of one's own ways is tried."""
    person = cast("Person", request.user)
    try:
        for urgency in Urgency:
            actions.set_rules(person, _chosen_rules(request, person, urgency), by=person, urgency=urgency)
        messages.success(request, "Saved. Send yourself a test to see it work.")
    except RaglanError as error:
        messages.error(request, error.sentence)
    return redirect("/you/#h-rules")


def _chosen_rules(request: HttpRequest, person: Person, urgency: Urgency) -> list[tuple[int, int]]:
    chosen = []
    for contact in ContactMethod.objects.filter(person=person).order_by("pk"):
        word = request.POST.get(f"{FIELDS[urgency]}-{contact.pk}", "")
        if word.isdecimal() and len(word) < 19:
            chosen.append((contact.pk, int(word)))
    return chosen


def panel(person: Person) -> dict[str, object]:
    """Return what the profile's panel of rules shows."""
    saved = {(rule.contact_id, rule.urgency): rule.delay_s for rule in NotificationRule.objects.filter(person=person)}
    high = any(urgency == Urgency.HIGH for _, urgency in saved)
    contacts = ContactMethod.objects.filter(person=person).order_by("pk")
    rows = [
        (contact, saved.get((contact.pk, Urgency.HIGH)) if high else 0, saved.get((contact.pk, Urgency.LOW)))
        for contact in contacts
    ]
    return {"rule_rows": rows, "waits": WAITS}


ports.register_panel("paging/rules_panel.html", panel)
