"""What can go from one room to another, with all that hangs under it; contexts above register what they keep there."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from raglan.core.secrets import digest
from raglan.incidents.models import (
    Entry,
    HeadsUp,
    Incident,
    IncidentGroup,
    IncidentPage,
    LostTool,
    Responder,
    Task,
)

Ids = Mapping[str, Sequence[int]]
AT_ONCE = 500  # rows that one statement names: databases bound how many, and plan the slower the more they are
AFRESH = "from-"  # how a key begins that was given because the row's own was taken; it ends with what tail_of() returns
TAIL = 32  # characters
_FRESH = re.compile(rf"{AFRESH}e?[0-9]+-([0-9a-f]{{{TAIL}}})")
Keeper = Callable[[Ids, Incident], Ids]
Teller = Callable[[Ids, Incident], str]
Stays = Callable[[Incident], Q]  # narrows to rows that the room to which all goes has already


@dataclass(frozen=True, slots=True)
class Mover:
    """A kind of rows that belong to a room."""

    model: type[Model]
    stays: Stays | None
    has_key: bool
    told: str
    may_end: bool

    def rows(self) -> "QuerySet[Model]":
        """All of them, whatever their room."""
        return self.model._default_manager.all()


@dataclass(frozen=True, slots=True)
class Moved:
    """What went, by kind, and the new and the old keys of rows whose key was taken in the room to which they went."""

    ids: dict[str, list[int]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    old_keys: dict[str, str] = field(default_factory=dict)


_movers: dict[str, Mover] = {}
_keepers: list[Keeper] = []
_tellers: list[Teller] = []


def register(
    kind: str,
    model: type[Model],
    *,
    stays: Stays | None = None,
    has_key: bool = False,
    told: str = "pk",
    may_end: bool = False,
) -> None:
    """Let rows of a kind go along when rooms are merged. They have a field `incident`, and perhaps a `key`.

    `told` is the field by which events name them. Rows that `may_end` can be deleted for good; others lead elsewhere.
    """
    _movers[kind] = Mover(model, stays, has_key, told, may_end)


def keep(keeper: Keeper) -> None:
    """Let a context say which of the rows that a merge brought to a room stay there when the merge is undone."""
    _keepers.append(keeper)


def tell(teller: Teller) -> None:
    """Let a context say, in whole sentences, what a room will miss of what goes back when a merge is undone."""
    _tellers.append(teller)


def missed(ids: Ids, room: Incident) -> str:
    """Say what a room will miss of what goes back; empty where that is nothing."""
    return " ".join(words for teller in _tellers if (words := teller(ids, room)))


def that_go_back(ids: Ids, room: Incident) -> dict[str, list[int]]:
    """Return what goes back when a merge is undone: all that it brought, but for what belongs to something since."""
    kept: dict[str, set[int]] = {}
    for keeper in _keepers:
        for kind, numbers in keeper(ids, room).items():
            kept.setdefault(kind, set()).update(numbers)
    return {kind: [pk for pk in numbers if pk not in kept.get(kind, ())] for kind, numbers in ids.items()}


def all_of(source: Incident, target: Incident) -> dict[str, list[int]]:
    """Return all that goes from one room to another; what the other one has already stays."""
    found: dict[str, list[int]] = {}
    for kind, mover in _movers.items():
        rows = mover.rows().filter(incident=source)
        rows = rows.exclude(mover.stays(target)) if mover.stays else rows
        found[kind] = list(rows.order_by("pk").values_list("pk", flat=True))
    return {kind: ids for kind, ids in found.items() if ids}


def move(ids: Ids, source: Incident, target: Incident) -> Moved:
    """Let rows go from one room to another. Entries keep the mark of the room in which they were written."""
    done = Moved()
    for kind, numbers in ids.items():
        mover, went = _movers[kind], list[int]()
        for some in _portions(numbers):
            rows = mover.rows().filter(pk__in=some, incident=source)
            if mover.has_key:
                _free_keys(kind, rows, (source, target), done)
            found = list(rows.values_list("pk", flat=True))
            rows.update(incident=target)
            went += found
        done.ids[kind] = sorted(went)
    for some in _portions(done.ids.get("entries", ())):
        _mark(Entry.objects.filter(pk__in=some), source, target)
    return done


def _portions(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (numbers[start : start + AT_ONCE] for start in range(0, len(numbers), AT_ONCE))


def _mark(written: "QuerySet[Entry]", source: Incident, target: Incident) -> None:
    """Say of entries in which room they were written, unless they are there again."""
    unmarked = list(written.filter(came_from__isnull=True).values_list("pk", flat=True))
    written.filter(came_from=target).update(came_from=None)
    written.filter(pk__in=unmarked).update(came_from=source)


def _free_keys(kind: str, rows: "QuerySet[Model]", way: tuple[Incident, Incident], done: Moved) -> None:
    """Give new keys to rows whose key is taken there; an earlier merge may have given the key that comes to mind."""
    (source, target), every = way, _movers[kind].rows()
    there = every.filter(incident=target, key=OuterRef("key"))
    clash = list(rows.filter(Exists(there)).order_by("pk").values_list("pk", "key"))
    fresh = {pk: f"{AFRESH}{source.pk}-{tail_of(key)}" for pk, key in clash}
    taken = set(every.filter(incident__in=way, key__in=list(fresh.values())).values_list("key", flat=True))
    for pk, old in clash:
        key = f"{AFRESH}e{pk}-{tail_of(old)}" if fresh[pk] in taken else fresh[pk]
        taken.add(key)
        rows.filter(pk=pk).update(key=key)
        done.keys[f"{kind}:{pk}"], done.old_keys[f"{kind}:{pk}"] = key, old


def tail_of(key: str) -> str:
    """Return how each key ends that a row with this key is given where it is taken, also when it happens again."""
    found = _FRESH.fullmatch(key)
    return found[1] if found else digest(key)[:TAIL]


def give_back(old_keys: Mapping[str, str], rooms: Sequence[Incident]) -> dict[str, str]:
    """Give rows the keys that they had before a merge, where these are free; return what got its key back."""
    done: dict[str, str] = {}
    for name, key in old_keys.items():
        kind, _, pk = name.partition(":")
        rows = _movers[kind].rows()
        there = rows.filter(incident=OuterRef("incident"), key=key)
        if rows.filter(~Exists(there), pk=int(pk), incident__in=rooms).update(key=key):
            done[name] = key
    return done


def told(ids: Ids) -> dict[str, list[int]]:
    """Return what went as events name it."""
    return {kind: sorted(_names(_movers[kind], numbers)) for kind, numbers in ids.items()}


def _names(mover: Mover, numbers: Sequence[int]) -> Iterator[int]:
    for some in _portions(numbers):
        yield from mover.rows().filter(pk__in=some).values_list(mover.told, flat=True)


def missing(ids: Ids, room: Incident) -> bool:
    """Tell whether anything of what came to a room went on to another one; what was deleted for good did not."""
    return any(_went_on(_movers[kind], some, room) for kind, numbers in ids.items() for some in _portions(numbers))


def _went_on(mover: Mover, numbers: Sequence[int], room: Incident) -> bool:
    rows = mover.rows().filter(pk__in=numbers)
    if mover.may_end:
        return rows.exclude(incident=room).exists()
    return rows.filter(incident=room).count() != len(numbers)


def _missed_there(target: Incident) -> Q:
    names = LostTool.objects.filter(incident=target, back_at__isnull=True).values("name_key")
    return Q(back_at__isnull=True, name_key__in=names)


def _there_already(target: Incident) -> Q:
    return Q(person__in=target.responders.values("person"))


register("entries", Entry, has_key=True, may_end=True)
register("groups", IncidentGroup, told="group_id")
register("pages", IncidentPage, told="page_id")
register("heads_ups", HeadsUp)
register("tasks", Task, has_key=True)
register("tools", LostTool, stays=_missed_there)
register("responders", Responder, stays=_there_already, told="person_id")
