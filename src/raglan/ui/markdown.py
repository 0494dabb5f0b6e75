"""Texts that people write, made safe to show. The only place that marks a text of others as HTML."""

import re
from collections.abc import Iterator

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

SCHEMES = {"http", "https", "mailto"}
TAGS = {
    "p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr",
    "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
LINK_REL = "noopener noreferrer nofollow"
MAX_CHARACTERS = 64_000
CUT = "\n\n(shortened)"
ADDRESS = re.compile(r"https?://[^\s<>\"']*[^\s<>\"'.,;:!?)\]]")

_block = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable(["table", "strikethrough"])
_block.disable("image")
_line = MarkdownIt("zero", {"html": False}).enable(
    ["emphasis", "strikethrough", "backticks", "link", "escape", "newline"]
)


def render(text: str) -> SafeString:
    """Render a text of several paragraphs. Headings start below those of the page."""
    return _render(_block, _block.parse(_cut(text)))


def render_line(text: str) -> SafeString:
    """Render a text that stays in one line or a few: no blocks, only code, emphasis and links."""
    return _render(_line, _line.parseInline(_cut(text)))


def _render(parser: MarkdownIt, tokens: list[Token]) -> SafeString:
    for token in tokens:
        _lower_heading(token)
        if token.children:
            token.children = list(_linked(token.children))
    return _clean(parser.renderer.render(tokens, parser.options, {}))


def _linked(tokens: list[Token]) -> Iterator[Token]:
    """Turn a bare address into a link, unless it stands in one."""
    depth = 0
    for token in tokens:
        depth += (token.type == "link_open") - (token.type == "link_close")
        if token.type == "text" and not depth:
            yield from _split(token.content)
        else:
            yield token


def _split(text: str) -> Iterator[Token]:
    end = 0
    for found in ADDRESS.finditer(text):
        yield _text(text[end : found.start()])
        yield Token("link_open", "a", 1, attrs={"href": found.group()})
        yield _text(found.group())
        yield Token("link_close", "a", -1)
        end = found.end()
    yield _text(text[end:])


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + CUT


def _lower_heading(token: Token) -> None:
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1:]) + 2)}"


def _clean(html: str) -> SafeString:
    safe = nh3.clean(html, tags=TAGS, attributes={"a": {"href", "title"}}, url_schemes=SCHEMES, link_rel=LINK_REL)
    return mark_safe(safe)  # noqa: S308 -- cleaned in the line above
