"""The author of a change hears first when it does otherwise than they said. Nobody is paged by this.

They hear it by mail, and as a quiet word by the ways that they set for what can wait, with a heads-up, a hold and a
room one tap away on the channels that have buttons.
"""

from zoneinfo import ZoneInfo

from raglan.changes.models import Change
from raglan.changes.queries import change as change_of
from raglan.config import config
from raglan.console.change_board import ChangeBoard
from raglan.core import timeline
from raglan.core.clock import now
from raglan.fleet.watch_models import Surprise
from raglan.paging import quiet
from raglan.paging.ports import Tap
from raglan.people import mail
from raglan.people.models import Person
from raglan.ui import wording


@timeline.reaction("surprise.raised")
def tell_author(event: timeline.Happened) -> None:
    """Tell whoever the change is to be talked about with; one that nobody announced has nobody yet."""
    raised = Surprise.objects.select_related("host").filter(pk=int(str(event.data["surprise"]))).first()
    if raised is None:
        return
    change = change_of(raised.change_id)
    if change.author is not None and change.author.is_active:
        subject = f"Differs from what you said: {change.title}"
        mail.write(change.author.email, subject=subject, text=words(change, raised, change.author), about=change)
        quiet.say(change.author, quiet_word(change, raised))


def quiet_word(change: Change, raised: Surprise) -> quiet.Word:
    """Say in a line what differs; each tap leads to a form in which what is known is filled in."""
    board, place = ChangeBoard(change), f"/changes/{change.pk}/"
    reached = board.progress.counts
    where = f"First on {raised.host.name}. {reached.reached} of {reached.total} hosts have it so far. Nobody was paged."
    return quiet.Word(
        key=f"surprise:{raised.pk}",
        title=f"Differs from what you said: {change.title}",
        text=f"{raised.words}. {where}",
        link=place,
        taps=[
            Tap("Give a heads-up", f"{place}next/heads-up/"),
            Tap("Hold it", f"{place}next/hold/"),
            Tap("Open a room", f"{place}next/room/"),
        ],
    )


def words(change: Change, raised: Surprise, author: Person) -> str:
    """Say what differs and where, what was said, and what is one tap away."""
    board, base = ChangeBoard(change), config().public_url.rstrip("/")
    at = wording.when(raised.at, ZoneInfo(author.time_zone), at=now())
    reached = board.progress.counts
    said = (
        [f"You said: on hosts that exist, {board.on_existing}; on new hosts, {board.on_new}."]
        if board.expectation
        else []
    )
    return "\n\n".join(
        [
            raised.words,
            f"First on {raised.host.name}, {at}. {reached.reached} of {reached.total} hosts have it so far.",
            *said,
            f"Give a heads-up: {base}{board.heads_up_link}",
            f"Hold it: {base}{board.hold_link}",
            f"Open a room: {base}{board.room_link}",
            f"The change: {base}/changes/{change.pk}/",
            "You are the first to hear of it. Nobody was paged.",
        ]
    )
