"""Who is on call by a file, and why: for a command line with no server. Pure but for the clock."""

from datetime import UTC, datetime, timedelta

from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.oncall import as_code, resolve
from raglan.oncall.written import Part

MAX_SPAN = timedelta(days=740)
Answer = dict[str, object]


def explain(text: str, at: str | None, until: str | None) -> Answer:
    """Return who is on call at a time, or all shifts and gaps up to `until`. Raises BadInput with field and line."""
    document = as_code.read(text)
    schedule, names = as_code.schedule_of(document)
    start = _instant(at, "--at", document.time_zone) if at else now().replace(microsecond=0)
    head: Answer = {"schedule": document.slug, "name": document.name or document.slug, "time_zone": document.time_zone}
    if until is None:
        answer, following = resolve.outlook(schedule, start)
        return {
            **head,
            "at": _iso(start),
            "people": [_person(reason, schedule, names) for reason in answer.reasons],
            "until": _iso(answer.until) if answer.until else None,
            "next": [names[pk] for pk in following.people] if following else None,
        }
    end = _instant(until, "--until", document.time_zone)
    if not start < end <= start + MAX_SPAN:
        raise BadInput("--until", f"must be after --at, by {MAX_SPAN.days} days at most", status=422)
    pieces = resolve.shifts(schedule, start, end)
    return {**head, "at": _iso(start), "shifts": [_shift(piece, schedule, names) for piece in pieces]}


def _instant(word: str, option: str, zone: str) -> datetime:
    return Part(word, option, {}).instant(zone)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _shift(piece: resolve.Piece, schedule: resolve.Schedule, names: list[str]) -> Answer:
    reasons = resolve.reasons_of(schedule, piece)
    return {
        "starts_at": _iso(piece.starts_at),
        "ends_at": _iso(piece.ends_at),
        "gap": not reasons,
        "people": [_person(reason, schedule, names) for reason in reasons],
    }


def _person(reason: resolve.Reason, schedule: resolve.Schedule, names: list[str]) -> Answer:
    return {
        "name": names[reason.person],
        "why": _why(reason, schedule, names),
        "source": reason.source,
        "layer": schedule.layers.get(reason.layer or 0, ""),
        "override": reason.override,
        "instead_of": [names[person] for person in reason.instead_of],
    }


def _why(reason: resolve.Reason, schedule: resolve.Schedule, names: list[str]) -> str:
    """Return why somebody is on call, with the names of those in whose place."""
    said = next((item for item in schedule.overrides if item.id == reason.override), None)
    if said is None:
        return reason.words
    others = ", ".join(names[person] for person in reason.instead_of if person != reason.person)
    return resolve.words_of(said, others)
