"""A page with every component on it, to look at and to check."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django import forms

from raglan.ui import svg
from tests.ui.render import Reader, render

ZONE = ZoneInfo("America/New_York")
AT = datetime(2026, 11, 18, 19, 12, tzinfo=UTC)


class Swap(forms.Form):
    """A form with one field of each sort."""

    who = forms.ChoiceField(choices=[("", "Choose a person"), ("1", "Kei Sato")])
    until = forms.CharField(help_text="As you would say it: tomorrow 09:00")
    why = forms.CharField(widget=forms.Textarea, required=False)
    tell = forms.BooleanField(label="Tell the team", required=False, help_text="In their room")
    channel = forms.ChoiceField(
        label="By which way", choices=[("email", "Email"), ("webhook", "Webhook")], widget=forms.RadioSelect
    )


@dataclass(frozen=True)
class Shift:
    """One shift of the calendar, as its template reads it."""

    name: str
    band: svg.Band
    you: bool = False
    swap: bool = False
    gap: bool = False
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One rota of the calendar."""

    name: str
    href: str
    shifts: list[Shift]


def _band(start: float, end: float) -> svg.Band:
    first = datetime(2026, 11, 18, tzinfo=ZONE)
    return svg.band(first + timedelta(days=start), first + timedelta(days=end), ZONE, at=AT)


def _rows() -> list[Row]:
    return [
        Row(
            "Systems",
            "/on-call/systems/",
            [Shift("Ike Okafor", _band(-3, 2.375)), Shift("Mara Novak", _band(2.375, 20))],
        ),
        Row(
            "Web",
            "/on-call/web/",
            [
                Shift("Jun Tan", _band(-3, 0.75)),
                Shift("Hana Lind", _band(0.75, 1.375), you=True),
                Shift("Kei Sato", _band(1.375, 5), swap=True, note="covers for you"),
                Shift("", _band(5, 7), gap=True),
                Shift("Jun Tan", _band(7, 20)),
            ],
        ),
    ]


PARTS = [
    svg.Part("good", 171, "back"),
    svg.Part("bad", 187, "down", "hatch"),
    svg.Part("unknown", 31, "not reached", "open"),
    svg.Part("change", 23, "on the old version"),
]

SOURCE = Path(__file__).with_suffix(".html")

TEXT = """# What happened

A **Chef run** upgraded `httpd`. See https://wiki.example/12.

- one
- two

> said

```
code
```
"""


def page() -> str:
    """Render the gallery as one page."""
    context = {
        "at": AT,
        "kinds": ["bad", "slow", "good", "unknown", "change", "ask", "verify"],
        "days": svg.calendar_days(AT, ZONE),
        "rows": _rows(),
        "parts": PARTS,
        "form": Swap({"until": "17 Nov 09:00"}),
        "said": "api0001 to `api0064` are back.",
        "text": TEXT,
    }
    return render(SOURCE.read_text(), context, reader=Reader())
