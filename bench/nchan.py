"""nginx with nchan of Debian beside raglan: one worker, one channel, started for a measurement, stopped after it."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from raglan.cli.children import free_port, status_of

MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
READY_S = 20
CONFIG = """load_module {module};
daemon off;
worker_processes 1;
worker_rlimit_nofile 19000;
pid {folder}/pid;
error_log {folder}/log error;
events {{ worker_connections 18000; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /up {{ return 200; }}
    location = /post {{ nchan_publisher; nchan_channel_id room; }}
    location = /live {{ nchan_subscriber eventsource; nchan_channel_id room; }}
  }}
}}
"""


def program() -> str | None:
    """Return where nginx is, None when it or its module is not installed."""
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    return found if MODULE.is_file() else None


@contextmanager
def nchan(folder: Path, command: str) -> Iterator[tuple[int, int]]:
    """Run it from a fresh folder; gives the process id of its worker and its port."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    (folder / "nginx.conf").write_text(CONFIG.format(module=MODULE, folder=folder, port=port))
    process = subprocess.Popen([command, "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        _wait(process, port)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield int(children[0]), port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + READY_S
    while status_of("127.0.0.1", port, "/up") != 200:
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit("nginx did not start")
        time.sleep(0.05)
