"""Forms of Setup. They work without a script: a fixed number of rows, of which the empty ones are left out."""

from collections.abc import Iterator, Sequence
from typing import cast

from django import forms
from django.forms.boundfield import BoundField

from raglan.alerts.models import Route, Source
from raglan.alerts.pipeline.route import OPERATORS, Matcher
from raglan.core.decode import decode_json
from raglan.core.errors import BadInput
from raglan.oncall.models import Schedule
from raglan.paging.actions import StepDraft
from raglan.paging.models import Policy
from raglan.paging.plan import Target
from raglan.people.models import Person, Team

STEPS = 5
MATCHERS = 3
MAX_MAPPED = 50
MINUTES = 60
DAY_MINUTES = 24 * 60
Choices = list[tuple[str, str] | tuple[str, list[tuple[str, str]]]]


def _short_name() -> forms.RegexField:
    return forms.RegexField(
        regex=r"^[a-z0-9][a-z0-9-]{0,59}$",
        label="Short name",
        max_length=60,
        help_text="Small letters, numbers and hyphens; it stands in addresses and in REST.",
        error_messages={"invalid": "Use small letters, numbers and hyphens, such as prometheus-eu."},
    )


class SourceForm(forms.Form):
    """A new source."""

    name = forms.CharField(label="Name", max_length=120, help_text="What sends, such as: Prometheus in Dublin.")
    slug = _short_name()
    kind = forms.ChoiceField(
        label="What it speaks", choices=Source.Kind.choices, initial=Source.Kind.ALERTMANAGER, widget=forms.RadioSelect
    )
    mapping = forms.CharField(
        label="Mapping",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text='For any JSON only: where each field stands, such as {"title": "event.name", "key": "event.id"}. '
        "Without it, title, key, status, severity and labels at the top are read.",
    )

    def clean_mapping(self) -> dict[str, object]:
        """Take an object of names and paths, or nothing."""
        text = self.cleaned_data["mapping"].strip()
        if not text:
            return {}
        try:
            mapping = decode_json(text.encode())
        except BadInput as error:
            raise forms.ValidationError(f"This is not JSON that can be read: {error.reason}.") from None
        if not isinstance(mapping, dict):
            raise forms.ValidationError("Write an object: names on the left, paths on the right.")
        if len(mapping) > MAX_MAPPED:
            raise forms.ValidationError(f"Name at most {MAX_MAPPED} fields.")
        return dict(mapping)


