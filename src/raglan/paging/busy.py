"""What people are in now, so that somebody is paged by hand with open eyes. Higher contexts add what they know."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from raglan.paging import ports
from raglan.paging.models import Page, Reached
from raglan.people.models import Person

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Busy:
    """One thing that somebody is in."""

    words: str
    link: str


Provider = Callable[[list[int]], dict[int, list[Busy]]]
_providers: list[Provider] = []


def register_busy(provider: Provider) -> None:
    """Let a higher context say what people are in; it is asked for several people at once."""
    _providers.append(provider)


def busy_with(people: Iterable[Person]) -> dict[int, list[Busy]]:
    """Return what each of some people is in: pages that they have, and what higher contexts know."""
    ids = [person.pk for person in people]
    found: dict[int, list[Busy]] = {pk: [] for pk in ids}
    for provider in (pages_of, *_providers):
        for pk, items in provider(ids).items():
            found[pk].extend(items)
    return {pk: items[:SHOWN] for pk, items in found.items()}


def pages_of(ids: list[int]) -> dict[int, list[Busy]]:
    """Return the pages that people have, or joined, and that are not over."""
    having = Reached.objects.select_related("page").filter(
        ports.sight("page__"),
        person_id__in=ids,
        answer__in=(Reached.Answer.HAS_IT, Reached.Answer.JOINS),
        page__state=Page.State.ACKNOWLEDGED,
        page__is_test=False,
    )
    found: dict[int, dict[str, Busy]] = {}
    for reached in having.order_by("-page_id")[:500]:
        link = f"/pages/{reached.page_id}/"
        found.setdefault(reached.person_id, {})[link] = Busy(reached.page.title, link)
    return {pk: list(items.values()) for pk, items in found.items()}
