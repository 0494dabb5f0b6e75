"""`raglan change`: say what you are about to change and what you expect, over REST."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta

import click

from raglan.changes import grouping
from raglan.cli import client
from raglan.cli.client import Json
from raglan.cli.talk import as_json, objects, show, when
from raglan.core.errors import RaglanError
from raglan.ui.wording import counted, span

STANDS = (
    ("as_said", "as was said"),
    ("open", "have it"),
    ("back", "well again"),
    ("differs", "otherwise than was said"),
    ("waiting", "not reached yet"),
    ("kept", "kept what they had"),
    ("silent", "silent too long"),
)
LISTED = 50
KINDS = click.Choice(["nothing", "version", "restart"])


@click.group()
def change() -> None:
    """Propose changes, and see how far they are."""


@change.command("propose")
@click.argument("title")
@click.option("--package", "packages", multiple=True, metavar="NAME[=VERSION]", help="A package; repeatable.")
@click.option("--on-new", metavar="WHAT", help="On new hosts: nothing, version, restart, or any words.")
@click.option("--on-existing", metavar="WHAT", help="On existing hosts: nothing, version, restart, or any words.")
@click.option("--unit", "units", multiple=True, help="A unit that restarts, or that must stay well; repeatable.")
@click.option("--cluster", "clusters", multiple=True, help="Only hosts of this cluster; repeatable.")
@click.option("--role", "roles", multiple=True, help="Only hosts of this role; repeatable.")
@click.option("--environment", "environments", multiple=True, help="Only hosts of this environment; repeatable.")
@click.option("--tag", "tags", multiple=True, help="Only hosts with this tag; repeatable.")
@click.option("--link", metavar="URL", help="Where to read on: the commit, the pipeline.")
@click.option("--note", help="What others should know.")
@click.option("--author", metavar="MAIL|ID", help="Whom to talk to, where a program proposes it.")
@click.option("--key", help="Proposing it again with the same key changes nothing; a commit will do.")
@click.option(
    "--group", "groups", multiple=True, metavar="GROUP", help='"first: host web1, soak 30 min", "kept: role db, aside".'
)
@click.option("--look", is_flag=True, help="Only say how far it would go; propose nothing.")
@as_json
def propose(
    title: str, *, packages: Sequence[str], look: bool, as_json: bool, **said: str | Sequence[str] | None
) -> None:
    """Say what is about to change. TITLE says it in a line.

    Without --on-new and --on-existing, the versions are expected where packages are named, else nothing.
    """
    pairs = [item.partition("=") for item in packages]
    plain = "version" if packages else "nothing"
    expected: dict[str, Json] = {
        **_side("new", str(said["on_new"] or plain)),
        **_side("existing", str(said["on_existing"] or plain)),
        **{name: list(said[name] or ()) for name in ("units", "clusters", "roles", "environments", "tags")},
    }
    body: dict[str, Json] = {
        "title": title,
        "packages": [{"name": name.strip(), "version": version.strip()} for name, _, version in pairs],
        "expected": expected,
        "link": _text(said["link"]),
        "note": _text(said["note"]),
        "key": _text(said["key"]),
        "author": _text(said["author"]),
        "groups": [asdict(group) for group in _groups(said["groups"] or ())],
    }
    if look:
        ahead = client.post("/changes/reach", body)
        show(ahead, lambda: _ahead(ahead), as_json=as_json)
        return
    answer = client.post("/changes/proposed", body)
    show(answer, lambda: _proposed(answer), as_json=as_json)


def _text(value: str | Sequence[str] | None) -> str | None:
    return None if value is None else str(value)


def _groups(lines: str | Sequence[str]) -> list[grouping.Group]:
    try:
        return grouping.read("\n".join(lines))
    except RaglanError as error:
        raise click.UsageError(error.sentence) from None


def _side(name: str, said: str) -> dict[str, Json]:
    if said in KINDS.choices:
        return {f"on_{name}": said}
    return {f"on_{name}": "words", f"{name}_words": said}


def _proposed(answer: Mapping[str, Json]) -> str:
    ahead = client.get(f"/changes/{answer.get('id')}/reach")
    link = f"{client.connection().url}{answer.get('url')}"
    far = _ahead(ahead) if isinstance(ahead, dict) else ""
    return f"Change {answer.get('id')} waits: {answer.get('title')}\n{far}\n{link}"


def _ahead(ahead: Mapping[str, Json]) -> str:
    """Say how far a change may go, one fact a line."""
    clusters = ", ".join(
        f"{one.get('name') or 'no cluster'} {one.get('hosts')}" for one in objects(ahead.get("clusters"))
    )
    half, whole = ahead.get("half_after_s"), ahead.get("whole_after_s")
    soon = (
        f"half after {_minutes(half)}, all after {_minutes(whole)}, at most {ahead.get('busiest_minute')} in one minute"
        if half and whole
        else "not known, no run was seen"
    )
    tools = ", ".join(f"{one.get('service')} ({one.get('purposes')})" for one in objects(ahead.get("tools")))
    ways = [_way_back(one) for one in objects(ahead.get("ways_back"))]
    if more := ahead.get("more_ways_back"):
        ways.append(f"not looked up for {counted(int(str(more)), 'other version')}, each on no more hosts than these.")
    known = [*_words(ahead.get("notes")), *_words(ahead.get("alike"))]
    return "\n".join(
        [
            f"It may reach {ahead.get('hosts')} hosts: {clusters or 'none that raglan knows'}.",
            f"How soon: {soon}.",
            *([f"Response tools there: {tools}."] if tools else []),
            *(f"Way back: {words}" for words in ways or ["not known."]),
            *(f"What was like it: {words}" for words in known),
        ]
    )


def _way_back(one: Mapping[str, Json]) -> str:
    """Say whether there is one, and how old the evidence is."""
    age = one.get("evidence_age_s")
    looked = f" Looked up {span(timedelta(seconds=float(str(age))))} ago." if age is not None else ""
    return f"{one.get('words')}{looked}"


def _words(value: Json | None) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _minutes(seconds: Json) -> str:
    return f"{round(float(str(seconds)) / 60)} min"


@change.command("list")
@click.option("--before", type=int, default=0, metavar="NUMBER", help="Only those that raglan was told of before it.")
@as_json
def listed(*, before: int, as_json: bool) -> None:
    """List changes, the newest first, some at a time."""
    found = objects(client.get("/changes", limit=str(LISTED + 1), before=str(before)))
    some: list[Json] = [dict(item) for item in found[:LISTED]]
    lines = [f"{item.get('id')}  {when(item.get('at'))}  {item.get('title')}" for item in found[:LISTED]]
    if len(found) > LISTED:
        lines.append(f"Older ones: raglan change list --before {found[LISTED - 1].get('id')}")
    show(some, lambda: "\n".join(lines) or "No change is known.", as_json=as_json)


@change.command("show")
@click.argument("number", type=int)
@as_json
def shown(number: int, *, as_json: bool) -> None:
    """Say how change NUMBER stands on its hosts, and what differs from what was said."""
    answer = client.get(f"/changes/{number}/progress")
    show(answer, lambda: _stands(answer), as_json=as_json)


def _stands(answer: Json) -> str:
    found = answer if isinstance(answer, dict) else {}
    counts = found.get("counts")
    hosts = counts if isinstance(counts, dict) else {}
    told = [f"{hosts.get(name)} {words}" for name, words in STANDS if hosts.get(name)]
    differs = [f"Differs: {one.get('words')} (first on {one.get('host')})" for one in objects(found.get("surprises"))]
    groups = [f"{one.get('group')}: {one.get('where')}" for one in objects(found.get("groups"))]
    return "\n".join([f"Of {hosts.get('total')} hosts: {', '.join(told) or 'none'}.", *differs, *groups])


@change.command("turn")
@click.argument("number", type=int)
@click.argument("state", type=click.Choice(["under_way", "done", "stopped", "taken_back"]))
@click.option("--because", default="", help="Why, in a line.")
@as_json
def turn(number: int, state: str, *, because: str, as_json: bool) -> None:
    """Say that change NUMBER began, is done, is stopped or is taken back."""
    answer = client.post(f"/changes/{number}/state", {"state": state, "words": because})
    show(answer, lambda: f"Change {number} is {str(answer.get('state')).replace('_', ' ')}.", as_json=as_json)
