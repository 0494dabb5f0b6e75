"""Many rows in few statements, past the ORM, for the paths on which every microsecond counts.

Keys are taken beforehand, so that rows may name each other before any of them is stored. SQLite takes prepared rows
by `executemany`; PostgreSQL takes text by COPY, which is several times faster than any form of INSERT. Values are
what the database stores: text for JSON and, by `stamp`, for times.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, TypeVar

import msgspec
from django.db import connection, models
from django.db.models.base import ModelState

from raglan.core.db.numbering import reserve_keys, take_keys
from raglan.core.db.raw import Value, is_postgresql, keep_many_pages, leave_checks_out, ready, rows_of

__all__ = [
    "NO_KEY",
    "Row",
    "Value",
    "find_keys",
    "first_keys",
    "fresh",
    "insert",
    "insert_rows",
    "is_any",
    "is_postgresql",
    "keep_many_pages",
    "keys_where",
    "leave_checks_out",
    "move_on",
    "ready",
    "relate",
    "reserve_keys",
    "rows_of",
    "select_by",
    "select_rows",
    "stamp",
    "take_keys",
    "text_of",
    "update",
    "update_rows",
]
Row = Sequence[Value]
M = TypeVar("M", bound=models.Model)
WORTH_A_COPY = 16
NO_KEY = 2**63 - 1  # beyond any
NAIVE = -len("+00:00")
_encode = msgspec.json.Encoder().encode


def insert_rows(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Store rows of prepared values, in order."""
    into = _into(model, tuple(columns))
    if is_postgresql():
        _insert_on_postgresql(into, len(columns), list(rows))
        return
    own = ready()
    with own.wrap_database_errors:  # the driver's own method: Django's would look for % in each statement
        own.connection.executemany(_inserting(into, len(columns)), rows)


@cache
def _into(model: type[models.Model], columns: tuple[str, ...]) -> str:
    """Return a table with its columns; both databases quote names alike."""
    quote = connection.ops.quote_name
    return f"{quote(model._meta.db_table)} ({', '.join(map(quote, columns))})"


@cache
def _inserting(into: str, width: int) -> str:
    return f"INSERT INTO {into} VALUES ({', '.join(['?'] * width)})"  # noqa: S608 -- quoted names


def _insert_on_postgresql(into: str, width: int, rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor:
        if len(rows) < WORTH_A_COPY:
            marks = ", ".join([f"({', '.join(['%s'] * width)})"] * len(rows))
            if rows:
                cursor.execute(f"INSERT INTO {into} VALUES {marks}", [value for row in rows for value in row])  # noqa: S608
            return
        with connection.wrap_database_errors, cursor.copy(f"COPY {into} FROM STDIN") as copy:
            copy.write("".join(map(_line, rows)))


def find_keys(
    model: type[models.Model],
    column: str,
    values: Collection[str],
    *,
    index: str,
    where: str,
    given: Sequence[Value] = (),
) -> list[int]:
    """Return the keys of the rows with one of these values for which a condition, with its own values, holds.

    SQLite keeps no statistics, so that it is told which index to take; the condition stands in the text of the
    statement, because a partial index is only for what is known when it is prepared.
    """
    if not values:
        return []
    sql = _finding(model, column, index, where)
    if not is_postgresql():
        return [int(row[0]) for row in rows_of(sql, [*given, text_of(list(values))])]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*given, list(values)])
        return [int(row[0]) for row in cursor.fetchall()]


@cache
def _finding(model: type[models.Model], column: str, index: str, where: str) -> str:
    quote = connection.ops.quote_name
    table, column = quote(model._meta.db_table), quote(column)
    if is_postgresql():
        return f"SELECT id FROM {table} WHERE {where} AND {column} = ANY(%s)"  # noqa: S608
    named, where = f"{table} INDEXED BY {quote(index)}", where.replace("%s", "?")
    return f"SELECT id FROM {named} WHERE {where} AND {column} IN (SELECT value FROM json_each(?))"  # noqa: S608


def select_by(
    model: type[models.Model],
    columns: Sequence[str],
    column: str,
    values: Collection[str] | Collection[int],
    *,
    times: Collection[str] = (),
    lock: bool = False,
) -> list[tuple[Any, ...]]:
    """Return some columns of the rows with one of these values. On SQLite the `times` among them come as their texts.

    With `lock` PostgreSQL locks the rows, in the order of their ids; on SQLite whoever writes has locked all.

    Django reads each time by itself, which takes longer than all else that a row needs.
    """
    if not values:
        return []
    sql = _selecting(model, tuple(columns), frozenset(times), column, lock)
    if is_postgresql():
        with connection.cursor() as cursor:
            cursor.execute(sql, [list(values)])
            return list(cursor.fetchall())
    return rows_of(sql, [text_of(list(values))])


