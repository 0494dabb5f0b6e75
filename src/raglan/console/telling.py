"""The author of a change hears first when it does otherwise than they said. Nobody is paged by this.

Where a program proposed it and named nobody, those hear it to whom its hosts and roles belong; and whoever takes a
change on hears what was raised before.

They hear it by mail, and as a quiet word by the ways that they set for what can wait, with a heads-up, a hold and a
room one tap away on the channels that have buttons.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from raglan.changes.models import Change
from raglan.changes.queries import change as change_of
from raglan.config import config
from raglan.console.change_board import ChangeBoard
from raglan.core import timeline
from raglan.core.clock import now
from raglan.fleet import owners
from raglan.fleet.watch_models import Surprise
from raglan.paging import quiet
from raglan.paging.ports import Tap
from raglan.people import mail
from raglan.people.models import Person
from raglan.ui import wording


@timeline.reaction("surprise.raised")
def tell_author(event: timeline.Happened) -> None:
    """Tell whoever the change is to be talked about with, else its owners; one that nobody announced has nobody yet."""
    raised = Surprise.objects.select_related("host").filter(pk=int(str(event.data["surprise"]))).first()
    if raised is None:
        return
    change = change_of(raised.change_id)
    if change.author is not None and change.author.is_active:
        _tell(change, raised, change.author)
    elif not change.is_found:
        for person in owners.owners_of([raised.host_id], change.expectation.roles if change.expectation else ()):
            subject = f"Differs from what was said: {change.title}"
            mail.write(person.email, subject=subject, text=words(change, raised, person), about=change)


@timeline.reaction("change.taken_on")
def tell_taker(event: timeline.Happened) -> None:
    """Tell whoever takes a change on what was raised already."""
    change = change_of(int(str(event.data["change"])))
    taker = change.author
    if taker is None or taker.pk != event.data["author"] or not taker.is_active:
        return
    raised = Surprise.objects.filter(change=change, raised_at__lte=event.at).select_related("host")
    found = list(raised.order_by("-raised_at", "-pk"))
    if found:
        _tell(change, found[0], taker, found[1:])


def _tell(change: Change, raised: Surprise, author: Person, before: Sequence[Surprise] = ()) -> None:
    """Write to the author, and say it quietly; what was raised before stands below."""
    earlier = [f"Before that: {one.words} First on {one.host.name}." for one in before]
    text = "\n\n".join([words(change, raised, author), *earlier])
    mail.write(author.email, subject=f"Differs from what you said: {change.title}", text=text, about=change)
    quiet.say(author, quiet_word(change, raised))


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


def words(change: Change, raised: Surprise, reader: Person) -> str:
    """Say what differs and where, what was said, and what is one tap away."""
    board, base = ChangeBoard(change), config().public_url.rstrip("/")
    at = wording.when(raised.at, ZoneInfo(reader.time_zone), at=now())
    reached = board.progress.counts
    said = (
        [f"{_who(change, reader)} said: on hosts that exist, {board.on_existing}; on new hosts, {board.on_new}."]
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
            *([] if change.author == reader else ["It has nobody to talk to: take it on where it is yours."]),
        ]
    )


def _who(change: Change, reader: Person) -> str:
    return "You" if change.author == reader else change.told_by[:1].upper() + change.told_by[1:]
