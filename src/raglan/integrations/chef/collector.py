"""Reads the data collector of Chef: that a run starts, and what each resource became. A why-run tells nothing here.

Nearly all of a message is what ohai found on the node. It is skipped by the decoder, not read and thrown away.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from raglan.core.errors import BadInput
from raglan.fleet.ports import HostTold, MoveTold, Outcome, RunRequest, RunTold, ServiceTold, StepTold
from raglan.integrations import shape, told

MAX_BYTES = 8 * 1024 * 1024
SYSTEM_PACKAGES = frozenset(
    f"{kind}_package" for kind in ("apt", "dnf", "dpkg", "yum", "rpm", "zypper", "pacman", "apk", "freebsd", "openbsd")
) | {"package", "chocolatey_package", "windows_package", "snap_package", "msu_package", "solaris_package"}
STEPS = {"updated": Outcome.CHANGED, "failed": Outcome.FAILED}
STARTS = ("start", "restart", "reload")


class Ohai(msgspec.Struct):
    """The few facts of a machine that matter here."""

    machine_id: Any = None
    platform: Any = None
    platform_version: Any = None


class Normal(msgspec.Struct):
    """Attributes that stay with a node."""

    tags: Any = None
    cluster: Any = None


class Set(msgspec.Struct):
    """Attributes that cookbooks, roles and policies set."""

    cluster: Any = None


class Node(msgspec.Struct):
    """A node as Chef knows it."""

    chef_environment: Any = None
    normal: Normal | None = None
    default: Set | None = None
    override: Set | None = None
    automatic: Ohai | None = None


class Resource(msgspec.Struct):
    """One resource and what became of it."""

    type: Any = None
    name: Any = None
    status: Any = None
    result: Any = None
    before: Any = None
    after: Any = None
    delta: Any = None
    error_message: Any = None


class Wrong(msgspec.Struct):
    """Why a run failed."""

    message: Any = None


class Message(msgspec.Struct):
    """One message of the data collector."""

    message_type: Any = None
    run_id: Any = None
    id: Any = None
    node_name: Any = None
    start_time: Any = None
    end_time: Any = None
    status: Any = None
    policy_name: Any = None
    policy_group: Any = None
    expanded_run_list: Any = None
    cookbooks: Any = None
    total_resource_count: Any = None
    updated_resource_count: Any = None
    node: Node | None = None
    resources: list[Resource] | None = None
    error: Wrong | None = None


_decoder = msgspec.json.Decoder(Message)


class DataCollector:
    """One message a request."""

    kind = "chef"

    def decode(self, request: RunRequest) -> Sequence[RunTold]:
        """Read a message; one that is of no run is kept by nobody. Raises BadInput."""
        if len(request.body) > MAX_BYTES:
            raise BadInput("", "larger than 8 MiB", status=413)
        try:
            message = _decoder.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadInput("", f"this is not a message of Chef's data collector: {error}"[:300]) from None
        if message.message_type not in ("run_start", "run_converge"):
            return []
        if not told.text(message.node_name):
            raise BadInput("node_name", "says which machine this is about, and must not be empty")
        if not _key(message):
            raise BadInput("run_id", "says which run this is, and must not be empty")
        return [told.finish(_started(message) if message.message_type == "run_start" else _converged(message))]


def _key(message: Message) -> str:
    return told.text(message.run_id) or told.text(message.id)


def _started(message: Message) -> RunTold:
    at = shape.lenient_time(told.text(message.start_time))
    return RunTold("chef", _key(message), told.host(message.node_name), Outcome.STARTED, started_at=at)


def _converged(message: Message) -> RunTold:
    resources = message.resources or []
    packages = [one for one in resources if one.type in SYSTEM_PACKAGES and one.status == "updated"]
    services = [one for one in resources if one.type == "service"]
    return RunTold(
        tool="chef",
        key=_key(message),
        host=_host(message),
        outcome=_outcome(message),
        started_at=shape.lenient_time(told.text(message.start_time)),
        ended_at=shape.lenient_time(told.text(message.end_time)),
        version=_version(message),
        steps=[step for one in resources for step in _step(one)],
        moves=[move for one in packages for move in _moves(one)],
        services=[state for one in services for state in _service(one)],
        words=_words(message),
    )


def _cluster(node: Node) -> str:
    """Return the attribute `cluster`, in Chef's order: what overrides, what stays with the node, what is default."""
    listed = (node.override, node.normal, node.default)
    return next((text for kept in listed if kept is not None and (text := told.text(kept.cluster))), "")


