"""Builds the wheel, installs it in a clean environment without Node, and runs it until it answers /readyz."""

import os
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from raglan.cli.children import free_port, status_of  # noqa: E402 -- the source tree comes first on purpose

READY_S = 60
NEEDED = (
    "raglan/ui/static/vendor/htmx.min.js",
    "raglan/ui/static/ui/ui.css",
    "raglan/ui/templates/ui/base.html",
    "raglan/core/migrations/0001_first.py",
    "raglan/people/migrations/0001_first.py",
    "raglan/py.typed",
)
UNWANTED = ("node_modules", "tests/", "frontend/", "axe", "__pycache__")


def main() -> int:
    """Check everything and say what is wrong."""
    with tempfile.TemporaryDirectory(prefix="raglan-wheel-") as folder:
        wheel = build(Path(folder))
        faults = [*content_faults(wheel), *run_faults(wheel, Path(folder))]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def build(folder: Path) -> Path:
    """Build the wheel with the packages that are here, so that it works without a network."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    return next(folder.glob("*.whl"))


def content_faults(wheel: Path) -> Iterator[str]:
    """Give what the wheel lacks, or holds without need."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for name in NEEDED:
        if name not in names:
            yield f"{wheel.name} lacks {name}"
    for part in UNWANTED:
        if any(part in name for name in names):
            yield f"{wheel.name} holds {part}"
    templates = list((ROOT / "src").rglob("templates/**/*.html"))
    for path in templates:
        if path.relative_to(ROOT / "src").as_posix() not in names:
            yield f"{wheel.name} lacks {path.relative_to(ROOT / 'src')}"


def run_faults(wheel: Path, folder: Path) -> Iterator[str]:
    """Install the wheel where nothing else is, serve from an empty folder and ask for a screen."""
    home = folder / "clean"
    venv.create(home, with_pip=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    for what in (["--require-hashes", "-r", str(ROOT / "requirements.lock")], [str(wheel)]):
        done = subprocess.run([*pip, *what], capture_output=True, text=True, check=False)
        if done.returncode:
            yield f"the wheel could not be installed: {done.stderr[-2000:]}"
            return
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("RAGLAN_", "PYTHON", "DJANGO"))}
    env |= {"PATH": str(home / "bin"), "RAGLAN_PORT": str(port), "RAGLAN_DATA_DIR": str(folder / "data")}
    with (folder / "log").open("w+b") as log:
        server = subprocess.Popen([str(home / "bin" / "raglan"), "serve"], cwd=folder, env=env, stdout=log, stderr=log)
        try:
            if not _ready(server, port):
                log.seek(0)
                yield f"the installed wheel did not get ready:\n{log.read().decode()[-3000:]}"
            elif (status := status_of("127.0.0.1", port, "/account/login/")) != 200:
                yield f"the sign-in screen of the installed wheel answers {status}"
        finally:
            server.terminate()
            code = server.wait(20)
    if code != 0:
        yield f"the installed wheel ended with {code}"


def _ready(server: "subprocess.Popen[bytes]", port: int) -> bool:
    until = time.monotonic() + READY_S
    while time.monotonic() < until and server.poll() is None:
        if status_of("127.0.0.1", port, "/readyz") == 200:
            return True
        time.sleep(0.1)
    return False


if __name__ == "__main__":
    sys.exit(main())
