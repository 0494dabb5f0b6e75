"""One at a time over all nodes, for work whose transactions would otherwise read what the other is about to change."""

import zlib

from django.db import connection


def take_turn(name: str) -> None:
    """Wait until no other transaction has this turn; it ends with the transaction. SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [zlib.crc32(f"raglan.{name}".encode())])
