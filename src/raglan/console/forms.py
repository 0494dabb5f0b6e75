"""Forms of Setup. They work without a script: a fixed number of rows, of which the empty ones are left out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, cast

from django import forms
from django.forms.boundfield import BoundField
from django.utils.text import slugify

from raglan.alerts import heartbeats
from raglan.alerts.actions import RouteOptions
from raglan.alerts.models import Route, Source
from raglan.alerts.pipeline.route import OPERATORS, Matcher
from raglan.console.flap_form import NAMES, FlappingForm, flapping_initial
from raglan.core.decode import decode_json
from raglan.core.errors import BadInput
from raglan.oncall.models import Schedule
from raglan.paging.actions import Choices as PolicyChoices
from raglan.paging.actions import StepDraft
from raglan.paging.chats import MOST_NAME, connected
from raglan.paging.foresight import DAYS
from raglan.paging.hours import Hours
from raglan.paging.models import Policy, Step
from raglan.paging.plan import FORGOTTEN_AFTER_S, Acknowledge, EarlierSteps, PlannedStep, Target, WhenNobody
from raglan.paging.policies import MAX_FORGOTTEN_S
from raglan.paging.queries import plan_of
from raglan.paging.readiness import NotReady
from raglan.people.forms import zones
from raglan.people.models import Person, Team

STEPS = 8
TARGET_FIELDS = (("target", "pages"), ("second", "and"), ("third", "and also"))
MATCHERS = 3
MAX_MAPPED = 50
MINUTES = 60
DAY_MINUTES = 24 * 60
Choices = list[tuple[str, str] | tuple[str, list[tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class StepRow:
    """The fields of one step."""

    number: int
    targets: list[BoundField]
    url: BoundField
    chat: list[BoundField]
    acknowledge: BoundField
    wait: BoundField
    is_folded: bool


def _short_name() -> forms.RegexField:
    return forms.RegexField(
        regex=r"^[a-z0-9][a-z0-9-]{0,59}$",
        label="Short name",
        max_length=60,
        required=False,
        help_text="Small letters, numbers and hyphens; it stands in addresses and in REST. Empty: made of the name.",
        error_messages={"invalid": "Use small letters, numbers and hyphens, such as prometheus-eu."},
    )


class Named(forms.Form):
    """What has a name, and a short one that may be made of it."""

    def clean_slug(self) -> str:
        """Return the short name. Raises ValidationError when none can be made of the name."""
        data = self.cleaned_data
        made = data["slug"] or slugify(data.get("name", "")).replace("_", "-").strip("-")[:60].strip("-")
        if not made and "name" in data:
            raise forms.ValidationError("None can be made of this name: choose one, such as prometheus-eu.")
        return str(made)


class SourceForm(Named):
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
        help_text='For any JSON: where each field stands, such as {"title": "event.name", "key": "event.id"}. '
        "Without it, title, key, status, severity and labels at the top are read. For mail: its rules.",
    )

    def clean_mapping(self) -> dict[str, object]:
        """Take an object of names and paths, or nothing."""
        return read_mapping(self.cleaned_data["mapping"])


def read_mapping(text: str) -> dict[str, object]:
    """Return the mapping that a text holds; an empty one for an empty text. Raises ValidationError."""
    if not text.strip():
        return {}
    try:
        mapping = decode_json(text.strip().encode())
    except BadInput as error:
        raise forms.ValidationError(f"This is not JSON that can be read: {error.reason}.") from None
    if not isinstance(mapping, dict):
        raise forms.ValidationError("Write an object: names on the left, paths on the right.")
    if len(mapping) > MAX_MAPPED:
        raise forms.ValidationError(f"Name at most {MAX_MAPPED} fields.")
    return dict(mapping)


class MappingForm(forms.Form):
    """A mapping, or the rules of a source of mail, that is tried before it is saved."""

    mapping = forms.CharField(
        label="Where in the JSON each field stands",
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text="Names on the left, paths with dots on the right: title, key, severity, status, resolved_values, "
        "description, link, labels.",
    )

    def __init__(self, kind: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind == Source.Kind.EMAIL:
            self.fields["mapping"].label = "Rules"
            self.fields["mapping"].help_text = (
                'Names on the left, patterns on the right, such as {"key": "job (\\\\w+)", "ignore": "^test"}; '
                '"ends_after_hours" is a number.'
            )

    def clean_mapping(self) -> dict[str, object]:
        """Take an object of names and paths, or nothing."""
        return read_mapping(self.cleaned_data["mapping"])


class HeartbeatForm(forms.Form):
    """A heartbeat: how often it beats, and how late it may be."""

    name = forms.CharField(label="Name", max_length=120, help_text="What runs, such as: Nightly backup of db1.")
    slug = forms.RegexField(
        regex=r"^[a-zA-Z0-9][a-zA-Z0-9 ._-]{0,99}$",
        label="Short name",
        max_length=100,
        help_text="It stands in the address.",
        error_messages={"invalid": "Use letters, numbers, dots and hyphens, such as nightly-backup."},
    )
    period = forms.DecimalField(label="Beats every … minutes", min_value=1, max_value=527_040, initial=1_440)
    grace = forms.DecimalField(label="May be late by … minutes", min_value=0, max_value=527_040, initial=60)

    def draft(self) -> heartbeats.Draft:
        """Return the heartbeat as the action takes it."""
        data = self.cleaned_data
        period_s, grace_s = (int(data[name] * MINUTES) for name in ("period", "grace"))
        return heartbeats.Draft(data["name"], data["slug"], period_s, grace_s)


class PolicyForm(Named):
    """A policy with up to eight steps of three targets, a program and a room in chat each, and what it decides."""

    name = forms.CharField(label="Name", max_length=120)
    slug = _short_name()
    team = forms.ModelChoiceField(
        label="Team",
        queryset=Team.objects.order_by("name"),
        required=False,
        empty_label="no team",
        help_text="Its leads are told when a step finds nobody.",
    )
    repeat = forms.IntegerField(
        label="How often from the start again", min_value=0, max_value=20, initial=2, help_text="0 means once through."
    )
    when_nobody = forms.ChoiceField(
        label="When nobody is on call",
        choices=Policy.Nobody.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose one. There is no choice that does nothing."},
    )
    earlier_steps = forms.ChoiceField(
        label="When the next step comes, people’s own later ways",
        choices=Policy.Earlier.choices,
        initial=Policy.Earlier.GO_ON,
        required=False,
        widget=forms.RadioSelect,
    )
    urgency = forms.ChoiceField(
        label="Urgency",
        choices=Policy.Urgent.choices,
        initial=Policy.Urgent.HIGH,
        required=False,
        widget=forms.RadioSelect,
    )
    zone = forms.CharField(
        label="Time zone of the hours", max_length=64, required=False, help_text="Such as Europe/Berlin."
    )
    days = forms.MultipleChoiceField(
        label="Days",
        choices=[(str(number), day) for number, day in enumerate(DAYS)],
        initial=["0", "1", "2", "3", "4"],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    since = forms.TimeField(label="From", initial="09:00", required=False, widget=forms.TimeInput({"type": "time"}))
    until = forms.TimeField(label="Until", initial="17:00", required=False, widget=forms.TimeInput({"type": "time"}))
    forgotten_hours = forms.IntegerField(
        label="Hours until whoever has it is asked again",
        min_value=0,
        max_value=MAX_FORGOTTEN_S // 3600,
        initial=FORGOTTEN_AFTER_S // 3600,
        required=False,
        help_text="In daylight only. 0 means never.",
    )
    overrule = forms.CharField(
        label="Why it is saved although somebody in it can not be reached",
        max_length=300,
        required=False,
        help_text="Only asked for when that is so. The reason is kept with the policy.",
    )
    seen_version = forms.IntegerField(widget=forms.HiddenInput, initial=0, required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        choices, self.chats = _targets(), _chats(self.initial)
        for number in range(1, STEPS + 1):
            for name, label in TARGET_FIELDS:
                required = number == 1 and name == "target"
                self.fields[f"{name}_{number}"] = forms.ChoiceField(
                    label=f"Step {number} {label}", choices=choices, required=required
                )
            self.fields[f"url_{number}"] = forms.CharField(
                label=f"Step {number} tells a program at", max_length=500, required=False
            )
            if self.chats:
                self.fields[f"chat_{number}"] = forms.ChoiceField(
                    label=f"Step {number} also tells", choices=self.chats, required=False
                )
                self.fields[f"room_{number}"] = forms.CharField(
                    label=f"Room in chat of step {number}", max_length=MOST_NAME, required=False
                )
            self.fields[f"acknowledge_{number}"] = forms.ChoiceField(
                label=f"Step {number} wants", choices=Step.Wanted.choices, required=False
            )
            self.fields[f"wait_{number}"] = forms.IntegerField(
                label=f"Minutes after step {number}", min_value=0, max_value=DAY_MINUTES, initial=5, required=False
            )

    @property
    def rows(self) -> Iterator[StepRow]:
        """The steps, one at a time. Those after the first empty one stand folded."""
        last = max([1, *self.used(all_known=False)])
        for number in range(1, STEPS + 1):
            yield StepRow(
                number,
                targets=[self[f"{name}_{number}"] for name, _ in TARGET_FIELDS],
                url=self[f"url_{number}"],
                chat=[self[name] for name in (f"chat_{number}", f"room_{number}") if name in self.fields],
                acknowledge=self[f"acknowledge_{number}"],
                wait=self[f"wait_{number}"],
                is_folded=number > last + 1,
            )

    @property
    def hours_shown(self) -> bool:
        """Whether the hours stand open: an urgency needs them, or something there is to be put right."""
        return self["urgency"].value() != Policy.Urgent.HIGH or any(
            self[name].errors for name in ("zone", "days", "since", "until")
        )

    def used(self, *, all_known: bool = True) -> list[int]:
        """Return the numbers of the steps that are filled in."""
        names = [*(name for name, _ in TARGET_FIELDS), "url", "chat", "room"]
        read = self.cleaned_data.get if all_known else (lambda name: name in self.fields and self[name].value())
        return [n for n in range(1, STEPS + 1) if any(read(f"{name}_{n}") for name in names)]

    def drafts(self) -> list[StepDraft]:
        """Return the steps as the action takes them."""
        return [self._draft(number) for number in self.used()]

    def _draft(self, number: int) -> StepDraft:
        data = self.cleaned_data
        words = [data[f"{name}_{number}"] for name, _ in TARGET_FIELDS if data.get(f"{name}_{number}")]
        named = [word.partition(":") for word in dict.fromkeys(words)]
        targets = [Target(kind, int(pk)) for kind, _, pk in named]
        if url := data.get(f"url_{number}"):
            targets.append(Target("webhook", 0, url))
        chat, room = data.get(f"chat_{number}") or "0", (data.get(f"room_{number}") or "").strip()
        if chat != "0" or room:
            targets.append(Target("chat", int(chat), room=room))
        minutes = data.get(f"wait_{number}")
        wanted = Acknowledge(data.get(f"acknowledge_{number}") or Acknowledge.ANYONE)
        return StepDraft((5 if minutes is None else minutes) * MINUTES, tuple(targets), wanted)

    def choices(self) -> PolicyChoices:
        """Return what the policy decides beside its steps."""
        data = self.cleaned_data
        hours = None
        if data["zone"]:
            days = tuple(sorted(int(day) for day in data["days"]))
            hours = Hours(data["zone"], days, data["since"] or time(9), data["until"] or time(17))
        forgotten = data["forgotten_hours"]
        return PolicyChoices(
            WhenNobody(data["when_nobody"]),
            EarlierSteps(data["earlier_steps"] or EarlierSteps.GO_ON),
            data["urgency"] or Policy.Urgent.HIGH,
            hours,
            FORGOTTEN_AFTER_S if forgotten is None else forgotten * 3600,
        )

    def ask_for_reason(self, error: NotReady) -> None:
        """Name who can not be reached, each once, and ask for a reason to save all the same."""
        for item in error.found:
            self.add_error("overrule", f"{item.words}.")
        self.add_error("overrule", "Put it right first, or write why it is saved all the same.")

    def refuse(self, error: BadInput) -> None:
        """Put what an action refused at the field where it was written."""
        place, _, rest = error.field.partition("[")
        number = rest.partition("]")[0]
        if place == "steps" and number.isdigit() and int(number) < len(self.used()):
            self.add_error(f"{self._place_of(error.field)}_{self.used()[int(number)]}", error.reason)
        else:
            field = {"hours": "zone", "forgotten_after_s": "forgotten_hours"}.get(
                error.field, error.field.removeprefix("hours.")
            )
            self.add_error(field if field in self.fields else None, error.reason)

    def _place_of(self, field: str) -> str:
        """Return which field of a step holds what an action names; the chat is the only one named by its id."""
        last = field.rpartition(".")[2]
        if last == "id":
            return "chat"
        return next((name for name in ("wait", "url", "room") if name in last), "target")


def _chats(initial: Mapping[str, object]) -> Choices:
    """Return the chats that a step may tell, those that are gone and still named among them; empty without any."""
    known = [(str(chat.number), f"{chat.name} ({chat.platform})") for chat in connected()]
    named = {str(initial.get(f"chat_{number}") or "") for number in range(1, STEPS + 1)}
    gone = sorted(named - {"", *(number for number, _ in known)})
    known += [(number, f"a chat that is gone ({number})") for number in gone]
    return [("", "no chat"), *known] if known else []


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
    plan = plan_of(policy)
    if len(plan.steps) > STEPS or policy.forgotten_after_s % 3600:
        return None
    initial: dict[str, object] = {
        "name": policy.name,
        "slug": policy.slug,
        "team": policy.team_id,
        "repeat": policy.repeat,
        "when_nobody": policy.when_nobody,
        "earlier_steps": policy.earlier_steps,
        "urgency": policy.urgency,
        "forgotten_hours": policy.forgotten_after_s // 3600,
        "seen_version": policy.version,
    }
    if plan.hours:
        days = [str(day) for day in plan.hours.days]
        initial |= {"zone": plan.hours.zone, "days": days, "since": plan.hours.since, "until": plan.hours.until}
    for number, step in enumerate(plan.steps, start=1):
        shown = step_initial(step)
        if shown is None:
            return None
        initial |= {f"{name}_{number}": value for name, value in shown.items()}
    return initial


def step_initial(step: PlannedStep) -> dict[str, object] | None:
    """Return what the fields of a step start with; None when it has more than they can show."""
    people = [target for target in step.targets if not target.is_nobody]
    urls = [target.url for target in step.targets if target.type == "webhook"]
    rooms = [target for target in step.targets if target.type == "chat"]
    if step.wait_s % MINUTES or len(people) > len(TARGET_FIELDS) or max(len(urls), len(rooms)) > 1:
        return None
    named = {name: f"{target.type}:{target.id}" for (name, _), target in zip(TARGET_FIELDS, people, strict=False)}
    more = {"url": urls[0] if urls else "", "wait": step.wait_s // MINUTES, "acknowledge": str(step.acknowledge)}
    more |= {"chat": str(rooms[0].id), "room": rooms[0].room} if rooms else {}
    return {**named, **more}


class RouteForm(FlappingForm):
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
    parent = forms.ModelChoiceField(
        label="Below the route",
        queryset=Route.objects.order_by("position"),
        required=False,
        empty_label="none: it stands for itself",
        help_text="It is asked only for what that route takes, before it.",
    )
    wait_s = forms.IntegerField(
        label="Seconds to wait for more",
        min_value=0,
        max_value=DAY_MINUTES * MINUTES,
        required=False,
        help_text="How long a new group waits before it pages. Empty or 0: at once.",
    )
    interval_s = forms.IntegerField(
        label="Seconds between two pages of one group",
        min_value=0,
        max_value=DAY_MINUTES * MINUTES,
        required=False,
        help_text="When somebody has the page and something new joins. Empty: 300.",
    )
    hours = forms.CharField(
        label="Only at these times",
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="One line each, such as mon-fri 09:00-17:00 or daily 22:00-06:00. Empty: always.",
    )
    zone = forms.ChoiceField(
        label="On the wall clock of", choices=zones, required=False, help_text="Counts for the times above."
    )
    goes_on = forms.BooleanField(
        label="Go on to the routes behind", required=False, help_text="They may page somebody else as well."
    )
    urgency = forms.ChoiceField(
        label="How urgent its pages are",
        required=False,
        choices=[
            ("", "as the policy says"),
            ("high", "high: they may wake somebody"),
            ("low", "low: they wait for daylight"),
        ],
        help_text="Where a route says it, severity does not matter.",
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

    def options(self) -> RouteOptions:
        """Return what is written beside the conditions."""
        data = self.cleaned_data
        return RouteOptions(
            parent=data["parent"],
            wait_s=data["wait_s"] or 0,
            interval_s=300 if data["interval_s"] is None else data["interval_s"],
            goes_on=data["goes_on"],
            hours=[line for line in data["hours"].splitlines() if line.strip()],
            zone=data["zone"] or "UTC",
            flapping=self.rule(),
            urgency=data["urgency"],
        )

    def refuse(self, error: BadInput) -> None:
        """Put what an action refused at the field where it was written."""
        if error.field in NAMES:
            self.place(error)
            return
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
        "parent": route.parent_id,
        "wait_s": route.wait_s,
        "interval_s": route.interval_s,
        "hours": "\n".join(route.hours),
        "zone": route.zone,
        "goes_on": route.goes_on,
        "seen_version": route.version,
        "urgency": route.urgency,
        **flapping_initial(route.flapping),
    }
    for number, item in enumerate(matchers, start=1):
        initial |= {f"name_{number}": item["name"], f"op_{number}": item["op"], f"value_{number}": item["value"]}
    return initial
