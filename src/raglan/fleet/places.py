"""Where hosts belong that do not say so: rules by name, set by hand, that fill the words which no tool tells.

A rule stands in a line: `web*: cluster east, role web, environment production, tags blue, services shop search`. The
first rule that has a word for a host gives it. What a host or its tools say themselves always counts more.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import transaction

from raglan.changes.grouping import fits_pattern
from raglan.core import timeline
from raglan.core.db import atomic
from raglan.core.errors import BadInput
from raglan.fleet import events
from raglan.fleet.models import Host, HostService
from raglan.fleet.place_models import HostPlace

WORDS = ("cluster", "role", "environment")
LISTS = ("tags", "services")
MOST_RULES, MOST_LISTED, MOST_WORD = 200, 20, 120
AT_ONCE = 500


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
    for fact in (part.strip() for part in rest.split(",") if part.strip()):
        word, _, value = fact.partition(" ")
        if word in WORDS and value.strip():
            said[word] = value.strip()
        elif word in LISTS and value.strip():
            said[word] = tuple(value.split())
        else:
            raise BadInput("rules", f"“{line[:80]}” can not be read at “{fact[:60]}”", status=422)
    if not colon or not said:
        raise BadInput("rules", f"“{line[:80]}” says nothing; write web*: cluster east, role web", status=422)
    return Rule(hosts.strip(), **said)  # type: ignore[arg-type]  # each fact has the type of its field


def written(rule: Rule) -> str:
    """Write a rule as it is read."""
    facts = [f"{word} {getattr(rule, word)}" for word in WORDS if getattr(rule, word)]
    facts += [f"{word} {' '.join(getattr(rule, word))}" for word in LISTS if getattr(rule, word)]
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
    """Let these be all rules, and fill what hosts do not say; return how many hosts it changed. Raises BadInput."""
    check(listed)
    HostPlace.objects.all().delete()
    made = [HostPlace(position=number, **_row(rule)) for number, rule in enumerate(listed)]
    HostPlace.objects.bulk_create(made)
    changed = 0
    living = Host.objects.filter(retired_at__isnull=True)
    for host in living.only("pk", "name", "tags", "placed", *WORDS).order_by("pk").iterator(AT_ONCE):
        changed += fill(host, listed)
    told = events.HostsPlaced(rules=[written(rule) for rule in listed], changed=changed)
    timeline.append(told, actor=actor, about=["hosts"])
    return changed


def _row(rule: Rule) -> dict[str, object]:
    return {**asdict(rule), "tags": list(rule.tags), "services": list(rule.services)}


def fill(host: Host, listed: Sequence[Rule] | None = None) -> bool:
    """Give a host the words that rules have for it and that it does not say; return whether that changed anything."""
    assert transaction.get_connection().in_atomic_block
    fitting = [rule for rule in (rules() if listed is None else listed) if fits_pattern(rule.hosts, host.name)]
    if not fitting and not host.placed:
        return False
    before, placed = dict(host.placed), {}
    was = {word: getattr(host, word) for word in (*WORDS, "tags")}
    for word in (*WORDS, "tags"):
        said = getattr(host, word)
        if said and said != before.get(word):
            continue  # by itself, or by its tools
        found = next((getattr(rule, word) for rule in fitting if getattr(rule, word)), () if word == "tags" else "")
        value = list(found) if word == "tags" else found
        setattr(host, word, value)
        if value:
            placed[word] = value
    services = _services(host, before.get("services", []), fitting)
    if services:
        placed["services"] = services
    if placed == before and all(getattr(host, word) == value for word, value in was.items()):
        return False
    host.placed = placed
    host.save(update_fields=[*WORDS, "tags", "placed"])
    return True


def fill_many(keys: Sequence[int]) -> None:
    """Give hosts that said something new, or were never heard of, what rules have for them."""
    if listed := rules():
        for host in Host.objects.filter(pk__in=keys).order_by("pk"):
            fill(host, listed)


def _services(host: Host, before: Sequence[str], fitting: Sequence[Rule]) -> list[str]:
    """Keep the services that rules give; those that the host says itself are not among them."""
    wanted = list(next((rule.services for rule in fitting if rule.services), ()))
    own = set(HostService.objects.filter(host=host).values_list("slug", flat=True)) - set(before)
    given = [] if own else wanted
    HostService.objects.filter(host=host, slug__in=set(before) - set(given)).delete()
    fresh = [HostService(host=host, slug=slug) for slug in given]
    HostService.objects.bulk_create(fresh, ignore_conflicts=True)
    return given
