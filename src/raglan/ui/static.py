"""Static files with a hash of their content in the name, so that browsers may keep them for ever.

`collect()` makes them, once for each change of the sources. Where they have not been made (a test, a checkout that
was never built) the plain names are used.
"""

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped] # it has no stubs

STAMP = ".stamp"


class HashedStatic(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # its base has no types
    """Hashed names, imports between modules included; plain names where nothing has been collected."""

    support_js_module_import_aggregation = True
    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """Return the hashed name of a file, or its plain one."""
        if not self.hashed_files:
            return name
        return str(super().stored_name(name))


def collect() -> bool:
    """Make the hashed files if a source changed since; return whether there was anything to do."""
    root = Path(settings.STATIC_ROOT)
    stamp, fresh = root / STAMP, _fingerprint()
    if stamp.is_file() and stamp.read_text() == fresh:
        return False
    root.mkdir(parents=True, exist_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0, stdout=io.StringIO())
    stamp.write_text(fresh)
    return True


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for name, size, changed in sorted(_sources()):
        digest.update(f"{name}\0{size}\0{changed}\n".encode())
    return digest.hexdigest()


def _sources() -> Iterator[tuple[str, int, int]]:
    for finder in get_finders():
        for path, storage in finder.list(["CVS", ".*", "*~"]):
            fact = Path(storage.path(path)).stat()
            yield path, fact.st_size, fact.st_mtime_ns
