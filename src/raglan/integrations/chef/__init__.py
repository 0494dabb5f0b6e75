"""Chef, by its data collector."""

from raglan.fleet import ports
from raglan.integrations.chef.collector import DataCollector


def integration() -> None:
    """Read its messages."""
    ports.register_decoder(DataCollector())
