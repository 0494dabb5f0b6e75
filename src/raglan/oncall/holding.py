"""One change of who is on call in a schedule at a time, so that each sees what the one before it did."""

from raglan.oncall.models import Schedule


def hold(schedule: int) -> Schedule:
    """Let nobody else change a schedule until the transaction ends; before anything else of it is written.

    Return it as it is then. A page does not wait for it, nor does whoever only looks.
    """
    return Schedule.objects.select_for_update(no_key=True).get(pk=schedule)


def hold_named(slug: str) -> None:
    """Do the same for a schedule by its short name, if there is one."""
    Schedule.objects.select_for_update(no_key=True).filter(slug=slug).first()
