"""The sign of life that raglan sends outside, and the test message without which it is not sent.

Both are timers, so that silence means: engine, database, clock, channel code or network is broken. A test message goes
by the engine, the database and the port of channels to a loopback channel, and comes back over a socket. The sign of
life is only sent when that worked within the last five minutes and due work is on time.
"""

import json
import socket
from collections.abc import Callable
from datetime import timedelta
from importlib import metadata

from raglan.config import config
from raglan.core import audit, http, logs, signs, timers
from raglan.core.backup import restored_mark
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.core.errors import DeliveryError, RaglanError
from raglan.paging import ports

TEST = "watch.test"
BEAT = "watch.life"
TEST_EVERY = timedelta(minutes=2)
BEAT_EVERY = timedelta(seconds=60)
FRESH = timedelta(minutes=5)
MOST_LATE_S = 60.0
TESTED = "test message"
SENT = "sign of life"
LOOPBACK = "loopback"
WAIT_S = 5.0
log = logs.get("raglan.life")
is_safe = False  # set at start, when this process runs in safe mode
_reasons: list[Callable[[], str]] = []


class Loopback:
    """A channel whose messages come back over a socket of this machine."""

    kind = LOOPBACK

    def check(self, address: str) -> None:
        """Nobody chooses this one."""

    def send(self, address: str, message: ports.Message) -> ports.Receipt:
        """Send the message to ourselves, and read it."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.settimeout(WAIT_S)
            with socket.create_connection(listening.getsockname(), timeout=WAIT_S) as there:
                there.sendall(message.key.encode())
                there.shutdown(socket.SHUT_WR)
                here, _ = listening.accept()
                with here:
                    here.settimeout(WAIT_S)
                    came = here.makefile("rb").read(4_096).decode()
        if came != message.key:
            raise DeliveryError("the loopback channel gave back something else", permanent=False)
        return ports.Receipt(received=True)


def hold_back_when(reason: Callable[[], str]) -> None:
    """Send no sign of life while this function has a reason."""
    _reasons.append(reason)


@timers.handler(TEST, network=True)
def test(due: timers.Due) -> None:
    """Send a test message the whole way round; plan the next one first, so that a failure does not end them."""
    again(TEST, due.subject, TEST_EVERY)
    at = now()
    message = ports.Message(
        key=f"test:{due.id}:{at.timestamp()}",
        page_id=0,
        person_name="",
        title="Test message",
        text="",
        severity="unknown",
        since=at,
        why="",
        link="",
        next_words="",
        may_repeat=due.attempt > 1,
        is_test=True,
    )
    try:
        receipt = ports.channel(LOOPBACK).send("", message)
    except (RaglanError, OSError) as error:
        log.error("the test message did not come back", extra={"error": str(error)})
        return
    if receipt.received:
        signs.note(TESTED, late_s=round((at - due.due_at).total_seconds(), 3))


@timers.handler(BEAT, network=True)
def beat(due: timers.Due) -> None:
    """Send the sign of life, unless something is wrong."""
    again(BEAT, due.subject, BEAT_EVERY)
    if not config().sign_of_life_url:
        return
    if why := held_back():
        log.error("no sign of life is sent", extra={"why": why})
        signs.note(SENT, ok=False, why=why)
        return
    body = json.dumps(state()).encode()
    try:
        answer = http.post(config().sign_of_life_url, body, {"Content-Type": "application/json"})
        why = "" if 200 <= answer.status < 300 else f"it answered {answer.status}"
    except DeliveryError as error:
        why = error.sentence
    if why:
        log.warning("the sign of life was not taken", extra={"why": why})
    signs.note(SENT, ok=not why, why=why)


def again(kind: str, subject: str, after: timedelta) -> None:
    """Plan the next one in place of any other of its kind: a crash on the way leaves one, not two."""
    with atomic():
        timers.cancel(kind, subject=subject)
        timers.schedule(kind, subject=subject, due_at=now() + after)


def held_back() -> str:
    """Return why no sign of life may be sent; empty when all is well."""
    tested = signs.last(TESTED)
    if tested is None:
        return "no test message has come back yet"
    if tested.age > FRESH:
        return f"the last test message came back {tested.age.total_seconds() / 60:.0f} minutes ago"
    if (late := timers.lateness()) > MOST_LATE_S:
        return f"due work is {late:.0f} s late"
    if restored_mark(config().data_dir) is not None:
        return "this is a restored copy, which pages nobody yet"
    return next((why for reason in _reasons if (why := reason())), "")


def state() -> dict[str, object]:
    """Return what a sign of life carries."""
    return {
        "raglan": config().public_url,
        "at": now().isoformat(timespec="seconds"),
        "version": metadata.version("raglan"),
        "lag_s": round(timers.lateness(), 3),
        "audit_head": audit.head(),
        "mode": "safe" if is_safe else "whole",
    }


ports.register_channel(Loopback())
