"""What happens later in chat."""

from datetime import timedelta

from raglan.chat import actions, import_looks
from raglan.core import timers
from raglan.core.clock import now

FORGET = "chat.forget"
FORGET_EVERY = timedelta(hours=1)


@timers.handler(FORGET, on_parked=timers.goes_on(FORGET_EVERY))
def forget(due: timers.Due) -> None:
    """Delete messages, sent posts and looks at exports beyond their time."""
    actions.forget_old()
    import_looks.forget()
    timers.schedule(FORGET, subject="chat", due_at=now() + FORGET_EVERY)
