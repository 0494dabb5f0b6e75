"""`raglan skip` and `raglan kitchen`: a step that was left out, and who is at places that people share to test."""

from collections.abc import Mapping
from urllib.parse import quote

import click

from raglan.cli import client
from raglan.cli.client import Json
from raglan.cli.talk import as_json, objects, show, when

REASONS = ("too_slow", "blocked", "not_applicable", "did_not_know", "tool_broken", "not_worth_it", "other")


@click.command()
@click.argument("process")
@click.argument("step", type=click.IntRange(1), required=False)
@click.argument("why", type=click.Choice(REASONS), required=False)
@click.option("--minutes", type=click.IntRange(0), help="What it would have cost, as you guess.")
@click.option("--words", default="", help="A few words; leave names out.")
@as_json
def skip(process: str, step: int | None, why: str | None, *, minutes: int | None, words: str, as_json: bool) -> None:
    """Note that you left out a STEP of a PROCESS, and WHY. The note is unsigned: nobody can tell that it is yours.

    With the short name of the process alone, its steps are listed.
    """
    path = f"/processes/{quote(process, safe='')}"
    if step is None or why is None:
        answer = client.get(path)
        found = answer.get("steps") if isinstance(answer, dict) else []
        lines = [f"{item.get('number')}  {item.get('title')}" for item in objects(found)]
        reasons = f"Reasons: {', '.join(REASONS)}"
        show(answer, lambda: "\n".join([*lines, reasons]), as_json=as_json)
        return
    body: dict[str, Json] = {"step": step, "why": why, "minutes": minutes, "words": words}
    kept = client.post(f"{path}/skip-notes", body)
    show(kept, lambda: str(kept.get("message")), as_json=as_json)


@click.command()
@click.argument("place", required=False)
@click.option("--for", "minutes", type=click.IntRange(1), default=60, help="For how many minutes; 60 unless you say.")
@click.option("--what", default="", help="What you do there.")
@click.option("--beside", is_flag=True, help="Go in though others are there.")
@click.option("--leave", "leaves", is_flag=True, help="Say that you are gone, or wait no more.")
@as_json
def kitchen(place: str | None, *, minutes: int, what: str, beside: bool, leaves: bool, as_json: bool) -> None:
    """Say that you are at PLACE, or wait for it; without PLACE, who is where. Nothing is locked."""
    if place is None:
        answer = client.get("/kitchen")
        show(answer, lambda: "\n".join(map(_line, objects(answer))) or "Nobody is anywhere.", as_json=as_json)
        return
    if leaves:
        gone = client.post(f"/kitchen/{_mine(place)}/leave", {})
        show(gone, lambda: f"You left {gone.get('place')}.", as_json=as_json)
        return
    made = client.post("/kitchen", {"place": place, "minutes": minutes, "what": what, "beside": beside})
    is_in = made.get("state") == "in"
    words = f"You are in {made.get('place')}" if is_in else f"Others are there: you wait for {made.get('place')}"
    show(made, lambda: f"{words}, until {when(made.get('expires_at'))}.", as_json=as_json)


def _mine(place: str) -> str:
    for one in objects(client.get("/kitchen")):
        for claim in (*objects(one.get("inside")), *objects(one.get("waiting"))):
            if claim.get("is_mine") and str(claim.get("place")).casefold() == place.casefold():
                return str(claim.get("id"))
    raise click.ClickException(f"You are not at {place}, and do not wait for it.")


def _line(one: Mapping[str, Json]) -> str:
    inside = ", ".join(str(claim.get("person")) for claim in objects(one.get("inside"))) or "nobody"
    waiting = ", ".join(str(claim.get("person")) for claim in objects(one.get("waiting")))
    return f"{one.get('place')}: {inside}" + (f"; waits: {waiting}" if waiting else "")
