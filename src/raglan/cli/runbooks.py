"""`raglan runbooks`: the library from a shell, over REST."""

import os
from collections.abc import Iterator
from pathlib import Path

import click

from raglan.cli import client
from raglan.cli.client import Json
from raglan.cli.talk import as_json, objects, show, when
from raglan.runbooks.limits import MAX_BYTES, MAX_FILES, is_wanted
from raglan.ui.wording import counted

A_PAGE = 500


@click.group()
def runbooks() -> None:
    """List, read and import runbooks."""


@runbooks.command("list")
@click.argument("words", nargs=-1)
@click.option("--service", default="", metavar="SLUG", help="Only those of a service.")
@as_json
def listed(words: tuple[str, ...], *, service: str, as_json: bool) -> None:
    """List runbooks that have all WORDS in title, text or service."""
    found: list[Json] = []
    while page := objects(_page(words, service, after=len(found))):
        found += [dict(item) for item in page]
        if len(page) < A_PAGE:
            break
    lines = [f"{item.get('slug')}  {item.get('title')}" for item in objects(found)]
    show(found, lambda: "\n".join(lines) or "No runbook matches.", as_json=as_json)


def _page(words: tuple[str, ...], service: str, *, after: int) -> Json:
    return client.get("/runbooks", q=" ".join(words), service=service, limit=str(A_PAGE), after=str(after))


@runbooks.command("show")
@click.argument("slug")
@as_json
def shown(slug: str, *, as_json: bool) -> None:
    """Print a runbook."""
    answer = client.get(f"/runbooks/{slug}")
    found = answer if isinstance(answer, dict) else {}
    last = f"Last followed {when(found.get('followed_at'))} by {found.get('followed_by')}."
    told = last if found.get("followed_at") else "Not followed here yet."
    show(answer, lambda: f"# {found.get('title')}\n{told}\n\n{found.get('text')}", as_json=as_json)


@runbooks.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Also take the place of what was written or removed here.")
def imported(folder: Path, *, overwrite: bool) -> None:
    """Import all Markdown files below FOLDER. Importing the same again changes nothing."""
    count = failed = 0
    for path in files_below(folder):
        count += 1
        name = path.relative_to(folder).as_posix()
        try:
            words = _import(path, name, overwrite=overwrite)
        except click.ClickException as error:
            failed, words = failed + 1, f"not taken: {error.message}"
        click.echo(f"{name}: {words}")
    if not count:
        raise click.ClickException(f"There is no Markdown file below {folder}.")
    if failed:
        raise click.ClickException(f"{failed} of {counted(count, 'file')} could not be taken.")


def _import(path: Path, name: str, *, overwrite: bool) -> str:
    with path.open("rb") as opened:
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise click.ClickException("it is larger than 256 KiB")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise click.ClickException("it is not UTF-8") from None
    answer = client.post("/runbooks/import", {"path": name, "text": text, "overwrite": overwrite})
    unknown = answer.get("unknown")
    names = f"; not known here: {', '.join(map(str, unknown))}" if isinstance(unknown, list) and unknown else ""
    why = f": {answer.get('why')}" if answer.get("why") else ""
    return f"{answer.get('outcome')}{why}{names}"


def files_below(folder: Path) -> Iterator[Path]:
    """Give Markdown files in order. Links are not followed, and what begins with a dot is passed over."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place) / name
            if not is_wanted(name) or path.is_symlink() or not path.is_file():
                continue
            count += 1
            if count > MAX_FILES:
                raise click.ClickException(f"there are more than {MAX_FILES} files; import a smaller folder")
            yield path
