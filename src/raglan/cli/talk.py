"""Commands that speak REST with a running raglan. They are typed in a hurry: they start fast and ask for little."""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import click

from raglan.cli import client
from raglan.cli.client import Json

as_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
services = click.option(
    "--service", "services", multiple=True, metavar="SLUG", help="A service it is about; repeatable."
)
Words = Callable[[], str]


def show(answer: Json, words: Words, *, as_json: bool) -> None:
    """Print an answer, as JSON or in words."""
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2) if as_json else words())


def objects(answer: Json) -> list[Mapping[str, Json]]:
    """Return the objects in a list; none where it is no list."""
    return [item for item in answer if isinstance(item, dict)] if isinstance(answer, list) else []


@click.command("heads-up")
@click.argument("text")
@services
@click.option("--did", help="What I did.")
@click.option("--saw", help="What I saw.")
@click.option("--reach", help="How far it reaches.")
@click.option("--need", help="What I need.")
@as_json
def heads_up(
    text: str,
    *,
    services: Sequence[str],
    did: str | None,
    saw: str | None,
    reach: str | None,
    need: str | None,
    as_json: bool,
) -> None:
    """Say that you may have broken something, before the pager does. Only TEXT is needed."""
    body: dict[str, Json] = {"text": text, "services": list(services), "key": secrets.token_hex(16)}
    answer = client.post("/heads-up", {**body, "did": did, "saw": saw, "reach": reach, "need": need})
    show(answer, lambda: _heard(answer), as_json=as_json)


def _heard(answer: Mapping[str, Json]) -> str:
    told = answer.get("told")
    names = " and ".join(map(str, told)) if isinstance(told, list) else ""
    heard = f"{names} will be told at once." if names else "Nobody else is on call for this: ask in the room."
    unknown = answer.get("not_known")
    missing = (
        f"\nNot known here as a service: {', '.join(map(str, unknown))}."
        if isinstance(unknown, list) and unknown
        else ""
    )
    return f"{answer.get('thanks')} {heard}{missing}\n{answer.get('url')}"


@click.command()
@click.argument("title")
@click.option("--severity", type=click.Choice(["sev1", "sev2", "sev3", "sev4"]), help="How bad for users.")
@services
@as_json
def declare(title: str, *, severity: str | None, services: Sequence[str], as_json: bool) -> None:
    """Open the room of an incident. TITLE says what is wrong, as users would."""
    answer = client.post("/incidents", {"title": title, "severity": severity, "services": list(services)})
    show(answer, lambda: f"Incident {answer.get('id')} is open.\n{answer.get('url')}", as_json=as_json)


KINDS = ("note", "doing", "ask", "verify", "found", "tried", "ruled_out", "decided", "stuck")


@click.command()
@click.argument("text")
@click.option("--as", "kind", type=click.Choice(KINDS), default="note", show_default=True, help="What you say.")
@click.option("--in", "incident", type=int, metavar="INCIDENT", help="In which room; without it, the only open one.")
@as_json
def say(text: str, *, kind: str, incident: int | None, as_json: bool) -> None:
    """Say TEXT in a room, such as what you are about to do."""
    room = _only_open_room() if incident is None else incident
    body: dict[str, Json] = {"kind": kind, "text": text, "key": secrets.token_hex(16)}
    answer = client.post(f"/incidents/{room}/entries", body)
    show(answer, lambda: _said(room, answer), as_json=as_json)


def _said(room: int, answer: Mapping[str, Json]) -> str:
    alike = objects(answer.get("alike"))
    same = [f"{one.get('author')} says the same, {when(one.get('at'))}: {one.get('text')}" for one in alike]
    return "\n".join([*same, f"Said in incident {room}.", f"{client.connection().url}/incidents/{room}/"])


def _only_open_room() -> int:
    rooms = objects(client.get("/incidents", state="open"))
    if len(rooms) == 1:
        return int(str(rooms[0].get("id")))
    if not rooms:
        raise click.ClickException("No incident is open; raglan declare opens one.")
    lines = "\n".join(f"  {item.get('id')}  {item.get('title')}" for item in rooms[:20])
    raise click.ClickException(f"{len(rooms)} incidents are open; say which: raglan say --in NUMBER\n{lines}")


@click.command()
@click.argument("title")
@click.option("--text", help="More words for whoever gets it.")
@click.option("--policy", metavar="SLUG", help="Page by an escalation policy.")
@click.option("--team", metavar="SLUG", help="Page everybody in a team at once; it asks once more.")
@click.option("--person", metavar="NAME", help="Page one person, by name or number.")
@click.option("--urgency", type=click.Choice(["high", "low"]), help="Low waits for daylight.")
@click.option("--yes", is_flag=True, help="Page a whole team without being asked once more.")
@as_json
def page(
    title: str,
    *,
    text: str | None,
    policy: str | None,
    team: str | None,
    person: str | None,
    urgency: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Page somebody now. TITLE is what they read first."""
    if sum(value is not None for value in (policy, team, person)) != 1:
        raise click.UsageError("Say whom: one of --policy, --team and --person.")
    if team and not yes:
        click.confirm(f"This pages everybody in {team} at once. Go on?", abort=True, err=True)
    whom: dict[str, Json] = {"policy": policy, "team": team, "person_id": _person_id(person) if person else None}
    answer = client.post("/pages", {"title": title, "text": text, "urgency": urgency, **whom})
    show(answer, lambda: f"Page {answer.get('id')} is out.\n{answer.get('link')}", as_json=as_json)


def _person_id(wanted: str) -> int:
    if wanted.isdecimal():
        return int(wanted)
    people = objects(client.get("/people"))
    found = [item for item in people if wanted.casefold() in str(item.get("name")).casefold()]
    exact = [item for item in found if wanted.casefold() == str(item.get("name")).casefold()]
    chosen = exact or found
    if len(chosen) != 1:
        names = ", ".join(str(item.get("name")) for item in chosen[:10])
        raise click.ClickException(f"{wanted} could be {names}." if chosen else f"There is nobody called {wanted}.")
    return int(str(chosen[0].get("id")))


@click.command()
@click.argument("page_id", type=int, required=False, metavar="[PAGE]")
@as_json
def ack(page_id: int | None, *, as_json: bool) -> None:
    """Take a page. Without its number: the only open one."""
    answer = client.post(f"/pages/{_only_open_page() if page_id is None else page_id}/acknowledge", {})
    show(answer, lambda: f"You have page {answer.get('id')}: {answer.get('title')}", as_json=as_json)


def _only_open_page() -> int:
    pages = [item for item in objects(client.get("/pages", state="open")) if not item.get("acknowledged_at")]
    if len(pages) == 1:
        return int(str(pages[0].get("id")))
    if not pages:
        raise click.ClickException("No page waits for anyone.")
    lines = "\n".join(f"  {item.get('id')}  {item.get('title')}" for item in pages)
    raise click.ClickException(f"{len(pages)} pages wait; say which: raglan ack NUMBER\n{lines}")


def when(text: Json | None) -> str:
    """Return a time as this machine's clock shows it."""
    try:
        return f"{datetime.fromisoformat(str(text)).astimezone():%a %d %b %H:%M}"
    except ValueError:
        return str(text)
