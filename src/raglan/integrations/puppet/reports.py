"""Reads a report of Puppet: what each resource became, in one run on one host."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from raglan.core.errors import BadInput
from raglan.fleet.ports import MoveTold, Outcome, RunRequest, RunTold, ServiceTold, StepTold
from raglan.integrations import shape, told

ERRORS = ("err", "alert", "emerg", "crit")
PRESENT = ("present", "installed", "latest", "held")
INTO = re.compile(r" to '?([^' ]+)'?$")
OUTCOMES = {"failed": Outcome.FAILED, "changed": Outcome.CHANGED, "unchanged": Outcome.UNCHANGED}
STEPS = {"success": Outcome.CHANGED, "failure": Outcome.FAILED, "noop": Outcome.REHEARSED}
WITH_AN_END = 7  # the first format of reports that ends with `corrective_change`
STATES = {"running": "active", "stopped": "inactive", "true": "active", "false": "inactive"}


class PuppetReports:
    """One report a request, as YAML (or as JSON, which is YAML too)."""

    kind = "puppet"

    def decode(self, request: RunRequest) -> Sequence[RunTold]:
        """Read a report. Raises BadInput."""
        from raglan.integrations.puppet import ruby_yaml  # read when the first report comes: it takes memory

        report = ruby_yaml.read(request.body)
        if not isinstance(report, dict) or ("resource_statuses" not in report and "logs" not in report):
            raise BadInput("", "this is not a report of Puppet")
        if not told.text(report.get("host")):
            raise BadInput("host", "says which machine this is about, and must not be empty")
        if not _is_whole(report):
            raise BadInput("", "this report of Puppet is cut off: what it ends with is missing", status=422)
        return [told.finish(_run(report))]


def _is_whole(report: dict[str, object]) -> bool:
    """Tell whether a report has its end: YAML that is cut off between two lines reads as well as all of it.

    Behind the resources stands whether somebody had changed something by hand. Old formats have no such word, but name
    all resources; later ones may leave out those that did not change.
    """
    if _number(report.get("report_format", WITH_AN_END)) >= WITH_AN_END:
        return isinstance(report.get("corrective_change"), bool)
    counts = [value for value in told.listing(_metric(report, "resources")) if isinstance(value, list)]
    totals = [_number(value[2]) for value in counts if len(value) == 3 and value[0] == "total"]
    return totals == [len(told.mapping(report.get("resource_statuses")))]


def _run(report: dict[str, object]) -> RunTold:
    resources = [told.mapping(one) for one in told.mapping(report.get("resource_statuses")).values()]
    started = shape.lenient_time(told.text(report.get("time")))
    diffs = _diffs(report)
    return RunTold(
        tool="puppet",
        key=_key(report),
        host=told.host(report.get("host"), environment=report.get("environment")),
        outcome=_outcome(report, resources),
        started_at=started,
        ended_at=_ended(report, started),
        version=told.text(report.get("code_id")) or told.text(report.get("configuration_version")),
        steps=[step for one in resources for step in _step(one, diffs)],
        moves=[move for one in resources if one.get("resource_type") == "Package" for move in _moves(one)],
        services=[turn for one in resources if one.get("resource_type") == "Service" for turn in _service(one)],
        words=_words(report, len(resources)),
    )


def _key(report: dict[str, object]) -> str:
    """Return the run's own id; old versions of Puppet have none, and are known by host and time."""
    if key := told.text(report.get("transaction_uuid")):
        return key
    return hashlib.sha256(f"{told.text(report.get('host'))} {told.text(report.get('time'))}".encode()).hexdigest()


def _outcome(report: dict[str, object], resources: Sequence[dict[str, object]]) -> Outcome:
    if report.get("noop") is True:
        return Outcome.REHEARSED
    said = OUTCOMES.get(told.text(report.get("status")))
    is_broken = any(one.get("failed") is True or one.get("failed_to_restart") is True for one in resources)
    return Outcome.FAILED if is_broken or said is None else said


def _ended(report: dict[str, object], started: datetime | None) -> datetime | None:
    """Return when the last thing was logged, or the start with how long it took by its own word."""
    logs = told.listing(report.get("logs"))
    times = [shape.lenient_time(told.text(told.mapping(log).get("time"))) for log in logs[-3:]]
    if known := [time for time in times if time is not None]:
        return max(known)
    for value in told.listing(_metric(report, "time")):
        if isinstance(value, list) and len(value) == 3 and value[0] == "total" and started is not None:
            return started + timedelta(seconds=min(_number(value[2]), 86_400))
    return started


