"""A branch of a git repository: one commit with all files, pushed. Nothing is checked out, nothing is forced."""

import time
from collections.abc import Callable, Mapping
from tempfile import TemporaryDirectory
from typing import ClassVar

from raglan.core import git
from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.outside.ways.way import NotBroughtError, Place

TRIES = 3  # while others push to the same branch
IN_ALL_S = 120  # for all calls of git together: less than for how long a place is claimed
WHO = ("-c", "user.name=raglan", "-c", "user.email=raglan@localhost", "-c", "commit.gpgSign=false")


class Git:
    """The way `git`."""

    names: ClassVar[tuple[str, ...]] = ("address", "branch", "folder")
    asks_for: ClassVar[str] = "Token"

    def check(self, place: Place) -> None:
        """Refuse what can not be pushed to."""
        if not place.get("branch"):
            raise BadInput("branch", "name the branch", status=422)
        git.check(_remote(place), place.get("branch"), place.get("folder"))

    def bring(self, place: Place, files: Mapping[str, bytes]) -> str:
        """Commit the files on top of the branch, beside what else it holds, and push that."""
        try:
            with TemporaryDirectory(prefix="raglan-status-") as home:
                return _push(place, home, files)
        except git.GitError as error:
            raise NotBroughtError(str(error)) from None


def _remote(place: Place) -> git.Remote:
    return git.Remote(place.get("address"), place.secret)


def _push(place: Place, home: str, files: Mapping[str, bytes]) -> str:
    remote, branch = _remote(place), f"refs/heads/{place.get('branch')}"
    bounds = git.Bounds(until=time.monotonic() + IN_ALL_S)

    def run(*words: str, given: bytes = b"") -> str:
        return git.run(remote, home, *WHO, *words, given=given, bounds=bounds).decode("utf-8", "replace").strip()

    def head() -> str:
        return run("ls-remote", remote.address, branch).partition("\t")[0]

    run("init", "--quiet", "--template=", ".")
    parent = head()
    for left in reversed(range(TRIES)):
        commit = _committed(run, place, files, branch if parent else "")
        try:
            run("push", "--quiet", remote.address, f"{commit}:{branch}")
            break
        except git.GitError:
            before, parent = parent, head()
            if parent == before:  # it was refused, or had nothing to move; nobody else moved the branch
                raise
            if parent == commit:  # it arrived, and only the answer was lost
                break
            if not left:
                raise git.GitError("the branch moved meanwhile, again and again; others push to it") from None
    return f"commit {commit[:10]}"


def _committed(run: Callable[..., str], place: Place, files: Mapping[str, bytes], branch: str) -> str:
    """Commit the files on top of a branch that is there, or as the first commit; return the commit.

    Of a branch that holds just these files, as after a push whose answer was lost, it is the one on top.
    """
    run("read-tree", "--empty")
    if branch:
        run("fetch", "--quiet", "--depth=1", "--no-tags", place.get("address"), branch)
        run("read-tree", "FETCH_HEAD")
    folder = place.get("folder").strip("/")
    for name, content in files.items():
        blob = run("hash-object", "-w", "--stdin", given=content)
        path = f"{folder}/{name}" if folder else name
        run("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    tree = run("write-tree")
    if branch and tree == run("rev-parse", "FETCH_HEAD^{tree}"):
        return run("rev-parse", "FETCH_HEAD")
    above = ("-p", "FETCH_HEAD") if branch else ()
    return run("commit-tree", tree, *above, "-m", f"Status page of {now():%Y-%m-%d %H:%M} UTC")
