"""Reads what a minion of Salt returned: of states, and of functions that move packages. All else is no run."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from raglan.core.decode import decode_json
from raglan.core.errors import BadInput
from raglan.fleet.ports import HostTold, MoveTold, Outcome, RunRequest, RunTold, ServiceTold, StepTold
from raglan.integrations import told

STATES = frozenset(f"state.{name}" for name in ("apply", "highstate", "sls", "sls_id", "single", "high", "top"))
PACKAGES = frozenset(f"pkg.{name}" for name in ("install", "remove", "purge", "upgrade", "autoremove", "downgrade"))
MAX_MEMBERS = 200_000


class SaltReturns:
    """One return a request; several minions may be in a list."""

    kind = "salt"

    def decode(self, request: RunRequest) -> Sequence[RunTold]:
        """Read returns. Raises BadInput naming the field."""
        body = decode_json(request.body, max_members=MAX_MEMBERS)
        found = [told.mapping(one) for one in (body if isinstance(body, list) else [body])]
        if not all(found):
            raise BadInput("", "this is not what a minion of Salt returned")
        return [told.finish(run) for one in found for run in _runs(one)]


def _runs(ret: Mapping[str, object]) -> Iterator[RunTold]:
    host, jid, fun = told.text(ret.get("id")), told.text(ret.get("jid")), told.text(ret.get("fun"))
    for name, value in (("id", host), ("jid", jid), ("fun", fun)):
        if not value:
            raise BadInput(name, "must not be empty")
    if fun not in STATES | PACKAGES:
        return
    read = _of_states if fun in STATES else _of_packages
    yield read(ret, f"{jid}:{host}")


def _of_states(ret: Mapping[str, object], key: str) -> RunTold:
    states = _states(ret.get("return"))
    is_test = _is_test(ret)
    ended = told.moment(ret.get("at"))
    took = timedelta(milliseconds=min(sum(_duration(state) for _name, state in states), 86_400_000))
    return RunTold(
        tool="salt",
        key=key,
        host=_host(ret),
        outcome=_outcome(ret, [state for _name, state in states], is_test),
        started_at=ended - took if ended else None,
        ended_at=ended,
        version=", ".join(text for text in _arguments(ret) if "=" not in text)[:200],
        steps=[step for name, state in states for step in _step(name, state, is_test)],
        moves=[move for name, state in states if name.startswith("pkg_|-") for move in _moves(state.get("changes"))],
        services=[turn for name, state in states if name.startswith("service_|-") for turn in _service(name, state)],
        words=_words(ret, states),
    )


def _of_packages(ret: Mapping[str, object], key: str) -> RunTold:
    moves = list(_moves(ret.get("return")))
    is_test = _is_test(ret)
    done = Outcome.CHANGED if moves else Outcome.UNCHANGED
    outcome = Outcome.REHEARSED if is_test else done if not _is_broken(ret) else Outcome.FAILED
    step = StepTold(told.text(ret.get("fun")), outcome, told.in_words(moves))
    at = told.moment(ret.get("at"))
    return RunTold("salt", key, _host(ret), outcome, at, at, steps=[step], moves=moves, words=_words(ret, []))


def _host(ret: Mapping[str, object]) -> HostTold:
    facts = told.mapping(ret.get("grains"))
    return told.host(
        ret.get("id"),
        machine=facts.get("machine_id"),
        cluster=facts.get("cluster"),
        role=next(iter(told.texts(facts.get("roles") or facts.get("role"))), ""),
        environment=facts.get("environment") or facts.get("saltenv"),
        system=f"{told.text(facts.get('os'))} {told.text(facts.get('osrelease'))}",
    )


def _states(value: object) -> list[tuple[str, dict[str, object]]]:
    named = [(name, told.mapping(state)) for name, state in told.mapping(value).items() if "_|-" in name]
    return sorted(named, key=lambda one: _order(one[1]))


def _order(state: Mapping[str, object]) -> int:
    number = state.get("__run_num__")
    return number if isinstance(number, int) else 0


def _duration(state: Mapping[str, object]) -> float:
    value = state.get("duration")
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0


def _arguments(ret: Mapping[str, object]) -> list[str]:
    return [text for text in told.texts(ret.get("fun_args")) if text]


def _is_test(ret: Mapping[str, object]) -> bool:
    named = [told.mapping(one) for one in told.listing(ret.get("fun_args"))] + [told.mapping(ret.get("fun_kwargs"))]
    said = any(text.replace(" ", "").lower() == "test=true" for text in _arguments(ret))
    return said or ret.get("test") is True or any(one.get("test") is True for one in named)


def _is_broken(ret: Mapping[str, object]) -> bool:
    """Judge by the exit code: `success` only says that the job ran."""
    return ret.get("success") is False or ret.get("retcode") not in (0, None)


def _outcome(ret: Mapping[str, object], states: Sequence[Mapping[str, object]], is_test: bool) -> Outcome:
    results = [state.get("result") for state in states]
    changed = any(state.get("changes") and state.get("result") is True for state in states)
    if is_test or (None in results and not changed and False not in results):
        return Outcome.REHEARSED
    if False in results or _is_broken(ret) or not states:
        return Outcome.FAILED
    return Outcome.CHANGED if changed else Outcome.UNCHANGED


def _step(name: str, state: Mapping[str, object], is_test: bool) -> Iterator[StepTold]:
    result, changes = state.get("result"), told.mapping(state.get("changes"))
    if result is True and not changes:
        return
    outcome = Outcome.FAILED if result is False else Outcome.REHEARSED if is_test or result is None else Outcome.CHANGED
    moves = list(_moves(changes)) if name.startswith("pkg_|-") else []
    yield StepTold(
        _called(name),
        outcome,
        told.sentence(
            told.text(state.get("comment"), 1_000), told.in_words(moves), told.text(changes.get("diff"), 3_000)
        ),
    )


def _called(name: str) -> str:
    """Return `pkg.installed apache2` of `pkg_|-id_|-apache2_|-installed`."""
    parts = name.split("_|-")
    return f"{parts[0]}.{parts[-1]} {parts[2] if len(parts) > 3 else parts[1]}"[:300]


def _moves(changes: object) -> Iterator[MoveTold]:
    """Give moves of packages; newer versions of Salt put them one level deeper."""
    for name, change in told.mapping(changes).items():
        inner = told.mapping(change)
        if "old" in inner or "new" in inner:
            yield from told.moved(name, inner.get("old"), inner.get("new"))
        elif name in ("installed", "removed"):
            yield from _moves(inner)


def _service(name: str, state: Mapping[str, object]) -> Iterator[ServiceTold]:
    does, called = name.rsplit("_|-", 1)[-1], told.text(state.get("name"), 200)
    if does not in ("running", "dead") or not called:
        return
    if state.get("result") is False and does == "running":
        yield ServiceTold(called, "failed")
    elif state.get("result") is True and state.get("changes"):
        yield ServiceTold(called, "active" if does == "running" else "inactive")


def _words(ret: Mapping[str, object], states: Sequence[tuple[str, Mapping[str, object]]]) -> str:
    """Say how many did what; a run that came to no state says why in a text or a list of texts."""
    value = ret.get("return")
    if not states:
        return told.sentence(*[text for text in told.texts(value, 1_000) if text][:5])
    failed = sum(state.get("result") is False for _name, state in states)
    changed = sum(bool(state.get("changes")) for _name, state in states)
    return f"{len(states)} states: {changed} changed" + (f", {failed} failed" if failed else "")
