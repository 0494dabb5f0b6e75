"""GitHub, GitLab, Argo CD and any program tell of changes."""

import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from raglan.alerts.models import Alert, Source
from raglan.changes.models import Change
from raglan.integrations import shape
from raglan.integrations.gitlab.doors import when
from tests.integrations.doorstep import knock, make

pytestmark = pytest.mark.django_db
Json = dict[str, object]
SHOP: Json = {
    "full_name": "willowfield/shop",
    "default_branch": "main",
    "html_url": "https://git.example.test/willowfield/shop",
    "pushed_at": 1795419740,
}
DEPLOYMENT: Json = {"environment": "production", "ref": "main", "sha": "9c1f2ab", "creator": {"login": "mara"}}
STATUS: Json = {"state": "success", "created_at": "2026-11-23T07:42:00Z", "log_url": "https://ci.example.test/1"}
PUSH: Json = {
    "ref": "refs/heads/main",
    "after": "9c1f2ab",
    "compare": "https://git.example.test/c",
    "head_commit": {"message": "Raise the timeout\n\nIt was too short.", "timestamp": "2026-11-20T00:00:00Z"},
    "commits": [{}, {}],
    "repository": SHOP,
}
RUN: Json = {"name": "Release", "conclusion": "failure", "head_branch": "main", "updated_at": "2026-11-23T07:50:00Z"}
PROJECT: Json = {"path_with_namespace": "willowfield/shop", "default_branch": "main"}


def github(event: str, body: Json, *, path: str, **headers: str) -> int:
    return knock("POST", path, {"repository": SHOP, **body}, headers={"X-GitHub-Event": event, **headers}).status


def kept() -> list[str]:
    return list(Change.objects.order_by("pk").values_list("title", flat=True))


def path_of(kind: str, *, secret: str = "") -> str:
    _source, token = make(kind, secret=secret)
    return f"/integrations/{token}/{'change' if kind == 'generic' else kind}"


def test_github_tells_of_deployments_pushes_workflows_and_releases() -> None:
    path = path_of("github")
    sent: list[tuple[str, Json]] = [
        ("deployment", {"deployment": DEPLOYMENT}),
        ("deployment_status", {"deployment": DEPLOYMENT, "deployment_status": STATUS}),
        ("push", PUSH),
        ("workflow_run", {"action": "completed", "workflow_run": RUN}),
        ("release", {"action": "published", "release": {"tag_name": "v7.1", "published_at": "2026-11-23T08:00:00Z"}}),
    ]
    for event, body in sent:
        assert github(event, body, path=path) == 202
    assert kept() == [
        "Deploy of willowfield/shop to production begins",
        "Deploy of willowfield/shop to production",
        "Push to main of willowfield/shop: Raise the timeout",
        "Workflow Release of willowfield/shop failed",
        "Release v7.1 of willowfield/shop",
    ]
    deploy = Change.objects.get(title="Deploy of willowfield/shop to production")
    assert (deploy.origin, deploy.details["commit"], deploy.details["by"]) == ("willowfield/shop", "9c1f2ab", "mara")
    assert deploy.links == [{"href": "https://ci.example.test/1", "text": "log"}]
    assert Change.objects.get(title__startswith="Push").at == datetime.fromtimestamp(1795419740, UTC)
    assert Source.objects.get().last_heard_at is not None
    assert not Alert.objects.exists()


def test_what_is_no_change_of_production_is_left_alone_and_what_comes_again_is_kept_once() -> None:
    path = path_of("github")
    left: list[tuple[str, Json]] = [
        ("ping", {"zen": "x"}),
        ("push", {**PUSH, "ref": "refs/heads/idea"}),
        ("push", {**PUSH, "deleted": True}),
        ("deployment_status", {"deployment": DEPLOYMENT, "deployment_status": {**STATUS, "state": "pending"}}),
        ("workflow_run", {"action": "requested", "workflow_run": RUN}),
        ("workflow_run", {"action": "completed", "workflow_run": {**RUN, "head_branch": "idea"}}),
        ("issues", {"action": "opened"}),
    ]
    assert [github(event, body, path=path) for event, body in left] == [200] * len(left)
    assert [github("push", PUSH, path=path) for _ in range(2)] == [202, 202]
    assert len(kept()) == 1


