"""Reads the index of a package mirror in a process of its own, which may run into its limits without harm to anybody.

It is started as `python -m raglan.fleet.mirror_worker`. A line with what is to be read and then the index come in, as
the mirror gave it; JSON goes out once all of that is read. Nothing is unpacked beyond a bound, and no entity of XML is
ever resolved.
"""

import bz2
import hashlib
import html
import json
import lzma
import re
import resource
import sys
import zlib
from collections.abc import Callable, Iterator
from urllib.parse import unquote, urlsplit
from xml.parsers import expat

import zstandard

MAX_BYTES = 40 * 1024 * 1024
MAX_UNPACKED = 600 * 1024 * 1024
MAX_PACKAGES = 250_000
MAX_TEXT = 250
CPU_S = 60
MEMORY = 1024 * 1024 * 1024
PIECE = 1024 * 1024
MAX_WINDOW = 128 * 1024 * 1024
SIP = 1024
DEB_FILE = re.compile(r"^([a-z0-9][a-z0-9+.-]+)_([^_/]+)_([a-z0-9-]+)\.deb$")
RPM_FILE = re.compile(r"^(.+)-([^-/]+)-([^-/]+)\.([a-z0-9_]+)\.rpm$")
OTHER_FILE = re.compile(r"^(.+?)[-_]v?(\d[^/]*?)\.(?:tar\.[a-z0-9]+|tgz|zip|whl|gem|jar|msi|exe|pkg|apk)$")
HREF = re.compile(r"""href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""", re.IGNORECASE)
Package = tuple[str, str, str]


class Refused(Exception):
    """The whole is no index, or beyond a limit."""


