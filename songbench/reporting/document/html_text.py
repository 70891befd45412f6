"""Texts and addresses in HTML, with nothing in them that a browser would read as markup."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from urllib.parse import quote, urlsplit


@lru_cache(maxsize=4096)
def escaped(text: str) -> str:
    """The text with everything that a browser would read as markup made visible; pages repeat most of their texts."""
    return escape(text)


def address(link: str) -> str:
    """Of a link, as an attribute: an https address as it is, a path with everything quoted that is not one."""
    if ":" in link and urlsplit(link).scheme in ("http", "https"):
        return escaped(link)
    path, mark, anchor = link.partition("#")
    return escaped(quote(path) + mark + quote(anchor))
