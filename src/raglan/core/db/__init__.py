"""The one door to the database: transactions, deadlines, and the few things that differ between the two databases."""

from raglan.core.db import bulk, quiet
from raglan.core.db.deadlines import deadline, no_deadline
from raglan.core.db.errors import DatabaseTooSlow, UnknownOutcome
from raglan.core.db.prepared import Prepared
from raglan.core.db.transactions import atomic, in_write
from raglan.core.db.turns import take_turn
from raglan.core.db.writing import write_lock
from raglan.core.faults import fault_point

__all__ = [
    "DatabaseTooSlow",
    "Prepared",
    "UnknownOutcome",
    "atomic",
    "bulk",
    "deadline",
    "fault_point",
    "in_write",
    "no_deadline",
    "quiet",
    "take_turn",
    "write_lock",
]
