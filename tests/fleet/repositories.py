"""Real package repositories in a folder, made by dpkg and createrepo_c and given out by a web server on loopback."""

import functools
import gzip
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Give out a folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    assert found, f"There is no {name} here: `apt-get install {package}`."
    return found


def run(*words: str | Path, cwd: Path | None = None) -> str:
    return subprocess.run([*map(str, words)], cwd=cwd, check=True, capture_output=True, text=True).stdout


def deb(folder: Path, version: str, name: str = "httpd") -> Path:
    """Build a Debian package."""
    tree = folder / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: Ops <ops@willowfield.example>\n"
        "Description: a web server\n"
    )
    made = folder / f"{name}_{version.replace(':', '%3a')}_all.deb"
    run(program("dpkg-deb", "dpkg"), "--build", "--root-owner-group", "-Znone", tree, made)
    shutil.rmtree(tree)
    return made


def index_debs(folder: Path) -> None:
    """Write the index of an apt repository."""
    said = run(program("dpkg-scanpackages", "dpkg-dev"), "--multiversion", ".", cwd=folder)
    (folder / "Packages.gz").write_bytes(gzip.compress(said.encode()))


def rpm(folder: Path, version: str, release: str, name: str = "httpd") -> Path:
    """Build an rpm package."""
    top = folder.parent / "rpmbuild"
    spec = folder.parent / f"{name}.spec"
    spec.write_text(
        f"Name: {name}\nVersion: {version}\nRelease: {release}\nSummary: a web server\nLicense: none\n"
        "BuildArch: noarch\n"
        "%description\nA web server.\n%files\n"
    )
    where = (
        "--define",
        f"_topdir {top}",
        "--define",
        f"_rpmdir {folder}",
        "--define",
        "_rpmfilename %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}.rpm",
    )
    run(program("rpmbuild", "rpm"), "-bb", "--quiet", *where, spec)
    return folder / f"{name}-{version}-{release}.noarch.rpm"


def index_rpms(folder: Path) -> None:
    """Write the index of a yum repository."""
    run(program("createrepo_c", "createrepo-c"), "--quiet", folder)
