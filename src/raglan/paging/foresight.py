"""What a policy will do, said before anybody is paged: the plan in words, and what in it can never happen."""

from datetime import timedelta

from raglan.core import timeline
from raglan.core.clock import now
from raglan.oncall import queries as oncall
from raglan.oncall.models import Schedule
from raglan.paging import actions, chats
from raglan.paging.hours import Hours
from raglan.paging.models import Policy
from raglan.paging.plan import (
    ROUND_AT_LEAST,
    Acknowledge,
    EarlierSteps,
    Plan,
    PlannedStep,
    Target,
    Urgency,
    WhenNobody,
)
from raglan.people.models import Person, Team
from raglan.ui.wording import listed

AHEAD = timedelta(days=35)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NOBODY_WORDS = {
    WhenNobody.NEXT_STEP: "the next step follows at once; a round that reaches nobody pages the administrators",
    WhenNobody.HOLD: "the page is held until somebody is, and the owner of the policy is told",
    WhenNobody.FALL_BACK: "the fallback policy pages the administrators at once",
}


def words_of(plan: Plan, urgency: str = Urgency.HIGH) -> list[str]:
    """Say what a plan does, one sentence for each thing."""
    lines: list[str] = []
    after = 0
    for number, step in enumerate(plan.steps):
        lines.append(_step_words(step, after))
        after += int(plan.wait_of(number).total_seconds())
    lines.append(_end_words(plan, int(plan.wait_of(len(plan.steps) - 1).total_seconds()) if plan.steps else 0))
    if any(target.type == "schedule" for step in plan.steps for target in step.targets):
        lines.append(f"When nobody is on call, {NOBODY_WORDS[plan.when_nobody]}.")
    stop = plan.earlier_steps == EarlierSteps.STOP
    if len(plan.steps) > 1 or plan.repeat:
        lines.append(f"When the next step comes, people’s own later ways {'stop' if stop else 'go on beside it'}.")
    if urgency != Urgency.HIGH and plan.hours:
        which = "Pages by it" if urgency == Urgency.LOW else "Pages for warnings and below"
        lines.append(f"{which} wait for {hours_words(plan.hours)}.")
    if plan.forgotten_after_s:
        lines.append(
            f"Whoever has it is asked again {_duration(plan.forgotten_after_s)} after they took it, in daylight."
        )
    return lines


def _step_words(step: PlannedStep, after: int) -> str:
    begin = f"{_duration(after)} later" if after else "At once"
    names = [name_of(target) for target in step.targets] or ["nobody"]
    each = " Each of them must acknowledge." if step.acknowledge == Acknowledge.EACH and step.targets else ""
    return f"{begin[0].upper()}{begin[1:]}: {listed(names or ['nobody'])}.{each}"


def _end_words(plan: Plan, wait_s: int) -> str:
    wait = f"{_duration(wait_s)} after the last step" if wait_s else "Right after the last step"
    again = {0: "", 1: " it begins once more from the start, and then"}.get(
        plan.repeat, f" it begins {plan.repeat} times more from the start, and then"
    )
    return f"{wait[0].upper()}{wait[1:]}{again} it counts as unanswered, and everyone sees that on Now."


def hours_words(hours: Hours) -> str:
    """Say hours in words."""
    days = sorted(hours.days)
    if days == list(range(7)):
        named = "every day"
    elif len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        named = f"{DAYS[days[0]]} to {DAYS[days[-1]]}"
    else:
        named = listed([DAYS[day] for day in days])
    return f"{named}, {hours.since:%H:%M} to {hours.until:%H:%M} ({hours.zone})"


def name_of(target: Target) -> str:
    """Return the words for a target."""
    match target.type:
        case "schedule":
            found = Schedule.objects.filter(pk=target.id).first()
            return f"whoever is on call for {found or 'a rota that is gone'}"
        case "team":
            return f"everybody in {Team.objects.filter(pk=target.id).first() or 'a team that is gone'}"
        case "webhook":
            return f"a program at {target.url}"
        case "chat":
            return f"the room {target.room} in {chats.name_of(target.id) or 'a chat that is gone'}"
        case _:
            return str(Person.objects.filter(pk=target.id).first() or "somebody who is gone")


def _duration(seconds: int) -> str:
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            number = seconds // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} s"


def people_of(target: Target) -> list[Person]:
    """Return who may be paged for a target: for a rota, everyone who has a shift in the next five weeks."""
    active = Person.objects.filter(is_active=True)
    match target.type:
        case "schedule":
            found = oncall.schedules(now()).filter(pk=target.id)
            shifts = (shift for row in found for shift in oncall.shifts_between(row, now(), now() + AHEAD))
            return list({person.pk: person for shift in shifts for person in shift.people}.values())
        case "team":
            return list(active.filter(memberships__team_id=target.id).order_by("pk"))
        case "person":
            return list(active.filter(pk=target.id))
        case _:
            return []


def warnings(plan: Plan, urgency: str = Urgency.HIGH) -> list[str]:
    """Name what in a plan can not work as things are."""
    return [*without_pause(plan), *finds_nobody(plan), *not_told(plan), *never_reached(plan, urgency)]


def without_pause(plan: Plan) -> list[str]:
    """Say that a policy of before waits though it says it would not."""
    if not plan.lacks_pause:
        return []
    least = _duration(int(ROUND_AT_LEAST.total_seconds()))
    return [f"It begins again without any wait, so {least} passes before each round. Give a step a wait and save it."]


def finds_nobody(plan: Plan) -> list[str]:
    """Name the steps of which every target means nobody: empty teams, those who left, rotas without a shift ahead."""
    return [
        f"Step {number} asks {listed([name_of(target) for target in asked])}, which is nobody as things are."
        for number, step in enumerate(plan.steps, start=1)
        if (asked := [target for target in step.targets if not target.is_nobody])
        and not any(people_of(target) for target in asked)
    ]


def not_told(plan: Plan) -> list[str]:
    """Name the rooms in chat that can not be told as things are."""
    return [
        f"Step {number} tells {name_of(target)}, which can not be told: {why}."
        for number, step in enumerate(plan.steps, start=1)
        for target in step.targets
        if target.type == "chat" and (why := chats.why_not(target.id, target.room) or chats.away(target.id))
    ]


def never_reached(plan: Plan, urgency: str = Urgency.HIGH) -> list[str]:
    """Name the ways of people that can never be tried, because the next step comes first and stops them."""
    if plan.earlier_steps != EarlierSteps.STOP:
        return []
    wanted = (Urgency.HIGH, Urgency.LOW) if urgency == "severity" else (urgency,)
    found = [
        line
        for number, step in enumerate(plan.steps)
        if number + 1 < len(plan.steps) or plan.repeat
        for target in step.targets
        for person in people_of(target)
        for kind in wanted
        for line in _cut_off(person, step, number, kind)
    ]
    return list(dict.fromkeys(found))


def _cut_off(person: Person, step: PlannedStep, number: int, urgency: str) -> list[str]:
    return [
        f"{person.name}: {contact.get_kind_display()} after {_duration(delay_s)} can never be tried at step "
        f"{number + 1}; the next step comes after {_duration(step.wait_s)} and stops it."
        for contact, delay_s in actions.ways_to(person, urgency)
        if delay_s >= step.wait_s and delay_s > 0
    ]


def versions(policy: Policy) -> list[timeline.Happened]:
    """Return every version of a policy as it was saved, newest first."""
    told = timeline.about(policy, limit=10_000)
    return [event for event in reversed(told) if event.kind == "policy.changed"]
