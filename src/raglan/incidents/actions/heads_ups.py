"""Heads-ups: I think I broke something."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from raglan.catalog.models import Service
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import atomic, take_turn
from raglan.core.errors import BadInput
from raglan.incidents import events, queries
from raglan.incidents.actions.entries import MAX_TEXT, Said, post
from raglan.incidents.actions.following import follow
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.actions.rooms import declare
from raglan.incidents.models import Entry, HeadsUp, Incident, Thanks
from raglan.paging import actions as paging
from raglan.paging.models import Page
from raglan.people.models import Person

MAX_THANKS = 300


@dataclass(frozen=True, slots=True)
class Warned:
    """A heads-up as somebody gave it; only the text is needed."""

    text: str
    did: str = ""
    saw: str = ""
    reach: str = ""
    need: str = ""
    services: Sequence[Service] = field(default_factory=tuple)
    key: str = ""
    author_words: str = ""  # of whoever gave it, where nobody here is that


@atomic
def give_heads_up(warned: Warned, *, by: Person | None) -> HeadsUp:
    """Say that one may have broken something: opens or joins a room and nudges whoever is on call.

    Only the text is needed. The same key of the same person again gives no second one, unless its words are others:
    whoever went a page back and wrote anew is heard too. Whoever is not known here adds no service to a room that is
    there already.
    """
    if warned.key:
        take_turn("heads-ups")
    if warned.key and (found := HeadsUp.objects.filter(person=by, key=warned.key).first()):
        if _says(found) == _words(warned):
            return found
        warned = replace(warned, key=hashlib.sha256(repr((warned.key, _words(warned))).encode()).hexdigest())
        if found := HeadsUp.objects.filter(person=by, key=warned.key).first():
            return found
    if not warned.text.strip():
        raise BadInput("text", "say in a few words what you did or saw")
    incident = _room_for(warned, by)
    heads_up = HeadsUp.objects.create(
        incident=incident,
        person=by,
        author_words="" if by else warned.author_words[:80],
        text=warned.text.strip()[:MAX_TEXT],
        did=warned.did.strip(),
        saw=warned.saw.strip(),
        reach=warned.reach.strip(),
        need=warned.need.strip(),
        at=now(),
        key=warned.key,
    )
    heads_up.services.set(warned.services)
    if by is not None:
        incident.services.add(*warned.services)
    said = Said(
        Entry.Kind.HEADS_UP, _heads_up_text(heads_up), f"headsup-{heads_up.pk}", author_words=heads_up.author_words
    )
    post(incident, said, by=by)
    given = events.HeadsUpGiven(
        heads_up=heads_up.pk,
        incident=incident.pk,
        person=by.pk if by else None,
        author_words=heads_up.author_words,
        text=heads_up.text,
        did=heads_up.did,
        saw=heads_up.saw,
        reach=heads_up.reach,
        need=heads_up.need,
        services=sorted(service.pk for service in warned.services),
        given_at=heads_up.at,
        key=heads_up.key,
    )
    timeline.append(given, actor=by or timeline.SYSTEM, about=room_and_now(incident, heads_up))
    return heads_up


def _words(warned: Warned) -> tuple[object, ...]:
    said = (warned.did.strip(), warned.saw.strip(), warned.reach.strip(), warned.need.strip())
    return (warned.text.strip()[:MAX_TEXT], *said, sorted(service.pk for service in warned.services))


def _says(given: HeadsUp) -> tuple[object, ...]:
    services = sorted(given.services.values_list("pk", flat=True))
    return (given.text, given.did, given.saw, given.reach, given.need, services)


def _heads_up_text(heads_up: HeadsUp) -> str:
    more = (
        ("I did", heads_up.did),
        ("I saw", heads_up.saw),
        ("It may reach", heads_up.reach),
        ("I need", heads_up.need),
    )
    return "\n".join([heads_up.text, *(f"{label}: {text}" for label, text in more if text)])


def _room_for(warned: Warned, by: Person | None) -> Incident:
    """Return the open room about the same services, or a new one. A heads-up is said openly: never a private one."""
    services = [service.pk for service in warned.services]
    same = Incident.objects.filter(state=Incident.State.OPEN, is_private=False, services__in=services)
    found = same.order_by("-pk").first() if warned.services else None
    first_line = warned.text.strip().splitlines()[0]
    title = first_line if len(first_line) <= 120 else first_line[:117] + "…"
    return found or declare(f"Heads-up: {title}", by=by, services=warned.services)


@atomic
def thank(heads_up: HeadsUp, *, by: Person | None) -> None:
    """Thank first, with the words that are chosen under Setup. Safe to call twice."""
    at = now()
    if not HeadsUp.objects.filter(pk=heads_up.pk, thanked_at__isnull=True).update(thanked_at=at):
        return
    about: list[timeline.Subject] = [*([heads_up.incident] if heads_up.incident else []), heads_up]
    thanked = events.HeadsUpThanked(heads_up=heads_up.pk, thanked_at=at)
    timeline.append(thanked, actor=by or timeline.SYSTEM, about=about)
    if heads_up.incident:
        post(heads_up.incident, Said(Entry.Kind.NOTE, queries.thanks(), key=f"thanks-{heads_up.pk}"), by=by)


@atomic
def change_thanks(words: str, *, by: timeline.Subject) -> str:
    """Choose the words that thank for a heads-up; none bring back raglan's own. Safe to call twice. Raises BadInput."""
    words = " ".join(words.split()) or queries.THANKS
    if len(words) > MAX_THANKS:
        raise BadInput("words", f"are longer than {MAX_THANKS} characters", status=422)
    kept, is_new = Thanks.objects.select_for_update().get_or_create(pk=1, defaults={"words": words})
    if is_new or kept.words != words:
        kept.words = words
        kept.save(update_fields=["words"])
        timeline.append(events.ThanksChanged(thanks=kept.pk, words=words), actor=by, about=[kept])
    return words


@atomic
def nudge(heads_up_id: int) -> Page | None:
    """Page whom a heads-up tells, with its words; their page says who has it already."""
    heads_up = HeadsUp.objects.select_related("person", "incident").filter(pk=heads_up_id, page__isnull=True).first()
    if heads_up is None or heads_up.incident is None:
        return None
    people = queries.told_of(heads_up, now())
    if not people:
        return None
    words = paging.Words(title=f"Heads-up from {heads_up.who}", text=heads_up.text, severity="heads-up")
    reason = paging.Reason("incident", heads_up.incident_id, f"/incidents/{heads_up.incident_id}/")
    page = paging.page_people(people, words, reason=reason, by=heads_up.person)
    HeadsUp.objects.filter(pk=heads_up.pk).update(page=page)
    nudged = events.HeadsUpNudged(heads_up=heads_up.pk, page=page.pk)
    timeline.append(nudged, about=room_and_now(heads_up.incident, heads_up, page))
    follow(heads_up.incident, page)
    names = " and ".join(person.name for person in people)
    said = Said(
        Entry.Kind.MACHINE,
        f"{names} {'is' if len(people) == 1 else 'are'} told of this heads-up now.",
        key=f"nudge-{heads_up.pk}",
        author_words="Pager",
    )
    post(heads_up.incident, said, by=None)
    return page
