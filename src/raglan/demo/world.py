"""Makes the company over the API. Running it again makes what is missing and leaves the rest alone."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from raglan.demo import company, written
from raglan.demo.client import Client, Json, Refused, Unreachable, number, text

SCOPES = ("read", "respond", "page")
COVER = timedelta(hours=2)
HOSTS = "machines"
Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Voice:
    """A person of the company with a client of their own, so that the screens show who acts."""

    person_id: int
    client: Client
    token_id: int


@dataclass(frozen=True, slots=True)
class World:
    """The company as it stands on a server."""

    url: str
    admin: Client
    voices: Mapping[str, Voice]
    sources: Mapping[str, Client]
    hosts: Client

    def close(self) -> None:
        """End the tokens of this replay; what cannot be reached ends by itself after a day."""
        with contextlib.suppress(Refused, Unreachable):
            for voice in self.voices.values():
                self.admin.delete(f"/tokens/{voice.token_id}")


def make_world(url: str, admin_token: str, *, said: Said = print, client: type[Client] = Client) -> World:
    """Make the company, or what is missing of it. Raises Refused, Unreachable."""
    admin = client(url, admin_token)
    said(f"{company.NAME}: {len(company.PEOPLE)} people in {len(company.TEAMS)} teams …")
    ids = _people(admin)
    _teams(admin, ids)
    said(f"{company.NAME}: rotas, policies, {len(company.SERVICES)} services …")
    _rotas(admin, ids)
    _services(admin)
    _policies(admin)
    said(f"{company.NAME}: alert sources and routes …")
    sources = {source.slug: client(url, _source_token(admin, source)) for source in company.SOURCES}
    _routes(admin)
    voices = {key: _voice(admin, url, person_id, client) for key, person_id in ids.items()}
    written.write_down(admin, {key: voice.client for key, voice in voices.items()})
    return World(
        url.rstrip("/"), admin, voices, sources, client(url, fleet_token(admin, HOSTS, f"Machines of {company.NAME}"))
    )


def _people(admin: Client) -> dict[str, int]:
    known: dict[str, list[int]] = {}
    for row in admin.rows("/people"):
        known.setdefault(text(row, "name"), []).append(number(row))
    return {person.key: _person(admin, person, known.get(person.name, [])) for person in company.PEOPLE}


def _person(admin: Client, person: company.Person, namesakes: list[int]) -> int:
    """Return the person with this address; a namesake with another address is somebody else."""
    for person_id in namesakes:
        if any(text(row, "address") == person.email for row in admin.rows(f"/people/{person_id}/contact-methods")):
            return person_id
    body = {"name": person.name, "email": person.email, "role": person.role, "time_zone": company.TIME_ZONE}
    person_id = number(admin.post("/people", body))
    contact = {"kind": "email", "address": person.email, "label": "Work"}
    contact_id = number(admin.post(f"/people/{person_id}/contact-methods", contact))
    admin.put(f"/people/{person_id}/notification-rules", [{"contact_method_id": contact_id, "delay_s": 0}])
    return person_id


def _teams(admin: Client, ids: Mapping[str, int]) -> None:
    known = {text(row, "slug"): _members(row) for row in admin.rows("/teams")}
    for team in company.TEAMS:
        if team.slug not in known:
            admin.post("/teams", {"name": team.name, "slug": team.slug})
    for person in company.PEOPLE:
        if ids[person.key] not in known.get(person.team, []):
            body = {"person_id": ids[person.key], "is_lead": person.is_lead}
            admin.post(f"/teams/{person.team}/members", body)


def _members(row: Mapping[str, Json]) -> list[int]:
    found = row.get("members")
    return [item for item in found if isinstance(item, int)] if isinstance(found, list) else []


def _rotas(admin: Client, ids: Mapping[str, int]) -> None:
    known = {text(row, "slug") for row in admin.rows("/schedules")}
    teams = [team for team in company.TEAMS if team.rota]
    for team in teams:
        if team.slug not in known:
            admin.post("/schedules", _schedule(team, ids))
    on_duty = {text(row, "schedule"): _on_duty(row) for row in admin.rows("/on-call")}
    for team in teams:
        first = ids[team.rota[0]]
        if on_duty.get(team.slug) != first:
            admin.post(f"/schedules/{team.slug}/overrides", _cover(first))


def _schedule(team: company.Team, ids: Mapping[str, int]) -> dict[str, Json]:
    starts_on = last_handoff(team, datetime.now(ZoneInfo(company.TIME_ZONE)))
    rotation: dict[str, Json] = {
        "participants": [ids[key] for key in team.rota],
        "handoff_weekday": team.handoff_weekday,
        "handoff_time": team.handoff_time,
        "starts_on": starts_on.isoformat(),
    }
    return {
        "name": team.name,
        "slug": team.slug,
        "team": team.slug,
        "time_zone": company.TIME_ZONE,
        "rotation": rotation,
    }


def last_handoff(team: company.Team, at: datetime) -> date:
    """Return the day of the last handoff, so that the first of the rota is on call at this time."""
    day = at.date() - timedelta(days=(at.weekday() - team.handoff_weekday) % 7)
    is_over = at >= datetime.combine(day, time.fromisoformat(team.handoff_time), tzinfo=at.tzinfo)
    return day if is_over else day - timedelta(days=7)


def _on_duty(row: Mapping[str, Json]) -> int | None:
    people = row.get("people")
    first = people[0] if isinstance(people, list) and people else {}
    return number(first) if isinstance(first, Mapping) and first else None


def _cover(person_id: int) -> dict[str, Json]:
    at = datetime.now(UTC)
    return {
        "person_id": person_id,
        "starts_at": at.isoformat(),
        "ends_at": (at + COVER).isoformat(),
        "reason": "The story begins with them on call",
    }


def _services(admin: Client) -> None:
    known = {text(row, "slug") for row in admin.rows("/services")}
    for service in company.SERVICES:
        if service.slug not in known:
            body: dict[str, Json] = {
                "name": service.name,
                "slug": service.slug,
                "team": service.team or None,
                "kind": service.kind,
                "purposes": list(service.purposes),
                "needs": list(service.needs),
                "instead": service.instead,
            }
            admin.post("/services", body)


def _policies(admin: Client) -> None:
    known = {text(row, "slug") for row in admin.rows("/policies")}
    schedules = {text(row, "slug"): number(row) for row in admin.rows("/schedules")}
    teams = {text(row, "slug"): number(row) for row in admin.rows("/teams")}
    for policy in company.POLICIES:
        if policy.slug not in known:
            targets = (("schedule", schedules[policy.team]), ("team", teams[policy.team]))
            steps: list[Json] = [
                {"wait_s": policy.wait_s, "targets": [{"type": kind, "id": found}]} for kind, found in targets
            ]
            body: dict[str, Json] = {
                "name": policy.name,
                "slug": policy.slug,
                "team": policy.team,
                "repeat": 2,
                "steps": steps,
            }
            admin.post("/policies", body)


def _source_token(admin: Client, source: company.Source) -> str:
    """Return a token for a source: of a new one, or a new one of what is there."""
    if source.slug in {text(row, "slug") for row in admin.rows("/sources")}:
        return text(admin.post(f"/sources/{source.slug}/token"), "token")
    body = {"name": source.name, "slug": source.slug, "kind": "alertmanager"}
    return text(admin.post("/sources", body), "token")


def fleet_token(admin: Client, slug: str, name: str) -> str:
    """Return a token for the machines' reports: of a new source, or a new one of what is there."""
    if slug in {text(row, "slug") for row in admin.rows("/fleet/sources")}:
        return text(admin.post(f"/fleet/sources/{slug}/token"), "token")
    body = {"name": name, "slug": slug, "kind": "hosts"}
    return text(admin.post("/fleet/sources", body), "token")


def _routes(admin: Client) -> None:
    known = {number(row, "position") for row in admin.rows("/routes")}
    for route in company.ROUTES:
        if route.position not in known:
            matchers = [
                {"name": "site", "op": "=", "value": company.SITE},
                {"name": route.label, "op": "=", "value": route.value},
            ]
            body: dict[str, Json] = {
                "position": route.position,
                "matchers": matchers,
                "policy": route.policy,
                "group_by": list(route.group_by),
            }
            admin.post("/routes", body)


def _voice(admin: Client, url: str, person_id: int, client: type[Client]) -> Voice:
    body: dict[str, Json] = {"name": "The story", "scopes": list(SCOPES), "expires_in_days": 1}
    made = admin.post(f"/people/{person_id}/tokens", body)
    return Voice(person_id, client(url, text(made, "token")), number(made))
