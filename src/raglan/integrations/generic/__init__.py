"""Any JSON: a mapping says where in the body each field stands."""

from raglan.alerts import ports
from raglan.integrations.generic.changes import AnyChange
from raglan.integrations.generic.doors import AnyJson


def integration() -> None:
    """Open the doors: of alerts and of changes."""
    ports.register_door(AnyJson())
    ports.register_door(AnyChange())
