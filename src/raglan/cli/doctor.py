"""`raglan doctor`: looks at what a page needs, sends one the whole way, and says in one line each what is wrong."""

import importlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import click

from raglan.cli import ready
from raglan.cli.options import complaints


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    words: str


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--no-rehearsal", is_flag=True, help="Leave out the temporary server and its test page.")
def doctor(*, as_json: bool, no_rehearsal: bool) -> None:
    """Look at everything a page depends on; exit 1 when anything is wrong.

    Looked at: options, database, disk, time zones, clock, mail server, and the running raglan if there is one. Then a
    temporary raglan takes an alert, pages, hands the mail over to a mailbox of its own, and is answered.
    """
    findings: list[Finding] = []
    for finding in _look(rehearse=not no_rehearsal):
        findings.append(finding)
        if not as_json:
            mark = click.style("ok   ", fg="green") if finding.ok else click.style("WRONG", fg="red", bold=True)
            click.echo(f"{mark}  {finding.name:<12} {finding.words}")
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


def _look(*, rehearse: bool) -> Iterator[Finding]:
    wrong = list(complaints())
    yield from (Finding("options", ok=False, words=line) for line in wrong)
    if not wrong:
        yield Finding("options", ok=True, words="fit")
    try:
        ready.prepare()
    except click.ClickException:
        return  # without options there is nothing to look at; they are said above
    # Imported only now: it needs Django to be ready.
    yield from importlib.import_module("raglan.cli.checkup").look()
    if rehearse:
        yield from importlib.import_module("raglan.cli.rehearsal").rehearse()
