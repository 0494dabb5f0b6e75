"""Whether a host goes back to what it had before a change of which nothing was expected there."""

from collections.abc import Iterable, Mapping, Sequence

from raglan.fleet.models import PackageMove
from raglan.fleet.open_changes import Watched
from raglan.fleet.ports import MoveTold, Observation

Before = Mapping[tuple[int, str, str], str]  # host, package and the version that it leaves, to the one before that


def before(changes: Iterable[Watched], seen: Iterable[Observation]) -> Before:
    """Return which version hosts had before the one of a change that they leave now."""
    wanted = {pair for one in changes if _is_meant(one) for pair in one.said.packages.items()}
    moves = ((one.host, move) for one in seen for move in one.moves)
    leave = [(host, move) for host, move in moves if {(move.name, move.old), (move.name, "")} & wanted]
    if not leave:
        return {}
    hosts, versions = {host for host, _ in leave}, {move.old for _, move in leave}
    rows = PackageMove.objects.filter(host__in=hosts, name__in={move.name for _, move in leave}, new__in=versions)
    told = rows.order_by("at", "pk").values_list("host", "name", "new", "old")
    return {(host, name, new): old for host, name, new, old in told}


def is_return(watched: Watched, host: int, moves: Sequence[MoveTold], had: Before) -> bool:
    """Whether all that moves of a change's packages goes back to what the host had before it."""
    if not moves or not _is_meant(watched):
        return False
    return all(move.new and had.get((host, move.name, move.old)) == move.new for move in moves)


def _is_meant(watched: Watched) -> bool:
    return watched.said.on_existing == "nothing"
