"""In OpenAPI a shape has one name: two that share theirs overwrite each other, and programs are told wrong."""

from collections import defaultdict
from collections.abc import Iterator

from ninja import Schema

from raglan.console.rest import api


def shapes(of: type[Schema]) -> Iterator[type[Schema]]:
    for shape in of.__subclasses__():
        yield shape
        yield from shapes(shape)


def test_no_two_shapes_of_rest_share_a_name_and_differ() -> None:
    api.get_openapi_schema()
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for shape in shapes(Schema):
        if shape.__module__.startswith("raglan."):
            found[shape.__name__][shape.__module__] = repr(shape.model_json_schema())
    assert {name: sorted(of) for name, of in found.items() if len(set(of.values())) > 1} == {}
