"""What the readers of runs share: loose values become short, clean texts; a list that is too long is cut."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from raglan.core.decode import YEARS, clean_text
from raglan.fleet.ports import HostTold, MoveTold, Outcome, RunTold, ServiceTold, StepTold

MOST_STEPS = 500
MOST_MOVES = 5_000
MOST_WORDS = 2_000
MOST_SENTENCE = 4_000
NO_VERSIONS = frozenset({"", "absent", "purged", "none", "null", "undef"})
WORTH_TELLING = (Outcome.CHANGED, Outcome.FAILED, Outcome.REHEARSED)


def text(value: object, most: int = 300) -> str:
    """Return a clean text of bearable length; what is neither text nor number is none."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return clean_text(value)[:most].strip()
        case int() | float():
            return str(value)[:most]
        case _:
            return ""


def texts(value: object, most: int = 300) -> list[str]:
    """Return one or several texts as several."""
    items = value if isinstance(value, list) else [value]
    return [text(item, most) for item in items]


def mapping(value: object) -> dict[str, object]:
    """Return an object; of anything else, an empty one."""
    return value if isinstance(value, dict) else {}


def listing(value: object) -> list[object]:
    """Return an array; of anything else, an empty one."""
    return value if isinstance(value, list) else []


def moment(seconds: object) -> datetime | None:
    """Read seconds since 1970; a wrong one should not cost the run, and is none."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        found = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.year in YEARS else None


def version(value: object) -> str:
    """Return a version; the words of tools for "not installed" are none."""
    found = text(value, 200)
    return "" if found.lower() in NO_VERSIONS else found


def moved(name: object, old: object, new: object, arch: object = "") -> Iterable[MoveTold]:
    """Give the move of a package, if it is one."""
    move = MoveTold(text(name, 200), version(old), version(new), text(arch, 40))
    if move.name and move.old != move.new:
        yield move


def in_words(moves: Sequence[MoveTold]) -> str:
    """Say where packages went, for people."""
    said = [f"{m.name} {m.old or '(new)'} → {m.new or '(removed)'}" for m in moves[:20]]
    return ", ".join(said) + (f" and {len(moves) - 20} more" if len(moves) > 20 else "")


def sentence(*parts: str) -> str:
    """Return what was said, one part in a line, without what was said twice."""
    return "\n".join(dict.fromkeys(part for part in parts if part))[:MOST_SENTENCE]


def finish(run: RunTold) -> RunTold:
    """Return a run of bearable size. What a rehearsal would move or turn is in its steps: it is a guess and no fact."""
    steps = [step for step in run.steps if step.outcome in WORTH_TELLING]
    failed = [step for step in steps if step.outcome is Outcome.FAILED]
    kept = steps[:MOST_STEPS]
    if len(steps) > MOST_STEPS:
        rest = f"{len(steps) - MOST_STEPS + 1} more steps are not kept"
        kept = (failed + [step for step in steps if step.outcome is not Outcome.FAILED])[: MOST_STEPS - 1]
        kept.append(StepTold(rest, kept[-1].outcome))
    is_fact = run.outcome not in (Outcome.REHEARSED, Outcome.STARTED)
    return RunTold(
        tool=run.tool,
        key=run.key[:200],
        host=run.host,
        outcome=run.outcome,
        started_at=run.started_at,
        ended_at=run.ended_at,
        version=run.version[:200],
        steps=tuple(kept),
        moves=tuple(run.moves[:MOST_MOVES]) if is_fact else (),
        services=services(run.services) if is_fact else (),
        words=run.words[:MOST_WORDS],
    )


def services(told: Sequence[ServiceTold]) -> tuple[ServiceTold, ...]:
    """Return each service once, as it was told last."""
    return tuple({one.name: one for one in told if one.name}.values())


def host(name: object, **facts: object) -> HostTold:
    """Return a host with what the tool knows of it; tags may be one or several, and None where it knows of none."""
    said = facts.pop("tags", None)
    tags = tuple(tag for tag in texts(said if said is not None else [], 100) if tag)[:50]
    words = {field: text(value, 200) for field, value in facts.items()}
    return HostTold(name=text(name, 253), tags=tags, knows_tags=said is not None, **words)  # type: ignore[arg-type]  # no tool tells `installed`