class PolicyForm(forms.Form):
    """A policy with up to five steps of one target each."""

    name = forms.CharField(label="Name", max_length=120)
    slug = _short_name()
    team = forms.ModelChoiceField(
        label="Team", queryset=Team.objects.order_by("name"), required=False, empty_label="no team"
    )
    repeat = forms.IntegerField(
        label="How often from the start again", min_value=0, max_value=20, initial=2, help_text="0 means once through."
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput, initial=0, required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        choices = _targets()
        for number in range(1, STEPS + 1):
            self.fields[f"target_{number}"] = forms.ChoiceField(
                label=f"Step {number} pages", choices=choices, required=number == 1
            )
            self.fields[f"wait_{number}"] = forms.IntegerField(
                label=f"Minutes after step {number}", min_value=0, max_value=DAY_MINUTES, initial=5, required=False
            )

    @property
    def rows(self) -> Iterator[tuple[BoundField, BoundField]]:
        """The steps, one at a time."""
        for number in range(1, STEPS + 1):
            yield self[f"target_{number}"], self[f"wait_{number}"]

    def used(self) -> list[int]:
        """Return the numbers of the steps that are filled in."""
        return [number for number in range(1, STEPS + 1) if self.cleaned_data.get(f"target_{number}")]

    def drafts(self) -> list[StepDraft]:
        """Return the steps as the action takes them."""
        return [self._draft(number) for number in self.used()]

    def _draft(self, number: int) -> StepDraft:
        kind, _, pk = self.cleaned_data[f"target_{number}"].partition(":")
        minutes = self.cleaned_data.get(f"wait_{number}")
        return StepDraft((5 if minutes is None else minutes) * MINUTES, (Target(kind, int(pk)),))

    def refuse(self, error: BadInput) -> None:
        """Put what an action refused at the field where it was written."""
        place, _, rest = error.field.partition("[")
        number = rest.partition("]")[0]
        if place == "steps" and number.isdigit() and int(number) < len(self.used()):
            kind = "wait" if error.field.endswith("wait_s") else "target"
            self.add_error(f"{kind}_{self.used()[int(number)]}", error.reason)
        else:
            self.add_error(error.field if error.field in self.fields else None, error.reason)


def _targets() -> Choices:
    schedules = [
        (f"schedule:{pk}", f"Whoever is on call for {name}")
        for pk, name in Schedule.objects.order_by("name").values_list("pk", "name")
    ]
    teams = [
        (f"team:{pk}", f"Everybody in {name}") for pk, name in Team.objects.order_by("name").values_list("pk", "name")
    ]
    active = Person.objects.filter(is_active=True).order_by("name")
    people = [(f"person:{pk}", name) for pk, name in active.values_list("pk", "name")]
    choices: Choices = [("", "nobody")]
    for heading, group in (("Rotas", schedules), ("Teams", teams), ("People", people)):
        if group:
            choices.append((heading, group))
    return choices


def policy_initial(policy: Policy) -> dict[str, object] | None:
    """Return what the form starts with; None when the policy has more than the form can show."""
    steps = list(policy.steps.all())
    if len(steps) > STEPS or any(step.wait_s % MINUTES or len(step.targets.all()) != 1 for step in steps):
        return None
    initial: dict[str, object] = {
        "name": policy.name,
        "slug": policy.slug,
        "team": policy.team_id,
        "repeat": policy.repeat,
        "seen_version": policy.version,
    }
    for number, step in enumerate(steps, start=1):
        target = step.targets.all()[0]
        kind = "schedule" if target.schedule_id else "person" if target.person_id else "team"
        initial[f"target_{number}"] = f"{kind}:{target.schedule_id or target.person_id or target.team_id}"
        initial[f"wait_{number}"] = step.wait_s // MINUTES
    return initial


class RouteForm(forms.Form):
    """A route with up to three conditions."""

    position = forms.IntegerField(
        label="Place in the order",
        min_value=0,
        max_value=100_000,
        help_text="Routes are read from the lowest number; the first that matches decides. Leave room between numbers.",
    )
    policy = forms.ModelChoiceField(
        label="Page by the policy", queryset=Policy.objects.order_by("name"), empty_label="choose one"
    )
    group_by = forms.CharField(
        label="Group by these labels",
        max_length=300,
        required=False,
        help_text="With commas between them. Alerts that agree in them are one page.",
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput, initial=0, required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        operators = [(word, word) for word in OPERATORS]
        for number in range(1, MATCHERS + 1):
            self.fields[f"name_{number}"] = forms.CharField(label=f"Label {number}", max_length=128, required=False)
            self.fields[f"op_{number}"] = forms.ChoiceField(
                label=f"Comparison {number}", choices=operators, required=False
            )
            self.fields[f"value_{number}"] = forms.CharField(label=f"Value {number}", max_length=500, required=False)

    @property
    def rows(self) -> Iterator[tuple[BoundField, BoundField, BoundField]]:
        """The conditions, one at a time."""
        for number in range(1, MATCHERS + 1):
            yield self[f"name_{number}"], self[f"op_{number}"], self[f"value_{number}"]

    def clean(self) -> dict[str, object]:
        """Ask for the label where only a value was written."""
        data = cast("dict[str, object]", super().clean() or self.cleaned_data)
        for number in range(1, MATCHERS + 1):
            if data.get(f"value_{number}") and not data.get(f"name_{number}"):
                self.add_error(f"name_{number}", "Name the label that should have this value.")
        return data

    def used(self) -> list[int]:
        """Return the numbers of the conditions that are filled in."""
        return [number for number in range(1, MATCHERS + 1) if self.cleaned_data.get(f"name_{number}")]

    def matchers(self) -> list[Matcher]:
        """Return the conditions as the action takes them."""
        data = self.cleaned_data
        return [Matcher(data[f"name_{n}"], data[f"op_{n}"] or "=", data[f"value_{n}"]) for n in self.used()]

    def labels(self) -> list[str]:
        """Return the labels to group by."""
        return [word.strip() for word in self.cleaned_data["group_by"].split(",") if word.strip()]

    def refuse(self, error: BadInput) -> None:
        """Put what an action refused at the field where it was written."""
        place, _, rest = error.field.partition("[")
        number, _, field = rest.partition("].")
        if place == "matchers" and number.isdigit() and int(number) < len(self.used()):
            self.add_error(f"{field}_{self.used()[int(number)]}", error.reason)
        else:
            self.add_error(error.field if error.field in self.fields else None, error.reason)


def route_initial(route: Route) -> dict[str, object] | None:
    """Return what the form starts with; None when the route has more conditions than the form can show."""
    matchers: Sequence[dict[str, str]] = route.matchers
    if len(matchers) > MATCHERS:
        return None
    initial: dict[str, object] = {
        "position": route.position,
        "policy": route.policy_id,
        "group_by": ", ".join(route.group_by),
        "seen_version": route.version,
    }
    for number, item in enumerate(matchers, start=1):
        initial |= {f"name_{number}": item["name"], f"op_{number}": item["op"], f"value_{number}": item["value"]}
    return initial
