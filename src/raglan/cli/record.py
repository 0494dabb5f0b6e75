"""`raglan audit`: proves that the record of events is as it was sealed."""

import json
from dataclasses import asdict

import click

from raglan.cli.ready import plainly
from raglan.core import audit as record


@click.group()
def audit() -> None:
    """Prove that nobody changed the record."""


@audit.command()
@click.option(
    "--head", "known", default="", help="A head that left this machine earlier; it must be one of the record."
)
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
@plainly
def verify(*, known: str, as_json: bool) -> None:
    """Read all events and seals; name the first row that is not as it was sealed. Exit 1 when there is one."""
    verdict = record.verify()
    is_known = not known or record.knows(known)
    if as_json:
        click.echo(json.dumps({**asdict(verdict), "head_is_known": is_known}, indent=2))
    else:
        click.echo(
            f"{verdict.events} events under {verdict.seals} seals; {verdict.unsealed} newer ones are not sealed yet."
        )
        click.echo(f"Head: {verdict.head}")
        if verdict.first_bad:
            click.echo(f"WRONG: {verdict.first_bad.words} (seal {verdict.first_bad.seal}).")
        if not is_known:
            click.echo("WRONG: the head that you gave is not one of this record; it was made anew since.")
    if verdict.first_bad or not is_known:
        raise SystemExit(1)


@audit.command()
@plainly
def head() -> None:
    """Print the newest head, to be kept somewhere else."""
    click.echo(record.head())
