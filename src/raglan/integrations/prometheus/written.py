"""How Alertmanager writes what it answers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import cast

from raglan.alerts.pipeline.inhibit import InhibitionRule
from raglan.alerts.pipeline.route import Matcher, RouteRule
from raglan.alerts.seen import FALLBACK, SeenAlert, SeenSilence
from raglan.core.clock import now

Body = dict[str, object]
STARTED = now()
NEVER_REPEATED = timedelta(minutes=5)
_OFFSET, _PRIME, _MASK = 14695981039346656037, 1099511628211, 2**64 - 1


def fingerprint(labels: Mapping[str, str]) -> str:
    """Return the name that Prometheus gives to a set of labels: 64 bits of FNV-1a over its sorted pairs."""
    value = _OFFSET
    for name in sorted(labels):
        for byte in b"%b\xff%b\xff" % (name.encode("utf-8", "replace"), labels[name].encode("utf-8", "replace")):
            value = ((value ^ byte) * _PRIME) & _MASK
    return f"{value:016x}"


def instant(moment: datetime) -> str:
    """Return a time with milliseconds, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def by_fingerprint(body: Body) -> str:
    """Return what alerts are sorted by."""
    return str(body["fingerprint"])


def alert(seen: SeenAlert) -> Body:
    """Return a gettable alert."""
    return {
        "labels": seen.labels,
        "annotations": seen.annotations,
        "startsAt": instant(seen.starts_at),
        "endsAt": instant(seen.expires_at or now() + NEVER_REPEATED),
        "updatedAt": instant(seen.updated_at),
        "generatorURL": seen.link,
        "fingerprint": fingerprint(seen.labels),
        "receivers": [{"name": seen.receiver}],
        "status": {
            "state": state(seen),
            "silencedBy": seen.silenced_by,
            "inhibitedBy": [fingerprint(labels) for labels in seen.inhibited_by],
        },
    }


def state(seen: SeenAlert) -> str:
    """Return suppressed, unprocessed or active."""
    if seen.held:
        return "suppressed"
    return "unprocessed" if seen.is_waiting else "active"


def groups(alerts: Iterable[SeenAlert]) -> list[object]:
    """Return alerts by their groups."""
    by_group: dict[int, list[SeenAlert]] = {}
    for seen in alerts:
        by_group.setdefault(seen.group, []).append(seen)
    listed: list[Body] = [
        {
            "labels": members[0].group_labels,
            "receiver": {"name": members[0].receiver},
            "alerts": sorted((alert(seen) for seen in members), key=by_fingerprint),
        }
        for members in by_group.values()
    ]
    return cast("list[object]", sorted(listed, key=lambda body: (str(body["labels"]), str(body["receiver"]))))


def silence(seen: SeenSilence) -> Body:
    """Return a gettable silence."""
    return {
        "id": seen.key,
        "status": {"state": seen.state},
        "updatedAt": instant(seen.updated_at),
        "comment": seen.reason,
        "createdBy": seen.who,
        "startsAt": instant(seen.starts_at),
        "endsAt": instant(seen.ends_at),
        "matchers": [
            {
                "name": matcher.name,
                "value": matcher.value,
                "isRegex": matcher.op in ("=~", "!~"),
                "isEqual": matcher.op in ("=", "=~"),
            }
            for matcher in seen.matchers
        ],
    }


def status(
    table: Sequence[tuple[RouteRule, str]], receivers: Sequence[str], inhibitions: Sequence[InhibitionRule]
) -> Body:
    """Return what amtool asks for first, every time."""
    own = version("raglan")
    return {
        "cluster": {"status": "disabled", "peers": []},
        "config": {"original": configuration(table, receivers, inhibitions)},
        "uptime": instant(STARTED),
        "versionInfo": {
            "version": own,
            "revision": own,
            "branch": "raglan",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
        },
    }


def configuration(
    table: Sequence[tuple[RouteRule, str]], receivers: Sequence[str], inhibitions: Sequence[InhibitionRule] = ()
) -> str:
    """Return the rules as Alertmanager would have them in its file; strings of JSON are strings of YAML."""
    lines = ["route:", f"  receiver: {json.dumps(FALLBACK)}", *_routes(table, None, "  ")]
    if inhibitions:
        lines.append("inhibit_rules:")
    for rule in inhibitions:
        within = " # within one source of raglan" if rule.same_source else ""
        lines += [f"- source_matchers: {_listed(rule.source)}{within}", f"  target_matchers: {_listed(rule.target)}"]
        lines.append(f"  equal: {json.dumps(list(rule.equal))}")
    lines.append("receivers:")
    lines.extend(f"- name: {json.dumps(name)}" for name in receivers)
    return "\n".join(lines) + "\n"


def _routes(table: Sequence[tuple[RouteRule, str]], parent_id: int | None, indent: str) -> list[str]:
    """Return the routes below one. Hours have no counterpart without named intervals; they stand in a comment."""
    lines: list[str] = []
    for rule, receiver in table:
        if rule.parent_id != parent_id:
            continue
        lines.append(
            f"{indent}- receiver: {json.dumps(receiver)}" + (f" # in hours, {rule.zone}" if rule.hours else "")
        )
        inside = indent + "  "
        lines += [f"{inside}matchers: {_listed(rule.matchers)}"] if rule.matchers else []
        lines += [f"{inside}group_by: {json.dumps(list(rule.group_by))}"] if rule.group_by else []
        lines += [f"{inside}group_wait: {rule.wait_s}s", f"{inside}group_interval: {max(1, rule.interval_s)}s"]
        lines += [f"{inside}continue: true"] if rule.goes_on else []
        lines += _routes(table, rule.id, inside)
    return [f"{indent}routes:", *lines] if lines else []


def _listed(matchers: Sequence[Matcher]) -> str:
    return f"[{', '.join(_matcher(matcher) for matcher in matchers)}]"


def _matcher(matcher: Matcher) -> str:
    value = matcher.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return json.dumps(f'{matcher.name}{matcher.op}"{value}"')
