"""The command line: a door for people at a shell.

Words: a *talking* command speaks REST with a running raglan and starts without Django, because it is typed in a hurry;
a *serving* command works on this machine's own data. What a command does is left to the contexts and to REST.
"""

import importlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is and what it is for, known without importing it."""

    place: str
    help: str
    serving: bool = True


TALKING: dict[str, Entry] = {
    "heads-up": Entry("raglan.cli.talk:heads_up", "Say that you may have broken something.", serving=False),
    "declare": Entry("raglan.cli.talk:declare", "Open the room of an incident.", serving=False),
    "say": Entry("raglan.cli.talk:say", "Say something in a room, such as what you are about to do.", serving=False),
    "page": Entry("raglan.cli.talk:page", "Page a policy, a team or a person.", serving=False),
    "ack": Entry("raglan.cli.talk:ack", "Take a page.", serving=False),
    "change": Entry("raglan.cli.changes:change", "Say what you are about to change; see changes.", serving=False),
    "hold": Entry("raglan.cli.holds:hold", "Stop automation; say what is stopped; let it go on.", serving=False),
    "way-back": Entry("raglan.cli.mirrors:way_back", "Say whether a version can still be fetched.", serving=False),
    "pins": Entry("raglan.cli.mirrors:pins", "Show or set pinned versions; say which are lost.", serving=False),
    "places": Entry("raglan.cli.places:places", "Show or set where hosts of a name belong.", serving=False),
    "oncall": Entry("raglan.cli.oncall:oncall", "Show who is on call; explain, plan and import files.", serving=False),
    "chat": Entry("raglan.cli.chat:chat", "Bring in a chat that was held elsewhere.", serving=False),
    "runbooks": Entry("raglan.cli.runbooks:runbooks", "List, read and import runbooks.", serving=False),
    "skip": Entry("raglan.cli.processes:skip", "Note, unsigned, that you left out a step.", serving=False),
    "kitchen": Entry("raglan.cli.processes:kitchen", "Say where you test, or see who is there.", serving=False),
    "status": Entry("raglan.cli.status:status", "Show and publish the public status page.", serving=False),
}
SERVING: dict[str, Entry] = {
    "serve": Entry("raglan.cli.serve:serve", "Run raglan: one process, one port.", serving=False),
    "demo": Entry("raglan.cli.demo:demo", "Replay a story at a fictional company.", serving=False),
    "doctor": Entry("raglan.cli.doctor:doctor", "Send a test page the whole way; say what is wrong.", serving=False),
    "token": Entry("raglan.cli.keys:token", "Make an API token on this machine, for scripts that set raglan up."),
    "migrate": Entry("raglan.cli.keep:migrate", "Bring the database up to date."),
    "backup": Entry("raglan.cli.keep:backup", "Copy the live database to a file and prove the copy."),
    "restore": Entry("raglan.cli.keep:restore", "Put a proven copy in the place of the database."),
    "audit": Entry("raglan.cli.record:audit", "Prove that nobody changed the record."),
    "config": Entry("raglan.cli.options:config", "Check the options, or print what they mean.", serving=False),
    "plugin": Entry("raglan.cli.plugins:plugin", "Print raglan's plugin for Ansible or Salt.", serving=False),
    "openapi": Entry("raglan.cli.rest:openapi", "Print the OpenAPI document."),
}


class Commands(click.Group):
    """Imports a command only when it is called, so that talking commands never load Django."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, talking ones first."""
        return [*TALKING, *SERVING]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; for one that works on the data, make Django ready first."""
        entry = {**TALKING, **SERVING}.get(cmd_name)
        if entry is None:
            return None
        if entry.serving:
            importlib.import_module("raglan.cli.ready").prepare()
        module, _, name = entry.place.partition(":")
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{entry.place} is not a command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview from what is known without importing."""
        _section(formatter, "With a running raglan (RAGLAN_URL, RAGLAN_TOKEN)", TALKING)
        _section(formatter, "On this machine", SERVING)


def _section(formatter: click.HelpFormatter, title: str, entries: Mapping[str, Entry]) -> None:
    with formatter.section(title):
        formatter.write_dl([(name, entry.help) for name, entry in entries.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="raglan", prog_name="raglan")
def cli() -> None:
    """raglan: page the right person, say aloud what you do, learn from it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command. What a person can mend is said in one line, without a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "raglan.settings")
    cli.main(args=None if arguments is None else list(arguments), prog_name="raglan")
