"""Lyrics as blocks of lines under headings of another vocabulary, the form that most song generators read."""

from __future__ import annotations

from collections.abc import Mapping

from songbench.domain.sections import Lyrics


def section_blocks(lyrics: Lyrics, headings: Mapping[str, str | None]) -> tuple[str, dict[str, str | None]]:
    r"""Each section as a heading and its lines, sections set apart by a blank line.

    How long a section without words lasts cannot be said in this form.

    Args:
        lyrics: to be written.
        headings: the heading of each section tag, without brackets; None: the section is left out, which a section with
            words never is: its heading is then its own tag.

    Returns:
        The text, which ends with a line end; and for `songbench.domain.rendering.Rendering.tags` the tags of these
        lyrics that became something else.

    >>> from songbench.domain.lyrics import parse_lyrics
    >>> lyrics = parse_lyrics("[inst] [inst] , [verse] Morning comes in slowly.")
    >>> section_blocks(lyrics, {"inst": "instrumental", "verse": "verse"})
    ('[instrumental]\n\n[verse]\nMorning comes in slowly\n', {'inst': 'instrumental'})
    """
    blocks: list[str] = []
    changed: dict[str, str | None] = {}
    for section in lyrics.sections:
        heading = headings[section.tag] or (section.tag if section.lines else None)
        if heading != section.tag:
            changed[section.tag] = heading
        if heading is not None:
            blocks.append("\n".join([f"[{heading}]", *section.lines]))
    return "\n\n".join(blocks) + "\n", changed
