"""Commits rows one by one as raglan does, and notes each number in a file once its commit has returned.

Arguments: the data folder, the number of rows, pragmas to spoil the promise with (or none).
"""

import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.db import connection

from raglan.core.db import atomic
from raglan.core.db.settings import databases

ACKNOWLEDGED = "acknowledged"


def main(folder: Path, rows: int, pragmas: str) -> None:
    """Write until done or killed."""
    database = databases("", folder)["default"]
    settings.configure(DATABASES={"default": {**database, "OPTIONS": {"init_command": pragmas}}}, USE_TZ=True)
    django.setup()
    acknowledged = os.open(folder / ACKNOWLEDGED, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, filler BLOB)")
        for number in range(1, rows + 1):
            with atomic():
                cursor.execute("INSERT INTO note VALUES (%s, randomblob(1500))", [number])
            os.write(acknowledged, b"%d\n" % number)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
