"""Where hosts belong that do not say so: rules by name, set by hand, that fill the words which no tool tells.

A rule stands in a line: `web*: cluster east, role web, environment production, tags blue, services shop search`. A
name with commas, or a tag with spaces, stands in quotes. The first rule that has a word for a host gives it. What a
host or its tools say themselves always counts more.

Of many hosts some are filled together with the rules, and the others in portions that follow: nobody waits for long.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from django.db import transaction

from raglan.changes import named
from raglan.changes.grouping import fits_pattern
from raglan.changes.ports import PLACED
from raglan.core import bus, timeline, timers
from raglan.core.clock import now
from raglan.core.db import atomic, bulk
from raglan.core.errors import BadInput
from raglan.fleet import events, tags
from raglan.fleet.models import Host, HostService
from raglan.fleet.place_models import HostPlace

WORDS = ("cluster", "role", "environment")
LISTS = ("tags", "services")
MOST_RULES, MOST_LISTED, MOST_WORD = 200, 20, 120
AT_ONCE = 500
FILL = "fleet.fill_places"
SUBJECT = "fleet"


@dataclass(frozen=True, slots=True)
class Rule:
    """Where the hosts of a name, or of a pattern with a star at its beginning or end, belong."""

    hosts: str
    cluster: str = ""
    role: str = ""
    environment: str = ""
    tags: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


def read(text: str) -> list[Rule]:
    """Return the rules of a text. Raises BadInput with the line that can not be read."""
    return [_line(line.strip()) for line in text.splitlines() if line.strip()]


def _line(line: str) -> Rule:
    hosts, colon, rest = line.partition(":")
    said: dict[str, str | tuple[str, ...]] = {}
    for fact in named.facts(rest):
        word, _, value = fact.partition(" ")
        if word in WORDS and (name := named.one(value, field="rules")):
            said[word] = name
        elif word in LISTS and (names := _names(word, value)):
            said[word] = names
        else:
            raise BadInput("rules", f"“{line[:80]}” can not be read at “{fact[:60]}”", status=422)
    if not colon or not said:
        raise BadInput("rules", f"“{line[:80]}” says nothing; write web*: cluster east, role web", status=422)
    return Rule(hosts.strip(), **said)  # type: ignore[arg-type]  # each fact has the type of its field


def _names(word: str, value: str) -> tuple[str, ...]:
    """Return the tags, in quotes where they have spaces or commas, or the services of a rule."""
    return named.read(value, field="rules") if word == "tags" else tuple(value.split())


def written(rule: Rule) -> str:
    """Write a rule as it is read."""
    facts = [f"{word} {named.alone(getattr(rule, word))}" for word in WORDS if getattr(rule, word)]
    lists = {"tags": [named.written([tag]) for tag in rule.tags], "services": rule.services}
    facts += [f"{word} {' '.join(lists[word])}" for word in LISTS if lists[word]]
    return f"{rule.hosts}: {', '.join(facts)}"


def rules() -> list[Rule]:
    """Return the rules in their order."""
    return [
        Rule(row.hosts, row.cluster, row.role, row.environment, tuple(row.tags), tuple(row.services))
        for row in HostPlace.objects.order_by("position")
    ]


def check(listed: Sequence[Rule]) -> None:
    """Raise BadInput when rules can not be kept."""
    if len(listed) > MOST_RULES:
        raise BadInput("rules", f"at most {MOST_RULES} rules", status=422)
    for rule in listed:
        if not rule.hosts or len(rule.hosts) > 253 or "*" in rule.hosts.strip("*"):
            raise BadInput("rules", "a star may stand before a part of a name, behind it, or both", status=422)
        words = [*(getattr(rule, word) for word in WORDS), *rule.tags, *rule.services]
        if any(len(word) > MOST_WORD for word in words) or max(len(rule.tags), len(rule.services)) > MOST_LISTED:
            raise BadInput("rules", f"words of at most {MOST_WORD} letters, {MOST_LISTED} tags or services", status=422)


@atomic
def set_rules(listed: Sequence[Rule], *, actor: timeline.Subject) -> int:
    """Let these be all rules, and fill what hosts do not say; return how many hosts it changed at once.

    Of many hosts the others follow. Raises BadInput.
    """
    check(listed)
    HostPlace.objects.all().delete()
    made = [HostPlace(position=number, **_row(rule)) for number, rule in enumerate(listed)]
    HostPlace.objects.bulk_create(made)
    timers.cancel(FILL, subject=SUBJECT)
    changed = _portion(after=0)
    told = events.HostsPlaced(rules=[written(rule) for rule in listed], changed=changed)
    timeline.append(told, actor=actor, about=["hosts"])
    return changed


def goes_on() -> bool:
    """Tell whether there are hosts that the rules of now are still to be seen for."""
    return timers.is_planned(FILL, subject=SUBJECT, by=now())


@timers.handler(FILL)
def fill_next(due: timers.Due) -> None:
    """Fill the next hosts."""
    _portion(after=int(str(due.payload["after"])))


def _portion(*, after: int) -> int:
    """Fill so many hosts and plan the others; the rules are those of after the hosts are locked."""
    living = Host.objects.filter(retired_at__isnull=True, pk__gt=after)
    living = living.only("pk", "name", "tags", "tags_by", "placed", *WORDS)
    hosts = list(living.select_for_update(no_key=True).order_by("pk")[:AT_ONCE])
    changed = _fill(hosts, rules())
    if len(hosts) == AT_ONCE:
        timers.schedule(FILL, subject=SUBJECT, due_at=now(), payload={"after": hosts[-1].pk})
    return changed


def _row(rule: Rule) -> dict[str, object]:
    return {**asdict(rule), "tags": list(rule.tags), "services": list(rule.services)}


def fill(host: Host) -> bool:
    """Give a host the words that rules have for it and that it does not say; return whether that changed anything."""
    return bool(_fill([host], rules()))


def fill_many(keys: Sequence[int]) -> None:
    """Give hosts that said something new, or were never heard of, what rules have for them."""
    if listed := rules():
        _fill(list(Host.objects.filter(pk__in=keys).order_by("pk")), listed)


def _fill(hosts: Sequence[Host], listed: Sequence[Rule]) -> int:
    """Fill hosts with few statements; return how many have other words now."""
    assert transaction.get_connection().in_atomic_block
    fitting = {host.pk: [rule for rule in listed if fits_pattern(rule.hosts, host.name)] for host in hosts}
    touched = [host for host in hosts if fitting[host.pk] or host.placed]
    carried = _carried(touched)
    changed, gone, fresh = list[Host](), list[int](), list[HostService]()
    for host in touched:
        before, has = list(host.placed.get("services", [])), carried.get(host.pk, {})
        given = _services(has, before, fitting[host.pk])
        gone += [has[slug] for slug in before if slug in has and slug not in given]
        fresh += [HostService(host=host, slug=slug) for slug in given if slug not in has]
        if _take(host, fitting[host.pk], given):
            changed.append(host)
    bulk.update(changed, *WORDS, "tags", "placed")
    tags.keep({host.pk: host.tags for host in changed})
    HostService.objects.filter(pk__in=gone).delete()
    HostService.objects.bulk_create(fresh, ignore_conflicts=True)
    if changed:
        bus.publish([PLACED], 0)
    return len(changed)


def _carried(hosts: Sequence[Host]) -> dict[int, dict[str, int]]:
    """Return the services of hosts, each with the key of its row, by host."""
    found: dict[int, dict[str, int]] = {}
    rows = HostService.objects.filter(host__in=[host.pk for host in hosts])
    for key, host, slug in rows.values_list("pk", "host_id", "slug") if hosts else ():
        found.setdefault(host, {})[slug] = key
    return found


def _take(host: Host, fitting: Sequence[Rule], services: Sequence[str]) -> bool:
    """Set what rules give a host; return whether it differs from what it was."""
    before, placed, differs = dict(host.placed), dict[str, object](), False
    for word in (*WORDS, "tags"):
        said = getattr(host, word)
        if said and (said != before.get(word) or (word == "tags" and tags.counting(host.tags_by))):
            continue  # by itself, or by its tools, even where a rule has the same
        found = next((getattr(rule, word) for rule in fitting if getattr(rule, word)), () if word == "tags" else "")
        value = list(found) if word == "tags" else found
        differs = differs or value != said
        setattr(host, word, value)
        if value:
            placed[word] = value
    if services:
        placed["services"] = list(services)
    host.placed = placed
    return differs or placed != before


def _services(has: Mapping[str, int], before: Sequence[str], fitting: Sequence[Rule]) -> list[str]:
    """Return the services that rules give; to a host that says some itself they give none."""
    return [] if set(has) - set(before) else list(next((rule.services for rule in fitting if rule.services), ()))
