"""What the first load of Now and Room costs over the wire, compressed."""

import gzip
from pathlib import Path

from bench.floor import Floor
from bench.ground import Figure, Reader, running
from raglan.demo.client import number
from raglan.ui import build

ENTRIES = 50
HTML_BUDGET = 20_000


def measure(folder: Path, _ground: Floor) -> list[Figure]:
    """Weigh scripts, styles, and the two screens."""
    script = sum(build.compressed(build.STATIC, build.SCRIPTS).values())
    style = sum(build.compressed(build.STATIC, build.STYLES).values())
    with running(folder) as server:
        room = number(server.client.post("/incidents", {"title": "The site is slow since 14:02"}))
        for index in range(ENTRIES):
            text = f"Looked at host web-{index:03d}: httpd does not start after the second run, log line {index * 37}"
            server.client.post(f"/incidents/{room}/entries", {"text": text, "key": f"bench-{index}"})
        reader = Reader(server.port)
        now, shown = (_weight(reader, path) for path in ("/", f"/incidents/{room}/"))
    return [
        _figure("script, compressed", script, build.SCRIPT_BUDGET),
        _figure("style, compressed", style, build.STYLE_BUDGET),
        _figure("HTML of Now, compressed", now, HTML_BUDGET),
        _figure(f"HTML of a room with {ENTRIES} entries, compressed", shown, HTML_BUDGET),
    ]


def _weight(reader: Reader, path: str) -> int:
    status, body = reader.get(path)
    if status != 200:
        raise SystemExit(f"{path} answered {status}")
    return len(gzip.compress(body, 6))


def _figure(what: str, size: int, budget: int) -> Figure:
    return Figure(what, size / 1000, "kB", budget / 1000, f"{size / budget:.0%} of the budget", is_budget=True)
