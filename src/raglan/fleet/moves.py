"""What moved on hosts, told by reports and by runs: the same move told by both is one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from raglan.core.db import bulk
from raglan.fleet.models import PackageMove, ToldBy, UnitTurn
from raglan.fleet.ports import MoveTold, ServiceTurn

LOOK_BACK = timedelta(days=1)
SAME_WITHIN = timedelta(hours=1)
Known = tuple[str, str, str, str, datetime]  # name, arch, old, new, at


def keep_moves(
    told: Mapping[int, tuple[Sequence[MoveTold], datetime]], *, told_by: ToldBy
) -> dict[int, list[MoveTold]]:
    """Keep moves of hosts, each with when they happened; return those that were not known."""
    told = {host: (moves, at) for host, (moves, at) in told.items() if moves}
    if not told:
        return {}
    known = _known(told)
    news: dict[int, list[MoveTold]] = {}
    for host, (moves, at) in told.items():
        fresh = [move for move in moves if not _is_known(move, at, known.get((host, move.name), []))]
        if fresh:
            news[host] = fresh
    rows = [
        (
            host,
            move.name[:255],
            move.arch[:60],
            move.old[:255],
            move.new[:255],
            bulk.stamp(told[host][1]),
            told_by.value,
        )
        for host, moves in news.items()
        for move in moves
    ]
    bulk.insert_rows(PackageMove, ("host_id", "name", "arch", "old", "new", "at", "told_by"), rows)
    return news


def _known(told: Mapping[int, tuple[Sequence[MoveTold], datetime]]) -> dict[tuple[int, str], list[Known]]:
    """Return the moves that were kept lately, by host and package, the newest first."""
    since = min(at for _, at in told.values()) - LOOK_BACK
    rows = PackageMove.objects.filter(host__in=told, at__gte=since).order_by("-at", "-pk")
    found: dict[tuple[int, str], list[Known]] = {}
    for host, name, arch, old, new, at in rows.values_list("host", "name", "arch", "old", "new", "at"):
        found.setdefault((host, name), []).append((name, arch, old, new, at))
    return found


def _is_known(move: MoveTold, at: datetime, known: Sequence[Known]) -> bool:
    """Tell whether a move is one that was kept: the last one led there, or one of that time was the very same."""
    of_arch = [one for one in known if not move.arch or not one[1] or one[1] == move.arch]
    if not of_arch:
        return False
    _, _, old, new, last_at = of_arch[0]
    if new == move.new and (old == move.old or not old or not move.old):
        return True
    return at < last_at and any(
        (one[2], one[3]) == (move.old, move.new) and abs(one[4] - at) < SAME_WITHIN for one in of_arch
    )


def keep_turns(
    told: Mapping[int, tuple[Sequence[ServiceTurn], datetime]], *, told_by: ToldBy
) -> dict[int, list[ServiceTurn]]:
    """Keep turns of services of hosts; return those that were not known: the last one led to another state."""
    told = {host: (turns, at) for host, (turns, at) in told.items() if turns}
    if not told:
        return {}
    last = last_states(list(told), since=min(at for _, at in told.values()) - LOOK_BACK)
    news = {
        host: fresh
        for host, (turns, _) in told.items()
        if (fresh := [turn for turn in turns if last.get((host, turn.name)) != turn.now])
    }
    rows = [
        (host, turn.name[:255], turn.was[:40], turn.now[:40], bulk.stamp(told[host][1]), told_by.value)
        for host, turns in news.items()
        for turn in turns
    ]
    bulk.insert_rows(UnitTurn, ("host_id", "name", "was", "state", "at", "told_by"), rows)
    return news


def last_states(hosts: Sequence[int], *, since: datetime) -> dict[tuple[int, str], str]:
    """Return the state to which each service of some hosts turned last, as far as it turned since a time."""
    rows = UnitTurn.objects.filter(host__in=hosts, at__gte=since).order_by("at", "pk")
    return {(host, name): state for host, name, state in rows.values_list("host", "name", "state")}
