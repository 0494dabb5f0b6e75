"""`raglan serve`: the server itself."""

import importlib
import os

import click

from raglan.cli import ready
from raglan.config import config


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--roles", help="Parts to run, comma-separated: edge, web, engine.")
@click.option("--migrate/--no-migrate", default=True, show_default=True, help="Bring the database up to date first.")
@ready.plainly
def serve(*, host: str | None, port: int | None, roles: str | None, migrate: bool) -> None:
    """Run raglan: one process, one port.

    While nobody exists, a one-time link that makes the first administrator is printed.
    """
    given = {"RAGLAN_HOST": host, "RAGLAN_PORT": port, "RAGLAN_ROLES": roles}
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
    ready.prepare()
    # Imported only now: it needs Django to be ready.
    server = importlib.import_module("raglan.edge.serve")
    raise SystemExit(server.serve(config(), migrate=migrate, say=click.echo))
