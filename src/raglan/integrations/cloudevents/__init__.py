"""CloudEvents 1.0 over HTTP."""

from raglan.alerts import ports
from raglan.integrations.cloudevents.doors import Events


def integration() -> None:
    """Open the door."""
    ports.register_door(Events())
