"""`raglan places`: where hosts belong that do not say so, over REST."""

from typing import TextIO

import click

from raglan.cli import client
from raglan.cli.client import Json
from raglan.cli.talk import as_json, show


@click.command()
@click.option("--set", "file", type=click.File(), help="Let this file hold all rules; - is standard input.")
@as_json
def places(*, file: TextIO | None, as_json: bool) -> None:
    """Show or set where hosts of a name belong, one rule a line.

    Such as "web*: cluster east, role web, services shop search". What hosts say themselves counts more.
    """
    if file is None:
        answer: Json = client.get("/fleet/places")
    else:
        lines: list[Json] = [line.strip() for line in file.read().splitlines() if line.strip()]
        answer = client.put("/fleet/places", {"rules": lines})
    show(answer, lambda: _told(answer, is_set=file is not None), as_json=as_json)


def _told(answer: Json, *, is_set: bool) -> str:
    said = answer if isinstance(answer, dict) else {}
    rules = said.get("rules")
    lines = [str(rule) for rule in rules] if isinstance(rules, list) else []
    more = [f"{said.get('changed')} hosts have other words now."] if is_set else []
    return "\n".join([*lines, *more]) or "No rule is set."
