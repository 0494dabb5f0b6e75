"""Which provider is asked for a message: by kind, by country, in order, without those that failed it already."""

from collections.abc import Sequence

from raglan.config import config
from raglan.core.errors import DeliveryError
from raglan.paging import circuit, ports


def ordered(kind: str, address: str) -> list[ports.Provider]:
    """Return the providers for an address that are set up, in the order of `provider_order`.

    The rule with the longest beginning of the number counts. Without a rule all are asked as they were registered.
    """
    known = {provider.name: provider for provider in ports.providers(kind)}
    if not known:
        raise DeliveryError(f"no integration offers the channel {kind}", permanent=True)
    names = _rule_for(kind, address) or list(known)
    found = [known[name] for name in names if name in known and known[name].is_on]
    if not found:
        raise DeliveryError(f"no provider is set up: {ports.why_off(kind)}", permanent=True)
    able = [provider for provider in found if ports.takes(provider, address)]
    if not able:
        raise DeliveryError(f"no provider that is set up can reach this address by {kind}", permanent=True)
    return able


def _rule_for(kind: str, address: str) -> list[str]:
    best = ""
    names: list[str] = []
    for rule in config().provider_order:
        where, _, listed = rule.partition("=")
        of, _, beginning = where.partition(":")
        if of == kind and address.startswith(beginning) and (not names or len(beginning) > len(best)):
            best, names = beginning, listed.split("/")
    return names


def choose(kind: str, address: str, tried: Sequence[str]) -> ports.Provider | None:
    """Return the next provider for a message, or None when all were tried. One that rests comes last."""
    left = [provider for provider in ordered(kind, address) if provider.name not in tried]
    awake = [provider for provider in left if not circuit.rests(circuit.name_of(provider, address), address)]
    return next(iter(awake or left), None)
