"""`raglan config`: check the options, or print the page that explains them."""

import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from raglan.cli.ready import faults_of
from raglan.config import Config, is_loopback

NOT_OPTIONS = frozenset(("RAGLAN_CONFIG", "RAGLAN_URL", "RAGLAN_TOKEN"))
INTRODUCTION = """# Options

Every option has a default that works on one machine. raglan reads `raglan.toml` in the folder where it starts (another
file by `RAGLAN_CONFIG`), then variables such as `RAGLAN_PORT`, then files named by variables such as
`RAGLAN_SECRET_KEY_FILE`, which suit secrets. The later one wins. `raglan config check` says what does not fit, before
it matters.

This page is made from the source by `raglan config reference`.

| option | variable | default | meaning |
|---|---|---|---|"""


@click.group()
def config() -> None:
    """Check the options, or print what they mean."""


@config.command()
def check() -> None:
    """Read the options as the server would, and say in one line each what does not fit."""
    found = list(complaints())
    for line in found:
        click.echo(line)
    if found:
        raise SystemExit(1)
    click.echo("The options fit.")


@config.command()
@click.option("--output", type=click.Path(path_type=Path), help="Write the page to this file.")
def reference(output: Path | None) -> None:
    """Print every option with its default and meaning, as markdown."""
    if output is None:
        click.echo(markdown(), nl=False)
    else:
        output.write_text(markdown(), encoding="utf-8")


def complaints() -> Iterator[str]:
    """Give one line for each option that does not fit, is unknown or is unsafe together with others."""
    try:
        yield from _unknown_in_file()
        yield from _unknown_variables()
        yield from _unsafe(Config())
    except ValidationError as error:
        yield from faults_of(error)
    except (OSError, ValueError) as error:
        yield str(error)


def _unknown_in_file() -> Iterator[str]:
    path = Path(os.environ.get("RAGLAN_CONFIG", "raglan.toml"))
    if not path.exists():
        if "RAGLAN_CONFIG" in os.environ:
            yield f"RAGLAN_CONFIG names {path}, which does not exist."
        return
    for name in tomllib.loads(path.read_text(encoding="utf-8")):
        if name not in Config.model_fields:
            yield f"{path}: there is no option {name}."


def _unknown_variables() -> Iterator[str]:
    known = {f"RAGLAN_{name.upper()}{end}" for name in Config.model_fields for end in ("", "_FILE")} | NOT_OPTIONS
    for name in sorted(os.environ):
        if name.startswith("RAGLAN_") and not name.startswith("RAGLAN_TEST_") and name not in known:
            yield f"{name}: there is no such option."


def _unsafe(options: Config) -> Iterator[str]:
    if not is_loopback(options.host) and is_loopback(options.public_host):
        yield "public_url: raglan listens beyond this machine; say by which address people reach it."
    if options.demo and not is_loopback(options.host):
        yield "demo: one click signs anybody in, so it is for 127.0.0.1 only."
    if options.allow_data_loss:
        yield "allow_data_loss: a page may be lost when the power fails. Take it out."
    if not options.smtp_url:
        yield "smtp_url: mail is switched off; people can only be reached by webhooks."


def markdown() -> str:
    """Return the reference page."""
    rows = [_row(name, field) for name, field in Config.model_fields.items()]
    return "\n".join([INTRODUCTION, *rows]) + "\n"


def _row(name: str, field: FieldInfo) -> str:
    return f"| `{name}` | `RAGLAN_{name.upper()}` | {_default(field)} | {field.description} |"


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, frozenset | list):
        value = ",".join(sorted(value))
    return f"`{str(value).lower() if isinstance(value, bool) else value}`" if str(value) else "empty"
