"""Forms that bring rooms together and apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.forms import BoundField
from django.http import QueryDict

from raglan.alerts.models import AlertGroup
from raglan.catalog.models import Service
from raglan.incidents.actions.merging import OPEN, PRIVATE
from raglan.incidents.models import Entry, Incident, Task
from raglan.people.forms import Form

MOST_SHOWN = {"groups": 100, "services": 50, "tasks": 100, "entries": 200}  # a form takes 500 fields in all


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of what can be chosen: how many stand on a page at most, and which pages are beside this one."""

    field: BoundField
    most: int
    older: str  # leads to those that are not offered here, with the pages of the other kinds as they are; or none are
    newest: str  # leads to the newest where newer ones stand on another page


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

    def __init__(
        self, data: QueryDict | None, *, of: Incident, key: str, before: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(data, initial={"key": key})
        offered: dict[str, tuple[QuerySet[Any], Sequence[str]]] = {
            "groups": (AlertGroup.objects.filter(joined_incident__incident=of), ["-pk"]),
            "services": (of.services.all(), ["name"]),
            "tasks": (of.tasks.all(), ["pk"]),
            "entries": (of.entries.select_related("author"), ["-at", "-pk"]),
        }
        self._before, self._older = before or {}, dict[str, int]()
        for name, (found, order) in offered.items():
            if found.exists():
                self._offer(name, found, order)
            else:
                del self.fields[name]

    @property
    def parts(self) -> list[Part]:
        """What can be chosen, in the order of the screen."""
        return [
            Part(
                self[name],
                MOST_SHOWN[name],
                self._page(name, self._older[name]) if self._older[name] else "",
                self._page(name, 0) if self._before.get(name) else "",
            )
            for name in MOST_SHOWN
            if name in self.fields
        ]

    def _page(self, name: str, before: int) -> str:
        """Return what leads to another page of a kind; the other kinds stay on theirs."""
        pages = {**self._before, name: before}
        return f"?{urlencode({f'{kind}_before': number for kind, number in pages.items() if number})}"

    def _offer(self, name: str, found: QuerySet[Any], order: Sequence[str]) -> None:
        """Offer the newest of a kind, or those before a number; whatever is of the room may be chosen."""
        field, most = self.fields[name], MOST_SHOWN[name]
        field.queryset = found  # type: ignore[attr-defined]  # a ModelMultipleChoiceField
        before = self._before.get(name, 0)
        numbers = list(
            (found.filter(pk__lt=before) if before else found).order_by("-pk").values_list("pk", flat=True)[: most + 1]
        )
        self._older[name] = numbers[most - 1] if len(numbers) > most else 0
        shown = found.filter(pk__in=numbers[:most]).order_by(*order)
        field.widget.choices = [(one.pk, field.label_from_instance(one)) for one in shown]  # type: ignore[attr-defined]  # a ModelMultipleChoiceField
