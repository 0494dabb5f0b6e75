"""Reads GitHub's webhooks: deployments, pushes to the default branch, workflows that ended there, releases.

Field names are from its documentation.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from raglan.alerts.ports import IntakeRequest, SourceKey
from raglan.changes.actions import Told
from raglan.core.decode import Json, clean_text
from raglan.core.errors import BadInput
from raglan.integrations import shape
from raglan.integrations.change_door import ChangeDoor, body_of, facts, first_line, inner, link

SIGNATURE = "x-hub-signature-256"
EVENT = "x-github-event"
FORM = "application/x-www-form-urlencoded"
ENDED = {"success": "", "failure": " failed", "error": " failed"}
Body = dict[str, Json]


class Webhook(ChangeDoor):
    """One event a request."""

    kinds: Sequence[str] = ("github",)
    path = "/github"

    def check(self, source: SourceKey, request: IntakeRequest) -> None:
        """Compare the signature, where the source has a secret."""
        if source.secret:
            shape.check_signature(source.secret, request.headers.get(SIGNATURE, ""), request.body, header=SIGNATURE)

    def read(self, request: IntakeRequest) -> Told | None:
        """Return the change of an event, if it is one."""
        body = body_of(_unwrapped(request))
        kind = request.headers.get(EVENT, "")
        if not kind:
            raise BadInput(EVENT, "says which event this is, and must not be empty")
        read = READERS.get(kind)
        return read(body) if read else None


def _unwrapped(request: IntakeRequest) -> bytes:
    """Return the JSON of a request: a webhook may send it as a field of a form."""
    if not request.headers.get("content-type", "").startswith(FORM):
        return request.body
    found = shape.query(request.body.decode("utf-8", "replace")).get("payload", [""])
    return clean_text(found[0]).encode()


def _repository(body: Body) -> str:
    return shape.plain(inner(body, "repository").get("full_name")) or "a repository"


def _is_default(body: Body, branch: str) -> bool:
    return bool(branch) and branch == shape.plain(inner(body, "repository").get("default_branch"))


def _deployment(body: Body) -> Told | None:
    deployment = inner(body, "deployment")
    environment = shape.plain(deployment.get("environment"))
    return Told(
        title=f"Deploy of {_repository(body)} to {environment or 'an environment'} begins",
        origin=_repository(body),
        at=shape.lenient_time(deployment.get("created_at")),
        links=link(inner(body, "repository").get("html_url"), "repository"),
        details=_of_deployment(deployment),
    )


def _of_deployment(deployment: Body) -> dict[str, str]:
    return facts(
        environment=deployment.get("environment"),
        ref=deployment.get("ref"),
        commit=deployment.get("sha"),
        task=deployment.get("task"),
        description=deployment.get("description"),
        by=inner(deployment, "creator").get("login"),
    )


def _deployed(body: Body) -> Told | None:
    status, deployment = inner(body, "deployment_status"), inner(body, "deployment")
    state = shape.plain(status.get("state"))
    if state not in ENDED:
        return None
    environment = shape.plain(status.get("environment") or deployment.get("environment")) or "an environment"
    return Told(
        title=f"Deploy of {_repository(body)} to {environment}{ENDED[state]}",
        origin=_repository(body),
        at=shape.lenient_time(status.get("created_at")),
        links=[
            *link(status.get("log_url") or status.get("target_url"), "log"),
            *link(status.get("environment_url"), "environment"),
        ],
        details=_of_deployment(deployment) | facts(state=state),
    )


def _push(body: Body) -> Told | None:
    """Return a push to the default branch; others are no change of production, and a branch that went is none."""
    branch = shape.plain(body.get("ref")).removeprefix("refs/heads/")
    if not _is_default(body, branch) or body.get("deleted") is True:
        return None
    head, commits = inner(body, "head_commit"), body.get("commits")
    many = len(commits) if isinstance(commits, list) else 0
    line = first_line(head.get("message"))
    return Told(
        title=f"Push to {branch} of {_repository(body)}" + (f": {line}" if line else ""),
        origin=_repository(body),
        at=_pushed_at(body),
        links=link(body.get("compare"), "what is different"),
        details=facts(branch=branch, commit=body.get("after"), commits=many, by=inner(body, "pusher").get("name")),
    )


def _pushed_at(body: Body) -> datetime | None:
    """Return when it was pushed; the time of a commit may be long before."""
    try:
        return shape.epoch(inner(body, "repository").get("pushed_at"), "repository.pushed_at")
    except BadInput:
        return None


def _workflow(body: Body) -> Told | None:
    run = inner(body, "workflow_run")
    conclusion, branch = shape.plain(run.get("conclusion")), shape.plain(run.get("head_branch"))
    if body.get("action") != "completed" or conclusion not in ("success", "failure") or not _is_default(body, branch):
        return None
    name = shape.plain(run.get("name")) or "a workflow"
    return Told(
        title=f"Workflow {name} of {_repository(body)}" + (" failed" if conclusion == "failure" else " ended"),
        origin=_repository(body),
        at=shape.lenient_time(run.get("updated_at")),
        links=link(run.get("html_url"), "workflow run"),
        details=facts(
            branch=branch,
            commit=run.get("head_sha"),
            number=run.get("run_number"),
            attempt=run.get("run_attempt"),
            because=run.get("event"),
            by=inner(run, "actor").get("login"),
        ),
    )


def _release(body: Body) -> Told | None:
    release = inner(body, "release")
    if body.get("action") != "published":
        return None
    tag = shape.plain(release.get("tag_name"))
    return Told(
        title=f"Release {tag or first_line(release.get('name'))} of {_repository(body)}",
        origin=_repository(body),
        at=shape.lenient_time(release.get("published_at")),
        links=link(release.get("html_url"), "release"),
        details=facts(tag=tag, name=release.get("name"), by=inner(release, "author").get("login")),
    )


READERS: dict[str, Callable[[Body], Told | None]] = {
    "deployment": _deployment,
    "deployment_status": _deployed,
    "push": _push,
    "workflow_run": _workflow,
    "release": _release,
}
