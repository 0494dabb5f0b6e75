"""Ends what an earlier replay left: open rooms, which the next heads-up would join, and alerts that still fire."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from raglan.demo import company
from raglan.demo.client import Json, Refused, number, text
from raglan.demo.hosts import OLD, PACKAGE, Hosts
from raglan.demo.pace import Pace
from raglan.demo.world import World

ROWS = 500
LEFT = "Left by an earlier replay."


def tidy(world: World, pace: Pace, out: Callable[[str], None]) -> None:
    """Close the company's rooms and let its alerts resolve. What belongs to others is left alone."""
    for room in _rooms(world):
        world.voices["noor"].client.post(
            f"/incidents/{room}/stand-down", {"summary": "Left open by an earlier replay."}
        )
        out(f"Closed incident {room}, left open by an earlier replay.")
    left = list(_firing(world))
    if left:
        out(f"Resolving {len(left)} alerts that an earlier replay left firing …")
        _resolve(world, left)
        pace.until(lambda: not _groups(world))


def settle(world: World, hosts: Hosts) -> None:
    """Let the machines report how they stand before the story. What an earlier one left of it ends first."""
    names = {person.name for person in company.PEOPLE}
    for row in world.admin.rows("/holds?state=on"):
        if text(row, "who") in names:
            world.admin.post(f"/holds/{number(row)}/lift", {"word": LEFT})
    for row in world.admin.rows("/changes?limit=200"):
        if text(row, "told_by") in names:
            _end(world, number(row), "done", LEFT)
    if not world.admin.rows("/hosts?limit=1"):
        hosts.begin()
        return
    body: dict[str, Json] = {
        "title": "The machines go back to how they were before the replay",
        "packages": [{"name": PACKAGE, "version": OLD}],
        "expected": {"on_new": "version", "on_existing": "version"},
    }
    change = number(world.admin.post("/changes/proposed", body))
    world.admin.post(f"/changes/{change}/state", {"state": "under_way"})
    hosts.begin()
    _end(world, change, "done", "Ready for the replay.")


def _end(world: World, change: int, state: str, words: str) -> None:
    """End a change, unless it is over."""
    try:
        world.admin.post(f"/changes/{change}/state", {"state": state, "words": words})
    except Refused as refused:
        if refused.status != 409:
            raise


def _rooms(world: World) -> Iterator[int]:
    """Return open rooms about httpd in which nobody is but people of the company."""
    names = {person.name for person in company.PEOPLE}
    for row in world.admin.rows("/incidents?state=open"):
        detail = world.admin.get(f"/incidents/{number(row)}")
        if not isinstance(detail, Mapping):
            continue
        people = {text(item, "name") for item in _objects(detail.get("here"))}
        services = detail.get("services")
        if people and people <= names and isinstance(services, list) and "httpd" in services:
            yield number(row)


def _firing(world: World) -> Iterator[Mapping[str, Json]]:
    """Return the company's alerts that fire, page by page."""
    before = 0
    while rows := world.admin.rows(f"/alerts?state=firing&limit={ROWS}&before={before}"):
        yield from (row for row in rows if text(row, "source") in world.sources and _site(row) == company.SITE)
        before = number(rows[-1])


def _site(row: Mapping[str, Json]) -> str:
    labels = row.get("labels")
    return text(labels, "site") if isinstance(labels, Mapping) else ""


def _resolve(world: World, left: list[Mapping[str, Json]]) -> None:
    ended = datetime.now(UTC).isoformat()
    for slug, source in world.sources.items():
        alerts: list[Json] = [{"labels": row["labels"], "endsAt": ended} for row in left if text(row, "source") == slug]
        if alerts:
            source.call("POST", "/api/v2/alerts", alerts)


def _groups(world: World) -> list[int]:
    rows = world.admin.rows("/alert-groups?state=open")
    return [number(row) for row in rows if text(row, "source") in world.sources]


def _objects(value: Json) -> list[Mapping[str, Json]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