def _host(message: Message) -> HostTold:
    node = message.node or Node()
    facts, kept = node.automatic or Ohai(), node.normal or Normal()
    roles = _names(message, "role")
    environment = told.text(message.policy_group) or told.text(node.chef_environment)
    return told.host(
        message.node_name,
        machine=facts.machine_id,
        cluster=_cluster(node),
        role=told.text(message.policy_name) or (roles[0] if roles else ""),
        environment="" if environment == "_default" else environment,
        system=f"{told.text(facts.platform)} {told.text(facts.platform_version)}",
        tags=kept.tags if isinstance(kept.tags, list) else None,
    )


def _names(message: Message, kind: str) -> list[str]:
    items = told.listing(told.mapping(message.expanded_run_list).get("run_list"))
    return [told.text(one["name"]) for one in map(told.mapping, items) if one.get("type") == kind and "name" in one]


def _outcome(message: Message) -> Outcome:
    if message.status != "success":
        return Outcome.FAILED
    return Outcome.CHANGED if any(one.status == "updated" for one in message.resources or []) else Outcome.UNCHANGED


def _version(message: Message) -> str:
    """Return the cookbooks with their versions, where they are few."""
    books = {told.text(name): told.text(told.mapping(one).get("version")) for name, one in _cookbooks(message)}
    return ", ".join(f"{name} {version}" for name, version in sorted(books.items())[:10])


def _cookbooks(message: Message) -> Iterable[tuple[str, object]]:
    return told.mapping(message.cookbooks).items()


def _step(resource: Resource) -> Iterator[StepTold]:
    if (outcome := STEPS.get(told.text(resource.status))) is not None:
        delta = told.text(resource.delta, told.MOST_SENTENCE).replace("\\n", "\n")
        moves = list(_moves(resource)) if resource.type in SYSTEM_PACKAGES else []
        said = told.text(resource.error_message, 1_000) or told.in_words(moves) or told.text(resource.result)
        name = f"{told.text(resource.type, 60)}[{told.text(resource.name, 230)}]"
        yield StepTold(name, outcome, told.sentence(said, delta))


def _moves(resource: Resource) -> Iterator[MoveTold]:
    """Give what a package resource moved. A version that was not named before the run is known to nobody here."""
    before, after = told.mapping(resource.before), told.mapping(resource.after)
    is_gone = resource.result in ("remove", "purge")
    names = told.texts(after.get("package_name") or before.get("package_name") or resource.name)
    old, new = told.texts(before.get("version")), told.texts(after.get("version"))
    for index, name in enumerate(names):
        now = "" if is_gone else _at(new, index)
        if now or is_gone:
            yield from told.moved(name, _at(old, index), now)


def _at(found: Sequence[str], index: int) -> str:
    return found[index] if index < len(found) else ""


def _service(resource: Resource) -> Iterator[ServiceTold]:
    name = told.text(told.mapping(resource.after).get("service_name")) or told.text(resource.name, 200)
    running = told.mapping(resource.after).get("running")
    if resource.status == "failed" and resource.result in STARTS:
        yield ServiceTold(name, "failed")
    elif resource.status == "updated" and isinstance(running, bool):
        yield ServiceTold(name, "active" if running else "inactive")
    elif resource.status == "updated" and resource.result in STARTS:
        yield ServiceTold(name, "active")


def _words(message: Message) -> str:
    resources = message.resources or []
    failed = sum(one.status == "failed" for one in resources)
    updated = sum(one.status == "updated" for one in resources)
    total = told.text(message.total_resource_count) or str(len(resources))
    said = f"{total} resources: {updated} updated" + (f", {failed} failed" if failed else "")
    if total == "0":
        said = "it told of no resource"
    return told.sentence(said, told.text(message.error.message, 1_000) if message.error else "")
