"""What was like a change: notes and earlier changes of its packages, units and services, of its roles, in its words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from raglan.catalog.models import Service
from raglan.changes import queries
from raglan.changes.models import Change, Expectation, PsaNote

MOST_LOOKED = 500
SHORTEST = 4  # letters of a word of a title that counts
IN_COMMON = 2  # words of titles that make two alike, where neither names anything
WORD = re.compile(r"[^\W_][\w.+-]*[^\W_]|[^\W_]")
PLAIN = frozenset(
    (
        *("about", "after", "again", "apply", "before", "change", "changes", "deploy", "deployment", "does", "every"),
        *("everywhere", "from", "host", "hosts", "install", "into", "lower", "make", "more", "move", "moves", "raise"),
        *("release", "remove", "replace", "roll", "rollout", "that", "their", "them", "then", "this", "turn", "update"),
        *("upgrade", "version", "versions", "when", "where", "with", "without"),
    )
)


@dataclass(frozen=True)
class Like:
    """What a change is about, as far as another may be like it. Names are compared in small letters."""

    title: str = ""
    packages: Sequence[str] = ()
    units: Sequence[str] = ()
    roles: Sequence[str] = ()

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of its title."""
        return words_of(self.title)

    @cached_property
    def things(self) -> frozenset[str]:
        """Its packages and units, and the services that its title names."""
        services = Service.objects.filter(slug__in=sorted(self.words)).values_list("slug", flat=True)
        return frozenset([*_small(self.packages), *_stems(self.units), *services])

    @cached_property
    def places(self) -> frozenset[str]:
        """Its roles."""
        return frozenset(_small(self.roles))

    def strength(self, title: frozenset[str], things: Iterable[str], roles: Iterable[str]) -> int:
        """Say how much another is like it: 3 by the same thing, 2 by words of the titles, 1 by a role, 0 not at all."""
        if self.things & {*_small(things), *title}:
            return 3
        if len(_telling(self.words) & _telling(title)) >= IN_COMMON:
            return 2
        return int(bool(self.places & {*_small(roles), *title}))


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text in small letters."""
    return frozenset(WORD.findall(text.casefold()))


def notes(like: Like) -> list[PsaNote]:
    """Return the notes that are about something like it: first those of the same things, then the newest."""
    newest = list(
        queries.notes().prefetch_related("change__packages").select_related("change__expectation")[:MOST_LOOKED]
    )
    found = [(_of_note(note, like), note) for note in newest]
    return [note for strength, note in sorted(found, key=lambda one: -one[0]) if strength][: queries.ALIKE]


def changes(like: Like, *, but: int | None = None) -> list[Change]:
    """Return earlier changes that people proposed or raglan found, in the same order."""
    same = queries.alike(list(like.packages), but=but)
    watched = queries.changes().exclude(state=Change.State.TOLD).exclude(pk=but or 0)
    near = watched.select_related("author", "expectation").prefetch_related("packages")[:MOST_LOOKED]
    found = [(_of_change(one, like), one) for one in near]
    others = [one for strength, one in sorted(found, key=lambda one: -one[0]) if strength]
    return list({one.pk: one for one in [*same, *others]}.values())[: queries.ALIKE]


def _of_note(note: PsaNote, like: Like) -> int:
    things, roles = _said(note.change) if note.change else ([], [])
    return like.strength(words_of(note.title), [*note.packages, *things], roles)


def _of_change(change: Change, like: Like) -> int:
    return like.strength(words_of(change.title), *_said(change))


def _said(change: Change) -> tuple[list[str], list[str]]:
    """Return packages and units of a change, and its roles."""
    packages = [package.name for package in change.packages.all()]
    expectation: Expectation | None = getattr(change, "expectation", None)
    if expectation is None:
        return packages, []
    return [*packages, *_stems(expectation.units)], list(expectation.roles)


def _telling(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word for word in words if len(word) >= SHORTEST and not word.isdigit()) - PLAIN


def _small(names: Iterable[str]) -> list[str]:
    return [name.casefold() for name in names]


def _stems(units: Iterable[str]) -> list[str]:
    return [unit.casefold().removesuffix(".service") for unit in units]