@cache
def _selecting(
    model: type[models.Model], columns: tuple[str, ...], times: frozenset[str], column: str, lock: bool
) -> str:
    quote, table = connection.ops.quote_name, connection.ops.quote_name(model._meta.db_table)
    if is_postgresql():
        tail = " ORDER BY id FOR UPDATE" if lock else ""
        return f"SELECT {', '.join(map(quote, columns))} FROM {table} WHERE {quote(column)} = ANY(%s){tail}"  # noqa: S608
    shown = ", ".join(f"{quote(name)} || ''" if name in times else quote(name) for name in columns)
    return f"SELECT {shown} FROM {table} WHERE {quote(column)} IN (SELECT value FROM json_each(?))"  # noqa: S608


def select_rows(
    model: type[models.Model], column: str, keyed: Sequence[str], wanted: Sequence[tuple[str, ...]]
) -> list[tuple[Any, ...]]:
    """Return a column of the rows with one of these groups of texts, followed by the group, each found by its index."""
    if not wanted:
        return []
    quote = connection.ops.quote_name
    table, names = quote(model._meta.db_table), list(map(quote, keyed))
    if is_postgresql():
        arrays, group = ", ".join(["%s::text[]"] * len(names)), ", ".join(names)
        one_of = f"({group}) IN (SELECT * FROM unnest({arrays}))"  # noqa: S608 -- quoted names
        sql = f"SELECT {quote(column)}, {group} FROM {table} WHERE {one_of}"  # noqa: S608 -- quoted names
        with connection.cursor() as cursor:
            cursor.execute(sql, [list(texts) for texts in zip(*wanted, strict=True)])
            return list(cursor.fetchall())
    same = " AND ".join(f"t.{name} = json_extract(w.value, '$[{place}]')" for place, name in enumerate(names))
    shown = ", ".join(f"t.{name}" for name in (quote(column), *names))
    sql = f"SELECT {shown} FROM json_each(?) w CROSS JOIN {table} t ON {same}"  # noqa: S608 -- quoted names
    return rows_of(sql, [text_of(wanted)])


def keys_where(model: type[models.Model], keys: Sequence[int], where: str) -> list[int]:
    """Return those of these keys for whose rows a condition holds, without an index that SQLite might prefer."""
    table = connection.ops.quote_name(model._meta.db_table)
    sql = f"SELECT id FROM {table} NOT INDEXED WHERE id IN (SELECT value FROM json_each(?)) AND {where}"  # noqa: S608
    return [int(row[0]) for row in rows_of(sql, [text_of(list(keys))])]


def first_keys(model: type[models.Model], *, index: str, where: str, given: Sequence[Value], most: int) -> list[int]:
    """Return the keys of the first rows for which a condition holds, in the order of an index that SQLite is told."""
    quote = connection.ops.quote_name
    hint = f" INDEXED BY {quote(index)}" if not is_postgresql() else ""
    with connection.cursor() as cursor:
        table = quote(model._meta.db_table)
        cursor.execute(f"SELECT id FROM {table}{hint} WHERE {where} LIMIT {int(most)}", given)  # noqa: S608
        return [int(row[0]) for row in cursor.fetchall()]


def is_any(*looks: tuple[type[models.Model], str, str], given: Sequence[Value]) -> bool:
    """Tell in one statement whether a row stands in one of some indexes: of a table, by its name, with a condition.

    Each condition is given the same values.
    """
    quote = connection.ops.quote_name
    asked = []
    for model, index, where in looks:
        hint = f" INDEXED BY {quote(index)}" if not is_postgresql() else ""
        asked.append(f"EXISTS (SELECT 1 FROM {quote(model._meta.db_table)}{hint} WHERE {where})")  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {' OR '.join(asked)}", [*given] * len(looks))
        (found,) = cursor.fetchone()
    return bool(found)


