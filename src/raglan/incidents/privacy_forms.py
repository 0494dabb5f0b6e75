"""Forms of private incidents: why, and who sees them."""

from collections.abc import Iterable

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

from raglan.incidents.models import Listed
from raglan.people.forms import Form
from raglan.people.models import Person, Team


def why(help_text: str = "") -> forms.CharField:
    """Return a field for a reason."""
    return forms.CharField(label="Why?", max_length=290, help_text=help_text)


class WhyForm(Form):
    """A reason."""

    why = why("It stands in the room.")


class PrivateForm(Form):
    """Why an incident is private from now on, and who sees it beside those who see it at once."""

    why = why("It stands in the room and in its audit.")
    people = forms.ModelMultipleChoiceField(
        label="Of those who are in the room, these go on seeing it",
        queryset=Person.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    team = forms.ModelChoiceField(
        label="And this team", queryset=Team.objects.order_by("name"), required=False, empty_label="no team"
    )

    def __init__(self, data: QueryDict | None, *, here: QuerySet[Person]) -> None:
        super().__init__(data, initial={"people": list(here)})
        self.fields["people"].queryset = here  # type: ignore[attr-defined]  # a ModelMultipleChoiceField
        if not here.exists():
            del self.fields["people"]


class ListForm(Form):
    """Who sees a private incident as well: a person or a team."""

    person = forms.ModelChoiceField(
        label="A person",
        queryset=Person.objects.filter(is_active=True).order_by("name"),
        required=False,
        empty_label="nobody in particular",
    )
    team = forms.ModelChoiceField(
        label="Or a team", queryset=Team.objects.order_by("name"), required=False, empty_label="no team"
    )
    why = forms.CharField(label="Why", max_length=290, required=False)

    def clean(self) -> dict[str, object]:
        """Ask for one of the two."""
        data = self.cleaned_data
        if bool(data.get("person")) == bool(data.get("team")) and not self.errors:
            self.add_error("person", "Choose a person or a team.")
        return data


class TakeOffForm(Form):
    """Who sees a private incident no more."""

    listed = forms.ChoiceField(label="Whom")
    why = why()

    def __init__(self, data: QueryDict | None, *, listed: Iterable[Listed]) -> None:
        super().__init__(data)
        self.fields["listed"].choices = [(str(line.pk), line.who) for line in listed]  # type: ignore[attr-defined]


class ExceptionForm(Form):
    """Which private incident an administrator looks at, and why."""

    incident = forms.IntegerField(label="The number of the incident", min_value=1, max_value=2**63 - 1)
    why = why("Those on its list read it, and the lead gets it by mail. It stays in the audit for ever.")
