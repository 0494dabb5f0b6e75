"""The decoder at the border: any bytes give a value that both databases take, or a `BadInput`; never anything else."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from raglan.core.decode import MAX_DEPTH, MAX_INT, Json, decode_json, parse_time
from raglan.core.errors import BadInput

HOSTILE = {
    "deep arrays": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep and not closed": b"[" * 1_000_000,
    "escaped quotes in a text that does not end": b'"' + b'\\"' * 500_000,
    "escaped quotes and half a pair": b'["' + b'\\"' * 500_000 + b"\\",
    "5,000 digits": b"1" * 5_000,
    "5,000 digits inside": b'{"value": ' + b"9" * 5_000 + b"}",
    "5,000 digits after the point": b"0." + b"1" * 5_000,
    "a huge exponent": b'{"value": 1e999}',
    "just above 64 bits": b'{"value": 9223372036854775808}',
    "far below": b'{"value": -99999999999999999999}',
    "not UTF-8": b'{"title": "\xff\xfe"}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "NUL in a text": b'{"title": "a\\u0000b"}',
    "NUL in a key": b'{"a\\u0000b": 1}',
    "a bare NUL": b"\x00",
    "a lone surrogate": b'{"title": "\\ud800"}',
    "a lone surrogate in a key": b'{"\\udfff": 1}',
    "surrogates the wrong way round": b'{"title": "\\udc00\\ud800"}',
    "NaN": b'{"value": NaN}',
    "Infinity": b'{"value": -Infinity}',
    "a long key": b'{"' + b"k" * 8_000 + b'": 1}',
    "many members": b"[" + b",".join([b"1"] * 20_000) + b"]",
    "top-level array": b"[]",
    "top-level null": b"null",
    "top-level text": b'"x"',
    "empty": b"",
    "white space": b" \n",
    "two values": b"{} {}",
    "a comment": b"{} // x",
    "an open text": b'{"title": "x',
    "a bad escape": b'{"title": "\\x"}',
    "brackets in a text": b'{"title": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
    "a quote after a backslash": b'{"title": "\\\\"}',
    "many open quotes": b'"' * 100_001,
    "a byte-order mark": b"\xef\xbb\xbf{}",
    "the same key twice": b'{"a": 1, "a": 2}',
}


def outcome(body: bytes) -> Json | BadInput:
    try:
        return decode_json(body)
    except BadInput as error:
        return error


def storable(value: Json) -> bool:
    """Tell whether both databases take a value."""
    match value:
        case str():
            return "\x00" not in value and value.encode("utf-8") is not None
        case bool() | None:
            return True
        case int():
            return abs(value) <= MAX_INT
        case float():
            return math.isfinite(value)
        case list():
            return all(storable(item) for item in value)
        case dict():
            return all(storable(key) and storable(item) for key, item in value.items())


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(20)
def test_hostile_bytes_give_a_value_or_bad_input_and_do_not_take_for_ever(name: str) -> None:
    found = outcome(HOSTILE[name])

    assert isinstance(found, BadInput) or storable(found)
    if isinstance(found, BadInput):
        assert found.status in (400, 422)


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("deep arrays", 422),
        ("5,000 digits", 422),
        ("a huge exponent", 422),
        ("NaN", 422),
        ("many members", 422),
        ("empty", 400),
        ("two values", 400),
        ("an open text", 400),
        ("UTF-16", 400),
    ],
)
def test_what_can_not_be_understood_is_refused_with_its_status(name: str, status: int) -> None:
    found = outcome(HOSTILE[name])

    assert isinstance(found, BadInput)
    assert found.status == status


def test_a_number_beyond_64_bits_is_named_by_its_field() -> None:
    found = outcome(b'{"payload": {"values": [1, 9223372036854775808]}}')

    assert isinstance(found, BadInput)
    assert found.field == "payload.values[1]"


def test_texts_that_no_database_takes_are_mended_and_kept() -> None:
    assert decode_json(b'{"a\\u0000": "x\\ud800y\\u0000"}') == {"a\ufffd": "x\ufffdy\ufffd"}
    assert decode_json(b'{"title": "\xff"}') == {"title": "\ufffd"}
    assert decode_json(b'"\\ud83d\\ude00"') == "\U0001f600"


def test_brackets_inside_texts_are_not_depth() -> None:
    assert decode_json(HOSTILE["brackets in a text"]) == {"title": "[" * 40}


@pytest.mark.parametrize(("depth", "fits"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_the_limit_of_depth_is_exact(depth: int, fits: bool) -> None:
    assert isinstance(outcome(b"[" * depth + b"]" * depth), BadInput) is not fits


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_bad_input(body: bytes) -> None:
    found = outcome(body)

    assert isinstance(found, BadInput) or storable(found)


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INT, MAX_INT)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_good_json_comes_back_as_it_was(value: Json) -> None:
    assert decode_json(json.dumps(value).encode()) == value


@given(values, st.data())
def test_good_json_with_a_byte_changed_gives_a_value_or_bad_input(value: Json, data: st.DataObject) -> None:
    body = bytearray(json.dumps(value).encode())
    body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))

    found = outcome(bytes(body))

    assert isinstance(found, BadInput) or storable(found)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-11-23T14:05:00Z", "2026-11-23T14:05:00+00:00"),
        ("2026-11-23T14:05:00.123456789Z", "2026-11-23T14:05:00.123456+00:00"),
        ("2026-11-23T15:05:00+01:00", "2026-11-23T14:05:00+00:00"),
        ("2026-11-23T14:05:00", "2026-11-23T14:05:00+00:00"),
    ],
)
def test_times_are_read_as_senders_write_them(text: str, iso: str) -> None:
    found = parse_time(text, "startsAt")

    assert found is not None
    assert found.isoformat() == iso


@pytest.mark.parametrize("text", ["", "0001-01-01T00:00:00Z"])
def test_a_time_that_is_not_set_is_none(text: str) -> None:
    assert parse_time(text, "endsAt") is None


BAD_TIMES = ["yesterday", "9999-12-31T23:59:59-14:00", "0002-01-01T00:00:00Z", "2026-13-01T00:00:00Z"]


@pytest.mark.parametrize("text", [*BAD_TIMES, "1969-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "1" * 5000])
def test_a_time_out_of_range_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_time(text, "alerts[3].endsAt")

    assert (caught.value.field, caught.value.status) == ("alerts[3].endsAt", 422)


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        found = parse_time(text, "x")
    except BadInput:
        return
    assert found is None or 1970 <= found.year <= 2201
