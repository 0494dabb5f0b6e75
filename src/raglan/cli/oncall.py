"""`raglan oncall`: who is on call now, over REST; and schedules as code, explained with no server at all."""

import importlib
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from raglan.cli import client
from raglan.cli.client import Json
from raglan.cli.talk import as_json, objects, show, when

MAX_FILE = 1024 * 1024
file_option = click.option(
    "--file", "path", required=True, type=click.Path(allow_dash=True), metavar="FILE", help="The file; - reads it here."
)


@click.group(invoke_without_command=True)
@click.option("--at", metavar="TIME", help="At another time, such as 2026-05-01T09:00+02:00.")
@as_json
@click.pass_context
def oncall(context: click.Context, at: str | None, *, as_json: bool) -> None:
    """Show who is on call, and who follows. Below: schedules as files."""
    if context.invoked_subcommand is not None:
        return
    duties = client.get("/on-call", at=at) if at else client.get("/on-call")
    show(duties, lambda: "\n".join(map(_duty, objects(duties))) or "There is no schedule yet.", as_json=as_json)


def _duty(duty: Mapping[str, Json]) -> str:
    who = _names(duty.get("people")) or "nobody"
    until = duty.get("until")
    line = f"{duty.get('name')}: {who} {f'until {when(until)}' if until else 'from now on'}"
    following = duty.get("next")
    if isinstance(following, dict):
        line += f", then {_names(following.get('people')) or 'nobody'}"
    return line


def _names(people: Json | None) -> str:
    return ", ".join(str(person.get("name")) for person in objects(people))


@oncall.command()
@file_option
@click.option(
    "--at", metavar="TIME", help="The time; now unless said otherwise. Without an offset: in the file's zone."
)
@click.option("--until", metavar="TIME", help="Show every shift and gap up to here.")
@as_json
def explain(path: str, *, at: str | None, until: str | None, as_json: bool) -> None:
    """Say who is on call by a file, and why. Needs no server."""
    explaining = importlib.import_module("raglan.oncall.explain")  # only here: it costs a part of the start
    errors = importlib.import_module("raglan.core.errors")
    try:
        answer = explaining.explain(_text(path), at, until)
    except errors.RaglanError as error:
        raise click.ClickException(f"{path}: {error.sentence}") from None
    show(answer, lambda: "\n".join(_explained(answer)), as_json=as_json)


def _text(path: str) -> str:
    try:
        raw = sys.stdin.buffer.read(MAX_FILE + 1) if path == "-" else _head(Path(path))
        return raw.decode("utf-8")
    except OSError as error:
        raise click.ClickException(f"{path} can not be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.ClickException(f"{path} is not UTF-8 text.") from None


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_FILE + 1)


def _explained(answer: Mapping[str, Json]) -> Iterator[str]:
    zone = ZoneInfo(str(answer.get("time_zone")))
    yield f"{answer.get('name')}, times in {zone.key}"
    shifts = objects(answer.get("shifts"))
    if not shifts:
        yield f"At {_at(answer.get('at'), zone)}:"
        yield from _who(answer)
        until = answer.get("until")
        following = answer.get("next")
        names = ", ".join(map(str, following)) if isinstance(following, list) and following else "nobody"
        yield f"until {_at(until, zone)}, then {names}" if until else "and no change is planned within two years"
    for shift in shifts:
        yield f"{_at(shift.get('starts_at'), zone)} to {_at(shift.get('ends_at'), zone)}"
        yield from _who(shift)


def _who(answer: Mapping[str, Json]) -> Iterator[str]:
    people = objects(answer.get("people"))
    if not people:
        yield "  nobody"
    for one in people:
        yield f"  {one.get('name')}: {one.get('why')}"


def _at(text: Json | None, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(str(text)).astimezone(zone):%a %d %b %Y %H:%M}"


@oncall.command("export")
@click.argument("schedule")
@click.option("--output", type=click.Path(), help="Write it to this file.")
def export(schedule: str, *, output: str | None) -> None:
    """Print a schedule as a file that can be kept, changed and brought back."""
    answer = client.get(f"/schedules/{schedule}/code")
    text = str(answer.get("text")) if isinstance(answer, dict) else ""
    if output is None:
        click.echo(text, nl=False)
    else:
        Path(output).write_text(text, encoding="utf-8")


@oncall.command()
@click.argument("path", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--days", type=click.IntRange(1, 400), default=56, show_default=True, help="How far to look.")
@as_json
def plan(path: str, *, days: int, as_json: bool) -> None:
    """Show what a file would change, and which shifts would move. Nothing is saved."""
    answer = client.post("/on-call/plan", {"text": _text(path), "days": days})
    show(answer, lambda: "\n".join(_planned(answer)), as_json=as_json)


@oncall.command("import")
@click.argument("path", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--overrule", metavar="REASON", default="", help="Import it although somebody can not be reached.")
@as_json
def import_(path: str, *, overrule: str, as_json: bool) -> None:
    """Let a file count from now on. What was stays as it was."""
    answer = client.post("/on-call/import", {"text": _text(path), "overrule": overrule})
    show(answer, lambda: "\n".join(_steps(answer) or ["It is as it was: nothing to change."]), as_json=as_json)


def _steps(answer: Mapping[str, Json]) -> list[str]:
    steps = answer.get("steps")
    return [str(step) for step in steps] if isinstance(steps, list) else []


def _planned(answer: Mapping[str, Json]) -> Iterator[str]:
    yield from _steps(answer) or ["It is as it was: nothing to change."]
    moves = objects(answer.get("moves"))
    yield "" if moves else "No shift moves."
    for move in moves:
        after, before = _names(move.get("after")) or "nobody", _names(move.get("before")) or "nobody"
        yield f"{when(move.get('starts_at'))} to {when(move.get('ends_at'))}: {after} instead of {before}"
    unready = answer.get("unready")
    for words in unready if isinstance(unready, list) else []:
        yield f"Can not be reached: {words}. An import asks for --overrule with a reason."
