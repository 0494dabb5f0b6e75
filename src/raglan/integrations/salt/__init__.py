"""Salt, by a returner that comes with raglan."""

from raglan.fleet import ports
from raglan.integrations.salt.returns import SaltReturns


def integration() -> None:
    """Read what the returner sends."""
    ports.register_decoder(SaltReturns())
