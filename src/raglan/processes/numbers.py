"""The one number that is shown of many. Written out, because the module of the library that has it is heavy."""

from collections.abc import Iterable


def middle(values: Iterable[float]) -> float:
    """Return the middle one of some values, at least one; between two middle ones, half way."""
    listed = sorted(values)
    half, is_odd = divmod(len(listed), 2)
    return listed[half] if is_odd else (listed[half - 1] + listed[half]) / 2
