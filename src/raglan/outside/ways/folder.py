"""A folder of this machine, below one that the configuration file allows. Each file is replaced in one step."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import ClassVar

from raglan.config import config
from raglan.core.errors import BadInput
from raglan.outside.ways.way import NotBroughtError, Place


class Folder:
    """The way `folder`."""

    names: ClassVar[tuple[str, ...]] = ("path",)
    asks_for: ClassVar[str] = ""

    def check(self, place: Place) -> None:
        """Refuse a folder that the configuration does not allow."""
        if not place.get("path").startswith("/"):
            raise BadInput("path", "write the whole path of a folder, beginning with a slash", status=422)
        if not _is_allowed(Path(place.get("path"))):
            raise BadInput("path", "is not below a folder that status_folders of the configuration allows", status=422)

    def bring(self, place: Place, files: Mapping[str, bytes]) -> str:
        """Write each file beside its place, then put it there: readers see the old one or the new one, whole."""
        folder = Path(place.get("path"))
        if not _is_allowed(folder):
            raise NotBroughtError("it is not below a folder that status_folders of the configuration allows")
        try:
            _make(folder)
            for name, content in files.items():
                _replace(folder / name, content)
        except OSError as error:
            raise NotBroughtError(f"{error.strerror or error}: {folder}") from None
        return f"{len(files)} files"


def _make(folder: Path) -> None:
    """Make the folder readable for a web server, whatever else this process keeps to itself."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o755)


def _is_allowed(folder: Path) -> bool:
    """Tell whether a folder, its links followed, lies below an allowed one."""
    real = Path(os.path.realpath(folder))
    return any(real.is_relative_to(os.path.realpath(allowed)) for allowed in config().status_folders)


def _replace(path: Path, content: bytes) -> None:
    with NamedTemporaryFile(dir=path.parent, prefix=".raglan-", delete=False) as made:
        try:
            made.write(content)
            made.flush()
            os.fsync(made.fileno())
            os.fchmod(made.fileno(), 0o644)
            os.replace(made.name, path)
        except BaseException:
            with suppress(OSError):
                os.unlink(made.name)
            raise
