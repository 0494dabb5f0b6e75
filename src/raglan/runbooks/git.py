"""Reads Markdown files of a git repository with the `git` program: what is newest on a branch, and nothing else.

It checks nothing out; `raglan.core.git` bounds what the program may do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import TemporaryDirectory

from raglan.core import git
from raglan.core.programs import MOST
from raglan.runbooks.importing import File
from raglan.runbooks.limits import HEAD, MAX_ALL, MAX_BYTES, MAX_FILES, MAX_LIST, is_wanted


class NotReadError(Exception):
    """Why a repository could not be read, for people."""


@dataclass(frozen=True, slots=True)
class Where:
    """What is read: an https or http address, a branch (empty: the one that it names itself), a folder, a token."""

    address: str
    branch: str = ""
    folder: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """The files at a commit, their paths below the folder; and what was left out, in words."""

    commit: str
    files: tuple[File, ...]
    problems: tuple[str, ...] = ()


def check(where: Where) -> None:
    """Refuse what can not be read. Raises BadInput naming the field."""
    git.check(git.Remote(where.address, where.token), where.branch, where.folder)


def newest(where: Where) -> str:
    """Return the commit that is newest. Raises NotReadError."""
    with TemporaryDirectory(prefix="raglan-git-") as home:
        out = _git(where, home, "ls-remote", where.address, _ref(where))
    commit = out.partition(b"\t")[0].decode("ascii", "replace").strip()
    if not re.fullmatch(r"[0-9a-f]{40,64}", commit):
        raise NotReadError(f"it has no branch {where.branch}" if where.branch else "it is empty")
    return commit


def read(where: Where) -> Copy:
    """Return the files of the newest commit. Raises NotReadError."""
    with TemporaryDirectory(prefix="raglan-git-") as home:
        _git(where, home, "init", "--quiet", "--bare", "--template=", ".")
        _git(where, home, "fetch", "--quiet", "--depth=1", "--no-tags", where.address, _ref(where))
        commit = _git(where, home, "rev-parse", "FETCH_HEAD").decode().strip()
        listed, problems = _chosen(_list(where, home), where.folder)
        names = "".join(f"{name}\n" for _, name in listed).encode()
        most = MAX_ALL + HEAD * MAX_FILES
        blobs = _blobs(_git(where, home, "cat-file", "--batch", given=names, most=most)) if names else {}
        files: list[File] = []
        for path, name in listed:
            try:
                files.append(File(path, blobs.get(name, b"").decode("utf-8")))
            except UnicodeDecodeError:
                problems.append(f"{path}: it is not UTF-8")
    return Copy(commit, tuple(files), tuple(problems))


def _list(where: Where, home: str) -> bytes:
    """Return what git prints of the tree: of its folder alone, when one is named."""
    below = ("--", where.folder.strip("/")) if where.folder else ()
    return _git(where, home, "ls-tree", "-r", "-z", "-l", "FETCH_HEAD", *below, most=MAX_LIST)


def _ref(where: Where) -> str:
    return f"refs/heads/{where.branch}" if where.branch else "HEAD"


def _chosen(tree: bytes, folder: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return path and object of each file that is taken, and why others are not. Links are passed over."""
    found: list[tuple[str, str]] = []
    problems: list[str] = []
    start, total = f"{folder.strip('/')}/" if folder else "", 0
    for path, name, size in _entries(tree):
        inner = path.removeprefix(start)
        if not path.startswith(start) or not is_wanted(inner):
            continue
        total += size
        if size > MAX_BYTES:
            problems.append(f"{inner}: it is larger than 256 KiB")
        elif len(found) >= MAX_FILES or total > MAX_ALL:
            raise NotReadError(f"it has more than {MAX_FILES} files or 16 MiB of them; name a smaller folder")
        else:
            found.append((inner, name))
    return found, problems


def _entries(tree: bytes) -> Iterator[tuple[str, str, int]]:
    """Give path, object and size of each plain file of a tree."""
    for line in tree.split(b"\0"):
        head, _, path = line.partition(b"\t")
        words = head.split()
        if len(words) == 4 and words[0] in (b"100644", b"100755") and words[3].isdigit():
            yield path.decode("utf-8", "replace"), words[2].decode(), int(words[3])


def _blobs(out: bytes) -> dict[str, bytes]:
    """Return what `cat-file --batch` printed, by object."""
    found: dict[str, bytes] = {}
    at = 0
    while (end := out.find(b"\n", at)) > 0:
        words = out[at:end].split()
        if len(words) != 3 or not words[2].isdigit():
            at = end + 1
            continue
        size = int(words[2])
        found[words[0].decode()] = out[end + 1 : end + 1 + size]
        at = end + 2 + size
    return found


def _git(where: Where, home: str, *words: str, given: bytes = b"", most: int = MOST) -> bytes:
    """Run git once. Raises NotReadError."""
    try:
        return git.run(git.Remote(where.address, where.token), home, *words, given=given, bounds=git.Bounds(most=most))
    except git.GitError as error:
        raise NotReadError(str(error)) from None
