"""Words to people about on call that are no page: by mail, written in the transaction of what they tell of."""

from raglan.config import config
from raglan.core import timeline
from raglan.oncall.models import Schedule
from raglan.people import mail
from raglan.people.models import Person


def owners(schedule: Schedule) -> list[Person]:
    """Return whom a schedule belongs to: the leads of its team, else the team, else those who may configure."""
    return owners_of_team(schedule.team_id)


def owners_of_team(team_id: int | None) -> list[Person]:
    """Return who is told of what belongs to a team: its leads, else the team, else those who may configure."""
    active = Person.objects.filter(is_active=True)
    if team_id is not None:
        team = active.filter(memberships__team_id=team_id).order_by("pk")
        leads = list(team.filter(memberships__team_id=team_id, memberships__is_lead=True).distinct())
        if leads or team.exists():
            return leads or list(team.distinct())
    return list(active.filter(role__in=(Person.Role.MANAGER, Person.Role.ADMINISTRATOR)).order_by("pk"))


def tell(person: Person, subject: str, text: str, *, about: timeline.Subject, path: str = "/on-call/") -> None:
    """Write to one person in the current transaction."""
    link = config().public_url.rstrip("/") + path
    mail.write(person.email, subject=subject, text=f"{text}\n\n{link}\n", about=about)


def tell_owners(schedule: Schedule, subject: str, text: str) -> None:
    """Write to those to whom a schedule belongs, in the current transaction."""
    for person in owners(schedule):
        tell(person, subject, text, about=schedule, path=f"/on-call/{schedule.slug}/")
