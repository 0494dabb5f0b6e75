"""The guard at all addresses: what a reader may not know of answers as if it were not there."""

import re
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from raglan.incidents import privacy

NOTHING = 0  # the number of no thing at all
NUMBERED = re.compile(r"([a-z-]+)/<(?:\w+:)?(\w+)>")


class RoomGuard:
    """Leads a stranger's request for a thing of a private incident to the number that nothing has.

    The door then does what it does for things that do not exist: the same refusals in the same order, word for word.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Let the request through; its address is looked at once it is known which door it is for."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: tuple[Any, ...], named: dict[str, Any]
    ) -> None:
        """Look at each number that the address names."""
        match = request.resolver_match
        for place, name in NUMBERED.findall(match.route if match else ""):
            kind, number = privacy.kind_at(place), str(named.get(name, ""))
            if kind and number.isdecimal() and len(number) < 19 and privacy.hides(kind, [int(number)]):
                named[name] = type(named[name])(NOTHING)
