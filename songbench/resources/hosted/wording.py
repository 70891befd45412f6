"""A prompt as services take it that want tagged lyrics and a style in words, and decide the length themselves."""

from __future__ import annotations

from collections.abc import Mapping

from songbench.domain.errors import UnsupportedError
from songbench.domain.limits import require_words
from songbench.domain.prompt import Prompt
from songbench.domain.rendering import Rendering
from songbench.domain.section_blocks import section_blocks


def words_within(
    prompt: Prompt, headings: Mapping[str, str | None], service: str, *, lyrics_most: int, style_most: int
) -> Rendering:
    """Lyrics under the service's headings and the style text, both no longer than it takes.

    Args:
        prompt: with words.
        headings: the service's own, by section tag; None: the section is left out.
        service: its name, for messages.
        lyrics_most: characters of the lyrics, headings included.
        style_most: characters of the style text.

    Raises:
        UnsupportedError: there is nothing to sing, or lyrics or style are too long.
    """
    require_words(prompt)
    lyrics, tags = section_blocks(prompt.lyrics, headings)
    lyrics, style = lyrics.rstrip("\n"), prompt.style.strip()
    for name, text, most in (("lyrics have", lyrics, lyrics_most), ("style has", style, style_most)):
        if len(text) > most:
            raise UnsupportedError(f"the {name} {len(text)} characters, {service} takes {most}")
    notes = []
    if not all(section.vocal for section in prompt.lyrics.sections):
        notes.append("the lengths of parts without words were not asked for")
    if prompt.seconds is not None:
        notes.append(f"the wanted length of {prompt.seconds:g} s was not asked for")
    return Rendering(lyrics=lyrics, style="text" if style else "none", style_text=style, tags=tags, notes=tuple(notes))