def update_rows(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Set columns of rows by their ids: each row is the values in the order of the columns, then the id."""
    if not rows:
        return
    sql = _updating(model, tuple(columns))
    if is_postgresql():
        with connection.cursor() as cursor:
            cursor.executemany(sql, rows)
        return
    own = ready()
    with own.wrap_database_errors:
        own.connection.executemany(sql, rows)


@cache
def _updating(model: type[models.Model], columns: tuple[str, ...]) -> str:
    quote, mark = connection.ops.quote_name, "%s" if is_postgresql() else "?"
    sets = ", ".join(f"{quote(column)} = {mark}" for column in columns)
    return f"UPDATE {quote(model._meta.db_table)} SET {sets} WHERE id = {mark}"  # noqa: S608 -- quoted names


def move_on(model: type[models.Model], counter: str, latest: Sequence[str], rows: Sequence[Row]) -> None:
    """Add to a counter and move times forward, never back.

    Each row is what to add, the times in the order of `latest`, then the id. A time that is not set stays so.
    """
    if not rows:
        return
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    mark, highest = ("%s", "GREATEST({0}, %s::timestamptz)") if is_postgresql() else ("?", "MAX({0}, ?)")
    sets = ", ".join(f"{quote(name)} = {highest.format(quote(name))}" for name in latest)
    sql = f"UPDATE {table} SET {quote(counter)} = {quote(counter)} + {mark}, {sets} WHERE id = {mark}"  # noqa: S608
    if is_postgresql():
        with connection.cursor() as cursor:
            cursor.executemany(sql, rows)
        return
    connection.ensure_connection()
    with connection.wrap_database_errors:
        connection.connection.executemany(sql, rows)


def _line(row: Row) -> str:
    return "\t".join(map(_field, row)) + "\n"


def _field(value: Value) -> str:
    match value:
        case str():
            if "\\" in value or "\n" in value or "\t" in value or "\r" in value:
                value = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
            return value
        case None:
            return "\\N"
        case bool():
            return "t" if value else "f"
        case _:
            return str(value)


@lru_cache(maxsize=4_096)
def stamp(at: datetime | None) -> str | None:
    """Return a time as this database stores it. The rows of one commit share most of theirs."""
    if at is None:
        return None
    text = (at if at.tzinfo is UTC else at.astimezone(UTC)).isoformat(" ")
    return text if is_postgresql() else text[:NAIVE]


def text_of(value: object) -> str:
    """Return JSON as text for a column."""
    return _encode(value).decode()


def fresh(model: type[M], related: dict[str, models.Model | None] | None = None, /, **values: object) -> M:
    """Return an instance about to be stored by `insert`, made without the checks and signals of a model's own making.

    Values are given by the names of columns (`source_id`); what is not given has its default. `related` are the rows
    behind such columns that are at hand, by the names of their fields.
    """
    constants, callables = _defaults(model)
    made = model.__new__(model)
    state = ModelState()
    state.db, state.adding = "default", False
    if related is not None:
        state.fields_cache = related
    own = made.__dict__
    own.update(constants)
    for name, default in callables:
        if name not in values:
            own[name] = default()
    own.update(values, _state=state)
    return made


def relate(row: models.Model, name: str, other: models.Model | None) -> None:
    """Let a row point at another by a field, which takes Django's own way several times as long."""
    row.__dict__[f"{name}_id"] = None if other is None else other.pk
    row._state.fields_cache[name] = other


@cache
def _defaults(model: type[models.Model]) -> tuple[dict[str, object], list[tuple[str, Callable[[], object]]]]:
    fields = model._meta.concrete_fields
    made = [field for field in fields if field.has_default() and callable(field.default)]
    callables = [(field.attname, field.default) for field in made]
    constants = {field.attname: field.get_default() for field in fields if field not in made}
    return constants, callables


def insert(rows: Sequence[models.Model]) -> None:
    """Store instances of one model: all have their keys, or none has and the database gives them."""
    if rows:
        model = type(rows[0])
        columns, shape = _shape(model, is_keyed=rows[0].pk is not None)
        insert_rows(model, columns, shape.rows(rows))


def update(rows: Sequence[models.Model], *names: str) -> None:
    """Store some fields of instances of one model, named by their columns."""
    if rows:
        model = type(rows[0])
        update_rows(model, names, list(_part(model, names).rows(rows)))


Convert = Callable[[Any], Value]


class _Shape:
    """Takes prepared rows from what instances hold; asking their fields for each value takes many times as long."""

    def __init__(self, names: Sequence[str], converters: Sequence[Convert | None]) -> None:
        self._take = itemgetter(*names)  # more than one, so that a tuple comes
        self._special = [(place, convert) for place, convert in enumerate(converters) if convert is not None]

    def rows(self, rows: Sequence[models.Model]) -> Iterator[Row]:
        """Give one row after another."""
        take, special = self._take, self._special
        for row in rows:
            values = list(take(row.__dict__))
            for place, convert in special:
                values[place] = convert(values[place])
            yield values


@cache
def _shape(model: type[models.Model], *, is_keyed: bool) -> tuple[tuple[str, ...], _Shape]:
    """Return the columns of a model, and what takes their values."""
    fields = [field for field in model._meta.concrete_fields if is_keyed or not field.primary_key]
    shape = _Shape([field.attname for field in fields], list(map(_converter, fields)))
    return tuple(str(field.column) for field in fields), shape


@cache
def _part(model: type[models.Model], names: tuple[str, ...]) -> _Shape:
    """Return what takes the values of some columns, and the key after them."""
    converters = [_converter(model._meta.get_field(name.removesuffix("_id"))) for name in names]
    return _Shape((*names, model._meta.pk.attname), [*converters, None])


def _converter(field: object) -> Convert | None:
    match field:
        case models.DateTimeField():
            return stamp
        case models.JSONField():
            return text_of
        case models.ForeignKey() | models.CharField() | models.TextField() | models.IntegerField():
            return None
        case models.BooleanField():
            return None
        case _:
            raise TypeError(f"{field} is not prepared for bulk storage")
