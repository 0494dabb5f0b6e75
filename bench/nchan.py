"""nginx with nchan of Debian beside raglan: one worker, one channel, started for a measurement, stopped after it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peer import started
from raglan.cli.children import free_port

MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
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
    with started([command, "-p", str(folder), "-c", str(folder / "nginx.conf")], port, "/up") as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield int(children[0]), port
