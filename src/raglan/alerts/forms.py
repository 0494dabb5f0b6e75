"""Forms of alerts. They keep what was typed and say what to do."""

from datetime import datetime, timedelta

from django import forms

from raglan.alerts import actions, matchers
from raglan.alerts.models import Inhibition, Maintenance, Silence
from raglan.alerts.pipeline.route import Matcher
from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.oncall.forms import WallTimeField
from raglan.people.forms import Form, zones

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LENGTHS = [
    ("30", "30 minutes"),
    ("60", "1 hour"),
    ("120", "2 hours"),
    ("480", "8 hours"),
    ("1440", "1 day"),
    ("10080", "1 week"),
    ("", "until the time below"),
]


class MatchersField(forms.CharField):
    """Matchers, one a line, as Prometheus writes them."""

    def __init__(self, *, label: str, help_text: str, required: bool = True) -> None:
        widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"})
        super().__init__(label=label, max_length=12_000, help_text=help_text, required=required, widget=widget)

    def clean(self, value: object) -> list[Matcher]:
        """Return the matchers."""
        try:
            return matchers.parse_lines(super().clean(str(value or "")))
        except BadInput as error:
            raise forms.ValidationError(f"{error.reason[:1].upper()}{error.reason[1:]}.") from None


class SilenceForm(Form):
    """A silence: which alerts, from when, until when, why."""

    matchers = MatchersField(
        label="Which alerts",
        help_text='One condition a line, such as instance=~"web-.*". All must hold; =~ and !~ compare the whole value.',
    )
    length = forms.ChoiceField(label="For how long", choices=LENGTHS, required=False, initial="120")
    starts_at = WallTimeField(
        label="From", required=False, help_text="Empty: from now on.", error_messages={"invalid": "Choose a time."}
    )
    ends_at = WallTimeField(
        label="Until",
        required=False,
        help_text="Counts when no length is chosen.",
        error_messages={"invalid": "Choose a time."},
    )
    reason = forms.CharField(label="Why", max_length=actions.MAX_REASON, help_text="For those who wonder at 3 a.m.")
    seen_version = forms.IntegerField(widget=forms.HiddenInput, initial=0, required=False)

    def clean(self) -> dict[str, object]:
        """Ask for an end, one way or the other."""
        data = super().clean() or {}
        if not data.get("length") and not data.get("ends_at") and "ends_at" not in self.errors:
            self.add_error("ends_at", "Choose a length, or say until when.")
        return data

    def draft(self) -> actions.SilenceDraft:
        """Return what was written."""
        data = self.cleaned_data
        starts_at: datetime = data["starts_at"] or now()
        length = data.get("length")
        ends_at = starts_at + timedelta(minutes=int(length)) if length else data["ends_at"]
        return actions.SilenceDraft(data["matchers"], starts_at, ends_at, data["reason"])

    def place(self, error: BadInput) -> None:
        """Show a refusal of the action at the field that it is about."""
        name = error.field.partition("[")[0]
        self.add_error(name if name in self.fields else None, f"{error.reason[:1].upper()}{error.reason[1:]}.")


def silence_initial(silence: Silence) -> dict[str, object]:
    """Return what the form starts with when a silence is changed."""
    return {
        "matchers": matchers.written(matchers.read(silence.matchers)),
        "length": "",
        "starts_at": silence.starts_at,
        "ends_at": silence.ends_at,
        "reason": silence.reason,
        "seen_version": silence.version,
    }


class InhibitionForm(Form):
    """An inhibition: what explains, what is explained, what must be equal."""

    name = forms.CharField(
        label="What it says", max_length=200, help_text="Such as: a host that is down explains everything on it."
    )
    source_matchers = MatchersField(label="While this fires", help_text="One condition a line; all must hold.")
    target_matchers = MatchersField(label="this is held back", help_text="One condition a line; all must hold.")
    equal = forms.CharField(
        label="if these labels are equal",
        max_length=300,
        required=False,
        help_text="With commas between them. Empty: any alert of the first kind holds back all of the second.",
    )

    same_source = forms.BooleanField(
        label="and both come from the same source",
        required=False,
        initial=True,
        help_text="Without it, whoever can send to any one source can hold back alerts of all others.",
    )

    def labels(self) -> list[str]:
        """Return the labels that must be equal."""
        return [word.strip() for word in self.cleaned_data["equal"].split(",") if word.strip()]

    def place(self, error: BadInput) -> None:
        """Show a refusal of the action at the field that it is about."""
        name = error.field.partition("[")[0]
        self.add_error(name if name in self.fields else None, f"{error.reason[:1].upper()}{error.reason[1:]}.")


def inhibition_initial(inhibition: Inhibition) -> dict[str, object]:
    """Return what the form starts with when an inhibition is changed."""
    return {
        "name": inhibition.name,
        "source_matchers": matchers.written(matchers.read(inhibition.source_matchers)),
        "target_matchers": matchers.written(matchers.read(inhibition.target_matchers)),
        "equal": ", ".join(inhibition.equal),
        "same_source": inhibition.same_source,
    }


class MaintenanceForm(Form):
    """A maintenance window: which alerts, when on the wall clock, how often, why."""

    name = forms.CharField(label="What is done", max_length=200, help_text="Such as: database upgrade.")
    matchers = MatchersField(label="Which alerts are expected", help_text="One condition a line; all must hold.")
    first = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    start = forms.TimeField(label="From", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    minutes = forms.IntegerField(label="For how many minutes", min_value=1, max_value=20_160, initial=60)
    zone = forms.ChoiceField(label="Time zone", choices=zones, help_text="Its wall clock counts, whoever reads.")
    days = forms.MultipleChoiceField(
        label="Each week on",
        choices=[(str(number), name) for number, name in enumerate(WEEKDAYS)],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None: once, on the first day.",
    )
    last = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Empty: until somebody ends it.",
    )
    reason = forms.CharField(label="Why", required=False, max_length=actions.MAX_REASON)
    seen_version = forms.IntegerField(widget=forms.HiddenInput, initial=0, required=False)

    def draft(self) -> actions.MaintenanceDraft:
        """Return what was written."""
        data = self.cleaned_data
        return actions.MaintenanceDraft(
            name=data["name"],
            matchers=data["matchers"],
            zone=data["zone"],
            first=data["first"],
            start=data["start"],
            minutes=data["minutes"],
            days=[int(day) for day in data["days"]],
            last=data["last"],
            reason=data["reason"],
        )

    def window(self) -> Maintenance:
        """Return it as it would be stored."""
        return actions.window_of(self.draft())

    def place(self, error: BadInput) -> None:
        """Show a refusal of the action at the field that it is about."""
        name = error.field.partition("[")[0]
        self.add_error(name if name in self.fields else None, f"{error.reason[:1].upper()}{error.reason[1:]}.")


def maintenance_initial(window: Maintenance) -> dict[str, object]:
    """Return what the form starts with when a window is changed."""
    return {
        "name": window.name,
        "matchers": matchers.written(matchers.read(window.matchers)),
        "first": window.first,
        "start": window.start,
        "minutes": window.minutes,
        "zone": window.zone,
        "days": [str(day) for day in window.days],
        "last": window.last,
        "reason": window.reason,
        "seen_version": window.version,
    }
