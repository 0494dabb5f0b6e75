"""Forms of incidents. They keep what was typed and say what to do."""

from django import forms

from raglan.catalog.models import Service
from raglan.incidents.models import Incident, ServiceState

NEXT_UPDATE = (
    (0, "no time promised"),
    (5, "in 5 minutes"),
    (10, "in 10 minutes"),
    (20, "in 20 minutes"),
    (30, "in 30 minutes"),
    (60, "in an hour"),
)


def lines(label: str) -> forms.CharField:
    """Return a field for a list, one line each."""
    box = forms.Textarea(attrs={"rows": 3})
    return forms.CharField(label=label, required=False, widget=box, help_text="One line each.")


class WrongForm(forms.Form):
    """Something is wrong: one question, and two that may be left as they are."""

    title = forms.CharField(
        label="What do you see?",
        max_length=300,
        help_text="In your own words. You may be wrong; that is fine.",
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    severity = forms.ChoiceField(
        label="What do users feel?",
        choices=Incident.Severity.choices,
        initial=Incident.Severity.UNKNOWN,
        required=False,
    )
    services = forms.ModelMultipleChoiceField(
        label="What is it about?",
        queryset=Service.objects.order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        to_field_name="slug",
    )
    mine = forms.BooleanField(
        label="I think it is something I did",
        required=False,
        help_text="Sends a heads-up to whoever is on call, with your words.",
    )


class StandingForm(forms.Form):
    """Where it stands."""

    summary = forms.CharField(label="Where it stands", max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))
    know = lines("We know")
    trying = lines("We are trying")
    unknown = lines("We do not know")
    service_state = forms.ChoiceField(label="What users feel", choices=ServiceState.choices)
    state_words = forms.CharField(
        label="In a few words", max_length=120, required=False, help_text="Such as: site slow, still up."
    )
    next_update = forms.ChoiceField(label="Next update", required=False, choices=NEXT_UPDATE)
    seen_version = forms.IntegerField(widget=forms.HiddenInput)


class CloseForm(forms.Form):
    """Closing."""

    words = forms.CharField(
        label="How did it end?",
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True}),
        help_text="A sentence or two for those who were not here.",
    )
