"""The patterns of a source's rules (re2), and what they make of a subject."""

from collections.abc import Mapping

import re2

from raglan.alerts import matchers
from raglan.core.errors import BadInput
from raglan.integrations.mail_in import subjects

MAX_PATTERN = 500
MAX_MATCHED = 10_000


def about(title: str, rules: Mapping[str, object], text: str = "") -> str:
    """Return what a mail is about: what the rule `key` finds, or the subject without marks and words of state."""
    pattern = rules.get("key")
    if isinstance(pattern, str) and (found := compiled("key", pattern).search(title[:MAX_MATCHED])):
        return (found.group(1) if found.groups() else found.group(0)) or title
    return subjects.read(title, text).about


def finds(rules: Mapping[str, object], name: str, text: str, otherwise: str = "") -> bool:
    """Tell whether a rule, or else the pattern that is usual, finds something in a text."""
    pattern = rules.get(name) or otherwise
    return bool(pattern) and compiled(name, str(pattern)).search(text[:MAX_MATCHED]) is not None


def compiled(name: str, pattern: str) -> "re2._Regexp[str]":
    """Read a pattern. Raises BadInput naming its rule."""
    if len(pattern) > MAX_PATTERN:
        raise BadInput(name, f"a pattern has at most {MAX_PATTERN} characters", status=422)
    try:
        return matchers.pattern(pattern)
    except re2.error as error:
        raise BadInput(name, f"this pattern can not be read: {matchers.reason_of(error)}", status=422) from None
