"""A report that is tried: read as a real one, with nothing of it kept."""

from dataclasses import dataclass

from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.fleet import packages, reports, units
from raglan.fleet.models import FleetSource, Host
from raglan.fleet.standing import key_of

NAMED = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """What would become of a report: words, or the field that is wrong and why."""

    words: tuple[str, ...]
    field: str = ""
    problem: str = ""


def try_report(source: FleetSource, body: bytes) -> Trial:
    """Read a report as the door would, and say what would become of it."""
    try:
        received = reports.read(body, source=source.pk, received_at=now())
        count = packages.count_of(received.packages)
        services = reports.units_of(bytes(received.report.units))
    except BadInput as error:
        return Trial((), error.field, error.reason)
    told = reports.clip(received.report.host)
    known = Host.objects.filter(key=key_of(told)).exists()
    failed = [one.name for one in services if one.state in units.FAILED]
    words = [
        f"It is read: {told.name}, {'a host that is known' if known else 'a new host'}.",
        f"{count} packages and {len(services)} services" + (f", of which {_few(failed)} failed." if failed else "."),
    ]
    if offset := reports.offset_s(received):
        words.append(
            f"Its clock is {abs(offset)} s {'ahead' if offset > 0 else 'behind'}; times are set right by that."
        )
    if not received.packages:
        is_known = bool(packages.known_sets([received.packages_digest])) if received.packages_digest else False
        words.append("The list behind its hash is known." if is_known else "No list came; one would be asked for.")
    return Trial(tuple(words))


def _few(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
