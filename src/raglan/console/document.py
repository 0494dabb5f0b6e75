"""The OpenAPI document, made once by a process of its own, which takes what that needs with it when it ends."""

import json
import os
import sys
import zlib
from collections.abc import Mapping
from functools import cache
from typing import cast

from raglan.config import config
from raglan.core import programs
from raglan.core.errors import Overloaded

COMMAND = (sys.executable, "-m", "raglan", "openapi")
BOUNDS = programs.Bounds(seconds=60, most=8 * programs.MIB)
NOT_NOW = "What describes REST could not be made just now. Try again in a minute."


@cache
def _packed() -> bytes:
    try:
        made = programs.run(COMMAND, folder=str(config().data_dir), env=os.environ, bounds=BOUNDS)
    except (OSError, programs.TooSlowError, programs.TooMuchError) as error:
        raise Overloaded(NOT_NOW, retry_after=60) from error
    if made.code:
        raise Overloaded(NOT_NOW, retry_after=60)
    return zlib.compress(made.out)


def text() -> bytes:
    """Return the document as JSON. Raises Overloaded when it can not be made now."""
    return zlib.decompress(_packed())


def read() -> Mapping[str, object]:
    """Return the document. Raises Overloaded when it can not be made now."""
    return cast("Mapping[str, object]", json.loads(text()))
