"""A change with everything in it, for tests that look at screens: hosts report over HTTP, some differ."""

import json
from urllib.request import Request, urlopen

from tests.fleet.reporting import NEWER, WEB, Packages, body
from tests.support.server import Running

LONG = "A sentence that somebody wrote in one breath at night and that goes on " * 3
CLUSTERS = ("east", "a-cluster-with-a-name-that-somebody-generated-from-three-others")


def change_spreads(running: Running) -> int:
    """Propose a change, let it come to some hosts and differ there; return its number."""
    made = running.api("POST", "/fleet/sources", {"name": "Web hosts", "slug": "web-hosts"})
    assert isinstance(made, dict)
    token = str(made["token"])
    names = [f"{cluster}-{number}" for cluster in CLUSTERS for number in range(4)]
    for name in names:
        report(running, token, name, seq=1, unit="active", packages=WEB)
    proposed = running.api(
        "POST",
        "/changes/proposed",
        {
            "title": LONG[:280],
            "note": LONG,
            "packages": [{"name": "apache2", "version": "2.4.6-45"}],
            "expected": {"on_existing": "nothing", "new_words": LONG, "units": ["apache2.service"]},
            "groups": [
                {"name": "first", "hosts": "east-0", "soak_min": 30},
                {"name": "kept", "hosts": "*3", "is_aside": True},
            ],
            "link": "https://ci.example.test/" + "a" * 200,
        },
    )
    assert isinstance(proposed, dict)
    for name in names[:6]:
        report(running, token, name, seq=2, unit="failed", packages=NEWER)
    report(running, token, names[0], seq=3, unit="active", packages=NEWER)
    note = {"title": "Pins do not hold", "did": LONG, "happened": LONG, "spot": LONG, "packages": ["apache2"]}
    running.api("POST", "/psa-notes", note)
    return int(str(proposed["id"]))


def report(running: Running, token: str, name: str, *, seq: int, unit: str, packages: Packages) -> None:
    """Report a host as `raglan-host` does."""
    place = {"cluster": name.rpartition("-")[0], "services": ["httpd"], "machine": name[-24:]}
    data = body(name, packages=packages, seq=seq, units=[["apache2.service", unit]], host=place, boot="1")
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urlopen(Request(f"{running.url}/fleet/report", data=data, headers=headers), timeout=60) as answer:
        assert json.loads(answer.read()) == {"ok": True}
