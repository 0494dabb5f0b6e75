"""Commands that keep the data: migrate, backup, restore."""

import sys
from pathlib import Path

import click
from django.db import connection

from raglan.cli.ready import plainly
from raglan.config import config
from raglan.core import backup as copies
from raglan.core.db import lock
from raglan.edge import startup


def bring_up_to_date() -> int:
    """Apply what is pending, while nobody else uses the data folder, and return how many that were."""
    if connection.vendor != "sqlite":
        return startup.bring_up_to_date()
    with lock.acquire(config().data_dir):
        return startup.bring_up_to_date()


@click.command()
@plainly
def migrate() -> None:
    """Bring the database up to date. Safe to repeat."""
    applied = bring_up_to_date()
    click.echo(f"{applied} migrations applied." if applied else "The database is up to date.")


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@plainly
def backup(target: Path) -> None:
    """Copy the live database to TARGET while raglan goes on working, and prove the copy.

    The secret key stays where it is: keep `secret.key` of the data folder in a safe place too.
    """
    report = copies.backup(target, progress=_show_progress if sys.stderr.isatty() else None)
    rows = sum(report.tables.values())
    click.echo(f"{report.path}: {report.bytes} bytes, {rows} rows in {len(report.tables)} tables, read back and whole.")
    click.echo(f"Keep it together with {report.manifest_path}.")


def _show_progress(done: int, total: int) -> None:
    percent = 100 * done // max(total, 1)
    click.echo(f"\rcopying … {percent} %", err=True, nl=done >= total)


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace the present database; it is kept beside the new one.")
@plainly
def restore(source: Path, *, force: bool) -> None:
    """Prove SOURCE and put it in the place of the database. raglan must not be running."""
    report = copies.restore(source, config().data_dir, force)
    click.echo(f"{report.path} is as it was at {report.made_at:%Y-%m-%d %H:%M} UTC.")
    if report.kept:
        click.echo(f"The database before it is kept as {report.kept}.")
    applied = bring_up_to_date()
    if applied:
        click.echo(f"{applied} migrations applied: the copy came from an older raglan.")
    click.echo("raglan will ask before it pages anyone about what was due in the meantime.")
