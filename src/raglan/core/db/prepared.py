"""Queries of Django's whose statement is made once.

To make the statement of a query from its model costs a multiple of what the database needs to answer it: about a
millisecond for one with a few joins. Where people wait for each other that adds up, so that the queries of such a
place are written down as `Prepared`: as any query, with a place for each value. What comes back is what the query
itself gives.
"""

import copy
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet, prefetch_related_objects
from django.db.models.query import FlatValuesListIterable, ValuesListIterable

from raglan.core.db import bulk

R = TypeVar("R")
Value = int | str | datetime
FIRST_NUMBER = 4_611_686_018_427_380_000  # no id, and still one that both databases take
MOST = 2**63
A_WORD = "\N{PLACE OF INTEREST SIGN} place "
_PLACE = re.compile("(?<!%)%s")
A_MOMENT = datetime(1971, 2, 3, 4, 5, 6, tzinfo=UTC)


class Prepared(Generic[R]):
    """A query with places for whole numbers, words and moments; calling it returns a list.

    `make` is called with a stand-in for each value and must use each as it is: what depends on the value itself (None,
    a list) has no place in a statement that is made once.
    """

    def __init__(self, make: Callable[..., QuerySet[Any, R]]) -> None:
        self._make = make
        self._kept: dict[tuple[bool, tuple[type, ...]], _Statement] = {}
        self._lock = threading.Lock()

    def __call__(self, *values: Value) -> list[R]:
        """Return what the query gives for these values."""
        if any(isinstance(value, int) and abs(value) >= MOST for value in values):
            return list(self._make(*values))  # Django knows what no column of a database can hold
        key = (bulk.is_postgresql(), tuple(map(type, values)))
        statement = self._kept.get(key)
        if statement is None:
            with self._lock:
                statement = self._kept[key] = _Statement(self._make, values)
        return statement.run(values)

    def first(self, *values: Value) -> R | None:
        """Return the first that the query gives, None when there is nothing."""
        found = self(*values)
        return found[0] if found else None


class _Statement:
    """A statement with its parameters, and what Django needs to know to make objects of the rows."""

    def __init__(self, make: Callable[..., QuerySet[Any, Any]], values: Sequence[Value]) -> None:
        stand_ins = [_stand_in(value, at) for at, value in enumerate(values)]
        places = _as_parameters(stand_ins)
        made: Any = make(*stand_ins)  # what is used of it here the types do not tell
        self._queryset = made
        self._lookups = made._prefetch_related_lookups
        self._compiler: Any = made.query.get_compiler(DEFAULT_DB_ALIAS)
        self._sql, parameters = self._compiler.as_sql()
        self._compiler.connection = None
        self._parameters = [places.index(one) if one in places else one for one in parameters]
        self._is_plain = not self._lookups and self._has_plain_rows(made)
        self._is_flat = made._iterable_class is FlatValuesListIterable
        self._for_sqlite = _PLACE.sub("?", self._sql).replace("%%", "%")
        self._at = [at for at, one in enumerate(parameters) if one in places]
        if {parameters[at] for at in self._at} != set(places):
            raise TypeError("each value must be a parameter of the statement")

    def run(self, values: Sequence[Value]) -> list[Any]:
        parameters, given = list(self._parameters), _as_parameters(values)
        for at in self._at:
            parameters[at] = given[parameters[at]]
        if self._is_plain and not bulk.is_postgresql():
            rows = bulk.rows_of(self._for_sqlite, parameters)
            return [row[0] for row in rows] if self._is_flat else rows
        if self._is_plain:
            with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                cursor.execute(self._sql, parameters)
                return [row[0] for row in cursor.fetchall()] if self._is_flat else cursor.fetchall()
        found = list(self._read(tuple(parameters)))
        if self._lookups:
            prefetch_related_objects(found, *self._lookups)
        return found

    def _has_plain_rows(self, made: Any) -> bool:
        """Tell whether a list of values is just what the database gives, for which Django need not be asked."""
        if made._iterable_class not in (ValuesListIterable, FlatValuesListIterable) or made.query.extra_select:
            return False
        self._compiler.connection = connections[DEFAULT_DB_ALIAS]
        columns = [column for column, _, _ in self._compiler.select]
        plain = not self._compiler.get_converters(columns) and not self._compiler.has_extra_select
        self._compiler.connection = None
        return plain

    def _read(self, parameters: Sequence[object]) -> Iterator[Any]:
        compiler = copy.copy(self._compiler)
        compiler.connection = connections[DEFAULT_DB_ALIAS]
        compiler.as_sql = lambda *_, **__: (self._sql, parameters)
        query = copy.copy(self._queryset.query)
        query.get_compiler = lambda *_, **__: compiler
        reading = self._queryset._chain()  # a copy by Python would ask the database
        reading._query = query
        return iter(self._queryset._iterable_class(reading))


def _stand_in(value: Value, at: int) -> Value:
    match value:
        case int():
            return FIRST_NUMBER + at
        case str():
            return f"{A_WORD}{at}"
        case datetime():
            return A_MOMENT + timedelta(seconds=at)


def _as_parameters(values: Sequence[Value]) -> list[Any]:
    """Return values as the database takes them."""
    if not bulk.is_postgresql():
        return [bulk.stamp(value) if isinstance(value, datetime) else value for value in values]
    moment = connections[DEFAULT_DB_ALIAS].ops.adapt_datetimefield_value
    return [moment(value) if isinstance(value, datetime) else value for value in values]
