"""Writes the reference pages that are made from the source; `--check` only says which are out of date."""

import os
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import django

from raglan.cli import SERVING, TALKING, cli, options

PAGES = Path(__file__).resolve().parents[1] / "docs" / "reference"
PLACES = {"int": "number", "str": "text", "bool": "yes or no"}


def main() -> int:
    """Write or check."""
    only_check = "--check" in sys.argv
    stale = [name for name, text in pages().items() if not _is(PAGES / name, text)]
    for name in stale:
        if only_check:
            print(f"docs/reference/{name} is out of date: run `make docs`")
        else:
            (PAGES / name).write_text(pages()[name], encoding="utf-8")
    return 1 if only_check and stale else 0


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def pages() -> dict[str, str]:
    """Return each page by its file name."""
    return {"config.md": options.markdown(), "cli.md": commands(), "events.md": events()}


def commands() -> str:
    """Return the page of the command line."""
    lines = ["# Command line", "", "This page is made from the source.", ""]
    for title, entries in (("With a running raglan", TALKING), ("On this machine", SERVING)):
        lines += [f"## {title}", ""]
        if entries is TALKING:
            lines += [
                "These speak REST. They read the address from `RAGLAN_URL` and the token from `RAGLAN_TOKEN`, else",
                "both from `~/.config/raglan/cli.toml` (`url = …`, `token = …`).",
                "",
            ]
        for name in entries:
            lines += [*_command(name), ""]
    return "\n".join(lines)


def _command(name: str) -> Iterator[str]:
    context = click.Context(cli, info_name="raglan", **cli.context_settings)
    command = cli.get_command(context, name)
    if command is None:
        raise KeyError(name)
    yield f"### raglan {name}"
    yield ""
    yield from _usage(command, context, name)
    if isinstance(command, click.Group):
        inner = click.Context(command, info_name=name, parent=context)
        for child, one in sorted(command.commands.items()):
            yield ""
            yield from _usage(one, inner, child)


def _usage(command: click.Command, context: click.Context, name: str) -> Iterator[str]:
    inner = click.Context(command, info_name=name, parent=context, terminal_width=100, max_content_width=100)
    command._help_option = None  # click keeps the one of whoever asked first
    yield "```text"
    yield command.get_help(inner)
    yield "```"


def events() -> str:
    """Return the page of all kinds of events."""
    lines = [
        "# Events",
        "",
        "Everything that changes appends one event, in the same transaction. Events are never edited or deleted.",
        "An event has a time, a kind, an actor (`person:3`, `token:5` or `raglan`), the fields below, and links to",
        "what it is about.",
        "",
        "This page is made from the source.",
    ]
    for context, kinds in _kinds().items():
        lines += ["", f"## {context}", "", "| kind | meaning | fields |", "|---|---|---|"]
        lines += [f"| `{kind}` | {meaning} | {fields or '–'} |" for kind, meaning, fields in kinds]
    return "\n".join(lines) + "\n"


def _kinds() -> dict[str, list[tuple[str, str, str]]]:
    payload = import_module("raglan.core.timeline").EventPayload
    found: dict[str, list[tuple[str, str, str]]] = {}
    for place in sorted((PAGES.parents[1] / "src" / "raglan").glob("*/events.py")):
        module = import_module(f"raglan.{place.parent.name}.events")
        classes = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, payload)]
        rows = [
            (str(one.kind), str(one.__doc__ or "").splitlines()[0], ", ".join(f"`{name}`" for name in one.model_fields))
            for one in classes
            if one is not payload and one.__module__ == module.__name__ and getattr(one, "kind", "")
        ]
        if rows:
            found[place.parent.name] = sorted(rows)
    return found


def prepare() -> None:
    """Load Django on an empty folder: nothing of this machine may end up in a page."""
    for name in [name for name in os.environ if name.startswith("RAGLAN_") and not name.startswith("RAGLAN_TEST_")]:
        del os.environ[name]
    os.environ["RAGLAN_DATA_DIR"] = tempfile.mkdtemp(prefix="raglan-reference-")
    os.environ["DJANGO_SETTINGS_MODULE"] = "raglan.settings"
    django.setup()


if __name__ == "__main__":
    prepare()
    sys.exit(main())
