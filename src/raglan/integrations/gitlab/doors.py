"""Reads GitLab's webhooks: deployments, pushes to the default branch, pipelines that ended there, releases.

Field names are from its documentation.
"""

import hmac
import re
from collections.abc import Callable, Sequence
from datetime import datetime

from raglan.alerts.ports import IntakeRequest, SourceKey
from raglan.changes.actions import Told
from raglan.core.decode import Json
from raglan.core.errors import BadInput
from raglan.integrations import shape
from raglan.integrations.change_door import ChangeDoor, body_of, facts, first_line, inner, link

TOKEN = "x-gitlab-token"  # noqa: S105 - the name of a header
DEPLOYED = {"running": " begins", "success": "", "failed": " failed", "canceled": " was canceled"}
PIPELINE = {"success": " ended", "failed": " failed"}
SPACED = re.compile(r"^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) ?(UTC|[+-]\d{4})?$")
Body = dict[str, Json]


class Webhook(ChangeDoor):
    """One event a request."""

    kinds: Sequence[str] = ("gitlab",)
    path = "/gitlab"

    def check(self, source: SourceKey, request: IntakeRequest) -> None:
        """Compare GitLab's secret token, where the source has one."""
        given = request.headers.get(TOKEN, "")
        if source.secret and not hmac.compare_digest(given.encode(), source.secret.encode()):
            raise BadInput(TOKEN, "is missing or not the secret of this source", status=401)

    def read(self, request: IntakeRequest) -> Told | None:
        """Return the change of an event, if it is one."""
        body = body_of(request.body)
        read = READERS.get(shape.plain(body.get("object_kind")))
        return read(body) if read else None


def when(value: Json) -> datetime | None:
    """Read a time as GitLab writes it: like others do, or with spaces."""
    text = shape.plain(value)
    if found := SPACED.match(text):
        zone = "+0000" if found[3] in (None, "UTC") else found[3]
        text = f"{found[1]}T{found[2]}{zone[:3]}:{zone[3:]}"
    return shape.lenient_time(text)


def _project(body: Body) -> str:
    return shape.plain(inner(body, "project").get("path_with_namespace")) or "a project"


def _is_default(body: Body, ref: str) -> bool:
    return bool(ref) and ref == shape.plain(inner(body, "project").get("default_branch"))


def _deployment(body: Body) -> Told | None:
    status = shape.plain(body.get("status"))
    if status not in DEPLOYED:
        return None
    environment = shape.plain(body.get("environment")) or "an environment"
    return Told(
        title=f"Deploy of {_project(body)} to {environment}{DEPLOYED[status]}",
        origin=_project(body),
        at=when(body.get("status_changed_at")),
        links=[*link(body.get("deployable_url"), "job"), *link(body.get("commit_url"), "commit")],
        details=facts(
            environment=body.get("environment"),
            state=status,
            ref=body.get("ref"),
            commit=body.get("short_sha"),
            title=first_line(body.get("commit_title")),
            by=inner(body, "user").get("username"),
        ),
    )


def _push(body: Body) -> Told | None:
    branch = shape.plain(body.get("ref")).removeprefix("refs/heads/")
    if not _is_default(body, branch) or not body.get("checkout_sha"):
        return None
    commits = body.get("commits")
    last = commits[-1] if isinstance(commits, list) and commits else {}
    line = first_line(last.get("message")) if isinstance(last, dict) else ""
    return Told(
        title=f"Push to {branch} of {_project(body)}" + (f": {line}" if line else ""),
        origin=_project(body),
        links=link(last.get("url") if isinstance(last, dict) else "", "last commit"),
        details=facts(
            branch=branch,
            commit=body.get("checkout_sha"),
            commits=body.get("total_commits_count"),
            by=body.get("user_username"),
        ),
    )


def _pipeline(body: Body) -> Told | None:
    told = inner(body, "object_attributes")
    status, ref = shape.plain(told.get("status")), shape.plain(told.get("ref"))
    if status not in PIPELINE or not _is_default(body, ref):
        return None
    return Told(
        title=f"Pipeline of {_project(body)} on {ref}{PIPELINE[status]}",
        origin=_project(body),
        at=when(told.get("finished_at")),
        links=link(told.get("url"), "pipeline"),
        details=facts(
            branch=ref,
            commit=told.get("sha"),
            number=told.get("id"),
            because=told.get("source"),
            title=first_line(inner(body, "commit").get("title")),
            by=inner(body, "user").get("username"),
        ),
    )


def _release(body: Body) -> Told | None:
    if body.get("action") != "create":
        return None
    tag = shape.plain(body.get("tag"))
    return Told(
        title=f"Release {tag or first_line(body.get('name'))} of {_project(body)}",
        origin=_project(body),
        at=when(body.get("released_at")),
        links=link(body.get("url"), "release"),
        details=facts(tag=tag, name=body.get("name")),
    )


READERS: dict[str, Callable[[Body], Told | None]] = {
    "deployment": _deployment,
    "push": _push,
    "pipeline": _pipeline,
    "release": _release,
}
