"""A program gets what it reads, and is bounded in time and in what it prints."""

import os

import pytest

from raglan.core import programs
from raglan.core.programs import Bounds, Ended, TooMuchError, TooSlowError

ENV = {"PATH": os.environ["PATH"]}
MINUTE = Bounds(60)
MUCH = b"0123456789abcdef" * 40_000  # more than a pipe holds


def run(*words: str, bounds: Bounds = MINUTE, given: bytes = b"", joined: bool = False) -> Ended:
    return programs.run(words, folder="/", env=ENV, bounds=bounds, given=given, joined=joined)


def test_it_reads_and_prints_at_the_same_time() -> None:
    assert run("cat", given=MUCH) == Ended(0, MUCH, b"")


def test_one_that_reads_nothing_is_no_fault() -> None:
    assert run("true", given=MUCH) == Ended(0, b"", b"")


@pytest.mark.parametrize(("joined", "out", "said"), [(False, b"", b"no\n"), (True, b"no\n", b"")])
def test_complaints_stand_apart_or_beside(joined: bool, out: bytes, said: bytes) -> None:
    assert run("sh", "-c", "echo no >&2; exit 3", joined=joined) == Ended(3, out, said)


def test_the_bound_itself_may_be_printed() -> None:
    assert len(run("cat", given=MUCH, bounds=Bounds(60, len(MUCH))).out) == len(MUCH)
    with pytest.raises(TooMuchError, match="more than 0 MiB"):
        run("cat", given=MUCH, bounds=Bounds(60, len(MUCH) - 1))


@pytest.mark.parametrize("words", ["sleep 60", "exec >&- 2>&-; sleep 60"])
def test_one_that_does_not_end_is_killed(words: str) -> None:
    with pytest.raises(TooSlowError):
        run("sh", "-c", words, bounds=Bounds(0.2))


def test_one_that_is_not_there_can_not_be_started() -> None:
    with pytest.raises(FileNotFoundError):
        run("no-such-program-anywhere")
