"""Blocks as an HTML page: light and dark, wide and narrow, on paper; no request to anywhere else.

A page is either one file that needs nothing else and runs nothing, for mail, or one of a folder of pages that share
styles and scripts, which add sorting and choice to what is complete without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from songbench.reporting.document.blocks import AudioPlayer, Block, Fragment, Heading, Listing, Text, leaves
from songbench.reporting.document.html_elements import element, phrase
from songbench.reporting.document.html_text import escaped

__all__ = ["LinkedFiles", "escaped", "stylesheet", "to_html"]

_ICON = '<link rel="icon" href="data:,">'
"""Says that there is none, so that browsers do not ask the host for one."""


@dataclass(frozen=True)
class LinkedFiles:
    """What a page of a folder shares with others, by paths seen from the page.

    Attributes:
        styles: style sheets, in order.
        scripts: run when the page is complete, in order.
    """

    styles: tuple[str, ...]
    scripts: tuple[str, ...] = ()


@cache
def stylesheet() -> str:
    """The look that all pages share; pages of a folder lie beside a copy of it."""
    return (files(__package__) / "style.css").read_text(encoding="utf-8")


def to_html(
    blocks: Sequence[Block],
    images: Mapping[str, bytes | str],
    *,
    linked: LinkedFiles | None = None,
    trail: Sequence[Fragment] = (),
) -> str:
    """The page.

    Args:
        blocks: of the document; its first heading is the title.
        images: of each figure, by its name: PNG or SVG, which become part of the page, or the path of the file.
        linked: styles and scripts beside the page; None: the style is part of it and nothing runs. Audio always stays
            beside it.
        trail: where the page belongs, from the top; shown above the title.
    """
    title = next((block.text for block in blocks if isinstance(block, Heading)), "Report")
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escaped(title)}</title>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n{_policy(blocks, linked)}\n{_ICON}\n'
        f"{_head(linked)}\n</head>\n<body>\n"
        '<a class="skip" href="#content">Skip to the content</a>\n'
        f'{_trail(trail)}<main id="content">\n' + "\n".join(_body(blocks, images)) + "\n</main>\n</body>\n</html>\n"
    )


def _policy(blocks: Sequence[Block], linked: LinkedFiles | None) -> str:
    """What the browser may load: for a single file nothing but its audio, for one of a folder what lies there."""
    if linked is None:
        audio = any(isinstance(block, AudioPlayer) for block in leaves(blocks))
        sources = "img-src data:; " + ("media-src 'self' file:; " if audio else "") + "style-src 'unsafe-inline'"
    else:
        more = {"script": "", "style": "", "img": " data:", "media": " blob:", "connect": ""}
        sources = "; ".join(f"{kind}-src 'self' file:{also}" for kind, also in more.items())
    policy = f"default-src 'none'; base-uri 'none'; form-action 'none'; {sources}"
    return f'<meta http-equiv="Content-Security-Policy" content="{policy}">'


def to_fragment(blocks: Sequence[Block]) -> str:
    """Blocks without figures as a part of another page, in its style."""
    return "\n".join(element(block, {}) for block in blocks)


def _head(linked: LinkedFiles | None) -> str:
    if linked is None:
        return f"<style>\n{stylesheet()}</style>"
    links = [f'<link rel="stylesheet" href="{escaped(path)}">' for path in linked.styles]
    return "\n".join([*links, *(f'<script defer src="{escaped(path)}"></script>' for path in linked.scripts)])


def _trail(trail: Sequence[Fragment]) -> str:
    return (
        f'<nav class="trail" aria-label="Trail">{" / ".join(phrase((part,)) for part in trail)}</nav>\n'
        if trail
        else ""
    )


def _body(blocks: Sequence[Block], images: Mapping[str, bytes | str]) -> list[str]:
    """The blocks in order; the links to the parts stand after the title and the texts that follow it."""
    parts = [block.text for block in blocks if isinstance(block, Heading) and block.level == 2]
    links = "".join(f'<a href="#part-{number}">{escaped(text)}</a>' for number, text in enumerate(parts, start=1))
    contents = [f'<nav class="contents" aria-label="Contents">{links}</nav>'] if parts else []
    body, part = [], 0
    for block in blocks:
        if contents and not _opening(block):
            body.append(contents.pop())
        anchor = ""
        if isinstance(block, Heading) and block.level == 2:
            part += 1
            anchor = f"part-{part}"
        body.append(element(block, images, anchor))
    return body


def _opening(block: Block) -> bool:
    return isinstance(block, Text | Listing) or (isinstance(block, Heading) and block.level == 1)
