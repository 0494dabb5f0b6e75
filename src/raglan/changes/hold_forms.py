"""Forms of holds: what a screen may send. The action decides; its answer lands at the field it names."""

from datetime import datetime, timedelta

from django import forms

from raglan.changes import freezing, holding, named
from raglan.changes.gate import PLACES, TOUCHED, Reach
from raglan.changes.models import Change
from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.people.forms import Form, zones

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOURS: tuple[tuple[float, str], ...] = (
    (0.5, "30 minutes"),
    (1, "1 hour"),
    (2, "2 hours"),
    (4, "4 hours"),
    (8, "8 hours"),
    (24, "1 day"),
    (72, "3 days"),
    (168, "1 week"),
)
MINUTES = [("10", "10 minutes"), ("20", "20 minutes"), ("30", "30 minutes")]


class NamesField(forms.CharField):
    """Names with spaces or commas between them; one that has some itself stands in quotes."""

    def __init__(self, *, label: str, help_text: str = "") -> None:
        super().__init__(label=label, required=False, max_length=20_000, help_text=help_text)
        self.widget.attrs.update({"autocomplete": "off", "spellcheck": "false"})

    def clean(self, value: object) -> tuple[str, ...]:
        """Return the names."""
        try:
            return named.read(super().clean(str(value or "")))
        except BadInput as error:
            raise forms.ValidationError(f"{error.reason[:1].upper()}{error.reason[1:]}.") from None


class ReachForm(Form):
    """What it is for: all fields empty means everything."""

    clusters = NamesField(label="Clusters")
    roles = NamesField(label="Roles")
    environments = NamesField(label="Environments")
    tags = NamesField(label="Tags")
    packages = NamesField(label="Packages", help_text="Runs that do not say what they touch are stopped, too.")
    changes = NamesField(label="Changes", help_text="By number. Runs that name none are stopped, too.")

    def reach(self) -> Reach:
        """Return what was written."""
        return Reach(**{kind: self.cleaned_data[kind] for kind in (*PLACES, *TOUCHED)})


class HoldForm(ReachForm):
    """A hold: what stops, why, until when."""

    name = forms.CharField(label="Name", max_length=80, help_text="Whoever reaches the gate can read it.")
    reason = forms.CharField(label="Why", max_length=300, help_text="For whoever finds their run stopped.")
    hours = forms.ChoiceField(label="For how long", help_text="It ends by itself, and can be extended by hand.")
    link = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as they come
        self.fields["hours"].choices = lengths()  # type: ignore[attr-defined]  # it is a choice field
        self.fields["hours"].initial = "2"

    def draft(self) -> holding.HoldDraft:
        """Return what was written."""
        data = self.cleaned_data
        ends_at = now() + timedelta(hours=float(data["hours"]))
        return holding.HoldDraft(data["name"], data["reason"], ends_at, self.reach(), link=data["link"])


class DrillForm(ReachForm):
    """A stop that is practised: it really stops what it is for, for minutes."""

    name = forms.CharField(label="Name", max_length=80, initial="drill")
    reason = forms.CharField(label="Why", max_length=300, initial="a drill; automation goes on by itself soon")
    minutes = forms.ChoiceField(label="For how long", choices=MINUTES)

    def draft(self) -> holding.HoldDraft:
        """Return what was written."""
        data = self.cleaned_data
        ends_at = now() + timedelta(minutes=int(data["minutes"]))
        return holding.HoldDraft(data["name"], data["reason"], ends_at, self.reach(), is_drill=True)


class FreezeForm(ReachForm):
    """A planned freeze: when on the wall clock, how often, why."""

    name = forms.CharField(label="Name", max_length=80)
    reason = forms.CharField(label="Why", max_length=300)
    first = forms.DateField(label="First day", widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    start = forms.TimeField(label="From", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    hours = forms.FloatField(label="For how many hours", min_value=0.02, max_value=freezing.LONGEST_MIN / 60)
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
    anyway = forms.BooleanField(label="It is meant: plan it", required=False)

    @property
    def is_meant(self) -> bool:
        """Whether it is to be planned although hosts wait for long without a break."""
        return bool(self.cleaned_data["anyway"])

    def draft(self) -> freezing.FreezeDraft:
        """Return what was written."""
        data = self.cleaned_data
        names = ("name", "reason", "zone", "first", "start", "last")
        facts = {name: data[name] for name in names}
        days, minutes = [int(day) for day in data["days"]], round(data["hours"] * 60)
        return freezing.FreezeDraft(minutes=minutes, days=days, reach=self.reach(), **facts)


class ExtendForm(Form):
    """Until when a hold is to last, from now on."""

    hours = forms.ChoiceField(label="From now on for", initial="2")
    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as they come
        self.fields["hours"].choices = lengths()  # type: ignore[attr-defined]  # it is a choice field

    def ends_at(self) -> datetime:
        """Return what was chosen."""
        return now() + timedelta(hours=float(self.cleaned_data["hours"]))


class LiftForm(Form):
    """Why automation may go on."""

    word = forms.CharField(label="Why it may go on", max_length=300)


class ThroughForm(Form):
    """Who may go on although a hold is for them."""

    kind = forms.ChoiceField(
        label="Who", choices=[("host", "A host"), ("role", "The hosts of a role"), ("tag", "The hosts with a tag")]
    )
    name = forms.CharField(label="Its name", max_length=253)
    reason = forms.CharField(label="Why", max_length=300)
    hours = forms.ChoiceField(label="For how long", required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as they come
        self.fields["hours"].choices = [("", "as long as the hold"), *lengths()]  # type: ignore[attr-defined]

    def clean_name(self) -> str:
        """Return the name without its quotes. Raises ValidationError where it would keep some."""
        name = named.bare(self.cleaned_data["name"])
        if name.startswith(named.QUOTES):
            raise forms.ValidationError("Write the name as it is, or in double quotes.")
        return name

    def through(self) -> holding.Through:
        """Return what was written."""
        data = self.cleaned_data
        ends_at = now() + timedelta(hours=float(data["hours"])) if data["hours"] else None
        return holding.Through(data["kind"], data["name"], data["reason"], ends_at)


def lengths() -> list[tuple[str, str]]:
    """Return for how long a hold may be raised."""
    longest = holding.longest()
    return [(f"{hours:g}", words) for hours, words in HOURS if timedelta(hours=hours) <= longest]


def suggested(said: dict[str, str]) -> dict[str, object]:
    """Return what the form starts with: `change`, and what the link that led here names."""
    found: dict[str, object] = {name: said[name][:300] for name in ("name", "reason", "link") if said.get(name)}
    for kind in (*PLACES, *TOUCHED):
        if names := said.get(kind[:-1], "") or said.get(kind, ""):
            found[kind] = names[:300]
    number = said.get("change", "")
    if number.isascii() and number.isdigit() and len(number) < 19:
        found |= _of_change(int(number), found)
    return found


def _of_change(pk: int, found: dict[str, object]) -> dict[str, object]:
    """A hold on a change is for its packages: hosts know those, and not the number of a change."""
    change = Change.objects.prefetch_related("packages").filter(pk=pk).first()
    if change is None:
        return {}
    packages = " ".join(sorted(package.name for package in change.packages.all()))
    name = found.get("name") or f"stop {change.title}"[:80]
    link = found.get("link") or f"change:{pk}"
    more: dict[str, object] = {"name": name, "link": link}
    return more | ({"packages": packages, "changes": ""} if packages else {"changes": str(pk)})
