"""Where threads meet that have messages for one quick receiver: one of them sends for all that wait.

Many threads that post to one receiver take turns at the interpreter and at the few places of its lane, and each records
its own few. So whoever comes while another sends leaves its messages at the desk and waits for its turn; the next in
turn takes all that is there, and the others find that theirs were taken, and are free. Nobody waits for long: a desk
whose sender hangs is left, and the next ones meet at a new one.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from raglan.core import timers

PATIENCE_S = 0.2
MOST = 128


class _Desk:
    """The desk of one lane."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.waiting: list[Sequence[timers.Due]] = []
        self.users = 0


_desks: dict[str, _Desk] = {}
_guard = threading.Lock()


@contextmanager
def turn(lane: str, dues: Sequence[timers.Due]) -> Iterator[tuple[list[timers.Due], Callable[[], None]]]:
    """Wait for this thread's turn to send; give what it is to send, with what others left here, and what ends the turn.

    There is nothing to send where somebody else took it. Whoever waits for too long sends its own beside the other.
    """
    desk = _come(lane, dues)
    has_turn = desk.turn.acquire(timeout=PATIENCE_S)
    ended = False

    def end() -> None:
        nonlocal ended
        if has_turn and not ended:
            ended = True
            desk.turn.release()

    try:
        with _guard:
            taken = _taken(desk, dues, of_all=has_turn)
            if not has_turn and _desks.get(lane) is desk:
                del _desks[lane]
        yield taken, end
    finally:
        end()
        _go(lane, desk)


def _come(lane: str, dues: Sequence[timers.Due]) -> _Desk:
    with _guard:
        desk = _desks.setdefault(lane, _Desk())
        desk.users += 1
        desk.waiting.append(dues)
        return desk


def _taken(desk: _Desk, own: Sequence[timers.Due], *, of_all: bool) -> list[timers.Due]:
    """Take what this thread brought, if nobody has, and with it what others did, so far as that is not too much."""
    place = next((number for number, dues in enumerate(desk.waiting) if dues is own), None)
    if place is None:
        return []
    taken = list(desk.waiting.pop(place))
    while of_all and desk.waiting and len(taken) + len(desk.waiting[0]) <= MOST:
        taken += desk.waiting.pop(0)
    return taken


def _go(lane: str, desk: _Desk) -> None:
    with _guard:
        desk.users -= 1
        if not desk.users and _desks.get(lane) is desk:
            del _desks[lane]
