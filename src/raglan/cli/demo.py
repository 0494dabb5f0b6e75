"""`raglan demo`: the story on a running raglan, or on one that it starts for the purpose."""

import importlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from raglan.cli import ready
from raglan.cli.children import Child, is_taken, wait_until_ready
from raglan.config import Config
from raglan.demo import levers as variations
from raglan.demo.alive import keep_alive
from raglan.demo.mailbox import Mailbox
from raglan.demo.mirror import setting
from raglan.demo.model import SEED
from raglan.demo.run import SPEED
from raglan.demo.run import main as play

ADMINISTRATOR = "demo@example.test"
PLAYED = "demo.json"
MIRROR = "demo-mirror.txt"


@click.command()
@click.option("--speed", default=str(SPEED), show_default=True, help="1, 10 or 60 times as fast, or max.")
@click.option("--seed", type=int, default=SEED, show_default=True, help="Another seed plays other machines.")
@click.option("--lever", type=click.Choice(sorted(variations.BY_SLUG)), help="Other settings; see --levers.")
@click.option("--levers", is_flag=True, help="Show how the system behaves under other settings, and end.")
@click.option("--url", envvar="RAGLAN_URL", help="The raglan to play on.")
@click.option("--token", envvar="RAGLAN_TOKEN", help="A token with the scope configure.")
@click.option("--mirror", type=click.Path(path_type=Path), hidden=True)
@click.option(
    "--serve", is_flag=True, help="Start a raglan for the story, with a mailbox of its own, and keep it running."
)
@click.option("--again", is_flag=True, help="With --serve: play the story although it was played on this data before.")
def demo(
    *,
    speed: str,
    seed: int,
    lever: str | None,
    levers: bool,
    url: str | None,
    token: str | None,
    mirror: Path | None,
    serve: bool,
    again: bool,
) -> None:
    """Replay a story at a fictional company, through the public API only. All numbers in it are invented."""
    if levers:
        click.echo(variations.render(seed=seed))
        return
    arguments = ["--speed", speed, "--seed", str(seed), "--lever", lever or variations.DEFAULT.slug]
    if serve:
        raise SystemExit(_serve_and_play(arguments, again=again))
    if not url or not token:
        raise click.UsageError("Say --url and --token of a running raglan, or --serve to start one.")
    shelf = ["--mirror", str(mirror)] if mirror else []
    raise SystemExit(play([*arguments, *shelf, "--url", url, "--token", token]))


def _serve_and_play(arguments: list[str], *, again: bool) -> int:
    options = Config()
    if is_taken(options.host, options.port):
        raise click.ClickException(f"Port {options.port} is taken. Stop what uses it, or set RAGLAN_PORT.")
    data = options.data_dir.absolute()
    mailbox = Mailbox(data / "mail")
    with _asked_to_stop(), ExitStack() as ended:
        ended.enter_context(mailbox)
        # In our own environment too: the administrator is made in this process, with the server's options.
        os.environ.update(
            RAGLAN_DATA_DIR=str(data),
            RAGLAN_DEMO="true",
            RAGLAN_SMTP_URL=mailbox.url,
            RAGLAN_PORT=str(options.port),
            RAGLAN_MIRROR_COMMANDS="\n".join([*options.mirror_commands, setting(data / MIRROR)]),
        )
        token = _token_on_this_machine()
        server = ended.enter_context(Child(["serve"], {}))
        if not wait_until_ready(server, options.host, options.port):
            raise click.ClickException("The server did not become ready.")
        _say_where(options.public_url, mailbox)
        if again or not (data / PLAYED).exists():
            _play(arguments, options.public_url, token, data)
        else:
            click.echo("The story was played on this data before. To play it once more, add --again.")
        click.echo(f"raglan keeps running at {options.public_url} – Ctrl-C ends it.")
        over = threading.Event()
        threading.Thread(target=keep_alive, args=(options.public_url, token, over), daemon=True).start()
        try:
            return server.process.wait()
        finally:
            over.set()


@contextmanager
def _asked_to_stop() -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a quiet end; the server is asked to drain on the way out."""

    def stop(_number: int, _frame: object) -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C would leave the server behind
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("raglan has ended; the data stays.")
        sys.exit(0)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _token_on_this_machine() -> str:
    ready.prepare()
    # Imported only now: these modules need Django to be ready.
    importlib.import_module("raglan.cli.keep").bring_up_to_date()
    made = importlib.import_module("raglan.cli.keys").token_for(ADMINISTRATOR, name="the story", days=1)
    importlib.import_module("django.db").connections.close_all()
    return str(made)


def _play(arguments: list[str], url: str, token: str, data: Path) -> None:
    env = {"RAGLAN_URL": url, "RAGLAN_TOKEN": token}
    with Child(["demo", *arguments, "--mirror", str(data / MIRROR)], env, ends_by=signal.SIGINT) as story:
        code = story.process.wait()
    if code == 0:
        note = {"played_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "arguments": arguments}
        (data / PLAYED).write_text(json.dumps(note), encoding="utf-8")
    else:
        click.echo("The story stopped early; raglan itself goes on.", err=True)


def _say_where(url: str, mailbox: Mailbox) -> None:
    lines = (
        "",
        f"  raglan is running:  {url}",
        "  Sign in:            one click on the first screen makes you one of the people of the story",
        f"  Mails it sends:     {mailbox.folder}",
        "  Look at:            Now (first screen), then the incident’s room while the story unfolds",
        "  All people, machines and numbers are invented.",
        "",
    )
    click.echo("\n".join(lines))
