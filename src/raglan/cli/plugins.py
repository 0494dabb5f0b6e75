"""`raglan plugin`: the plugins for other tools that come with raglan."""

import click

from raglan.integrations.plugins import PLACES, text_of


@click.command()
@click.argument("tool", type=click.Choice(sorted(PLACES)))
def plugin(tool: str) -> None:
    """Print raglan's plugin for a tool: the callback for Ansible, the returner for Salt.

    Put it into a file called raglan.py, in `callback_plugins/` beside your play books or in `_returners/` of your file
    roots. It needs nothing but the tool itself.
    """
    click.echo(text_of(tool), nl=False)
