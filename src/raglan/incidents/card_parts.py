"""How the card for whoever comes late stands on a screen: what matters first, and what of it folds.

On a narrow screen what is long folds, so that what goes on, what is risky, who leads and what is wanted are in sight
soon; on a wide one it unfolds by itself, as `wide.js` does. What only grows with a long day folds on every screen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from raglan.incidents import catching_up as card_of
from raglan.incidents.asking import Ask
from raglan.incidents.catching_up import Card, Told
from raglan.incidents.models import Task

SHORT = 3  # rows of a part that does not fold as a whole by itself
FIRST = (card_of.FIRST_SHOWED, card_of.RISKY, card_of.THREADS)
AS_A_WHOLE = (card_of.KNOWN, card_of.TRIED, card_of.RULED_OUT)
GROWING = (card_of.TRIED, card_of.RULED_OUT)
STAND = {card_of.RISKY: 3, card_of.UNDER_WAY: 3, card_of.TRIED: 5, card_of.RULED_OUT: 5}  # the newest, below the others
STAND_ON_TOP = {card_of.THREADS: 4, card_of.TOOLS: 3}
WANTED = 3


@dataclass(frozen=True, slots=True)
class Part:
    """One part under its heading. Older ones than the card tells are in the timeline, narrowed by a word."""

    name: str
    told: Sequence[Told]
    older: int = 0
    narrowed: str = ""

    @property
    def is_growing(self) -> bool:
        """Whether its earlier rows are folded on every screen."""
        return self.name in GROWING

    @property
    def can_fold(self) -> bool:
        """Whether all of it can fold: one that grows while it is read stays as its reader has it."""
        return self.name in AS_A_WHOLE

    @property
    def is_folded(self) -> bool:
        """Whether all of it folds on a narrow screen."""
        return self.can_fold and len(self.told) > SHORT

    @property
    def earlier(self) -> Sequence[Told]:
        """The rows that fold above those that stand."""
        return self.told[: -STAND[self.name]] if self.name in STAND else ()

    @property
    def stand(self) -> Sequence[Told]:
        """The rows that stand."""
        if self.name in STAND:
            return self.told[-STAND[self.name] :]
        return self.told[: STAND_ON_TOP.get(self.name, len(self.told))]

    @property
    def more(self) -> Sequence[Told]:
        """The rows that fold below those that stand."""
        return self.told[STAND_ON_TOP[self.name] :] if self.name in STAND_ON_TOP else ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Asks and tasks that nobody has: the first of each stand, the others fold."""

    asks: Sequence[Ask]
    tasks: Sequence[Task]
    more_asks: Sequence[Ask]
    more_tasks: Sequence[Task]

    @property
    def more(self) -> int:
        """How many fold."""
        return len(self.more_asks) + len(self.more_tasks)


@dataclass(frozen=True, slots=True)
class Shown:
    """The card as a screen shows it: some parts, what is wanted, the other parts."""

    first: Sequence[Part]
    wanted: Wanted
    then: Sequence[Part]


def shown(card: Card) -> Shown:
    """Return how a card stands on a screen."""
    older = {
        card_of.TRIED: (max(0, card.tried_in_all - len(card.tried)), "tried"),
        card_of.RULED_OUT: (max(0, card.ruled_out_in_all - len(card.ruled_out)), "ruled_out"),
    }
    parts = [Part(name, told, *older.get(name, ())) for name, told in card.parts]
    asks, tasks = card.wanted, card.tasks
    return Shown(
        [part for part in parts if part.name in FIRST],
        Wanted(asks[:WANTED], tasks[:WANTED], asks[WANTED:], tasks[WANTED:]),
        [part for part in parts if part.name not in FIRST],
    )
