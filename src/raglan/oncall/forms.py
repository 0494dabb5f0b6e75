"""Forms of on call. They keep what was typed, show what it would do before it is saved, and say what to do."""

import re
from collections.abc import Callable
from datetime import datetime, time
from difflib import get_close_matches
from hashlib import sha256
from typing import ClassVar, TypeVar
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from raglan.oncall import gate
from raglan.oncall.covers import RequestDraft
from raglan.oncall.drafts import (
    MAX_NAME,
    MAX_PARTICIPANTS,
    MAX_REASON,
    MAX_WINDOWS,
    RANKS,
    OverrideDraft,
    RotationDraft,
)
from raglan.oncall.handover import MAX_TEXT
from raglan.oncall.models import Override, Rotation
from raglan.oncall.turns import Window
from raglan.oncall.wall import first_instant, is_shown
from raglan.oncall.windows import WEEKDAYS, parse_days, parse_line
from raglan.people.forms import Form, zones
from raglan.people.models import Person, Team

DAY_CHOICES = list(enumerate(WEEKDAYS))
UNITS = [
    (Rotation.Unit.HOURS, "hours"),
    (Rotation.Unit.DAYS, "days"),
    (Rotation.Unit.WEEKS, "weeks"),
    (Rotation.Unit.MONTHS, "months"),
    (Rotation.Unit.WEEKDAYS, "named weekdays"),
]
T = TypeVar("T")
MINUTES = "%Y-%m-%dT%H:%M"
BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")


class PreviewedForm(Form):
    """A form that is saved only as it was seen: `seen` names what the preview showed."""

    FIELDS_OF_ACTION: ClassVar[dict[str, str]] = {}
    NOT_SHOWN: ClassVar[frozenset[str]] = frozenset({"seen", "overrule"})  # they change nothing that a preview shows

    seen = forms.CharField(required=False, widget=forms.HiddenInput, max_length=64)

    def mark(self, outcome: object) -> str:
        """Return the name of what was typed and of what it does; a change of either needs another look."""
        typed = [(name, self.data.get(name)) for name in self.fields if name not in self.NOT_SHOWN]
        return sha256(repr((typed, outcome)).encode()).hexdigest()

    def place_error(self, field: str, sentence: str) -> None:
        """Show a refusal of the action at the field that it is about."""
        name = field.partition("[")[0]
        name = self.FIELDS_OF_ACTION.get(name, name)
        self.add_error(name if name in self.fields else None, sentence[:1].upper() + sentence[1:] + ".")


