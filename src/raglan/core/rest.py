"""REST doors that cost little until somebody asks: shapes and operations are worked out at their first use.

All operations of raglan together would hold some 20 MB of validators; most installations ask for few of them.
"""

import copy
from collections.abc import Callable
from types import FunctionType
from typing import Any

import ninja
from ninja.constants import NOT_SET
from ninja.operation import Operation, PathView
from pydantic import ConfigDict

View = Callable[..., Any]
# What an operation knows once it is worked out.
BUILT = ("signature", "models", "stream_format", "stream_item_model", "response_models")


class Schema(ninja.Schema):
    """A shape of REST: what reads and writes it is made when the first one is."""

    model_config = ConfigDict(defer_build=True)


class Later(Operation):
    """An operation whose parameters and answers are looked at when it is first asked for."""

    def __init__(self, path: str, methods: list[str], view_func: View, *, response: Any = NOT_SET, **more: Any) -> None:
        super().__init__("", methods, _without_parameters(view_func), **more)
        self.path, self.view_func = path, view_func
        self._response = response
        for name in BUILT:
            delattr(self, name)

    def __getattr__(self, name: str) -> Any:
        """Work the operation out; only what is not there yet is asked for here."""
        if name not in BUILT:
            raise AttributeError(name)
        whole = Operation(self.path, self.methods, self.view_func, response=self._response)
        self.__dict__.update({built: getattr(whole, built) for built in BUILT})
        return self.__dict__[name]

    def clone(self) -> "Later":
        """Return a copy for one API; what is bound to it is replaced there, never changed in place."""
        return copy.copy(self)


def _without_parameters(view: View) -> View:
    """Return a function with the name and the words of this one, for all that an operation is before its first use."""

    def nothing(request: object) -> None:
        """Stand in for a view."""

    assert isinstance(nothing, FunctionType)
    nothing.__name__, nothing.__doc__ = view.__name__, view.__doc__
    nothing.__dict__.update({name: value for name, value in vars(view).items() if name != "__wrapped__"})
    return nothing


class _Place(PathView):
    """One address with its operations."""

    def add_operation(self, path: str, methods: list[str], view_func: View, **given: Any) -> Operation:
        """Note an operation. All of raglan's are plain functions."""
        operation = Later(path, methods, view_func, **given)
        self.url_name = given.get("url_name") or self.url_name
        self.operations.append(operation)
        return operation


class Router(ninja.Router):
    """A router whose operations are worked out at their first use."""

    def add_api_operation(self, path: str, methods: list[str], view_func: View, **given: Any) -> None:
        """Note an operation at its address."""
        self.path_operations.setdefault(path, _Place())
        super().add_api_operation(path, methods, view_func, **given)
