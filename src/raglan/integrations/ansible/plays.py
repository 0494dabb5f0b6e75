"""Reads what raglan's callback for Ansible sends: one play book, and what became of each of its hosts."""

from collections.abc import Iterator, Mapping, Sequence

from raglan.core.decode import decode_json
from raglan.core.errors import BadInput
from raglan.fleet.ports import HostTold, MoveTold, Outcome, RunRequest, RunTold, ServiceTold, StepTold
from raglan.integrations import told
from raglan.integrations.ansible import packages

MAX_MEMBERS = 200_000
STEPS = {
    "changed": Outcome.CHANGED,
    "failed": Outcome.FAILED,
    "unreachable": Outcome.FAILED,
    "would": Outcome.REHEARSED,
}
UP = ("started", "restarted", "reloaded")


class AnsiblePlays:
    """One play book a request, with some of its hosts or all."""

    kind = "ansible"

    def decode(self, request: RunRequest) -> Sequence[RunTold]:
        """Read a run. Raises BadInput naming the field."""
        body = told.mapping(decode_json(request.body, max_members=MAX_MEMBERS))
        run = told.text(body.get("run"), 100)
        if not run:
            raise BadInput("run", "says which run this is, and must not be empty")
        if not isinstance(body.get("hosts"), list):
            raise BadInput("hosts", "must be an array")
        return [told.finish(_run(body, run, host, index)) for index, host in enumerate(told.listing(body["hosts"]))]


def _run(body: Mapping[str, object], run: str, value: object, index: int) -> RunTold:
    host = told.mapping(value)
    if not told.text(host.get("name")):
        raise BadInput(f"hosts[{index}].name", "says which machine this is about, and must not be empty")
    tasks = [told.mapping(task) for task in told.listing(host.get("tasks"))]
    facts = [task for task in tasks if task.get("check") is not True and body.get("check") is not True]
    return RunTold(
        tool="ansible",
        key=f"{run}:{told.text(host.get('name'), 90)}",
        host=_host(host),
        outcome=_outcome(body, told.mapping(host.get("counts"))),
        started_at=told.moment(body.get("started")),
        ended_at=told.moment(body.get("ended")),
        version=told.text(body.get("version")),
        steps=[step for task in tasks for step in _step(task, is_check=body.get("check") is True)],
        moves=[move for task in facts for move in _moves(task)],
        services=[state for task in facts for state in _service(task)],
        words=_words(body, told.mapping(host.get("counts"))),
    )


def _host(host: Mapping[str, object]) -> HostTold:
    facts = told.mapping(host.get("facts"))
    named = {name: facts.get(name) for name in ("machine", "cluster", "role", "environment", "system")}
    return told.host(host.get("name"), tags=host.get("groups"), **named)


def _count(counts: Mapping[str, object], name: str) -> int:
    value = counts.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _outcome(body: Mapping[str, object], counts: Mapping[str, object]) -> Outcome:
    if body.get("check") is True:
        return Outcome.REHEARSED
    if _count(counts, "failures") or _count(counts, "unreachable"):
        return Outcome.FAILED
    return Outcome.CHANGED if _count(counts, "changed") else Outcome.UNCHANGED


def _step(task: Mapping[str, object], *, is_check: bool) -> Iterator[StepTold]:
    outcome = STEPS.get(told.text(task.get("outcome")))
    if outcome is None:
        return
    if outcome is Outcome.CHANGED and (is_check or task.get("check") is True):
        outcome = Outcome.REHEARSED
    action = told.text(task.get("action"), 100)
    name = told.text(task.get("name")) or action
    moves = told.in_words(list(_moves(task)))
    ignored = "(its failure was ignored)" if task.get("ignored") is True else ""
    words = told.text(task.get("words"), 1_000) or (
        "could not be reached" if task.get("outcome") == "unreachable" else ""
    )
    yield StepTold(name, outcome, told.sentence(words or moves or action, ignored, moves, _diff(task)))


def _diff(task: Mapping[str, object]) -> str:
    return told.text(task.get("diff"), 3_000)


def _moves(task: Mapping[str, object]) -> list[MoveTold]:
    return packages.moves([line for line in told.texts(told.listing(task.get("packages"))) if line])


def _service(task: Mapping[str, object]) -> Iterator[ServiceTold]:
    name, wanted = told.text(task.get("service"), 200), told.text(task.get("state"), 40)
    if not name:
        return
    if task.get("outcome") == "failed" and wanted in UP:
        yield ServiceTold(name, "failed")
    elif task.get("outcome") == "changed" and wanted:
        yield ServiceTold(name, "active" if wanted in UP else "inactive")


def _words(body: Mapping[str, object], counts: Mapping[str, object]) -> str:
    book = told.text(body.get("playbook"), 200)
    named = {"ok": "ok", "changed": "changed", "failures": "failed", "unreachable": "not reached"}
    numbers = [f"{_count(counts, name)} {word}" for name, word in named.items() if _count(counts, name)]
    said = f"{book}: {', '.join(numbers) or 'nothing ran'}"
    if body.get("check") is True:
        said += " (a rehearsal: commands and scripts are not looked at)"
    if body.get("under_way") is True:
        return said + " (so far: it still runs)"
    return said + (" (stopped before its end)" if body.get("stopped") is True else "")
