"""Types that every REST door shares: bounded numbers, clean texts, times within range."""

from datetime import UTC, date, datetime, time
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, StringConstraints

from raglan.core.decode import YEARS, clean_text
from raglan.core.rest import Schema

MAX_ID = 2**63 - 1


def _in_range(value: datetime) -> datetime:
    if value.year not in YEARS:
        raise ValueError("the year must be from 1970 to 2200")
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _of_a_wall(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("write it as the clock on the wall shows it, without a zone")
    return value


def as_text(value: object) -> object:
    """Refuse numbers, which the validator would read as seconds since some day."""
    if not isinstance(value, str | date):
        raise ValueError("write it as text")
    return value


Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300), AfterValidator(clean_text)
]
ShortText = Annotated[str, StringConstraints(max_length=300), AfterValidator(clean_text)]
Text = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(clean_text)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
When = Annotated[datetime, AfterValidator(_in_range)]
Instant = Annotated[AwareDatetime, AfterValidator(_in_range)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
WallTime = Annotated[time, AfterValidator(_of_a_wall)]
Limit = Annotated[int, Field(ge=1, le=500)]
Cursor = Annotated[int, Field(ge=0, le=MAX_ID)]


class Body(Schema):
    """What a client sends: unknown fields are refused, so that a typing error is not lost in silence."""

    model_config = ConfigDict(extra="forbid")


class Problem(Schema):
    """The body of every refusal."""

    code: str
    message: str
    field: str = ""
