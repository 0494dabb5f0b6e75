"""`raglan status`: the public status page from a shell, over REST."""

import os
from collections.abc import Mapping
from pathlib import Path

import click

from raglan.cli import client
from raglan.cli.talk import as_json, objects, show

NAME = "abcdefghijklmnopqrstuvwxyz0123456789.-_"


@click.group()
def status() -> None:
    """Show and publish the public status page."""


@status.command("show")
@as_json
def shown(*, as_json: bool) -> None:
    """List the components, and how each is as far as anybody knows."""
    answer = client.get("/components")
    lines = [f"{item.get('name')}: {item.get('state')}{_why(item)}" for item in objects(answer)]
    show(answer, lambda: "\n".join(lines) or "The status page has no component.", as_json=as_json)


def _why(item: Mapping[str, object]) -> str:
    return f", {item.get('why')}" if item.get("why") else ""


@status.command("publish")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Write its files here, on this machine, instead.",
)
@click.option(
    "--every", default=10, show_default=True, metavar="MINUTES", help="How often you do so; it says when old."
)
def published(folder: Path | None, *, every: int) -> None:
    """Bring the status page to all its places now, or write its files to a folder of this machine."""
    if folder is None:
        answer = client.post("/status-page/publish", {})
        click.echo(f"On its way to {answer.get('places')} places.")
        return
    files = client.get("/status-page/files", every_min=str(every))
    if not isinstance(files, dict):
        raise click.ClickException("raglan did not send the files.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        _replace(folder, str(name), str(text))
    click.echo(f"{len(files)} files in {folder}.")


def _replace(folder: Path, name: str, text: str) -> None:
    """Put a file into its place in one step. A name that leads elsewhere is refused."""
    if not name or name.startswith(".") or set(name) - set(NAME):
        raise click.ClickException(f"raglan sent a file with an unfit name: {name!r}")
    made = folder / f".{name}.new"
    made.write_text(text, encoding="utf-8")
    os.replace(made, folder / name)
