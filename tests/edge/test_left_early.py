"""Who leaves before a commit ends takes no answer away from the others of that commit."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from raglan.alerts.ports import Answer, Outcome
from raglan.core.errors import RaglanError
from raglan.edge.journal import Journal
from raglan.edge.protocol import Ending
from raglan.edge.reply import Reply
from tests.edge.test_group_commit import Disk, batch


class Gone:
    """A transport whose connection is lost, as uvloop has it."""

    def is_closing(self) -> bool:
        """It is."""
        return True

    def write(self, data: bytes) -> None:
        """Raise, as there."""
        raise RuntimeError("unable to perform operation on a closed transport")


def test_nothing_is_written_to_a_connection_that_is_gone() -> None:
    seen = asyncio.Event()
    cycle = SimpleNamespace(
        disconnected=False,
        response_started=False,
        response_complete=False,
        default_headers=[],
        keep_alive=True,
        transport=Gone(),
        body=bytearray(b"{}"),
        message_event=seen,
        on_response=lambda: None,
    )
    reply = Reply(cast(RequestResponseCycle, cycle), lambda: None)

    reply.answer(Answer(200, b"OK"))

    assert (reply.is_open, bytes(cycle.body), seen.is_set()) == (False, b"", True)


def test_nor_is_an_answer_that_has_a_task_of_its_own() -> None:
    Ending(cast(asyncio.Transport, Gone()), lambda: False).write(b"HTTP/1.1 200 OK")


def test_one_that_can_not_be_told_keeps_nobody_else_from_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()

    async def story() -> Outcome:
        def breaks(result: Outcome | RaglanError) -> None:
            raise RuntimeError("its connection is gone")

        journal: Journal = Journal(disk.ingest, most=10)
        journal.put_then(batch("a"), breaks)
        told = asyncio.create_task(journal.put(batch("b")))
        await asyncio.sleep(0)
        journal.start()
        try:
            return await asyncio.wait_for(told, 60)
        finally:
            assert await asyncio.to_thread(journal.stop, 60)

    assert asyncio.run(story()) == Outcome(new=1)
    assert disk.commits == [["a", "b"]]
    assert [record.name for record in caplog.records] == ["raglan.journal"]
