"""Small readers that all decoders share: a value of the wanted type, or a `BadInput` that names the field."""

from collections.abc import Callable

from raglan.alerts.ports import Decoded, Problem, RawSignal
from raglan.core.decode import Json
from raglan.core.errors import BadInput

Reader = Callable[[Json, str], RawSignal]


def mapping(value: Json, field: str) -> dict[str, Json]:
    """Return an object. Raises BadInput."""
    if not isinstance(value, dict):
        raise BadInput(field, "must be an object")
    return value


def listing(value: Json, field: str) -> list[Json]:
    """Return an array. Raises BadInput."""
    if not isinstance(value, list):
        raise BadInput(field, "must be an array")
    return value


def text(value: Json, field: str) -> str:
    """Return a text; a missing one is empty. Raises BadInput."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(field, "must be a text")
    return value


def words(value: Json, field: str) -> dict[str, str]:
    """Return an object of texts; numbers and booleans are written out. Raises BadInput."""
    if value is None:
        return {}
    return {name: scalar(item, f"{field}.{name}") for name, item in mapping(value, field).items()}


def scalar(value: Json, field: str) -> str:
    """Return a text for a text, number or boolean. Raises BadInput."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            raise BadInput(field, "must be a text")


def read_each(items: list[Json], read: Reader, *, prefix: str = "") -> Decoded:
    """Read each item by itself, so that one bad one does not harm the others."""
    signals: list[RawSignal] = []
    problems: list[Problem] = []
    for index, item in enumerate(items):
        field = f"{prefix}[{index}]"
        try:
            signals.append(read(item, field))
        except BadInput as error:
            problems.append(Problem(index, error.field, error.reason, item))
    return Decoded(signals, problems)


def sentence_of(problem: Problem) -> str:
    """Say which one was bad and why."""
    return f"{problem.field}: {problem.sentence}"
