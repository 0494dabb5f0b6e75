"""What stands for an event of asyncio's and for a deque does what they do."""

import asyncio
from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from raglan.edge.lean import Line, Signal

ACTS = st.lists(st.sampled_from(("wait", "set", "clear", "give up", "turn")), max_size=25)


async def heard(made: asyncio.Event | Signal, acts: list[str]) -> list[list[bool]]:
    """Play acts, and say after each which of those who wait went on."""
    waiting: list[asyncio.Task[object]] = []
    seen = []
    for act in acts:
        match act:
            case "wait":
                waiting.append(asyncio.ensure_future(made.wait()))
                await asyncio.sleep(0)
            case "set":
                made.set()
            case "clear":
                made.clear()
            case "give up" if waiting:
                waiting[len(seen) % len(waiting)].cancel()
            case _:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        seen.append([made.is_set(), *(task.done() for task in waiting)])
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return seen


@given(ACTS)
def test_a_signal_is_an_event(acts: list[str]) -> None:
    assert asyncio.run(heard(Signal(), acts)) == asyncio.run(heard(asyncio.Event(), acts))


@given(st.lists(st.booleans()))
def test_a_line_is_a_deque_as_uvicorn_uses_it(acts: list[bool]) -> None:
    line, peer = Line(), deque[int]()
    for number, adds in enumerate(acts):
        if adds:
            line.appendleft(number)
            peer.appendleft(number)
        elif peer:
            assert line.pop() == peer.pop()
        assert list(line) == list(peer)
        assert bool(line) == bool(peer)
