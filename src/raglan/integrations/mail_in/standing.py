"""What is open, or was ever heard of, that a mail is about."""

from collections.abc import Mapping
from dataclasses import dataclass

from raglan.alerts import own
from raglan.integrations.mail_in import subjects
from raglan.integrations.mail_in.patterns import about


@dataclass(frozen=True, slots=True)
class Known:
    """The key of the alert that a mail is about, and whether there ever was one."""

    key: str
    is_known: bool


def known(source_id: int, key: str, rules: Mapping[str, object]) -> Known:
    """Find what a mail is about.

    What is open under a key that was made otherwise, by an older raglan or by rules that were changed since, is found
    by its title.
    """
    newest = own.by_key(source_id, key)
    if newest is not None and newest.is_open:
        return Known(key, is_known=True)
    for other in own.open_keys(source_id):
        if other.key == key or about(other.title, rules, other.text) != key:
            continue
        if not subjects.read(other.title, other.text).ends:
            return Known(other.key, is_known=True)
    return Known(key, is_known=newest is not None)
