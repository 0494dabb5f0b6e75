"""The fields that say when alerts flap, on the forms of routes and sources."""

from datetime import timedelta

from django import forms

from raglan.alerts.flapping import default_rule
from raglan.alerts.pipeline.flap import CHANGES, DAY_S, FlapRule, spell
from raglan.core.errors import BadInput
from raglan.people.forms import Form

MINUTE_S = 60
NAMES = {
    "flapping.changes": "flap_changes",
    "flapping.within_s": "flap_within",
    "flapping.quiet_s": "flap_quiet",
    "flapping.open_s": "flap_open",
}


def _minutes(label: str, help_text: str, least: int = 1) -> forms.IntegerField:
    return forms.IntegerField(
        label=label, min_value=least, max_value=DAY_S // MINUTE_S, required=False, help_text=help_text
    )


class FlappingForm(Form):
    """When an alert flaps. Nothing written goes by what stands above."""

    flap_changes = forms.IntegerField(
        label="An alert flaps from so many openings and ends",
        min_value=0,
        max_value=CHANGES[1],
        required=False,
        help_text="Then it pages once and is held back. 0: never. Empty: as for all others.",
    )
    flap_within = _minutes("within so many minutes", "Counts with the number before.")
    flap_quiet = _minutes("until it was quiet for minutes", "Then it pages again like any other.")
    flap_open = _minutes("or critical and open for minutes", "Then it pages although it flaps.", 0)

    def clean_flap_changes(self) -> int | None:
        """Two changes are one opening and one end, which every alert has."""
        changes: int | None = self.cleaned_data["flap_changes"]
        if changes is not None and 0 < changes < CHANGES[0]:
            raise forms.ValidationError(f"Choose 0 for never, or at least {CHANGES[0]}.")
        return changes

    def rule(self) -> FlapRule | None:
        """Return what was written; None when it goes by what stands above."""
        data = self.cleaned_data
        if data["flap_changes"] is None:
            return None
        usual = default_rule()
        times = (("flap_within", usual.within_s), ("flap_quiet", usual.quiet_s), ("flap_open", usual.open_s))
        within_s, quiet_s, open_s = (other if data[name] is None else data[name] * MINUTE_S for name, other in times)
        return FlapRule(data["flap_changes"], within_s, quiet_s, open_s)

    def place(self, error: BadInput) -> None:
        """Show a refusal of the action at the field that it is about."""
        self.add_error(NAMES.get(error.field), f"{error.reason[:1].upper()}{error.reason[1:]}.")


def flapping_initial(stored: dict[str, int] | None) -> dict[str, object]:
    """Return what the fields start with."""
    if not stored:
        return {}
    minutes = {name: -(-stored[key] // MINUTE_S) for name, key in _TIMES.items()}
    return {"flap_changes": stored["changes"], **minutes}


def usual_words() -> str:
    """Say when an alert flaps by default."""
    usual = default_rule()
    if usual.is_off:
        return "never"
    within, quiet = (spell(timedelta(seconds=seconds)) for seconds in (usual.within_s, usual.quiet_s))
    return f"from {usual.changes} openings and ends within {within} on, until it was quiet for {quiet}"


_TIMES = {"flap_within": "within_s", "flap_quiet": "quiet_s", "flap_open": "open_s"}
