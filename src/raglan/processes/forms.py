"""Forms of processes. They keep what was typed and say what to do."""

from collections.abc import Sequence

from django import forms

from raglan.people.forms import Form
from raglan.people.models import Team
from raglan.processes import actions, skipping, steps
from raglan.processes.models import Process, ProcessStep, SkipNote


class ProcessForm(Form):
    """A process: what it is for, and its steps."""

    title = forms.CharField(
        label="Title", max_length=actions.MAX_TITLE, help_text="What is done, such as “Change a cookbook”."
    )
    outcome = forms.CharField(
        label="What it is for",
        max_length=actions.MAX_OUTCOME,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What is better for people when it is done this way. If another way brings the same, it may win.",
    )
    steps = forms.CharField(
        label="Steps",
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="One a line. Minutes, as you guess them, stand behind a bar: Reserve the test environment | 15",
    )
    team = forms.ModelChoiceField(
        label="Who keeps it",
        queryset=Team.objects.order_by("name"),
        required=False,
        to_field_name="slug",
        empty_label="nobody in particular",
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput, initial=0, required=False)

    def draft(self) -> actions.Draft:
        """Return what was written."""
        data = self.cleaned_data
        return actions.Draft(
            data["title"], data["outcome"].replace("\r\n", "\n"), steps.read(data["steps"]), data["team"]
        )


def initial(process: Process, standing: Sequence[ProcessStep]) -> dict[str, object]:
    """Return what the form starts with for a process."""
    return {
        "title": process.title,
        "outcome": process.outcome,
        "steps": steps.written([steps.StepDraft(step.title, step.minutes) for step in standing]),
        "team": process.team.slug if process.team else "",
        "seen_version": process.version,
    }


class SkipForm(Form):
    """A skip note. It has no field for who gives it, and its door keeps nothing of that."""

    step = forms.TypedChoiceField(label="Which step was not taken", coerce=int, widget=forms.RadioSelect)
    why = forms.ChoiceField(label="Why", choices=SkipNote.Why.choices, widget=forms.RadioSelect)
    minutes = forms.IntegerField(
        label="Minutes that it would have cost",
        min_value=0,
        max_value=skipping.MOST_MINUTES,
        required=False,
        help_text="As you guess it.",
    )
    words = forms.CharField(
        label="A few words",
        max_length=skipping.MOST_WORDS,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="Shown among those of others once five notes are there. Leave names out, yours too; "
        "somebody may know how you write.",
    )

    def __init__(self, *args: object, standing: Sequence[ProcessStep], **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]  # passed on as they come
        self.fields["step"].choices = [(step.place, step.title) for step in standing]  # type: ignore[attr-defined]

    def said(self) -> skipping.Skipped:
        """Return what was noted."""
        data = self.cleaned_data
        return skipping.Skipped(data["why"], data["minutes"], data["words"])
