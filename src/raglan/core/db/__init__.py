"""The one door to the database: transactions, and the few things that differ between SQLite and PostgreSQL."""

from raglan.core.db.transactions import atomic, in_write
from raglan.core.db.write_lock import write_lock
from raglan.core.faults import fault_point

__all__ = ["atomic", "fault_point", "in_write", "write_lock"]
