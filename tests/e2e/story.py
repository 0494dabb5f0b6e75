"""A small story for tests that look at screens: alerts, an incident with everything in it, a closed one."""

import json
from datetime import UTC, date, datetime, timedelta
from urllib.request import Request, urlopen

from tests.e2e.fleet_story import change_spreads
from tests.support.server import Running, person_token, set_up_web_team, until

ALERTS = [
    {"alertname": "HttpdDown", "service": "httpd", "cluster": "web", "severity": "critical"},
    {"alertname": "HttpdDown", "service": "httpd", "cluster": "api", "severity": "critical"},
    {"alertname": "QueueLong", "service": "thumbnails", "severity": "warning"},
]
LONG = "A title that somebody wrote in one breath at night and that goes on " * 3
HOSTILE = '<img src=x onerror=alert(1)><script>alert(2)</script> "quoted" \u202eturned'


def push(running: Running, source_token: str, labels: list[dict[str, str]]) -> None:
    """Push alerts as Prometheus does."""
    alerts = [{"labels": one, "annotations": {"summary": f"{one['alertname']} on {one['service']}"}} for one in labels]
    headers = {"Authorization": f"Bearer {source_token}", "Content-Type": "application/json"}
    request = Request(f"{running.url}/api/v2/alerts", data=json.dumps(alerts).encode(), headers=headers)
    with urlopen(request, timeout=60) as answer:
        assert answer.status == 200


def number(value: object) -> int:
    """Return the id in an answer."""
    assert isinstance(value, dict)
    return int(value.get("id") or value["incident_id"])


def storm_comes(running: Running, source_token: str) -> None:
    """More groups at once than may page: one page takes the rest."""
    push(running, source_token, [{"alertname": f"Storm{one}", "service": f"shard-{one}"} for one in range(30)])
    until(lambda: [page for page in listed(running, "/pages?state=live") if str(page["title"]).startswith("Storm:")])


def listed(running: Running, path: str) -> list[dict[str, object]]:
    """Return a list of the API."""
    found = running.api("GET", path)
    assert isinstance(found, list)
    return found


def host_reports(running: Running) -> int:
    """Let a host with long words report twice, with something that moved and failed; return its number."""
    source = running.api("POST", "/fleet/sources", {"name": LONG[:120], "slug": "hosts", "kind": "hosts"})
    assert isinstance(source, dict)
    place = {
        "name": "web-" + "x" * 200,
        "machine": "m",
        "cluster": LONG[:100],
        "role": HOSTILE[:100],
        "tags": [HOSTILE],
    }
    for seq, version in enumerate(("1:2.4.62-1~deb12u1", "1:2.4.62-1~deb12u2" * 8), 1):
        told = {"v": 1, "host": place, "at": datetime.now(UTC).timestamp(), "boot": "b", "seq": seq}
        units = [["apache2.service", "active" if seq == 1 else "failed"], [HOSTILE, "active"]]
        body = json.dumps({**told, "units": units, "packages": [["apache2", version, "amd64"], [HOSTILE, "1", ""]]})
        headers = {"Authorization": f"Bearer {source['token']}"}
        with urlopen(Request(f"{running.url}/fleet/report", data=body.encode(), headers=headers), timeout=60) as answer:
            assert answer.status == 202
    return number(listed(running, "/hosts?q=web-xxx")[0])


def rules_of_quiet(running: Running) -> dict[str, int]:
    """Make a silence, an inhibition and a maintenance window with long words; return their numbers."""
    takes = [{"name": "alertname", "op": "=~", "value": "Queue.*"}, {"name": "service", "value": "thumbnails" * 12}]
    ends_at = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    silence = {"matchers": [*takes, {"name": "host", "op": "!=", "value": HOSTILE}], "reason": LONG, "ends_at": ends_at}
    inhibition = {
        "name": LONG[:200],
        "source_matchers": takes,
        "target_matchers": [{"name": "severity", "op": "=~", "value": "warning|info"}],
        "equal": ["cluster", "instance", "a_label_with_a_long_name_that_somebody_generated"],
    }
    window = {
        "name": LONG[:200],
        "matchers": takes,
        "zone": "Europe/Berlin",
        "first": date.today().isoformat(),
        "start": "22:00",
        "minutes": 240,
        "days": [1, 3],
        "reason": HOSTILE,
    }
    freeze = {**hold_words(), "zone": "Europe/Berlin", "first": "2037-12-24", "start": "16:00", "minutes": 9_000}
    running.api("POST", "/freezes", {**freeze, "name": "holidays"})
    hold = number(running.api("POST", "/holds", {**hold_words(), "ends_at": ends_at}))
    through = {"kind": "host", "name": "a-host-with-a-long-name." * 8, "reason": LONG[:300]}
    running.api("POST", f"/holds/{hold}/exceptions", through)
    return {
        "hold": hold,
        "silence": number(running.api("POST", "/silences", silence)),
        "inhibition": number(running.api("POST", "/inhibitions", inhibition)),
        "maintenance": number(running.api("POST", "/maintenances", window)),
        "storm": 1,
    }


