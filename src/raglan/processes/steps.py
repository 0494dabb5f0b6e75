"""Steps as people write them: one a line, with the minutes behind a bar. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from raglan.core.errors import BadInput

MOST = 40
MOST_MINUTES = 60 * 24 * 14
MOST_TITLE = 200


@dataclass(frozen=True, slots=True)
class StepDraft:
    """A step as somebody wrote it."""

    title: str
    minutes: int | None = None


def read(text: str) -> list[StepDraft]:
    """Return the steps of a text; `Reserve the test environment | 15` is one of fifteen minutes."""
    return [_line(line) for line in text.splitlines() if line.strip()]


def _line(line: str) -> StepDraft:
    title, bar, minutes = line.rpartition("|")
    if bar and minutes.strip().isdecimal() and len(minutes.strip()) <= 6:
        return StepDraft(title.strip(), int(minutes))
    return StepDraft(line.strip())


def written(steps: Sequence[StepDraft]) -> str:
    """Return steps as the text that `read` understands."""
    return "\n".join(f"{step.title} | {step.minutes}" if step.minutes is not None else step.title for step in steps)


def check(steps: Sequence[StepDraft]) -> None:
    """Raise BadInput when steps can not be kept as they are written."""
    if not steps:
        raise BadInput("steps", "write at least one step", status=422)
    if len(steps) > MOST:
        raise BadInput("steps", f"at most {MOST} steps; make two processes of it", status=422)
    for step in steps:
        if not step.title.strip() or len(step.title) > MOST_TITLE:
            raise BadInput("steps", f"a step has words, at most {MOST_TITLE} characters", status=422)
        if step.minutes is not None and not 0 <= step.minutes <= MOST_MINUTES:
            raise BadInput("steps", "the minutes of a step are at most two weeks", status=422)
    names = [step.title.strip().casefold() for step in steps]
    if len(set(names)) < len(names):
        raise BadInput("steps", "two steps have the same words", status=422)


def matched(old: Sequence[str], new: Sequence[str]) -> list[int | None]:
    """Return for each new title the place of the old step that it goes on with, or None.

    The same words are the same step, wherever it stands now. Of the others, a step at the place of one that is gone
    is that one in other words.
    """
    places = {title.casefold(): place for place, title in enumerate(old)}
    found = [places.get(title.casefold()) for title in new]
    taken = {place for place in found if place is not None}
    return [
        place if place is not None else at if at < len(old) and at not in taken else None
        for at, place in enumerate(found)
    ]
