"""`raglan serve`: the server itself."""

import ctypes
import importlib
import os
import sys
from contextlib import suppress
from types import ModuleType

import click

from raglan.cli import ready
from raglan.config import config
from raglan.core import loading

M_ARENA_MAX, M_MMAP_THRESHOLD = -8, -3  # of malloc.h
LARGE = 128 * 1024  # bytes; as the C library has it at first, which it would raise by itself


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
    with loading.undisturbed():
        ready.prepare()
        leave_test_tools_out()
        # Imported only now: it needs Django to be ready.
        server = importlib.import_module("raglan.edge.serve")
    raise SystemExit(server.serve(config(), migrate=migrate, say=click.echo))


def share_heaps() -> None:
    """Let all threads share two heaps of the C library: some threads' own would keep 20 MB that nobody uses.

    Large blocks stay apart from the heaps, so that they go back to the system when they are over.
    """
    with suppress(OSError, AttributeError):  # a C library without this option has no such heaps
        library = ctypes.CDLL(None)
        library.mallopt(M_ARENA_MAX, 2)
        library.mallopt(M_MMAP_THRESHOLD, LARGE)


def leave_test_tools_out() -> None:
    """Load what REST is built with, but not Django's tools for tests, some 3 MB that a server never needs.

    django-ninja asks `django.test.signals` for one signal, which is that of `django.core.signals`; the whole package
    would come along. It is there again afterwards for whoever imports it.
    """
    if "django.test" in sys.modules or "ninja" in sys.modules:
        return
    package, signals = ModuleType("django.test"), ModuleType("django.test.signals")
    package.signals = signals  # type: ignore[attr-defined]
    signals.setting_changed = importlib.import_module("django.core.signals").setting_changed  # type: ignore[attr-defined]
    sys.modules.update({"django.test": package, "django.test.signals": signals})
    try:
        importlib.import_module("ninja")
    finally:
        del sys.modules["django.test"], sys.modules["django.test.signals"]
