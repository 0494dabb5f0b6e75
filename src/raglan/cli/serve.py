"""`raglan serve`: the server itself."""

import ctypes
import importlib
import os
from contextlib import suppress

import click

from raglan.cli import ready
from raglan.config import config

M_ARENA_MAX = -8  # of malloc.h


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
    share_heaps()
    ready.prepare()
    # Imported only now: it needs Django to be ready.
    server = importlib.import_module("raglan.edge.serve")
    raise SystemExit(server.serve(config(), migrate=migrate, say=click.echo))


def share_heaps() -> None:
    """Let all threads share two heaps of the C library: some threads' own would keep 20 MB that nobody uses."""
    with suppress(OSError, AttributeError):  # a C library without this option has no such heaps
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)
