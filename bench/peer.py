"""The real Alertmanager of Debian beside raglan: started for a measurement, stopped after it."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(process, port)
            yield process.pid, port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + READY_S
    while status_of("127.0.0.1", port, "/-/ready") != 200:
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit("the Alertmanager did not start")
        time.sleep(0.05)
