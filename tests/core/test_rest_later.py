"""An operation and a shape cost little until they are used; from then on they are what they would have been."""

from django.http import HttpRequest
from ninja import NinjaAPI

from raglan.core.rest import BUILT, Later, Router, Schema


class Fruit(Schema):
    """A fruit."""

    name: str
    weight: int = 1


def router() -> Router:
    made = Router(tags=["fruit"])

    @made.post("/fruit/{kind}", response={201: Fruit}, operation_id="add_fruit", summary="Add a fruit")
    def add(request: HttpRequest, kind: str, data: Fruit, limit: int = 5) -> Fruit:
        """Add one."""
        return data

    @made.get("/fruit/{kind}", response=list[Fruit], operation_id="list_fruit")
    def fruit_of(request: HttpRequest, kind: str) -> list[Fruit]:
        """List them."""
        return []

    return made


def test_nothing_is_worked_out_until_it_is_asked_for() -> None:
    api = NinjaAPI(urls_namespace="later", openapi_url=None)
    api.add_router("", router())
    _ = api.urls
    (place,) = api._get_bound_routers()[-1].path_operations.values()
    post, get = place.operations
    assert isinstance(post, Later)
    assert not set(BUILT) & post.__dict__.keys()
    assert (post.operation_id, post.summary, post.description) == ("add_fruit", "Add a fruit", "Add one.")
    assert get.summary == "Fruit Of"
    assert [model.__ninja_param_source__ for model in post.models] == ["path", "body", "query"]
    assert set(post.response_models) == {201}
    assert not set(BUILT) & get.__dict__.keys()


def test_a_shape_is_made_whole_by_its_first_use() -> None:
    class Nut(Schema):
        name: str

    assert not Nut.__pydantic_complete__
    assert Nut.model_validate({"name": "hazel"}).name == "hazel"
    assert Nut.__pydantic_complete__
