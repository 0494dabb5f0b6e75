"""The fields at the head of a runbook's file, between two lines of three dashes. Pure: text in, words out."""

import re
from dataclasses import dataclass

from raglan.alerts import matchers
from raglan.alerts.pipeline.route import Matcher
from raglan.core.errors import BadInput
from raglan.oncall import written

MAX_TITLE = 200
FIELDS = ("title", "slug", "services", "needs", "team", "alerts")
HEADING = re.compile(r"#\s+(.+?)\s*#*\s*")
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")


@dataclass(frozen=True, slots=True)
class Page:
    """A file as somebody wrote it. Services and the team are words that may name nothing here."""

    slug: str
    title: str
    text: str
    services: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    team: str = ""
    alerts: tuple[Matcher, ...] = ()


def read(text: str, path: str) -> Page:
    """Read a file. Raises BadInput with the line."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    head, body = _split(text)
    fields = written.read(head).fields(*FIELDS) if head.strip() else {}
    title, body = _title(fields["title"].text(MAX_TITLE) if "title" in fields else "", body, path)
    conditions = _words(fields.get("alerts"), 600)
    return Page(
        slug=_slug(fields["slug"].text() if "slug" in fields else "", path),
        title=title,
        text=body,
        services=_words(fields.get("services"), 120),
        needs=_words(fields.get("needs"), 300),
        team=fields["team"].text() if "team" in fields else "",
        alerts=tuple(matchers.parse(line, "alerts") for line in conditions),
    )


def _split(text: str) -> tuple[str, str]:
    """Return the fields and the rest; a file without fields has none."""
    if not text.startswith("---\n"):
        return "", text.strip("\n")
    head, mark, body = text[4:].partition("\n---\n")
    if text.startswith("---\n---\n"):
        return "", text[8:].strip("\n")
    if not mark:
        if not text.endswith("\n---"):
            raise BadInput("", "the fields at the head end with a line of three dashes, which is missing", status=422)
        head, body = text[4:-4], ""
    return head, body.strip("\n")


def _title(given: str, body: str, path: str) -> tuple[str, str]:
    """Return the title, and the text without it: the field, else the first heading, else the name of the file."""
    first, _, rest = body.partition("\n")
    found = HEADING.fullmatch(first)
    if found and (not given or given == found[1]):
        return found[1][:MAX_TITLE], rest.strip("\n")
    words = re.sub(r"[-_]+", " ", path.rpartition("/")[2].rpartition(".")[0] or path).strip()
    return given or words[:1].upper() + words[1:MAX_TITLE] or "Runbook", body


def _slug(given: str, path: str) -> str:
    if given and not SLUG.fullmatch(given):
        raise BadInput("slug", "write small letters, digits and hyphens, at most 60", status=422)
    return given or slug_of(path.rpartition(".")[0] if "." in path.rpartition("/")[2] else path)


def slug_of(words: str) -> str:
    """Return a short name made of words."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:60].strip("-") or "runbook"


def _words(part: written.Part | None, most: int) -> tuple[str, ...]:
    """Return a list of words, or one word as a list."""
    if part is None:
        return ()
    if isinstance(part.value, str):
        return (part.text(most),) if part.value.strip() else ()
    return tuple(dict.fromkeys(item.text(most) for item in part.items()))[:50]
