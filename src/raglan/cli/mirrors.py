"""`raglan way-back` and `raglan pins`: whether a version can still be fetched, over REST."""

from collections.abc import Mapping
from typing import TextIO

import click

from raglan.cli import client
from raglan.cli.client import Json
from raglan.cli.talk import as_json, objects, show, when
from raglan.core.errors import BadInput
from raglan.fleet.pin_lines import parse

EXITS = {"two_way": 0, "one_way": 1, "unknown": 2}


@click.command("way-back")
@click.argument("package")
@click.argument("version")
@as_json
@click.pass_context
def way_back(context: click.Context, package: str, version: str, *, as_json: bool) -> None:
    """Say whether VERSION of PACKAGE can still be fetched; it may end with *.

    Exits with 0 when it can, 1 when no mirror has it, 2 when nobody knows.
    """
    answer = client.get("/way-back", package=package, version=version)
    show(answer, lambda: _way(answer), as_json=as_json)
    context.exit(EXITS.get(str(answer.get("door")), 2) if isinstance(answer, dict) else 2)


def _way(answer: Json) -> str:
    assert isinstance(answer, dict)
    lines = [str(answer["words"])]
    if answer.get("last_seen_at"):
        lines.append(f"It was there last {when(answer['last_seen_at'])}.")
    if isinstance(age := answer.get("age_s"), int):
        lines.append(f"Known as of {age // 60} min ago." if age >= 120 else f"Known as of {age} s ago.")
    return "\n".join(lines)


@click.command()
@click.argument("role", default="")
@click.option("--set", "file", type=click.File(), help="Let this file hold all pins of the role; - is standard input.")
@as_json
@click.pass_context
def pins(context: click.Context, role: str, *, file: TextIO | None, as_json: bool) -> None:
    """Show pinned versions, the lost ones first: those with which a fresh host would fail its first run.

    Without ROLE, those of all roles; with --set, those of all hosts. A line of the file is a package and its version.
    Exits with 1 when one is lost.
    """
    if file is not None:
        try:
            wanted: dict[str, Json] = {**parse(file.read())}
        except BadInput as error:
            raise click.ClickException(error.sentence) from None
        answer = client.put("/pins", {"role": role, "pins": wanted})
    else:
        answer = client.get("/pins", **({"role": role} if role else {}))
    show(answer, lambda: "\n".join(_pin(one) for one in objects(answer)) or "No version is pinned.", as_json=as_json)
    context.exit(1 if any(one["is_lost"] for one in objects(answer)) else 0)


def _pin(one: Mapping[str, Json]) -> str:
    role = f" of {one['role']}" if one["role"] else ""
    newest = f"; the newest is {one['newest']}" if one["newest"] else ""
    state = (
        f"LOST{newest}" if one["is_lost"] else "can be fetched" if one["door"] == "two_way" else "not known to a mirror"
    )
    return f"{one['package']} {one['version']}{role}: {state}"
