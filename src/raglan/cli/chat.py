"""`raglan chat`: a chat that was held elsewhere, brought into the timeline of an incident, over REST."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import click

from raglan.chat import exported
from raglan.cli import client
from raglan.core.errors import BadInput

MAX_BYTES = 64 << 20
AT_ONCE = 200
PORTION = 300_000
SHOWN = 10


@click.group()
def chat() -> None:
    """Bring in a chat that was held elsewhere."""


@chat.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--incident", required=True, type=int, metavar="NUMBER", help="Into whose timeline.")
@click.option("--kind", type=click.Choice([kind for kind in exported.KINDS if kind != "raglan"]), default="auto")
@click.option("--zone", default="UTC", show_default=True, metavar="NAME", help="Of times that name none.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Of the first line, where lines have a time only.")
@click.option("--names", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Slack's users.json.")
@click.option("--preview", is_flag=True, help="Only say what would come in.")
def imported(
    files: tuple[Path, ...],
    *,
    incident: int,
    kind: str,
    zone: str,
    day: datetime | None,
    names: Path | None,
    preview: bool,
) -> None:
    """Bring FILES in: Slack's JSON export, Matrix's JSON export, or lines of text. The same again adds nothing."""
    try:
        known = exported.names_in(_text(names)) if names else {}
        how = exported.Reading(kind, zone, day.date() if day else None, known)
        found = [(path, exported.read(_text(path), how)) for path in files]
    except BadInput as error:
        raise click.ClickException(error.sentence) from None
    for path, export in found:
        for problem in export.problems:
            click.echo(f"{path.name}: {problem}", err=True)
        click.echo(f"{path.name}: {_preview(export) if preview else _send(incident, export)}")


def _text(path: Path) -> str:
    if path.stat().st_size > MAX_BYTES:
        raise click.ClickException(f"{path.name} is larger than 64 MiB")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise click.ClickException(f"{path.name} is not UTF-8") from None


def _preview(export: exported.Export) -> str:
    lines = [f"  {line.at:%Y-%m-%d %H:%M:%S} UTC  {line.author}: {line.text[:100]}" for line in export.lines[:SHOWN]]
    more = [f"  and {len(export.lines) - SHOWN} more"] if len(export.lines) > SHOWN else []
    return "\n".join([f"{len(export.lines)} lines, read as {export.kind}", *lines, *more])


def _send(incident: int, export: exported.Export) -> str:
    new = known = 0
    for some in _portions(export):
        body = {"kind": "raglan", "text": f"[{','.join(some)}]"}
        answer = client.post(f"/incidents/{incident}/chat-import", body)
        new, known = new + int(str(answer.get("new", 0))), known + int(str(answer.get("known", 0)))
    return f"{new} lines came in, {known} were there already"


def _portions(export: exported.Export) -> Iterator[list[str]]:
    """Give lines in portions that one request holds."""
    some: list[str] = []
    size = 0
    for line in export.lines:
        written = json.dumps({**line.as_json(), "text": line.text[:19_000]})
        if some and (len(some) == AT_ONCE or size + len(written) > PORTION):
            yield some
            some, size = [], 0
        some.append(written)
        size += len(written)
    yield some
