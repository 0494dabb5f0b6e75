"""Git folders: a real git server is read, followed, lost and found again; hostile repositories harm nobody."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from raglan.config import config
from raglan.core import git as bounds
from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput, Conflict
from raglan.people.models import Person
from raglan.runbooks import actions, folders, git, limits, queries
from raglan.runbooks.actions import Draft
from raglan.runbooks.git import NotReadError, Where
from raglan.runbooks.models import Runbook, RunbookSource
from raglan.testing import world
from tests.runbooks.git_server import Repository, serving

BY_HAND = "# By hand\n\n1. Stop Chef\n2. Start httpd\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.put(docs__hand=BY_HAND, docs__deep__other="# Other\n\n1. Look\n", readme="# No runbook\n")
    return made


@pytest.fixture
def server(repository: Repository) -> Iterator[str]:
    with serving(repository.bare.parent) as url:
        yield url


Follow = Callable[..., RunbookSource]


@pytest.fixture
def follow(server: str, mara: Person) -> Follow:
    def named(**more: str) -> RunbookSource:
        where = Where(f"{server}/web.git", **{"folder": "docs", **more})
        return folders.add(folders.Draft("Web team", where, "https://git.example.test/web/docs"), actor=mara)

    return named


def ten_minutes_later() -> None:
    CLOCK.move(timedelta(minutes=11))
    world.fire_all()


@pytest.mark.django_db
def test_a_folder_is_copied_and_follows_its_branch(repository: Repository, follow: Follow, mara: Person) -> None:
    source = follow()
    world.fire_all()
    books = {one.slug: one for one in queries.runbooks()}
    assert sorted(books) == ["deep-other", "hand"]
    assert queries.home_of(books["hand"]) == "https://git.example.test/web/docs/hand.md"
    assert queries.version(books["hand"], 1).came_from.startswith("Web team, commit ")

    commit = repository.put(docs__hand=f"{BY_HAND}3. Look again\n", docs__deep__other=None, docs__third="1. New")
    ten_minutes_later()

    assert sorted(one.slug for one in queries.runbooks()) == ["hand", "third"]
    assert [one.slug for one in queries.runbooks(removed=True)] == ["deep-other"]
    source.refresh_from_db()
    assert (source.commit, source.problem, queries.runbook("hand").version) == (commit, "", 2)
    with pytest.raises(Conflict, match="git folder"):
        actions.rewrite(queries.runbook("hand"), Draft("Mine", "1. x"), seen_version=2, writer=actions.by(mara))


@pytest.mark.django_db
def test_the_copy_stays_when_the_server_is_gone_and_goes_on_when_it_is_back(
    repository: Repository, mara: Person
) -> None:
    with serving(repository.bare.parent) as url:
        where = Where(f"{url}/web.git")
        source = folders.add(folders.Draft("Web", where), actor=mara)
        world.fire_all()
        assert queries.runbooks().count() == 2  # a file without a step is none
    ten_minutes_later()
    source.refresh_from_db()
    since = source.failing_since
    assert since is not None
    assert source.problem
    ten_minutes_later()
    source.refresh_from_db()
    assert (source.failing_since, queries.runbooks().count()) == (since, 2)

    repository.put(fourth="1. d")
    with serving(repository.bare.parent) as url:
        RunbookSource.objects.update(address=f"{url}/web.git")  # it came back at another port
        ten_minutes_later()

    source.refresh_from_db()
    assert (source.failing_since, queries.runbooks().count()) == (None, 3)
    assert source.problem.startswith("readme.md: ")


@pytest.mark.django_db
def test_a_file_that_can_not_be_used_is_named_and_what_was_here_stays(repository: Repository, follow: Follow) -> None:
    source = follow()
    world.fire_all()
    repository.put(docs__hand=b"\xff\xfe", docs__large="x" * (limits.MAX_BYTES + 1), docs__odd="---\nno end\n")
    ten_minutes_later()
    source.refresh_from_db()
    assert {line.partition(":")[0] for line in source.problem.splitlines()} == {"hand.md", "large.md", "odd.md"}
    assert queries.runbook("hand").removed_at is None


@pytest.mark.django_db
def test_what_was_written_here_wins_and_a_moved_file_keeps_its_runbook(
    repository: Repository, follow: Follow, mara: Person
) -> None:
    actions.write_new(Draft("Mine", "1. mine", slug="hand"), writer=actions.by(mara))
    source = follow()
    world.fire_all()
    source.refresh_from_db()
    assert source.problem == "hand.md: hand was written here; give the file another name"
    assert queries.runbook("hand").title == "Mine"

    repository.put(docs__deep__other=None, docs__moved="---\nslug: deep-other\n---\n# Other\n\n1. Look\n")
    ten_minutes_later()
    moved = queries.runbook("deep-other")
    assert (moved.path, moved.removed_at) == ("moved.md", None)


@pytest.mark.django_db
def test_after_its_end_runbooks_are_ours_and_a_folder_that_is_named_again_takes_them_over(
    follow: Follow, mara: Person
) -> None:
    source = follow()
    world.fire_all()
    folders.end(source, actor=mara)
    folders.end(source, actor=mara)
    changed = actions.rewrite(queries.runbook("hand"), Draft("Mine", "1. x"), seen_version=1, writer=actions.by(mara))
    ten_minutes_later()
    assert changed.title == "Mine"

    again = follow()
    world.fire_all()

    assert Runbook.objects.get(slug="deep-other").source_id == again.pk
    assert Runbook.objects.get(slug="hand").source_id is None


@pytest.mark.django_db
def test_one_is_read_at_a_time_and_the_next_one_soon(follow: Follow) -> None:
    source = follow()
    with folders._reading:
        world.fire_all()
        assert queries.runbooks().count() == 0
        world.fast_forward(timedelta(seconds=30))
    world.fast_forward(timedelta(seconds=30))
    source.refresh_from_db()
    assert (queries.runbooks().count(), source.problem) == (2, "")


def test_links_out_of_the_repository_and_hidden_files_are_passed_over(repository: Repository, server: str) -> None:
    (repository.work / "docs" / "secret.md").symlink_to("/etc/passwd")
    (repository.work / "docs" / ".hidden.md").write_text("1. a")
    (repository.work / "docs" / "plain.txt").write_text("1. a")
    commit = repository.push()
    copy = git.read(Where(f"{server}/web.git", folder="docs"))
    assert (copy.commit, [file.path for file in copy.files]) == (commit, ["deep/other.md", "hand.md"])
    assert git.newest(Where(f"{server}/web.git", branch="main")) == commit


def test_a_token_is_used_and_never_told(repository: Repository) -> None:
    with serving(repository.bare.parent, password="s3cret-token") as url:
        assert len(git.read(Where(f"{url}/web.git", token="s3cret-token")).files) == 3
        for token in ("", "wrong"):
            with pytest.raises(NotReadError) as refused:
                git.read(Where(f"{url}/web.git", token=token))
            assert "s3cret" not in str(refused.value)


def test_redirects_foreign_networks_and_strange_names_lead_nowhere(
    repository: Repository, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(repository.bare.parent, elsewhere=server) as url, pytest.raises(NotReadError):
        git.newest(Where(f"{url}/web.git"))
    for where in (Where(f"{server}/none.git"), Where(f"{server}/web.git", branch="none")):
        with pytest.raises(NotReadError):
            git.newest(where)
    monkeypatch.setattr(config(), "allow_networks", [])
    with pytest.raises(NotReadError, match="allow_networks"):
        git.newest(Where(f"{server}/web.git"))


@pytest.mark.parametrize(
    ("where", "field"),
    [
        (Where("/srv/git/web.git"), "address"),
        (Where("file:///srv/git"), "address"),
        (Where("ext::sh -c id"), "address"),
        (Where("ssh://git@example.test/web.git"), "address"),
        (Where("https://user:word@example.test/web.git"), "address"),
        (Where("https://example.test/web.git", branch="--upload-pack=id"), "branch"),
        (Where("https://example.test/web.git", branch="a/../b"), "branch"),
        (Where("https://example.test/web.git", folder="../etc"), "folder"),
        (Where("https://example.test/web.git", token="a\nb"), "token"),
    ],
)
def test_what_git_could_take_for_something_else_is_refused(where: Where, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        git.check(where)
    assert refused.value.field == field


def test_a_server_that_says_nothing_is_left_in_time(
    repository: Repository, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "DEADLINE_S", 0.01)
    with pytest.raises(NotReadError, match="did not answer"):
        git.newest(Where(f"{server}/web.git"))


def test_a_tree_that_is_too_large_is_not_read_but_a_folder_of_it_is(
    repository: Repository, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.put(**{f"elsewhere__{number}": "# Other\n" for number in range(30)})
    monkeypatch.setattr(git, "MAX_LIST", 1_000)
    with pytest.raises(NotReadError, match="printed more than"):
        git.read(Where(f"{server}/web.git"))
    found = git.read(Where(f"{server}/web.git", folder="docs/"))
    assert sorted(file.path for file in found.files) == ["deep/other.md", "hand.md"]


@pytest.mark.django_db
def test_folders_are_named_read_and_ended_by_screen_and_rest(server: str) -> None:
    manager = world.person("Noor Haddad", role=Person.Role.MANAGER)
    client = Client()
    client.force_login(manager)
    wish = {"name": "Web", "address": f"{server}/web.git", "folder": "docs/", "token": "t0ken-of-ours"}
    bad = client.post("/library/folders/", wish | {"address": "nowhere"})
    assert (bad.status_code, b"https://" in bad.content, b"t0ken" in bad.content) == (422, True, False)
    assert client.post("/library/folders/", wish).status_code == 302
    world.fire_all()
    [found] = client.get("/api/v1/runbook-folders").json()
    assert (found["runbooks"], found["folder"], found["has_token"]) == (2, "docs", True)
    shown = client.get("/library/folders/").content.decode()
    assert "2 runbooks" in shown
    assert "t0ken" not in shown + str(found)
    assert client.post("/api/v1/runbook-folders", wish, content_type="application/json").status_code == 422
    assert client.post(f"/library/folders/{found['id']}/read/").status_code == 302
    assert client.post(f"/api/v1/runbook-folders/{found['id']}/read").status_code == 202
    assert client.post(f"/library/folders/{found['id']}/end/").status_code == 302
    assert client.delete(f"/api/v1/runbook-folders/{found['id']}").status_code == 404
    assert client.get("/api/v1/runbook-folders").json() == []
