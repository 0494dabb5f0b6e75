"""Puppet, by its report processor `http`."""

from raglan.fleet import ports
from raglan.integrations.puppet.reports import PuppetReports


def integration() -> None:
    """Read its reports."""
    ports.register_decoder(PuppetReports())
