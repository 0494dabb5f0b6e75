"""Forms that bring rooms together and apart."""

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict

from raglan.alerts.models import AlertGroup
from raglan.catalog.models import Service
from raglan.incidents.actions.merging import OPEN, PRIVATE
from raglan.incidents.models import Entry, Incident, Task
from raglan.people.forms import Form

SHOWN = 200


class _Numbered(forms.ModelChoiceField):  # type: ignore[type-arg]  # it is generic for type checkers only
    """Incidents with their numbers, by which people speak of them."""

    def label_from_instance(self, obj: Incident) -> str:
        """Return the number and the title."""
        return f"{obj.pk}: {obj.title}"


class MergeForm(Form):
    """In which incident this one goes on, and who sees it then if only one of the two is private."""

    into = _Numbered(
        label="Into which incident", queryset=Incident.objects.none(), widget=forms.RadioSelect, empty_label=None
    )
    outcome = forms.ChoiceField(
        label="If one of them is private, both are then",
        choices=(("", "do not merge them"), (PRIVATE, "private"), (OPEN, "open to everyone")),
        required=False,
    )

    def __init__(self, data: QueryDict | None, *, others: QuerySet[Incident], has_private: bool) -> None:
        super().__init__(data)
        self.fields["into"].queryset = others  # type: ignore[attr-defined]  # a ModelChoiceField
        if not has_private:
            del self.fields["outcome"]


class _Said(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # it is generic for type checkers only
    """Entries with who said them."""

    def label_from_instance(self, obj: Entry) -> str:
        """Return who said it, and the beginning of what."""
        return f"{obj.who}: {obj.text[:200]}"


class SplitForm(Form):
    """What goes on in a new room, and what that is called."""

    title = forms.CharField(label="What is it?", max_length=300, help_text="The title of the new incident.")
    groups = forms.ModelMultipleChoiceField(
        label="Alerts", queryset=AlertGroup.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )
    services = forms.ModelMultipleChoiceField(
        label="Services", queryset=Service.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )
    tasks = forms.ModelMultipleChoiceField(
        label="Tasks", queryset=Task.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )
    entries = _Said(label="Entries", queryset=Entry.objects.none(), required=False, widget=forms.CheckboxSelectMultiple)
    key = forms.CharField(widget=forms.HiddenInput, max_length=64, required=False)

    def __init__(self, data: QueryDict | None, *, of: Incident, key: str, before: int = 0) -> None:
        super().__init__(data, initial={"key": key})
        offered = {
            "groups": AlertGroup.objects.filter(joined_incident__incident=of).order_by("-pk"),
            "services": of.services.order_by("name"),
            "tasks": of.tasks.order_by("pk"),
            "entries": of.entries.order_by("-at", "-pk"),
        }
        for name, found in offered.items():
            self.fields[name].queryset = found  # type: ignore[attr-defined]  # a ModelMultipleChoiceField
            if not found.exists():
                del self.fields[name]
        self.older = 0
        if "entries" in self.fields:
            self._offer(of.entries.all(), before)

    def _offer(self, entries: QuerySet[Entry], before: int) -> None:
        """Offer the newest entries, or those before a number; `older` is where those begin that are not offered."""
        found = (entries.filter(pk__lt=before) if before else entries).order_by("-pk")
        numbers = list(found.values_list("pk", flat=True)[: SHOWN + 1])
        self.older = numbers[SHOWN - 1] if len(numbers) > SHOWN else 0
        shown = Entry.objects.filter(pk__in=numbers[:SHOWN]).select_related("author").order_by("-at", "-pk")
        field = self.fields["entries"]
        field.widget.choices = [(one.pk, field.label_from_instance(one)) for one in shown]  # type: ignore[attr-defined]  # a ModelMultipleChoiceField
