"""Who is told of a PSA note at once: nobody, a team, or everybody. All may read it, and whoever plans alike sees it."""

import hashlib
from datetime import timedelta

from django.db.models import QuerySet

from raglan.changes.models import PsaNote
from raglan.config import config
from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.people import mail
from raglan.people.models import Person, Team

EVERYBODY = "everybody"
MOST = 1_000
APART = timedelta(hours=1)


def check_audience(audience: str) -> None:
    """Raise BadInput unless it is nobody, everybody, or a team."""
    if audience not in ("", EVERYBODY) and not Team.objects.filter(slug=audience).exists():
        raise BadInput("audience", "leave it empty, or name a team or everybody", status=422)


def let_tell(audience: str, author: Person | None) -> None:
    """Raise BadInput when a note may not be told to these now: to everybody only a person writes, once an hour."""
    check_audience(audience)
    if audience != EVERYBODY:
        return
    if author is None:
        raise BadInput("audience", "only a person writes to everybody; name a team, or leave it empty", status=403)
    if PsaNote.objects.filter(author=author, audience=EVERYBODY, at__gt=now() - APART).exists():
        why = "you wrote to everybody less than an hour ago; name a team, or leave it empty"
        raise BadInput("audience", why, status=429)


def lock(author: Person | None) -> None:
    """Let one note at a time be written by a person, so that what is kept once or limited is."""
    if author is not None:
        Person.objects.select_for_update(no_key=True).get(pk=author.pk)


def key_of(key: str, actor: timeline.Subject) -> str:
    """Return the key under which a note of somebody is kept once; none for none."""
    return hashlib.sha256(f"{timeline.ref(actor)}\x01{key}".encode("utf-8", "replace")).hexdigest() if key else ""


def audiences() -> list[tuple[str, str]]:
    """Return whom one may choose, each with its words."""
    teams = Team.objects.order_by("name", "pk").values_list("slug", "name")
    return [("", "Nobody at once; whoever plans something alike sees it"), (EVERYBODY, "Everybody"), *teams]


def people_of(note: PsaNote) -> QuerySet[Person]:
    """Return who is told of a note: not whoever wrote it."""
    if not note.audience:
        return Person.objects.none()
    people = Person.objects.filter(is_active=True).exclude(pk=note.author_id or 0).exclude(email="")
    if note.audience != EVERYBODY:
        people = people.filter(memberships__team__slug=note.audience)
    return people.order_by("pk").distinct()


@timeline.reaction("change.psa_written")
def tell(event: timeline.Happened) -> None:
    """Write to those whom a note was chosen for."""
    note = PsaNote.objects.select_related("author").filter(pk=int(str(event.data["note"]))).first()
    if note is None:
        return
    who = note.author.name if note.author else "A program"
    parts = [
        f"{who} ran into something and shares it.",
        f"What was done: {note.did}",
        f"What happened: {note.happened}",
        f"What had been expected: {note.expected}" if note.expected else "",
        f"How to spot it: {note.spot}" if note.spot else "",
        f"{config().public_url.rstrip('/')}/changes/notes/#note-{note.pk}",
    ]
    text = "\n\n".join(part for part in parts if part)
    for person in people_of(note)[:MOST]:
        mail.write(person.email, subject=f"PSA: {note.title}", text=text, about=note)