def _metric(report: dict[str, object], name: str) -> object:
    return told.mapping(told.mapping(report.get("metrics")).get(name)).get("values")


def _number(value: object) -> float:
    try:
        return max(0.0, float(told.text(value)))
    except ValueError:
        return 0.0


def _events(resource: dict[str, object]) -> Iterator[tuple[dict[str, object], Outcome]]:
    for event in told.listing(resource.get("events")):
        if (outcome := STEPS.get(told.text(told.mapping(event).get("status")))) is not None:
            yield told.mapping(event), outcome


def _step(resource: dict[str, object], diffs: dict[str, str]) -> Iterator[StepTold]:
    events = list(_events(resource))
    is_broken = resource.get("failed") is True or resource.get("failed_to_restart") is True
    if not events and not is_broken:
        return
    name = told.text(resource.get("resource")) or f"{resource.get('resource_type')}[{resource.get('title')}]"
    outcomes = [outcome for _event, outcome in events]
    worst = Outcome.FAILED if is_broken or Outcome.FAILED in outcomes else outcomes[0]
    said = [_message(event) for event, _outcome in events]
    if resource.get("failed_to_restart") is True:
        said.append("could not be restarted")
    by_hand = "somebody had changed this by hand" if resource.get("corrective_change") is True else ""
    yield StepTold(told.text(name), worst, told.sentence(*said, by_hand, diffs.get(name, "")))


def _message(event: dict[str, object]) -> str:
    return "(not shown)" if event.get("redacted") is True else told.text(event.get("message"), 1_000)


def _diffs(report: dict[str, object]) -> dict[str, str]:
    """Return differences of files by the name of their resource: they stand in the log alone."""
    found: dict[str, str] = {}
    for item in told.listing(report.get("logs")):
        log = told.mapping(item)
        message = told.text(log.get("message"), told.MOST_SENTENCE)
        source = told.text(log.get("source"), 2_000).removesuffix("/content")
        if message.startswith("--- ") and source:
            found[_last(source)] = message
    return found


def _last(source: str) -> str:
    """Return `File[/etc/x]` of `/Stage[main]/Proxy/File[/etc/x]`, whose last part may hold a slash itself."""
    start = source.rfind("/", 0, source.find("[/")) if "[/" in source else source.rfind("/")
    return source[start + 1 :]


def _moves(resource: dict[str, object]) -> Iterable[MoveTold]:
    for event, outcome in _events(resource):
        if outcome is Outcome.CHANGED and event.get("property") == "ensure":
            new = told.text(event.get("desired_value"))
            if new in PRESENT:  # which version that is, only the message may say
                message = INTO.search(_message(event))
                new = message[1] if message and message[1] not in PRESENT else ""
                if not new:
                    continue
            old = told.text(event.get("previous_value"))
            if old not in PRESENT:
                yield from told.moved(resource.get("title"), old, new)


def _service(resource: dict[str, object]) -> Iterator[ServiceTold]:
    name = told.text(resource.get("title"), 200)
    if resource.get("failed_to_restart") is True:
        yield ServiceTold(name, "failed")
        return
    for event, outcome in _events(resource):
        state = STATES.get(told.text(event.get("desired_value")))
        if event.get("property") == "ensure" and state is not None:
            is_down = outcome is Outcome.FAILED and state == "active"
            if is_down or outcome is Outcome.CHANGED:
                yield ServiceTold(name, "failed" if is_down else state)


def _words(report: dict[str, object], resources: int) -> str:
    counts = {}
    for value in told.listing(_metric(report, "resources")):
        if isinstance(value, list) and len(value) == 3:
            counts[told.text(value[0])] = told.text(value[2])
    named = [
        f"{counts[name]} {name.replace('_', ' ')}" for name in ("changed", "failed", "skipped") if _has(counts, name)
    ]
    said = f"{counts.get('total', resources)} resources" + (f": {', '.join(named)}" if named else "")
    if report.get("noop") is True:
        said = f"a rehearsal (noop): {counts.get('out_of_sync', '0')} of {counts.get('total', resources)} would change"
    errors = [told.text(told.mapping(log).get("message"), 500) for log in _errors(report)]
    return told.sentence(said, *errors[:5])


def _has(counts: dict[str, str], name: str) -> bool:
    return counts.get(name, "0") not in ("", "0")


def _errors(report: dict[str, object]) -> Iterator[object]:
    return (log for log in told.listing(report.get("logs")) if told.mapping(log).get("level") in ERRORS)
