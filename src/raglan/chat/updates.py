"""Where it stands, as one line of chat: `Slow but up; next: 10 min`. A promise stays, unless it says otherwise."""

from datetime import UTC, datetime, timedelta

from raglan.changes import labels, spans
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions
from raglan.incidents.models import Incident
from raglan.people.models import Person
from raglan.ui.wording import in_a_line

READ_WITHIN = timedelta(seconds=20)  # it takes so long until what was written reaches chat, and is read there
MOST = timedelta(days=7)
NONE = ("none", "nothing", "no")
_NEXT = labels.pattern("next")


def write(incident: Incident, line: str, *, by: Person, at: datetime) -> None:
    """Write where it stands. Raises Conflict when somebody else did, and whoever writes can not have read it."""
    words, labelled = labels.split(line, _NEXT)
    promised = labelled[-1][1].strip() if labelled else ""
    _check_read(incident, by, at)
    standing = actions.Standing(
        summary=words.strip(" \t\n;"),
        know=incident.know,
        trying=incident.trying,
        unknown=incident.unknown,
        service_state=incident.service_state,
        state_words=incident.state_words,
        next_update=_span(promised),
        keeps_promise=not promised,
        seen_version=incident.standing_version,
    )
    actions.write_standing(incident, standing, by=by)


def told(incident: Incident) -> str:
    """Say where it stands, to whoever asks."""
    how = "!update WORDS [; next: 10 min] writes where it stands."
    if not incident.summary:
        return f"Nobody has written where it stands yet. {how}"
    promised = f" Next update: {_clock(incident.next_update_at)}." if incident.next_update_at else ""
    return f"{_who(incident)}: “{incident.summary}”.{promised} {how}"


def _span(promised: str) -> timedelta | None:
    if not promised or promised.casefold() in NONE:
        return None
    span = spans.read(promised.removeprefix("in "), field="next")
    if span > MOST:
        raise BadInput("next", "must be within seven days", status=422)
    return span


def _check_read(incident: Incident, by: Person, at: datetime) -> None:
    written = incident.standing_at
    if written is None or incident.standing_by_id in (None, by.pk) or at >= written + READ_WITHIN:
        return
    theirs = in_a_line(incident.summary, 200)
    raise Conflict(f"Not written: {_who(incident)}: “{theirs}”. Put both together and write !update again.")


def _who(incident: Incident) -> str:
    who = incident.standing_by.name if incident.standing_by else "Somebody"
    return f"{who} wrote at {_clock(incident.standing_at)}"


def _clock(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%H:%M} UTC" if at else ""
