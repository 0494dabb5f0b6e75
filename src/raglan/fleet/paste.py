"""The line that a person pastes into what tells of hosts, for each kind of source, and a report to try it with."""

import json

from raglan.config import config
from raglan.core.clock import now
from raglan.fleet.models import FleetSource

Kind = FleetSource.Kind
LINES = {
    Kind.HOSTS: "printf 'url = ADDRESS\\ntoken = TOKEN\\n' > /etc/raglan-host.conf && raglan-host report",
    Kind.PUPPET: "[main]\nreports = http\nreporturl = ADDRESS/fleet/TOKEN/runs/puppet",
    Kind.CHEF: "data_collector.server_url 'ADDRESS/fleet/runs/chef'\ndata_collector.token 'TOKEN'",
    Kind.ANSIBLE: "export RAGLAN_URL=ADDRESS RAGLAN_TOKEN=TOKEN",
    Kind.SALT: "raglan.url: ADDRESS\nraglan.token: TOKEN",
}


def paste_line(source: FleetSource, token: str) -> str:
    """Return the line; it may have several."""
    return LINES[Kind(source.kind)].replace("ADDRESS", config().public_url).replace("TOKEN", token)


def sample() -> str:
    """Return a report as a host would send it, one part a line, for a person to change and try."""
    told = {
        "v": 1,
        "host": {"name": "web1", "machine": "0" * 32, "cluster": "east", "role": "web", "services": ["shop"]},
        "at": int(now().timestamp()),
        "boot": "a-boot-id",
        "seq": 1,
        "packages": [["apache2", "2.4.62-1", "amd64"], ["openssl", "3.0.14-1", "amd64"]],
        "units": [["apache2.service", "active"]],
        "because": "timer",
    }
    return "{" + ",\n ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in told.items()) + "}"
