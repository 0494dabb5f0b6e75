"""Plugins for other tools, each one file, that come with raglan."""

from importlib.resources import files

import click

PLACES = {
    "ansible": ("raglan.integrations.ansible", "callback/raglan.py"),
    "salt": ("raglan.integrations.salt", "returner/raglan.py"),
}


@click.command()
@click.argument("tool", type=click.Choice(sorted(PLACES)))
def plugin(tool: str) -> None:
    """Print raglan's plugin for a tool: the callback for Ansible, the returner for Salt.

    Put it into a file called raglan.py, in `callback_plugins/` beside your play books or in `_returners/` of your file
    roots. It needs nothing but the tool itself.
    """
    package, path = PLACES[tool]
    click.echo((files(package) / path).read_text(encoding="utf-8"), nl=False)