class WallTimeField(forms.DateTimeField):
    """A time on the reader's wall clock: of a doubled hour the first, of a missing one the first instant after it."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MINUTES)

    def to_python(self, value: object) -> datetime | None:
        """Return the instant."""
        if value in self.empty_values:
            return None
        try:
            wall = datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        zone = timezone.get_current_timezone()
        if not 1970 <= wall.year <= 2199 or not isinstance(zone, ZoneInfo):
            raise forms.ValidationError("Choose a day in this century.", code="invalid")
        if wall.tzinfo is not None:
            return wall
        return first_instant(wall.replace(microsecond=0), zone)


class PeopleField(forms.CharField):
    """A turn order: one person a line, by name or mail address, as it is pasted from anywhere. `+` makes a group."""

    widget = forms.Textarea(attrs={"rows": 5, "autocomplete": "off", "spellcheck": "false"})

    def clean(self, value: object) -> list[list[Person]]:
        """Return the people, in order, each place as a group."""
        words = [BULLET.sub("", word).strip() for word in re.split(r"[\n,;]", super().clean(str(value or "")))]
        words = [word for word in words if word]
        if len(words) > MAX_PARTICIPANTS:
            raise forms.ValidationError(f"{MAX_PARTICIPANTS} places are enough.")
        everybody = list(Person.objects.filter(is_active=True))
        found = [[_person(name, everybody) for name in _names(word, everybody)] for word in words]
        problems = [problem for group in found for problem in group if isinstance(problem, str)]
        if problems:
            raise forms.ValidationError([forms.ValidationError(problem) for problem in problems])
        return [[person for person in group if isinstance(person, Person)] for group in found]


def _names(word: str, everybody: list[Person]) -> list[str]:
    """Return the names in a place: several where it has a `+`, which a mail address may have as well."""
    if any(word.casefold() == person.email.casefold() for person in everybody):
        return [word]
    return [name.strip() for name in re.split(r"\s\+\s|\s\+|\+\s", word) if name.strip()]


class WindowsField(forms.CharField):
    """Windows, one a line."""

    widget = forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"})

    def clean(self, value: object) -> tuple[Window, ...]:
        """Return the windows."""
        lines = [line for line in str(super().clean(str(value or ""))).splitlines() if line.strip()]
        if len(lines) > MAX_WINDOWS:
            raise forms.ValidationError(f"{MAX_WINDOWS} lines are enough.")
        try:
            return tuple(parse_line(line) for line in lines)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class DaysField(forms.CharField):
    """Weekdays, as words."""

    def clean(self, value: object) -> tuple[int, ...]:
        """Return their numbers."""
        words = super().clean(str(value or ""))
        try:
            return parse_days(words) if words else ()
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


def _person(word: str, everybody: list[Person]) -> Person | str:
    """Return the person whom a word names, or a sentence about why it names none."""
    key = word.casefold()
    found = [person for person in everybody if key in (person.name.casefold(), person.email.casefold())]
    if len(found) == 1:
        return found[0]
    if found:
        return f"{len(found)} people are called {word}. Write the mail address."
    close = get_close_matches(key, {person.name.casefold(): person for person in everybody}, n=1)
    names = [person.name for person in everybody if close and person.name.casefold() == close[0]]
    return f"Nobody here is called {word[:80]}." + (f" Did you mean {names[0]}?" if names else "")


def names_of(groups: list[list[Person]]) -> str:
    """Return a turn order as it is written, one a line; who shares a name stands there by mail address."""
    people = [person for group in groups for person in group]
    shared = {person.name for person in people for other in people if other != person and other.name == person.name}
    return "\n".join(
        " + ".join(person.email if person.name in shared else person.name for person in group) for group in groups
    )


class RotationForm(PreviewedForm):
    """A turn order."""

    participants = PeopleField(
        label="Who takes turns",
        help_text="One name or mail address a line; the first has the first shift. A + between names shares a turn.",
        max_length=6000,
    )
    handoff_weekday = forms.TypedChoiceField(
        label="Hand over on",
        choices=DAY_CHOICES,
        coerce=int,
        initial=0,
        required=False,
        empty_value=None,
        help_text="For turns of weeks.",
    )
    handoff_time = forms.TimeField(
        label="At", initial=time(9), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    every = forms.IntegerField(label="Each turn lasts", min_value=1, max_value=366, initial=1)
    unit = forms.ChoiceField(label="Counted in", choices=UNITS, initial=Rotation.Unit.WEEKS)
    starts_on = forms.DateField(
        label="First shift on or after",
        help_text="It begins on the first hand-over day from here. Turns of months keep this day.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    time_zone = forms.ChoiceField(
        label="Time zone", choices=zones, help_text="Turns follow its wall clock, also when clocks change."
    )

    windows = WindowsField(
        label="Works only at",
        required=False,
        max_length=1000,
        help_text="Empty means always. Else one a line, such as Mon-Fri 09:00-17:00. 22:00-06:00 ends on the next day.",
    )
    weekdays = DaysField(
        label="Hand over on these days",
        required=False,
        max_length=80,
        help_text="For turns counted in named weekdays, such as Mon, Fri.",
    )
    active_days = forms.BooleanField(
        label="Turns of days pass only on days on which it works",
        required=False,
        help_text="Else they pass by the calendar, also over a free weekend.",
    )
    layer = forms.CharField(
        label="Name of the layer",
        required=False,
        max_length=MAX_NAME,
        help_text="A new name makes another layer. The first one of a rota needs no name.",
    )
    rank = forms.IntegerField(
        label="Rank",
        initial=0,
        min_value=RANKS.start,
        max_value=RANKS.stop - 1,
        required=False,
        help_text="The layer with the highest rank that works decides. Of equal ranks all are on call.",
    )
    overrule = forms.CharField(
        label="Why it is saved although somebody in it can not be reached",
        max_length=300,
        required=False,
        help_text="The reason is kept with the rota.",
    )
    FIELDS_OF_ACTION: ClassVar[dict[str, str]] = {"ends_at": "starts_on"}

    def save(self, action: Callable[[str], T]) -> T | None:
        """Run an action with the reason that was written; name who can not be reached if one is needed."""
        return self.attempt(lambda: self._or_ask_for_reason(action))

    def _or_ask_for_reason(self, action: Callable[[str], T]) -> T | None:
        try:
            return action(self.cleaned_data["overrule"])
        except gate.NotReady as error:
            for item in error.found:
                self.add_error("overrule", f"{item.words}.")
            self.add_error("overrule", "Put it right first, or write why it is saved all the same.")
            return None

    @property
    def is_plain(self) -> bool:
        """Whether nothing beyond a simple turn order is written or wrong."""
        more = ("windows", "weekdays", "active_days", "layer", "rank")
        values = (self[name].value() for name in more)
        return not any(value not in (None, "", 0, "0", False, "False") for value in values) and not any(
            name in self.errors for name in more
        )

    def draft(self) -> RotationDraft:
        """Return what was written."""
        data = self.cleaned_data
        unit = Rotation.Unit(data["unit"])
        groups = [[person.pk for person in group] for group in data["participants"]]
        return RotationDraft(
            participants=[group[0] if len(group) == 1 else tuple(group) for group in groups],
            starts_on=data["starts_on"],
            handoff_weekday=data["handoff_weekday"] if unit is Rotation.Unit.WEEKS else None,
            handoff_time=data["handoff_time"],
            every=1 if unit is Rotation.Unit.WEEKDAYS else data["every"],
            time_zone=data["time_zone"],
            unit=unit,
            weekdays=data["weekdays"],
            windows=data["windows"],
            active_days=data["active_days"],
            layer=data["layer"],
            rank=data["rank"] or 0,
        )


class ScheduleForm(RotationForm):
    """A new rota."""

    name = forms.CharField(label="Name of the rota", max_length=120, help_text="What it is for, such as Payments.")
    slug = forms.RegexField(
        r"^[a-z0-9][a-z0-9-]{0,59}$",
        label="Short name",
        required=False,
        help_text="Small letters, digits and hyphens, for addresses and programs. Made from the name if left empty.",
        error_messages={"invalid": "Use small letters, digits and hyphens."},
    )
    team = forms.ModelChoiceField(
        Team.objects.order_by("name"), label="Team", required=False, to_field_name="slug", empty_label="No team"
    )
    field_order = ("name", "participants")


class CoverForm(PreviewedForm):
    """Cover a shift: somebody takes a time in place of the rotation."""

    FIELDS_OF_ACTION: ClassVar[dict[str, str]] = {"person_id": "person", "instead_of_id": "instead_of"}

    person = forms.ModelChoiceField(
        Person.objects.filter(is_active=True).order_by("name", "pk"),
        label="Who",
        empty_label="Choose a person",
        error_messages={"required": "Choose a person.", "invalid_choice": "Choose a person from the list."},
    )
    kind = forms.ChoiceField(
        label="What happens",
        required=False,
        choices=[
            (Override.Kind.REPLACE_EVERYBODY, "takes the place of everybody"),
            (Override.Kind.REPLACE_ONE, "takes the place of one person, while they are on call"),
            (Override.Kind.ADD, "comes beside those on call"),
            (Override.Kind.REMOVE, "is taken out"),
        ],
    )
    instead_of = forms.ModelChoiceField(
        Person.objects.filter(is_active=True).order_by("name", "pk"),
        label="In place of",
        required=False,
        empty_label="Nobody in particular",
        help_text="Only to take the place of one person.",
    )
    starts_at = WallTimeField(label="From", error_messages={"required": "Say from when.", "invalid": "Choose a time."})
    ends_at = WallTimeField(label="Until", error_messages={"required": "Say until when.", "invalid": "Choose a time."})
    reason = forms.CharField(
        label="Why",
        required=False,
        max_length=MAX_REASON,
        help_text="Needed to put somebody else on call. Others see it, such as: at the dentist.",
    )

    def clean(self) -> dict[str, object]:
        """Compare the two ends, so that the message names the start that was written."""
        data = super().clean() or {}
        start, end = data.get("starts_at"), data.get("ends_at")
        if start and end and end <= start:
            local = start.astimezone(timezone.get_current_timezone())
            self.add_error("ends_at", f"This is before it starts ({local.day} {local:%b %H:%M}).")
        return data

    def draft(self) -> OverrideDraft:
        """Return what was written."""
        data = self.cleaned_data
        return OverrideDraft(
            data["person"],
            data["starts_at"],
            data["ends_at"],
            data["reason"],
            data["kind"] or Override.Kind.REPLACE_EVERYBODY,
            data["instead_of"],
        )

    def clock_notes(self) -> list[str]:
        """Say which of the times that were written the wall clock never shows."""
        zone = timezone.get_current_timezone()
        notes = []
        for name in ("starts_at", "ends_at"):
            try:
                wall = datetime.fromisoformat(str(self.data.get(name, "")))
            except ValueError:
                continue
            if isinstance(zone, ZoneInfo) and wall.tzinfo is None and not is_shown(wall, zone):
                local = first_instant(wall, zone).astimezone(zone)
                notes.append(f"Clocks change: {wall:%H:%M} does not exist on that day, {local:%H:%M} counts.")
        return notes


class GiveBackForm(PreviewedForm):
    """Why a time that somebody took goes back."""

    reason = forms.CharField(
        label="Why",
        max_length=MAX_REASON,
        help_text="Those whose time it is get it by mail.",
        error_messages={"required": "Say why, since it is the time of others."},
    )


class AskForm(PreviewedForm):
    """Ask somebody to take a shift, perhaps for one of theirs."""

    FIELDS_OF_ACTION: ClassVar[dict[str, str]] = {"asked_id": "asked"}

    asked = forms.ModelChoiceField(
        Person.objects.filter(is_active=True).order_by("name", "pk"),
        label="Whom",
        required=False,
        empty_label="Anybody who takes turns here",
    )
    starts_at = WallTimeField(label="From", error_messages={"required": "Say from when.", "invalid": "Choose a time."})
    ends_at = WallTimeField(label="Until", error_messages={"required": "Say until when.", "invalid": "Choose a time."})
    back_starts_at = WallTimeField(label="In return, from", required=False, help_text="Only for a swap.")
    back_ends_at = WallTimeField(label="In return, until", required=False)
    reason = forms.CharField(label="Why", required=False, max_length=MAX_REASON)

    def clean(self) -> dict[str, object]:
        """Ask for both ends of the time in return."""
        data = super().clean() or {}
        if bool(data.get("back_starts_at")) != bool(data.get("back_ends_at")):
            self.add_error("back_ends_at", "Write both ends, or none.")
        return data

    def draft(self) -> RequestDraft:
        """Return what was written."""
        data = self.cleaned_data
        back = (data["back_starts_at"], data["back_ends_at"]) if data["back_starts_at"] else None
        return RequestDraft(data["starts_at"], data["ends_at"], data["asked"], back, data["reason"])


class SourceForm(Form):
    """The address of a foreign calendar."""

    url = forms.CharField(
        label="Address of the calendar",
        max_length=2000,
        help_text="An https address that ends in .ics mostly. It is kept sealed and not shown again.",
    )
    rank = forms.IntegerField(
        label="Rank",
        initial=0,
        min_value=RANKS.start,
        max_value=RANKS.stop - 1,
        help_text="Beside layers of the same rank all are on call; above them it decides where it has a shift.",
    )


class LeaveForm(PreviewedForm):
    """A time away."""

    starts_at = WallTimeField(label="From", error_messages={"required": "Say from when.", "invalid": "Choose a time."})
    ends_at = WallTimeField(label="Until", error_messages={"required": "Say until when.", "invalid": "Choose a time."})


class LeaveCalendarForm(Form):
    """The address of a calendar of leave."""

    url = forms.CharField(
        label="Address of the calendar",
        max_length=2000,
        help_text="Every event in it counts as away, so give the one of your leave and not that of your meetings. "
        "It is kept sealed and not shown again.",
    )


class HandoverForm(Form):
    """What the next one should know."""

    text = forms.CharField(
        label="What should the next one know?",
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="What you would say at the door. Empty takes the note back.",
    )


class ShadowForm(LeaveForm):
    """Who learns beside those on call, and when."""

    FIELDS_OF_ACTION: ClassVar[dict[str, str]] = {"person_id": "person"}

    person = forms.ModelChoiceField(Person.objects.none(), label="Who", empty_label=None)
    field_order = ("person", "starts_at", "ends_at")

    def offer(self, people: QuerySet[Person]) -> None:
        """Let these people be chosen from."""
        field = self.fields["person"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = people
