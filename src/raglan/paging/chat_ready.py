"""Can the rooms in chat that policies tell be told? Looked at each day, and when a chat is not connected any more."""

from collections.abc import Sequence
from dataclasses import dataclass

from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.paging import actions, chats, foresight, queries, readiness
from raglan.paging.models import Page, Policy, StepTarget
from raglan.paging.plan import Target, Urgency
from raglan.ui.wording import listed

TOLD = "chat_room"


@dataclass(frozen=True, slots=True)
class Lost:
    """A policy with rooms that can not be told, each with its reason."""

    policy: Policy
    rooms: tuple[tuple[Target, str], ...]

    @property
    def words(self) -> str:
        """All of it in one sentence."""
        return listed([f"{foresight.name_of(target)} ({why})" for target, why in self.rooms])


def lost() -> list[Lost]:
    """Return the policies with rooms that can not be told, by name. That a chat is away for a while is no loss."""
    found = []
    for policy in Policy.objects.filter(steps__targets__chat__isnull=False).distinct().order_by("name"):
        rooms = [(target, why) for target in _rooms_of(policy) if (why := chats.why_not(target.id, target.room))]
        found += [Lost(policy, tuple(rooms))] if rooms else []
    return found


def _rooms_of(policy: Policy) -> list[Target]:
    rows = StepTarget.objects.filter(step__policy=policy, chat__isnull=False).order_by("step__position", "pk")
    return list(dict.fromkeys(queries.target_of(row) for row in rows))


def look(found: Sequence[Lost] | None = None) -> int:
    """Tell the owners of policies whose rooms can not be told, each of a policy once in three days.

    Return how many were told of. Each such room is tried once more.
    """
    told = 0
    for item in lost() if found is None else found:
        if not _told_lately(item.policy):
            tell(item)
            told += 1
        for target, _ in item.rooms:
            chats.try_again(target.id, target.room)
    return told


def _told_lately(policy: Policy) -> bool:
    since = now() - readiness.TELL_AGAIN
    return Page.objects.filter(reason_type=TOLD, reason_id=policy.pk, created_at__gte=since).exists()


@atomic
def tell(item: Lost) -> None:
    """Tell those who look after a policy, in daylight."""
    people = queries.owners(item.policy)
    if people:
        title = f"{item.policy.name} tells a room in chat that can not be told"
        text = f"{item.words[0].upper()}{item.words[1:]}. People are paged as ever."
        reason = actions.Reason(TOLD, item.policy.pk, f"/setup/policies/{item.policy.slug}/")
        actions.page_people(people, actions.Words(title, text, "info"), reason=reason, by=None, urgency=Urgency.LOW)