def hold_words() -> dict[str, object]:
    """Return what a hold with long words is for, and why."""
    return {"name": "<b>" + LONG[:77], "reason": LONG[:300], "clusters": ["fra1"], "packages": ["p" * 140, "httpd"]}


def tell(running: Running) -> dict[str, int]:
    """Tell the story; return the numbers of what it made."""
    source = set_up_web_team(running)
    api = running.api
    mara, ike = person_token(running, "mara"), person_token(running, "ike")
    push(running, source, ALERTS)
    warned = api("POST", "/heads-up", {"text": "My pin change upgraded Apache.", "services": ["httpd"]}, token=ike)
    assert isinstance(warned, dict)
    incident = int(warned["incident_id"])
    room = f"/incidents/{incident}"
    groups = api("GET", "/alert-groups?state=open")
    assert isinstance(groups, list)
    api("POST", f"{room}/join-alerts", {"group_ids": [groups[0]["id"]]}, token=ike)
    for kind, text in (
        ("note", HOSTILE),
        ("doing", "Running Chef again on `web0012`."),
        ("found", LONG),
        ("decided", "Second run."),
    ):
        said = api("POST", f"{room}/entries", {"kind": kind, "text": text}, token=ike)
    api("POST", f"/entries/{number(said)}/risky", token=mara)
    for token, text in ((ike, "httpd runs there"), (mara, HOSTILE[:200])):
        api("POST", f"/entries/{number(said)}/outcome", {"text": text, "result": "worked"}, token=token)
    api("POST", f"{room}/lost-tools", {"name": "Graphite"}, token=ike)
    ask = api(
        "POST",
        f"{room}/entries",
        {"kind": "ask", "text": "Can someone read the support queue?", "to_team": "web"},
        token=ike,
    )
    verify = api("POST", f"{room}/entries", {"kind": "verify", "text": "Slow for you too?"}, token=mara)
    api("POST", f"/entries/{number(verify)}/answers", {"answer": "yes"}, token=ike)
    standing = {
        "summary": "The site is slow but up.",
        "know": ["A second run starts it", HOSTILE],
        "trying": ["Second run in batches"],
        "unknown": ["Why the first run left it stopped"],
        "state": "slow",
        "state_words": "Site slow in two regions, still up in the others",
        "next_update_minutes": 10,
    }
    api("POST", f"{room}/standing", standing, token=mara)
    for text in (HOSTILE[:300], "Read the support queue", "Look at the go bag"):
        task = api("POST", f"{room}/tasks", {"text": text, "due_at": "2038-01-01T12:00:00Z"}, token=ike)
    api("POST", f"/tasks/{number(task)}/end", {"words": HOSTILE[:200]}, token=mara)
    closed = api("POST", "/incidents", {"title": LONG[:200], "severity": "sev3"}, token=mara)
    chat = {"text": f"2026-05-04 14:02 <Rowan> {HOSTILE[:200]}\nno time\n2026-05-04 14:03 <{LONG[:60]}> it is mine"}
    brought = api("POST", f"/incidents/{number(closed)}/chat-import", chat, token=mara)
    assert isinstance(brought, dict)
    api("POST", f"/incidents/{number(closed)}/stand-down", {"summary": "It was over by itself."}, token=mara)
    api("PUT", f"{room}/related/{number(closed)}", {"words": HOSTILE[:200]}, token=mara)
    pages = until(lambda: api("GET", "/pages?state=live"))
    assert isinstance(pages, list)
    review = until(lambda: api("GET", "/reviews"))
    assert isinstance(review, list)
    alerts = api("GET", "/alerts")
    assert isinstance(alerts, list)
    storm_comes(running, source)
    return {
        **rules_of_quiet(running),
        "change": change_spreads(running),
        "host": host_reports(running),
        "incident": incident,
        "closed": number(closed),
        "chat_import": brought["import_id"],
        "page": pages[0]["id"],
        "group": groups[0]["id"],
        "alert": alerts[0]["id"],
        "review": review[0]["id"],
        "ask": number(ask),
        "mara": running.people["mara"],
    }
