"""The states that screens show: for each a class, a shape and a word, always together."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Look:
    """How one state is drawn."""

    css: str
    icon: str
    word: str


LOOKS = {
    "bad": Look("is-bad", "bad", "Down"),
    "slow": Look("is-slow", "slow", "Slow"),
    "good": Look("is-good", "good", "Fine"),
    "unknown": Look("is-unknown", "unknown", "Not known"),
    "change": Look("is-change", "change", "Changing"),
    "ask": Look("is-ask", "ask", "Asking"),
    "verify": Look("is-ask", "verify", "Verifying"),
}
FLASH = {"success": LOOKS["good"], "warning": LOOKS["slow"], "error": LOOKS["bad"]}
PLAIN = Look("", "info", "")


def look(kind: str) -> Look:
    """Return how a state is drawn; a kind that nobody drew is shown as not known, never as fine."""
    return LOOKS.get(kind, LOOKS["unknown"])
