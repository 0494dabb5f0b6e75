"""Any JSON: a mapping says where in the body each field stands."""

from raglan.alerts import ports
from raglan.integrations.generic.doors import AnyJson


def integration() -> None:
    """Open the door."""
    ports.register_door(AnyJson())
