"""Whom a schedule as code names: by mail address, or by a name that only one has."""

from collections.abc import Collection, Iterable

from django.db.models import Q

from raglan.core.errors import BadInput
from raglan.oncall.as_code import Document, names_in
from raglan.oncall.written import Part
from raglan.people.models import Person

Known = dict[str, Person]


def known(document: Document, here: Collection[int] = ()) -> Known:
    """Return the people whom a document names; of those who left, only who is in the schedule by these numbers.

    Raises BadInput for a name that nobody has, or more than one.
    """
    everybody = list(Person.objects.filter(Q(is_active=True) | Q(pk__in=here)))
    found: Known = {}
    for name in names_in(document):
        key = name.casefold()
        fits = [person for person in everybody if person.email.casefold() == key] or [
            person for person in everybody if person.name.casefold() == key
        ]
        if len(fits) != 1:
            parts = [*(layer.part for layer in document.layers), *(item.part for item in document.overrides or ())]
            raise _wrong(parts, name, _sentence(name, len(fits)))
        found[key] = fits[0]
    return found


def has_left(parts: Iterable[Part | None], name: str) -> BadInput:
    """Return the refusal of somebody who would newly be on call and is here no more."""
    return _wrong(parts, name, f"{name} has left; write somebody else, or leave them out")


def _sentence(name: str, fits: int) -> str:
    return f"{fits} people are called {name}; write the mail address" if fits else f"there is nobody called {name}"


def _wrong(parts: Iterable[Part | None], name: str, sentence: str) -> BadInput:
    for part in (one for one in parts if one is not None):
        inside = [
            place for place in part.lines if place.startswith(part.path) and _at(part.value, place, part.path) == name
        ]
        if inside:
            return BadInput(inside[0], f"line {part.lines[inside[0]]}: {sentence}", status=422)
    return BadInput("people", sentence, status=422)


def _at(value: object, place: str, path: str) -> object:
    """Return what stands at a place inside a value."""
    for step in filter(None, place[len(path) :].replace("]", "").replace("[", ".").split(".")):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal():
            value = value[int(step)]
    return value
