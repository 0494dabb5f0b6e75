"""All hosts of a hold, page by page: those that have heard of it, and those that were not told."""

from collections.abc import Sequence
from typing import overload

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from raglan.changes import hold_queries, ports
from raglan.changes.hold_models import Hold, HoldHeard

HOSTS_PER_PAGE = 100


class Untold(Sequence[ports.Silent]):
    """Hosts that were not told of a hold, as a list of which a paginator reads a part."""

    def __init__(self, of: Hold) -> None:
        self.of = of

    def __len__(self) -> int:
        call = ports.roll().call(self.of, most=0)
        return call.went_on + call.not_asked

    @overload
    def __getitem__(self, part: int) -> ports.Silent: ...
    @overload
    def __getitem__(self, part: slice) -> Sequence[ports.Silent]: ...
    def __getitem__(self, part: int | slice) -> ports.Silent | Sequence[ports.Silent]:
        if isinstance(part, int):
            return ports.roll().call(self.of, most=1, skip=part).some[0]
        return ports.roll().call(self.of, most=part.stop - part.start, skip=part.start).some


@require_GET
def hosts(request: HttpRequest, pk: int) -> HttpResponse:
    """All hosts of a hold page by page: those that have heard of it, or those that were not told."""
    found, which = hold_queries.hold(pk), "untold" if request.GET.get("which") == "untold" else "heard"
    unknown = set[str]()
    page: Page[HoldHeard] | Page[ports.Silent]
    if which == "heard":
        page = heard = Paginator(hold_queries.heard_of(found), HOSTS_PER_PAGE).get_page(request.GET.get("page"))
        names = {row.host for row in heard.object_list}
        unknown = names - ports.roll().known(names)
    else:
        page = Paginator(Untold(found), HOSTS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"hold": found, "which": which, "page": page, "unknown": unknown}
    return render(request, "changes/hold_hosts.html", context)
