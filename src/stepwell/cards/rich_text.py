"""Markdown and source text as HTML, without anything that comes from elsewhere."""

from __future__ import annotations

import re
from collections.abc import MutableMapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup, escape

_LIGHT, _DARK = "default", "github-dark"
_INLINE_IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);", re.IGNORECASE)


def markdown(text: str) -> Markup:
    """Return Markdown as HTML. HTML in it stays text, and pictures of other places become links to them."""
    return Markup(_parser().render(text))


@cache
def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": False, "highlight": _fenced}).enable(["table", "strikethrough"])
    made.core.ruler.push("headings", _lower_headings)
    made.add_render_rule("image", _image)
    made.add_render_rule("link_open", _link)
    return made


def _lower_headings(state: StateCore) -> None:
    """Set headings one level lower: the page has one of its own above them."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + 1)}"


def _image(self: Any, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
    token = tokens[at]
    source, words = str(token.attrs.get("src", "")), token.content
    if _INLINE_IMAGE.match(source):
        return str(self.image(tokens, at, options, env))
    return str(Markup('<a href="{}" rel="noopener noreferrer">{}</a>').format(source, words or source))


def _link(self: Any, tokens: Sequence[Token], at: int, options: Any, env: MutableMapping[str, Any]) -> str:
    del env
    tokens[at].attrSet("rel", "noopener noreferrer")
    return str(self.renderToken(tokens, at, options, {}))


def _fenced(code: str, language: str, attributes: str) -> str:
    del attributes
    return str(highlighted(code, language))


def highlighted(code: str, language: str) -> Markup:
    """Return source text with its words marked by class; unmarked if the language is not known."""
    if not language or language == "text":
        return escape(code)
    pygments, formatters, lexers = _pygments()
    try:
        lexer = lexers.get_lexer_by_name(language, stripnl=False)
    except ValueError:
        return escape(code)  # there is no such language
    marked: str = pygments.highlight(code, lexer, formatters.HtmlFormatter(nowrap=True))
    return Markup(marked.rstrip("\n"))


@cache
def code_styles() -> Markup:
    """Return the colours of the classes of `highlighted`, for light and dark pages."""
    _, formatters, _ = _pygments()

    def rules(style: str) -> str:
        lines: list[str] = formatters.HtmlFormatter(style=style).get_style_defs("code").splitlines()
        return "\n".join(line for line in lines if line.startswith("code .") and "background" not in line)

    return Markup(f"{rules(_LIGHT)}\n@media screen and (prefers-color-scheme: dark) {{\n{rules(_DARK)}\n}}")


def _pygments() -> tuple[Any, Any, Any]:
    """Return what marks source text. It comes with rich, which requires it, and is untyped."""
    return import_module("pygments"), import_module("pygments.formatters"), import_module("pygments.lexers")
