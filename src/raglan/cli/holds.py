"""`raglan hold`: stop automation, say what is stopped and who has obeyed, let it go on; over REST."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import click

from raglan.changes import named, spans
from raglan.cli import client
from raglan.cli.client import Json
from raglan.cli.talk import as_json, objects, show, when
from raglan.core.errors import RaglanError

KINDS = ("clusters", "roles", "environments", "tags", "packages", "changes")
MOST_NAME = 40
SHOWN = 20
A_PAGE = 500


def _span(ctx: click.Context, param: click.Parameter, value: str | None) -> timedelta | None:
    """Read how long: 30min, 2h, 1d."""
    try:
        return spans.read(value) if value else None
    except RaglanError as error:
        raise click.BadParameter(error.sentence, ctx, param) from None


@click.group()
def hold() -> None:
    """Stop automation that asks the gate, and let it go on."""


@hold.command("raise")
@click.argument("reason")
@click.option("--name", help="What it is called; the beginning of the reason without it.")
@click.option("--for", "span", callback=_span, default="2h", show_default=True, help="How long: 30min, 2h, 1d.")
@click.option("--cluster", "clusters", multiple=True, help="Only hosts of this cluster; repeatable.")
@click.option("--role", "roles", multiple=True, help="Only hosts of this role; repeatable.")
@click.option("--environment", "environments", multiple=True, help="Only hosts of this environment; repeatable.")
@click.option("--tag", "tags", multiple=True, help="Only hosts with this tag; repeatable.")
@click.option("--package", "packages", multiple=True, help="Only runs that touch this package; repeatable.")
@click.option("--change", "changes", multiple=True, metavar="NUMBER", help="Only runs of this change; repeatable.")
@click.option("--incident", type=int, metavar="NUMBER", help="The incident it is for.")
@click.option("--drill", is_flag=True, help="Practise it: at most 30 minutes.")
@as_json
def raised(
    reason: str,
    *,
    name: str | None,
    span: timedelta,
    incident: int | None,
    drill: bool,
    as_json: bool,
    **reach: Sequence[str],
) -> None:
    """Stop automation. REASON is for whoever finds their run stopped. It ends by itself."""
    body: dict[str, Json] = {
        "name": name or reason[:MOST_NAME].strip(),
        "reason": reason,
        "ends_at": _after(span),
        "is_drill": drill,
        "link": _link(incident, reach["changes"]),
        **{kind: list(reach[kind]) for kind in KINDS},
    }
    answer = client.post("/holds", body)
    link = f"{client.connection().url}/changes/holds/{answer.get('id')}/"
    show(answer, lambda: f"{_line(answer)}\n{link}", as_json=as_json)


def _link(incident: int | None, changes: Sequence[str]) -> str:
    if incident:
        return f"incident:{incident}"
    return f"change:{changes[0]}" if len(changes) == 1 and changes[0].isdecimal() else ""


def _after(span: timedelta) -> str:
    return (datetime.now(UTC) + span).isoformat()


@hold.command("list")
@click.option("--state", type=click.Choice(["on", "coming", "over"]), help="Only those; without it what is not over.")
@as_json
def listed(*, state: str | None, as_json: bool) -> None:
    """List holds."""
    found = _holds(state) if state else _open()
    told: list[Json] = [dict(one) for one in found]
    show(told, lambda: "\n".join(_line(one) for one in found) or "Nothing is stopped.", as_json=as_json)


def _holds(state: str) -> list[dict[str, Json]]:
    """Return all holds in a state, page by page; of those that are over only the newest page."""
    found: list[dict[str, Json]] = []
    while page := objects(client.get("/holds", state=state, limit=str(A_PAGE), skip=str(len(found)))):
        found += [dict(one) for one in page]
        if state == "over" or len(page) < A_PAGE:
            break
    return found


def _open() -> list[dict[str, Json]]:
    """Return what is on or to come, each once: asked for in this order, one that starts meanwhile is in one or both."""
    coming = _holds("coming")
    on = _holds("on")
    numbers = {one.get("id") for one in on}
    return [*on, *(one for one in coming if one.get("id") not in numbers)]


def _line(one: Mapping[str, Json]) -> str:
    reach = [(kind, one.get(kind)) for kind in KINDS]
    said = [
        f"{kind if len(names) > 1 else kind[:-1]} {named.written(map(str, names))}"
        for kind, names in reach
        if isinstance(names, list) and names
    ]
    drill = ", a drill" if one.get("is_drill") else ""
    times = f"from {when(one.get('starts_at'))} " if one.get("state") == "coming" else ""
    end = f"{times}until {when(one.get('ended_at') or one.get('ends_at'))}"
    words = f"{one.get('reason')}. For {'; '.join(said) or 'everything'}, {end}, by {one.get('who')}."
    return f"{one.get('id')}  {one.get('state')}  {one.get('name')}{drill}: {words}"


@hold.command("show")
@click.argument("which", metavar="HOLD")
@as_json
def shown(which: str, *, as_json: bool) -> None:
    """Say who has obeyed HOLD, a number or a name, who went on, and who has not asked."""
    answer = client.get(f"/holds/{_number(which)}")
    heard = client.get(f"/holds/{_number(which)}/heard", limit=str(SHOWN))
    show(answer, lambda: _heard(answer, heard), as_json=as_json)


def _heard(answer: Json, heard: Json) -> str:
    one = answer if isinstance(answer, dict) else {}
    listed = heard if isinstance(heard, dict) else {}
    counts = (("obeyed", "obeyed"), ("let_through", "let through"), ("went_on", "went on"), ("not_asked", "not asked"))
    told = ", ".join(f"{one.get(name)} {words}" for name, words in counts)
    through = [
        f"Exception {it.get('id')}: {it.get('kind')} {named.alone(str(it.get('name')))}, {it.get('reason')}"
        for it in objects(one.get("exceptions"))
    ]
    hosts = [
        f"  {it.get('host')} {'went on' if it.get('went_on') else 'has not asked'}"
        for it in objects(listed.get("untold"))
    ]
    untold = [one.get("went_on"), one.get("not_asked")]
    if (left := sum(count for count in untold if isinstance(count, int)) - len(hosts)) > 0:
        link = f"{client.connection().url}/changes/holds/{one.get('id')}/hosts/?which=untold"
        hosts.append(f"  and {left} more, all at {link}")
    return "\n".join([_line(one), f"{told[:1].upper()}{told[1:]}.", *through, *hosts])


@hold.command("end")
@click.argument("which", metavar="HOLD")
@click.argument("word", metavar="WHY")
@as_json
def ended(which: str, word: str, *, as_json: bool) -> None:
    """Let automation go on now: HOLD is a number or a name, WHY a word for those who wonder."""
    answer = client.post(f"/holds/{_number(which)}/lift", {"word": word})
    show(answer, lambda: f"The hold {answer.get('name')} is lifted. Hosts go on when they ask next.", as_json=as_json)


@hold.command("extend")
@click.argument("which", metavar="HOLD")
@click.argument("span", callback=_span, metavar="HOW-LONG")
@as_json
def extended(which: str, span: timedelta, *, as_json: bool) -> None:
    """Let HOLD last HOW-LONG from now."""
    number = _number(which)
    seen = client.get(f"/holds/{number}")
    version = seen.get("version") if isinstance(seen, dict) else 1
    answer = client.put(f"/holds/{number}", {"ends_at": _after(span), "version": version})
    show(answer, lambda: _line(answer if isinstance(answer, dict) else {}), as_json=as_json)


@hold.command("except")
@click.argument("which", metavar="HOLD")
@click.argument("kind", type=click.Choice(["host", "role", "tag"]))
@click.argument("name")
@click.argument("reason", metavar="WHY")
@click.option("--for", "span", callback=_span, help="How long; without it as long as the hold.")
@as_json
def let_through(which: str, kind: str, name: str, reason: str, *, span: timedelta | None, as_json: bool) -> None:
    """Let a host, or the hosts of a role or a tag, go on although HOLD is for them."""
    body: dict[str, Json] = {"kind": kind, "name": name, "reason": reason, "ends_at": _after(span) if span else None}
    answer = client.post(f"/holds/{_number(which)}/exceptions", body)
    show(answer, lambda: f"{kind.capitalize()} {name} may go on until {when(answer.get('ends_at'))}.", as_json=as_json)


def _number(which: str) -> str:
    """Return the number of a hold by its number or name; a name is looked for among those that are not over."""
    if which.isdecimal():
        return which
    found = [one for one in _open() if one.get("name") == which]
    if not found:
        raise click.ClickException(f"No hold that is on or to come is called {which}: raglan hold list")
    return str(found[0].get("id"))
