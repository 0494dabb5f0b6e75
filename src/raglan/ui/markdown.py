"""Texts that people write, made safe to show. The only place that marks a text of others as HTML."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

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

PRE = re.compile(r"<pre><code>(.*?)</code></pre>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, or an item of a numbered list that stands on its own: its lines, and its first words."""

    kind: str
    level: int
    start: int
    body: int
    end: int
    title: str


_block = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable(["table", "strikethrough"])
_line = MarkdownIt("zero", {"html": False}).enable(
    ["emphasis", "strikethrough", "backticks", "link", "escape", "newline"]
)


def render(text: str) -> SafeString:
    """Render a text of several paragraphs. Headings start below those of the page."""
    return _render(_block, _block.parse(_cut(text)))


def render_commands(text: str, prefix: str) -> SafeString:
    """Render a text of several paragraphs; each block of code gets a button that copies it.

    `prefix` is ours, not a reader's: it makes the names of the blocks, which are unique on a screen.
    """
    numbers = count(1)

    def with_button(found: re.Match[str]) -> str:
        name = f"{prefix}-{next(numbers)}"
        return (
            f'<div class="stack gap-1"><pre id="{name}" tabindex="0"><code>{found[1]}</code></pre>'
            f'<button class="btn" type="button" data-copy="{name}">Copy</button></div>'
        )

    return mark_safe(PRE.sub(with_button, render(text)))  # noqa: S308 -- cleaned before; what is added is ours


def outline(text: str) -> list[Block]:
    """Return the headings and numbered items that stand on their own, in order."""
    tokens = _block.parse(_cut(text))
    return [found for place, token in enumerate(tokens) if (found := _as_block(tokens, place, token)) is not None]


def _as_block(tokens: list[Token], place: int, token: Token) -> Block | None:
    start, end = token.map or (0, 0)
    if token.type == "heading_open" and token.level == 0:
        return Block("heading", int(token.tag[1:]), start, end, end, _words(tokens[place + 1]))
    if token.type == "list_item_open" and token.level == 1 and token.info:  # the number; items with a bullet have none
        inline = next((one for one in tokens[place:] if one.type == "inline"), None)
        return Block("item", 1, start, start, end, _words(inline) if inline and _within(inline, end) else "")
    return None


def _within(token: Token, end: int) -> bool:
    return token.map is not None and token.map[0] < end


def _words(token: Token) -> str:
    """Return the words of a line, without marks; of a paragraph of several lines the first."""
    found = []
    for child in token.children or []:
        if child.type in ("softbreak", "hardbreak"):
            break
        found.append(child.content if child.type in ("text", "code_inline") else "")
    return "".join(found).strip()


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
        elif token.type == "image":
            yield from _picture(token, is_linked=depth > 0)
        else:
            yield token


def _picture(token: Token, *, is_linked: bool) -> Iterator[Token]:
    """Let a picture be a link to it: nothing is fetched from elsewhere by looking at a text."""
    address = str(token.attrs.get("src", ""))
    words = _text(token.content or address)
    yield from (
        [words]
        if is_linked
        else [Token("link_open", "a", 1, attrs={"href": address}), words, Token("link_close", "a", -1)]
    )


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