def main() -> None:
    """Answer on standard output; limits are set before anything is read."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.loads(sys.stdin.buffer.readline())
    body = sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        answer = read(str(asked["what"]), body, str(asked.get("sha256", "")))
    except Refused as error:
        answer = {"refused": str(error)}
    except MemoryError:
        answer = {"refused": "reading it takes too much memory"}
    sys.stdout.buffer.write(json.dumps(answer, separators=(",", ":")).encode())


def read(what: str, body: bytes, sha256: str = "") -> dict[str, object]:
    """Return what an index says. Raises Refused."""
    if len(body) > MAX_BYTES:
        raise Refused(f"it is larger than {MAX_BYTES // PIECE} MiB")
    if sha256 and hashlib.sha256(body).hexdigest() != sha256:
        raise Refused("its parts do not fit together; it is perhaps being changed right now")
    if what == "repomd":
        return repomd(body)
    readers: dict[str, Callable[[bytes], Iterator[Package]]] = {
        "apt": apt,
        "yum": primary,
        "listing": listing,
        "command": command,
    }
    found: set[Package] = set()
    for name, version, arch in readers[what](body):
        found.add((name[:MAX_TEXT], version[:MAX_TEXT], arch[:60]))
        if len(found) > MAX_PACKAGES:
            raise Refused(f"it names more than {MAX_PACKAGES:,} packages")
    return {"packages": sorted(found)}


def unpacked(body: bytes) -> Iterator[bytes]:
    """Give a body in pieces, unpacked whatever it is packed by, and never more than the bound. Raises Refused."""
    size = 0
    try:
        for piece in _pieces(body):
            size += len(piece)
            if size > MAX_UNPACKED:
                raise Refused(f"unpacked it is larger than {MAX_UNPACKED // PIECE} MiB")
            yield piece
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError):
        raise Refused("it is damaged or ends in the middle") from None


def _pieces(body: bytes) -> Iterator[bytes]:
    if body.startswith(b"\x1f\x8b"):
        yield from _gzip(body)
    elif body.startswith(b"\xfd7zXZ\x00"):
        yield from _by(lzma.LZMADecompressor(memlimit=256 * 1024 * 1024), body)
    elif body.startswith(b"\x28\xb5\x2f\xfd"):
        yield from _zstd(body)
    elif body.startswith(b"BZh"):
        yield from _by(bz2.BZ2Decompressor(), body)
    else:
        yield body


def _gzip(body: bytes) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    while body and not unpacker.eof:
        yield unpacker.decompress(body, PIECE)
        body = unpacker.unconsumed_tail
    if not unpacker.eof:
        raise EOFError


def _zstd(body: bytes) -> Iterator[bytes]:
    """Unpack frame by frame; so little is given at a time that what comes of it stays bearable."""
    while body:
        unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
        place = 0
        while not unpacker.eof:
            if place >= len(body):
                raise EOFError
            yield unpacker.decompress(body[place : place + SIP])
            place += SIP
        body = unpacker.unused_data + body[place:]


def _by(unpacker: "lzma.LZMADecompressor | bz2.BZ2Decompressor", body: bytes) -> Iterator[bytes]:
    yield unpacker.decompress(body, PIECE)
    while not unpacker.eof:
        if unpacker.needs_input:
            raise EOFError
        yield unpacker.decompress(b"", PIECE)


def _lines(body: bytes) -> Iterator[bytes]:
    rest = b""
    for piece in unpacked(body):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > PIECE:
            raise Refused("a line in it is longer than 1 MiB")
    yield rest


def apt(body: bytes) -> Iterator[Package]:
    """Read `Packages` of an apt repository."""
    found: dict[bytes, str] = {}
    stanzas = 0
    for line in _and_end(_lines(body)):
        name, colon, value = line.partition(b":")
        if colon and name in (b"Package", b"Version", b"Architecture"):
            found[name] = value.strip().decode("utf-8", "replace")
        elif not line.strip() and found:
            if b"Package" in found and b"Version" in found:
                yield found[b"Package"], found[b"Version"], found.get(b"Architecture", "")
                stanzas += 1
            found = {}
    if not stanzas and b"<" in body[:200]:
        raise Refused("it is no index of apt, but a web page")


def _and_end(lines: Iterator[bytes]) -> Iterator[bytes]:
    yield from lines
    yield b""


class _Xml:
    """Walks XML by its events; a declared entity ends it."""

    def __init__(self, begin: Callable[[str, dict[str, str]], None], end: Callable[[str, str], None]) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.EntityDeclHandler = self._entity
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.begin, self.end, self.text = begin, end, ""

    def walk(self, body: bytes) -> Iterator[None]:
        """Read a body, and stop after each piece of it. Raises Refused."""
        try:
            for piece in unpacked(body):
                self.parser.Parse(piece, False)  # noqa: FBT003 - takes no names
                yield
            self.parser.Parse(b"", True)  # noqa: FBT003
        except expat.ExpatError as error:
            raise Refused(f"it is no index of yum: {error}") from None
        yield

    def _entity(self, *_args: object) -> None:
        raise Refused("it declares entities, which no index needs")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self.text = ""
        self.begin(name.rpartition(" ")[2], attributes)

    def _end(self, name: str) -> None:
        self.end(name.rpartition(" ")[2], self.text.strip())
        self.text = ""

    def _text(self, text: str) -> None:
        if len(self.text) < PIECE:
            self.text += text


def repomd(body: bytes) -> dict[str, object]:
    """Read where the list of packages of a yum repository is, and its checksum."""
    found: dict[str, str] = {}
    is_primary = [False]

    def begin(name: str, attributes: dict[str, str]) -> None:
        if name == "data":
            is_primary[0] = attributes.get("type") == "primary"
        elif name == "location" and is_primary[0]:
            found["location"] = attributes.get("href", "")
        elif name == "checksum" and is_primary[0]:
            found["type"] = attributes.get("type", "")

    def end(name: str, text: str) -> None:
        if name == "checksum" and is_primary[0]:
            found["checksum"] = text

    for _piece in _Xml(begin, end).walk(body):
        pass
    return _place(found)


def _place(found: dict[str, str]) -> dict[str, object]:
    location = found.get("location", "")
    if not location or urlsplit(location).scheme or location.startswith("/") or ".." in location.split("/"):
        raise Refused("it does not say where its list of packages is")
    is_checked = found.get("type") == "sha256" and len(found.get("checksum", "")) == 64
    return {"location": location, "sha256": found["checksum"] if is_checked else ""}


def primary(body: bytes) -> Iterator[Package]:
    """Read `primary.xml` of a yum repository."""
    done: list[Package] = []
    now: dict[str, str] = {}
    depth = [0]

    def begin(name: str, attributes: dict[str, str]) -> None:
        depth[0] += 1
        if name == "package":
            now.clear()
            depth[0] = 0
        elif name == "version" and depth[0] == 1:
            epoch, version, release = (attributes.get(part, "") for part in ("epoch", "ver", "rel"))
            before = f"{epoch}:" if epoch not in ("", "0") else ""
            now["version"] = f"{before}{version}-{release}" if release else f"{before}{version}"

    def end(name: str, text: str) -> None:
        if depth[0] == 1 and name in ("name", "arch"):
            now[name] = text
        depth[0] -= 1
        if name == "package" and now.get("name") and now.get("version") and now.get("arch") != "src":
            done.append((now["name"], now["version"], now.get("arch", "")))

    for _piece in _Xml(begin, end).walk(body):
        yield from done
        done.clear()


def listing(body: bytes) -> Iterator[Package]:
    """Read the file names that a web page links to."""
    text = b"".join(unpacked(body)).decode("utf-8", "replace")
    for found in HREF.finditer(text):
        address = html.unescape(found[1] or found[2] or found[3] or "")
        yield from by_file_name(unquote(urlsplit(address).path).rsplit("/", 1)[-1])


def by_file_name(name: str) -> Iterator[Package]:
    """Read a package from the name of its file."""
    if found := DEB_FILE.match(name):
        yield found[1], unquote(found[2]), found[3]
    elif found := RPM_FILE.match(name):
        yield found[1], f"{found[2]}-{found[3]}", found[4]
    elif found := OTHER_FILE.match(name):
        yield found[1], found[2], ""


def command(body: bytes) -> Iterator[Package]:
    """Read what a program said: a package in a line, by name, version and architecture; or names of files."""
    for line in body.decode("utf-8", "replace").splitlines():
        words = line.split()
        if len(words) in (2, 3):
            yield words[0], words[1], words[2] if len(words) > 2 else ""
        elif len(words) == 1:
            yield from by_file_name(words[0].rsplit("/", 1)[-1])


if __name__ == "__main__":
    main()
