"""Makes Django ready for a command that works on this machine's own data."""

import os
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click
import django
from pydantic import ValidationError

from raglan.core import loading
from raglan.core.errors import RaglanError

P = ParamSpec("P")
R = TypeVar("R")


def prepare() -> None:
    """Read the options and load Django. Options that do not fit are said in one line each."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "raglan.settings")
    try:
        with loading.undisturbed():
            django.setup()
    except ValidationError as error:
        raise click.ClickException("\n       ".join(faults_of(error))) from None


def faults_of(error: ValidationError) -> list[str]:
    """Return one line for each option that does not fit."""
    return [
        f"{'.'.join(str(part) for part in fault['loc']) or 'options'}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def plainly(command: Callable[P, R]) -> Callable[P, R]:
    """Turn a refusal into one line and exit code 1."""

    @wraps(command)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except RaglanError as error:
            raise click.ClickException(error.sentence) from None

    return told
