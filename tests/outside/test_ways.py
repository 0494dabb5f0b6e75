"""Ways to an S3-style store and to a git branch, against servers that speak the real protocols."""

import hashlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from raglan.config import config
from raglan.core import git as core_git
from raglan.core.errors import BadInput
from raglan.outside.ways import NotBroughtError, Place, command, git
from raglan.outside.ways.git import Git
from raglan.outside.ways.s3 import S3, Asked, Credentials, authorization
from tests.integrations.fakes import Answer, Request, http_server
from tests.runbooks.git_server import Repository, serving

FILES = {"style.css": b"p {}", "index.html": "<p>Grüße</p>".encode()}
EXAMPLE = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("asked", "who", "at", "signature"),
    [
        (  # get-vanilla of the test suite that AWS publishes
            Asked("GET", "/", {"Host": "example.amazonaws.com", "X-Amz-Date": "20150830T123600Z"}, EMPTY),
            Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service"),
            datetime(2015, 8, 30, 12, 36, tzinfo=UTC),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (  # the example of a PUT in the reference of S3
            Asked(
                "PUT",
                "/test%24file.text",
                {
                    "Date": "Fri, 24 May 2013 00:00:00 GMT",
                    "Host": "examplebucket.s3.amazonaws.com",
                    "x-amz-content-sha256": hashlib.sha256(b"Welcome to Amazon S3.").hexdigest(),
                    "x-amz-date": "20130524T000000Z",
                    "x-amz-storage-class": "REDUCED_REDUNDANCY",
                },
                hashlib.sha256(b"Welcome to Amazon S3.").hexdigest(),
            ),
            Credentials("AKIAIOSFODNN7EXAMPLE", EXAMPLE, "us-east-1"),
            datetime(2013, 5, 24, tzinfo=UTC),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (  # the example of a GET there
            Asked(
                "GET",
                "/test.txt",
                {
                    "Host": "examplebucket.s3.amazonaws.com",
                    "Range": "bytes=0-9",
                    "x-amz-content-sha256": EMPTY,
                    "x-amz-date": "20130524T000000Z",
                },
                EMPTY,
            ),
            Credentials("AKIAIOSFODNN7EXAMPLE", EXAMPLE, "us-east-1"),
            datetime(2013, 5, 24, tzinfo=UTC),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
    ],
    ids=["get-vanilla", "put", "get"],
)
def test_signatures_are_those_that_aws_publishes(asked: Asked, who: Credentials, at: datetime, signature: str) -> None:
    assert authorization(asked, who, at).endswith(f",Signature={signature}")


class Store:
    """An S3-style store that believes only what is signed."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, str]] = {}
        self.order: list[str] = []

    def respond(self, request: Request) -> Answer:
        head = request.headers
        names = re.search(r"SignedHeaders=([^,]+)", head["authorization"])
        assert names
        signed = {name: head[name] for name in names[1].split(";")}
        assert {"host", "x-amz-date", "x-amz-content-sha256"} <= signed.keys()
        at = datetime.strptime(head["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        payload = hashlib.sha256(request.body).hexdigest()
        wanted = authorization(
            Asked(request.method, request.path, signed, payload), Credentials("AKID", "open sesame", "eu-test-1"), at
        )
        if head["authorization"] != wanted or head["x-amz-content-sha256"] != payload:
            return Answer(403, b"<?xml version='1.0'?><Error><Code>SignatureDoesNotMatch</Code></Error>")
        self.kept[request.path] = (request.body, head["content-type"])
        self.order.append(request.path.rpartition("/")[2])
        return Answer(200)


@contextmanager
def a_store() -> Iterator[tuple[Store, dict[str, str]]]:
    store = Store()
    with http_server(store.respond) as url:
        yield store, {"url": url, "bucket": "pages", "prefix": "a b/status", "region": "eu-test-1", "key_id": "AKID"}


def test_a_store_gets_each_file_signed_and_the_page_last() -> None:
    with a_store() as (store, settings):
        assert S3().bring(Place(settings, "open sesame"), FILES) == "2 files"
    assert store.order == ["style.css", "index.html"]
    page = store.kept["/pages/a%20b/status/index.html"]
    assert page == (FILES["index.html"], "text/html; charset=utf-8")


def test_a_store_that_refuses_says_why() -> None:
    with a_store() as (store, settings), pytest.raises(NotBroughtError, match=r"403 .SignatureDoesNotMatch. to style"):
        S3().bring(Place(settings, "wrong"), FILES)
    assert store.kept == {}


def test_a_store_inside_a_network_that_is_not_allowed_hears_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_store() as (store, settings):
        monkeypatch.setattr(config(), "allow_networks", [])
        with pytest.raises(NotBroughtError, match="allow_networks"):
            S3().bring(Place(settings, "open sesame"), FILES)
    assert store.kept == {}


GOOD = {"url": "https://s3.example.test", "bucket": "pages", "region": "eu-1", "key_id": "K"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "file:///etc"}, "url"),
        ({"url": "https://s3.example.test/?x=1"}, "url"),
        ({"bucket": "../x"}, "bucket"),
        ({"prefix": "../x"}, "prefix"),
        ({"region": ""}, "region"),
        ({"key_id": ""}, "key_id"),
        ({}, "secret"),
    ],
)
def test_what_is_no_store_names_its_field(change: dict[str, str], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        S3().check(Place({**GOOD, **change}, "" if field == "secret" else "s"))
    assert refused.value.field == field


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.git(made.bare, "config", "http.receivepack", "true")
    made.put(readme="# Site")
    return made


def shown(repository: Repository, what: str) -> str:
    return repository.git(repository.bare, "show", what)


def test_a_branch_gets_a_commit_on_top_and_keeps_what_else_it_holds(repository: Repository) -> None:
    with serving(repository.bare.parent, password="token") as url:
        place = Place({"address": f"{url}/web.git", "branch": "main", "folder": "docs/status"}, "token")
        first = Git().bring(place, FILES)
        second = Git().bring(place, {**FILES, "index.html": b"<p>New</p>"})
    assert first != second
    assert shown(repository, "main:docs/status/index.html") == "<p>New</p>"
    assert shown(repository, "main:readme.md") == "# Site"
    assert repository.git(repository.bare, "rev-list", "--count", "main") == "3"
    assert repository.git(repository.bare, "log", "-1", "--format=%an", "main") == "raglan"


def pushed_meanwhile(monkeypatch: pytest.MonkeyPatch, push: Callable[[], object], times: int) -> None:
    """Let somebody else push right before each of the next pushes from here."""
    real, left = core_git.run, [times]

    def run(remote: core_git.Remote, home: str, *words: str, **more: Any) -> bytes:
        if "push" in words and left[0]:
            left[0] -= 1
            push()
        return real(remote, home, *words, **more)

    monkeypatch.setattr(core_git, "run", run)


@pytest.mark.parametrize("branch", ["main", "gh-pages"])
def test_who_pushes_at_the_same_time_costs_nothing_and_loses_nothing(
    repository: Repository, branch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = iter(range(9))

    def push() -> None:
        repository.put(**{f"theirs{next(number)}": "# Theirs"})
        repository.git(repository.work, "push", "--quiet", str(repository.bare), f"HEAD:{branch}")

    pushed_meanwhile(monkeypatch, push, 2)
    with serving(repository.bare.parent) as url:
        Git().bring(Place({"address": f"{url}/web.git", "branch": branch}), FILES)
    names = repository.git(repository.bare, "ls-tree", "--name-only", branch).split()
    assert names == ["index.html", "readme.md", "style.css", "theirs0.md", "theirs1.md"]


def test_who_pushes_without_end_is_not_raced_for_ever(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    number = iter(range(99))
    pushed_meanwhile(monkeypatch, lambda: repository.put(**{f"theirs{next(number)}": "# Theirs"}), 99)
    with serving(repository.bare.parent) as url, pytest.raises(NotBroughtError) as refused:
        Git().bring(Place({"address": f"{url}/web.git", "branch": "main"}), FILES)
    assert "the branch moved meanwhile" in str(refused.value)
    assert next(number) == 3


def answer_lost(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Let the first push arrive, something happen, and its answer never come."""
    real, lost = core_git.run, iter([True])

    def run(remote: core_git.Remote, home: str, *words: str, **more: Any) -> bytes:
        answer = real(remote, home, *words, **more)
        if "push" in words and next(lost, False):
            meanwhile()
            raise core_git.GitError("the line was cut")
        return answer

    monkeypatch.setattr(core_git, "run", run)


def test_a_push_that_arrived_and_whose_answer_was_lost_is_not_made_twice(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_lost(monkeypatch, lambda: None)
    with serving(repository.bare.parent) as url:
        told = Git().bring(Place({"address": f"{url}/web.git", "branch": "main"}), FILES)
    assert repository.git(repository.bare, "rev-list", "--count", "main") == "2"
    assert told == f"commit {repository.git(repository.bare, 'rev-parse', 'main')[:10]}"


def test_others_who_push_after_a_push_whose_answer_was_lost_lead_to_no_empty_commit(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def others_push() -> None:
        repository.git(repository.work, "pull", "--quiet", str(repository.bare), "main")
        repository.put(theirs="# Theirs")

    answer_lost(monkeypatch, others_push)
    with serving(repository.bare.parent) as url:
        place = Place({"address": f"{url}/web.git", "branch": "main"})
        told = [Git().bring(place, FILES) for _ in range(2)]
    theirs = repository.git(repository.bare, "rev-parse", "main")
    assert told == [f"commit {theirs[:10]}"] * 2
    assert repository.git(repository.bare, "log", "--format=%an", "main").splitlines().count("raglan") == 1
    assert shown(repository, "main:index.html") == FILES["index.html"].decode()


def test_a_history_that_somebody_rewrote_is_gone_on_from(repository: Repository) -> None:
    with serving(repository.bare.parent) as url:
        place = Place({"address": f"{url}/web.git", "branch": "main"})
        Git().bring(place, FILES)
        repository.git(repository.work, "commit", "--quiet", "--amend", "--message=rewritten")
        repository.git(repository.work, "push", "--quiet", "--force", str(repository.bare), "HEAD:main")
        Git().bring(place, FILES)
    assert repository.git(repository.bare, "log", "--format=%s", "main").splitlines()[1:] == ["rewritten"]


def test_a_branch_that_is_missing_is_made_and_holds_the_page_alone(repository: Repository) -> None:
    with serving(repository.bare.parent) as url:
        Git().bring(Place({"address": f"{url}/web.git", "branch": "gh-pages"}), FILES)
    assert repository.git(repository.bare, "ls-tree", "--name-only", "gh-pages").split() == ["index.html", "style.css"]
    assert shown(repository, "main:readme.md") == "# Site"


def test_a_repository_that_refuses_says_why_and_keeps_the_token(repository: Repository) -> None:
    with serving(repository.bare.parent, password="other") as url:
        place = Place({"address": f"{url}/web.git", "branch": "main"}, "secret-token")
        with pytest.raises(NotBroughtError) as refused:
            Git().bring(place, FILES)
    assert "secret-token" not in str(refused.value)
    with pytest.raises(NotBroughtError):
        Git().bring(Place({"address": f"{url}/web.git", "branch": "main"}), FILES)


def test_a_refused_push_of_what_the_branch_holds_already_is_no_success(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, is_refused = core_git.run, iter([False, True])

    def run(remote: core_git.Remote, home: str, *words: str, **more: Any) -> bytes:
        if "push" in words and next(is_refused):
            raise core_git.GitError("the token has run out")
        return real(remote, home, *words, **more)

    monkeypatch.setattr(core_git, "run", run)
    with serving(repository.bare.parent) as url:
        place = Place({"address": f"{url}/web.git", "branch": "main"})
        Git().bring(place, FILES)
        with pytest.raises(NotBroughtError, match="the token has run out"):
            Git().bring(place, FILES)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"address": "ssh://git@example.test/x"}, "address"),
        ({"branch": ""}, "branch"),
        ({"branch": "--upload-pack=x"}, "branch"),
        ({"folder": "../x"}, "folder"),
    ],
)
def test_what_can_not_be_pushed_to_names_its_field(change: dict[str, str], field: str) -> None:
    good = {"address": "https://git.example.test/x.git", "branch": "main", "folder": ""}
    with pytest.raises(BadInput) as refused:
        Git().check(Place({**good, **change}))
    assert refused.value.field == field


def test_what_left_the_group_of_a_program_that_is_killed_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "git"
    program.write_text("#!/bin/bash\nsetsid sleep 60 &\necho $! >> PIDS\nsleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(core_git, "_settings", lambda remote: ())
    for module in (core_git, command):
        monkeypatch.setattr(module, "DEADLINE_S", 1.5)
    with pytest.raises(core_git.GitError, match="did not answer"):
        core_git.run(core_git.Remote("https://git.example.test/x"), str(tmp_path), "init")
    with pytest.raises(NotBroughtError, match="did not end"):
        command._run([str(program)], str(tmp_path))
    for pid in (tmp_path / "PIDS").read_text().split():
        os.kill(int(pid), signal.SIGKILL)  # it still held the pipe


@pytest.mark.parametrize("where", ["", " >&2"])
def test_a_program_that_prints_for_ever_is_ended_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    program = tmp_path / "git"
    program.write_text(f"#!/bin/bash\nwhile :; do printf '%065536d' 0; done{where} &\nwait\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(core_git, "_settings", lambda remote: ())
    with pytest.raises(core_git.GitError, match="printed more than 1 MiB"):
        core_git.run(core_git.Remote("https://git.example.test/x"), str(tmp_path), "init")
    with pytest.raises(NotBroughtError, match="printed more than 1 MiB"):
        command._run([str(program)], str(tmp_path))


def test_all_calls_of_git_together_have_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_git, "_settings", lambda remote: ())
    monkeypatch.setattr(git, "IN_ALL_S", 0)
    place = Place({"address": "https://git.example.test/x", "branch": "main", "folder": ""})
    with pytest.raises(NotBroughtError, match="too long in all"):
        Git().bring(place, FILES)
