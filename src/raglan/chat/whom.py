"""Whom a word in chat means: a team by its slug; a person by their name in chat, mail address, or their own name."""

from django.db.models import Q

from raglan.chat import queries
from raglan.people.models import Person, Team


def team(word: str) -> Team | None:
    """Return the team that a word such as `@dns` means."""
    return Team.objects.filter(slug=_bare(word).casefold()).first()


def person(word: str, workspace: int) -> Person | None:
    """Return the person whom a word such as `@bo` means; nobody where it could be several."""
    there = queries.handles().filter(workspace=workspace, address__in=[word, _bare(word), word.rstrip(",:;")])
    known = next((one.person for one in there if one.person.is_active), None)
    bare = _bare(word)
    known = known or Person.objects.filter(email=bare.casefold(), is_active=True).first()
    return known or _called(bare.replace(".", " ").replace("_", " "))


def _called(name: str) -> Person | None:
    """Return the one person who has a name, or a first name."""
    if not name.strip():
        return None
    named = Q(name__iexact=name) | Q(name__istartswith=f"{name} ")
    found = list(Person.objects.filter(named, is_active=True).order_by("pk")[:2])
    return found[0] if len(found) == 1 else None


def _bare(word: str) -> str:
    return word.removeprefix("@").rstrip(",:;")
