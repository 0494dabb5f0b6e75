"""What the database may do to us that is not a plain failure."""

from django.db.utils import OperationalError


class DatabaseTooSlow(OperationalError):
    """A statement passed its deadline and its connection was shut; its transaction is not stored."""


class UnknownOutcome(OperationalError):
    """The answer to a commit was lost, so whether it is stored (and on the standby, too) is not known.

    It is not a failure: write again with the same key, never with a new one.
    """
