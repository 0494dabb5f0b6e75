"""`raglan chat`: a chat that was held elsewhere, brought into the timeline of an incident, over REST."""

import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import click

from raglan.chat import exported, uploads
from raglan.cli import client
from raglan.core.decode import Json
from raglan.core.errors import BadInput
from raglan.ui.wording import counted

MAX_BYTES = 64 << 20
AT_ONCE = 200
PORTION = 300_000
SHOWN = 10
STATES = {
    "coming": "{new} of {total} lines came in so far",
    "stopped": "stopped after {new} of {total} lines: {why}",
    "there": "{new} lines came in, {known} were there already",
    "leaving": "{removed} lines are out so far",
    "gone": "{removed} lines are out again, {stay} stay",
}


@click.group()
def chat() -> None:
    """Bring in a chat that was held elsewhere."""


@chat.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--incident", type=int, metavar="NUMBER", help="Into whose timeline.")
@click.option("--new", metavar="TITLE", help="Make an incident for it, as of its first line.")
@click.option("--began", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]), help="With --new: in the zone.")
@click.option("--close/--open", default=True, show_default=True, help="With --new: as of the last line.")
@click.option("--kind", type=click.Choice([kind for kind in exported.KINDS if kind != "raglan"]), default="auto")
@click.option("--zone", default="UTC", show_default=True, metavar="NAME", help="Of times that name none.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Of the first line, where lines have a time only.")
@click.option("--names", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Slack's users.json.")
@click.option("--channel", default="", metavar="NAME", help="Where Slack's archive (.zip) holds several.")
@click.option("--preview", is_flag=True, help="Only say what would come in.")
def imported(
    files: tuple[Path, ...],
    *,
    incident: int | None,
    new: str | None,
    began: datetime | None,
    close: bool,
    kind: str,
    zone: str,
    day: datetime | None,
    names: Path | None,
    channel: str,
    preview: bool,
) -> None:
    """Bring FILES in: Slack's export (.zip or JSON), Matrix's (JSON), or lines of text. The same again adds nothing."""
    try:
        if channel.strip() and not any(zipfile.is_zipfile(path) for path in files):
            raise BadInput("channel", uploads.NO_CHANNELS, status=422)
        known = exported.names_in(_text(names)) if names else {}
        how = exported.Reading(kind, zone, day.date() if day else None, known, until=datetime.now(UTC))
        found = [(path, _read(path, how, channel)) for path in files]
    except BadInput as error:
        raise click.ClickException(error.sentence) from None
    if bool(new) == (incident is not None):
        raise click.UsageError("Say --incident NUMBER, or --new TITLE.")
    for path, export in found:
        _say_problems(path, export)
        if preview:
            click.echo(f"{path.name}: {_preview(export)}")
    if preview:
        return
    if new:
        lines = sorted((line for _, export in found for line in export.lines), key=lambda line: line.at)
        start = began.replace(tzinfo=ZoneInfo(zone)) if began else lines[0].at
        _make({"title": new, "began_at": start.isoformat()}, lines, closes=close)
    else:
        _send_all(incident or 0, found)


@chat.command("take-out")
@click.argument("number", type=int)
def take_out(number: int) -> None:
    """Take all lines that came with an import out of the timeline again."""
    answer = client.post(f"/chat-imports/{number}/take-out", {})
    click.echo(_told(answer))


@chat.command("go-on")
@click.argument("number", type=int)
def go_on(number: int) -> None:
    """Let an import that stopped go on with the lines that are left."""
    answer = client.post(f"/chat-imports/{number}/go-on", {})
    click.echo(_told(answer))


@chat.command("imports")
@click.option("--incident", type=int, metavar="NUMBER", required=True, help="Into whose timeline.")
def imports(incident: int) -> None:
    """List what was brought into a timeline, the newest first."""
    found = client.get(f"/incidents/{incident}/chat-imports")
    for one in found if isinstance(found, list) else []:
        click.echo(_told(one) if isinstance(one, dict) else "")


def _told(one: dict[str, Json]) -> str:
    words = STATES.get(str(one.get("state")), "{state}")
    return f"{one.get('id')}: {words.format(**one)}. {one.get('platform')}, {one.get('made_at')}, {one.get('by')}"


@dataclass(slots=True)
class _OnDisk:
    name: str | None
    size: int | None
    file: BinaryIO

    def read(self, size: int = -1, /) -> bytes:
        return self.file.read(size)

    def seek(self, to: int, whence: int = 0, /) -> int:
        return self.file.seek(to, whence)

    def seekable(self) -> bool:
        return self.file.seekable()

    def tell(self) -> int:
        return self.file.tell()


def _read(path: Path, how: exported.Reading, channel: str) -> exported.Export:
    try:
        if not zipfile.is_zipfile(path):
            return exported.read(_text(path), how)
        with path.open("rb") as file:
            held = _OnDisk(path.name, path.stat().st_size, file)
            found = uploads.picked([held], channel, most=MAX_BYTES)
        return exported.read_all(found.files, replace(how, names={**found.names, **how.names}))
    except BadInput as error:
        raise click.ClickException(f"{path.name}: {error.sentence}") from None


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
    return "\n".join([f"{counted(len(export.lines), 'line')}, read as {export.kind}", *lines, *more])


def _say_problems(path: Path, export: exported.Export) -> None:
    for problem in export.problems:
        click.echo(f"{path.name}: {problem}", err=True)


def _send_all(incident: int, found: Sequence[tuple[Path, exported.Export]]) -> None:
    """Send files, one after the other; all of them come with one import."""
    after: int | None = None
    for number, (path, export) in enumerate(found, 1):
        words, after = _send(incident, export, after, is_last=number == len(found))
        click.echo(f"{path.name}: {words}")


def _send(incident: int, export: exported.Export, after: int | None, *, is_last: bool) -> tuple[str, int | None]:
    new = known = 0
    portions = list(_portions(export.lines))
    for number, some in enumerate(portions, 1):
        body: dict[str, Json] = {
            "kind": "raglan",
            "text": f"[{','.join(some)}]",
            "import_id": after,
            "has_more": not is_last or number < len(portions),
        }
        answer = client.post(f"/incidents/{incident}/chat-import", body)
        new, known = new + int(str(answer.get("new", 0))), known + int(str(answer.get("known", 0)))
        after = _came_with(answer, after)
    return f"{counted(new, 'line')} came in, {known} were there already", after


def _make(past: dict[str, str], lines: Sequence[exported.Told], *, closes: bool) -> None:
    """Make an incident; the same title and beginning goes on in the same one, and the last portion closes it."""
    portions, answer, came = list(_portions(lines)), {}, 0
    after: int | None = None
    for number, some in enumerate(portions, 1):
        body: dict[str, Json] = {
            **past,
            "kind": "raglan",
            "text": f"[{','.join(some)}]",
            "closes": closes and number == len(portions),
            "import_id": after,
            "has_more": number < len(portions),
        }
        answer = client.post("/chat-import", body)
        came += int(str(answer.get("new", 0)))
        after = _came_with(answer, after)
    click.echo(f"{counted(came, 'line')} came in: {answer.get('url', '')}")


def _came_with(answer: dict[str, Json], before: int | None) -> int | None:
    """Return the import by which lines come; say its number at once, so that a failure later leaves no riddle."""
    found = answer.get("import_id")
    if not isinstance(found, int):
        return before
    if before is None:
        click.echo(f"Import {found}: raglan chat take-out {found} takes all of it out again.")
    return found


def _portions(lines: Sequence[exported.Told]) -> Iterator[list[str]]:
    """Give lines in portions that one request holds."""
    some: list[str] = []
    size = 0
    for line in lines:
        written = json.dumps({**line.as_json(), "text": line.text[:19_000]})
        if some and (len(some) == AT_ONCE or size + len(written) > PORTION):
            yield some
            some, size = [], 0
        some.append(written)
        size += len(written)
    yield some