def test_github_must_sign_where_the_source_has_a_secret_and_may_send_a_form() -> None:
    path = path_of("github", secret="of github")
    assert github("push", PUSH, path=path) == 401
    form = urlencode({"payload": json.dumps(PUSH)}).encode()
    headers = {
        "X-GitHub-Event": "push",
        "X-Hub-Signature-256": f"sha256={shape.signature('of github', form)}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    assert knock("POST", path, form, headers=headers).status == 202
    assert len(kept()) == 1


def test_gitlab_tells_by_its_secret_token() -> None:
    path = path_of("gitlab", secret="of gitlab")
    sent: list[Json] = [
        {
            "object_kind": "deployment",
            "status": "success",
            "environment": "production",
            "status_changed_at": "2026-11-23 08:42:00 +0100",
        },
        {
            "object_kind": "push",
            "ref": "refs/heads/main",
            "checkout_sha": "9c1",
            "commits": [{"message": "Raise it\n"}],
        },
        {
            "object_kind": "pipeline",
            "object_attributes": {"status": "failed", "ref": "main", "finished_at": "2026-11-23 07:50:00 UTC"},
        },
        {"object_kind": "release", "action": "create", "tag": "v7.1"},
        {"object_kind": "push", "ref": "refs/heads/idea", "checkout_sha": "9c1"},
        {"object_kind": "note"},
    ]
    answers = [
        knock("POST", path, {"project": PROJECT, **body}, headers={"X-Gitlab-Token": "of gitlab"}) for body in sent
    ]
    assert [answer.status for answer in answers] == [202] * 4 + [200] * 2
    assert kept() == [
        "Deploy of willowfield/shop to production",
        "Push to main of willowfield/shop: Raise it",
        "Pipeline of willowfield/shop on main failed",
        "Release v7.1 of willowfield/shop",
    ]
    assert Change.objects.order_by("pk")[0].at == datetime(2026, 11, 23, 7, 42, tzinfo=UTC)
    assert knock("POST", path, sent[0], headers={"X-Gitlab-Token": "ö"}).status == 401
    assert (when("2026-11-23T07:42:00Z"), when("soon")) == (datetime(2026, 11, 23, 7, 42, tzinfo=UTC), None)


def test_argo_cd_tells_of_syncs() -> None:
    path = path_of("argocd")
    body: Json = {
        "app": "shop",
        "project": "web",
        "namespace": "production",
        "phase": "Succeeded",
        "finished": "2026-11-23T07:42:00Z",
        "revision": "9c1",
    }
    for changed in ({}, {}, {"phase": "Failed"}, {"phase": "Terminating"}):
        knock("POST", path, {**body, **changed})
    assert kept() == ["Sync of shop to production", "Sync of shop to production failed"]
    assert knock("POST", path, {}).status == 400


def test_any_program_tells_a_change() -> None:
    path = path_of("generic", secret="ours")
    raw = json.dumps({"title": "New tax rules", "origin": "flags", "details": {"flag": "tax", "n": 3}}).encode()
    headers = {"X-Signature-256": shape.signature("ours", raw)}
    assert knock("POST", path, raw, headers=headers).status == 202
    change = Change.objects.get()
    assert (change.title, change.origin, change.details) == ("New tax rules", "flags", {"flag": "tax", "n": "3"})
    assert knock("POST", path, raw).status == 401
    assert not Alert.objects.exists()


@pytest.mark.parametrize("kind", ["github", "gitlab", "argocd", "generic"])
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b'{"repository": [], "project": 1, "object_kind": {}}'])
def test_what_can_not_be_read_is_refused_or_left_alone(kind: str, body: bytes) -> None:
    for event in ("push", "deployment_status", "workflow_run"):
        answer = knock("POST", path_of(kind), body, headers={"X-GitHub-Event": event})
        assert answer.status in (200, 400, 422)
    assert kept() == []
