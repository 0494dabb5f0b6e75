"""Reach someone: whom it would page, how, and what is open for them already; and a person's own rules."""

import hashlib
from dataclasses import dataclass
from typing import cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from raglan.core.clock import now
from raglan.core.errors import RaglanError
from raglan.oncall import queries as oncall
from raglan.paging import actions, coming, queries
from raglan.paging.busy import Busy, busy_with
from raglan.paging.models import NotificationRule, Page
from raglan.paging.plan import Target, Urgency
from raglan.paging.rooms import Room, page_for, room
from raglan.people import ports
from raglan.people.access import Scope, require
from raglan.people.models import ContactMethod, Person, Team

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
    """Whom to page, and with which words. Paging a whole team is asked about once more."""

    person = forms.ModelChoiceField(
        label="Whom",
        queryset=Person.objects.filter(is_active=True).order_by("name"),
        required=False,
        empty_label="nobody in particular",
    )
    team = forms.ModelChoiceField(
        label="Or a whole team",
        queryset=Team.objects.order_by("name"),
        required=False,
        empty_label="no team",
        help_text="Everybody in it is paged at once. You see who that is first.",
    )
    title = forms.CharField(
        label="What should they know?", max_length=300, help_text="They may have been asleep a minute ago."
    )
    urgency = forms.ChoiceField(
        label="Urgency",
        choices=((Urgency.HIGH, "Now, at any hour"), (Urgency.LOW, "It can wait for daylight where you are")),
        initial=Urgency.HIGH,
        required=False,
        widget=forms.RadioSelect,
    )
    sure = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    incident = forms.CharField(max_length=18, required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, object]:
        """Ask for one of the two."""
        data = cast("dict[str, object]", super().clean() or self.cleaned_data)
        if bool(data.get("person")) == bool(data.get("team")) and "person" not in self.errors:
            self.add_error("person", "Choose a person or a team, not both.")
        return data


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody who would be paged: on which ways, and what they are in now."""

    person: Person
    ways: list[tuple[ContactMethod, int]]
    busy: list[Busy]


def someone(request: HttpRequest) -> HttpResponse:
    """Page a person or a whole team by hand, for a room if one is named. Whom one should think about shows first."""
    by = cast("Person", request.user)
    require(by, Scope.PAGE)
    start = {name: request.GET.get(name, "")[:300] for name in ("person", "title")}
    form = ReachForm(request.POST or None, initial=start)
    wanted = _room((request.POST if form.is_bound else request.GET).get("incident", ""))
    asked: list[Asked] = []
    if request.method == "POST" and form.is_valid():
        asked = _asked(_whom(form))
        if form.cleaned_data["sure"] == _digest([item.person for item in asked]) or not _is_asked_about(form, asked):
            return _page_them(request, form, by, wanted)
    elif not form.is_bound and (chosen := _chosen(request.GET.get("person", ""))):
        asked = _asked([chosen])
    context = {
        "form": form,
        "asked": asked,
        "team": form.cleaned_data.get("team") if form.is_bound and form.is_valid() else None,
        "sure": _digest([item.person for item in asked]),
        "duties": _duties(),
        "behind": coming.behind_plan(
            actions.by_hand((), by.time_zone), _urgency(form), is_inside=wanted is not None and wanted.is_private
        ),
        "room": wanted,
    }
    return render(request, "paging/reach.html", context, status=422 if form.errors else 200)


def _urgency(form: ReachForm) -> Urgency:
    return Urgency.LOW if form["urgency"].value() == Urgency.LOW else Urgency.HIGH


def _room(word: str) -> Room | None:
    """Return the room for which somebody is paged, if one is named. Raises NotFound, Conflict."""
    return room(int(word)) if word.isascii() and word.isdecimal() and len(word) < 19 else None


def _is_asked_about(form: ReachForm, asked: list[Asked]) -> bool:
    """Tell whether one sees first whom it would page: a whole team, or somebody who is in something now."""
    return bool(form.cleaned_data["team"]) or any(item.busy for item in asked)


def _duties() -> list[tuple[oncall.Duty, list[Busy]]]:
    """Return all rotas now, each with what the first on call is in already."""
    duties = oncall.current()
    busy = busy_with({duty.person.pk: duty.person for duty in duties if duty.person}.values())
    return [(duty, busy[duty.person.pk] if duty.person else []) for duty in duties]


def _whom(form: ReachForm) -> list[Person]:
    team = form.cleaned_data["team"]
    if team is None:
        return [form.cleaned_data["person"]]
    return [item.person for item in queries.whom((Target("team", team.pk),), now())]


def _digest(people: list[Person]) -> str:
    """Return what the question was about, so that a yes counts for these people only."""
    return hashlib.sha256(repr(sorted(person.pk for person in people)).encode()).hexdigest()


def _page_them(request: HttpRequest, form: ReachForm, by: Person, wanted: Room | None) -> HttpResponse:
    data = form.cleaned_data
    words, urgency = actions.Words(data["title"]), Urgency(data["urgency"] or Urgency.HIGH)

    def make(reason: actions.Reason) -> Page:
        if data["team"]:
            return actions.page_team(data["team"], words, reason=reason, by=by, urgency=urgency)
        return actions.page_people([data["person"]], words, reason=reason, by=by, urgency=urgency, falls_back=True)

    page = page_for(wanted, make, by=by)
    name = f"Everybody in {data['team'].name}" if data["team"] else data["person"].name
    when = "in daylight" if urgency == Urgency.LOW else "now"
    messages.success(request, f"{name} is being paged {when}.")
    return redirect(wanted.reason.link) if wanted else redirect("paging:page", page.pk)


def _asked(people: list[Person]) -> list[Asked]:
    busy = busy_with(people)
    return [Asked(person, actions.ways_to(person), busy[person.pk]) for person in people]


def _chosen(word: str) -> Person | None:
    return Person.objects.filter(pk=int(word), is_active=True).first() if word.isdecimal() and len(word) < 19 else None


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
