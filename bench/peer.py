"""Programs of Debian beside raglan, started for a measurement and stopped after it; among them Alertmanager."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from raglan.cli.children import free_port, status_of

NAME = "prometheus-alertmanager"
READY_S = 20
QUIET = "route: {receiver: none, group_wait: 30s}\nreceivers: [{name: none}]\n"
AT_ONCE = """route: {{receiver: hook, group_by: ['...'], group_wait: 0s}}
receivers: [{{name: hook, webhook_configs: [{{url: 'http://127.0.0.1:{port}/hook', send_resolved: false}}]}}]
"""


def is_here() -> bool:
    """Tell whether the peer is installed."""
    return shutil.which(NAME) is not None


@contextmanager
def alertmanager(folder: Path, config: str = QUIET) -> Iterator[tuple[int, int]]:
    """Run it from a fresh folder; gives its process id and port."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (folder / "alertmanager.yml").write_text(config)
    command = [
        NAME,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    ]
    with (folder / "log").open("wb") as log, started(command, port, "/-/ready", log) as process:
        yield process.pid, port


@contextmanager
def started(
    command: Sequence[str],
    port: int,
    path: str,
    log: IO[bytes] | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a program until a path of it answers 200, and end it afterwards. Raises SystemExit when it does not start."""
    process = subprocess.Popen(command, stdout=log, stderr=log, env=env, start_new_session=True)
    try:
        _wait(process, command[0], port, path)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", name: str, port: int, path: str) -> None:
    until = time.monotonic() + READY_S
    while status_of("127.0.0.1", port, path) != 200:
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"{name} did not start")
        time.sleep(0.05)
