"""Holds every registered channel, ours and foreign ones, to the contract of `paging.ports`.

A test calls `check(provider, ...)` for each provider that is installed; what it returns is what the contract forbids
and the channel does. An address that leads nowhere is enough: no message leaves the machine.
"""

import inspect
from collections.abc import Iterator
from datetime import timedelta

from raglan.core.errors import BadInput, DeliveryError
from raglan.paging import ports

NOT_ADDRESSES = ("", " ", "\x00", "a\r\nb: c", "x" * 600, "javascript:alert(1)")


def installed() -> list[ports.Provider]:
    """Return every provider of every channel."""
    return [provider for kind in ports.kinds() for provider in ports.providers(kind)]


def check(provider: ports.Provider, address: str, message: ports.Message) -> list[str]:
    """Return what a provider does against the contract, with an address at which nobody listens."""
    return [*_of_names(provider), *_of_addresses(provider, address), *_of_failure(provider, address, message)]


def _of_names(provider: ports.Provider) -> Iterator[str]:
    if not provider.name.isascii() or not provider.name.isalpha() or provider.name != provider.name.lower():
        yield f"the name {provider.name!r} is not of small letters"
    if len(provider.channel.kind) > 20:
        yield "the kind has more than 20 letters"
    if not isinstance(provider.why_off(), str) or provider.per_hour() < 0:
        yield "why_off returns a text, per_hour a number from 0"
    for name in ("send", "update", "ask", "lane", "url_of", "post_of", "receipt_of"):
        method = getattr(provider.channel, name, None)
        if method is not None and inspect.iscoroutinefunction(method):
            yield f"{name} is asynchronous; channels are called from threads"
    if isinstance(provider.channel, ports.Confirms):
        waits = provider.channel.ask_after
        if not waits or len(waits) > 10 or any(wait < timedelta(seconds=1) for wait in waits):
            yield "ask_after names one to ten waits of a second or more"


def _of_addresses(provider: ports.Provider, address: str) -> Iterator[str]:
    for bad in NOT_ADDRESSES:
        try:
            provider.channel.check(bad)
        except BadInput:
            continue
        yield f"check takes {bad[:20]!r}"
    provider.channel.check(address)
    if isinstance(provider.channel, ports.HasLanes) and not isinstance(provider.channel.lane(address), str):
        yield "lane returns a text"


def _of_failure(provider: ports.Provider, address: str, message: ports.Message) -> Iterator[str]:
    """A provider that can not be reached raises DeliveryError, and leaves what it was given as it was."""
    try:
        receipt = provider.channel.send(address, message)
    except DeliveryError as error:
        if not error.sentence.strip() or "\n" in error.sentence:
            yield "a failure says why in one line"
        if message.token and message.token in error.sentence:
            yield "a failure tells the token of its message"
    else:
        yield f"send to nobody returned {receipt!r}"
