"""Forms of processes. They keep what was typed and say what to do."""

from collections.abc import Sequence

from django import forms

from raglan.people.forms import Form
from raglan.people.models import Team
from raglan.processes import actions, experiments, kitchen, skipping, steps
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
        help_text="Shown among those of others, when notes are counted: at night, once five or more wait on one step. "
        "Leave names out, yours too; somebody may know how you write.",
    )

    def __init__(self, *args: object, standing: Sequence[ProcessStep], **more: object) -> None:
        super().__init__(*args, **more)  # type: ignore[arg-type]  # passed on as they come
        self.fields["step"].choices = [(step.place, step.title) for step in standing]  # type: ignore[attr-defined]

    def said(self) -> skipping.Skipped:
        """Return what was noted."""
        data = self.cleaned_data
        return skipping.Skipped(data["why"], data["minutes"], data["words"])


class ExperimentForm(Form):
    """Another way of a process, for some weeks."""

    variant = forms.CharField(
        label="What is done differently",
        max_length=experiments.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Such as: without the reservation, on one host of the real fleet, with somebody to watch.",
    )
    weeks = forms.IntegerField(label="For how many weeks", min_value=1, max_value=experiments.MOST_WEEKS, initial=4)


class JudgementForm(Form):
    """What came of another way."""

    used = forms.CharField(
        label="Was it used",
        required=False,
        max_length=experiments.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Where people took it, and where they took another way still.",
    )
    caught = forms.CharField(
        label="What did it catch, and what did it let through",
        required=False,
        max_length=experiments.MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    state = forms.ChoiceField(
        label="What becomes of it",
        choices=[
            ("keep", "Keep it: write it into the process"),
            ("change", "Change it, and try again"),
            ("drop", "Drop it"),
        ],
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label="Why", max_length=experiments.MAX_TEXT, widget=forms.Textarea(attrs={"rows": 2}))

    def judgement(self) -> experiments.Judgement:
        """Return what was said."""
        data = self.cleaned_data
        return experiments.Judgement(data["state"], data["used"], data["caught"], data["reason"])


class ClaimForm(Form):
    """Where somebody wants to be."""

    place = forms.CharField(
        label="Place", max_length=kitchen.MOST_PLACE, help_text="What people share to test, such as staging."
    )
    what = forms.CharField(label="What for", max_length=kitchen.MOST_WHAT, required=False)
    minutes = forms.IntegerField(label="For how many minutes", min_value=1, max_value=kitchen.MOST_MINUTES, initial=60)
    beside = forms.BooleanField(
        label="Go in beside others, when somebody is there",
        required=False,
        help_text="Talk to them. Without it you wait, and hear by mail when it is free.",
    )

    def wanted(self) -> kitchen.Wanted:
        """Return what was asked for."""
        data = self.cleaned_data
        return kitchen.Wanted(data["place"], data["minutes"], data["what"], data["beside"])
