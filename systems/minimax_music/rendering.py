"""A prompt as the pipeline of MiniMax Music 3 takes it: a description and lyrics under tags."""

from __future__ import annotations

from songbench.domain.errors import UnsupportedError
from songbench.domain.limits import require_words, style_text_of
from songbench.domain.rendering import Rendering
from songbench.domain.section_blocks import section_blocks
from songbench.domain.song import Request
from songbench.domain.tags import by_tag
from songbench.plugin import WorkerInput

HEADINGS = by_tag(
    {
        "intro": "intro",
        "verse": "verse",
        "chorus": "chorus",
        "bridge": "bridge",
        "inst": "inst",
        "outro": "outro",
        "silence": None,
    },
    "the section tags of MiniMax Music 3 (systems/minimax_music/rendering.py)",
)

_READ_OTHERWISE = ("<|", "|>", " ^ ")
"""Special tokens, and what the pipeline replaces by a line end."""


def render(request: Request) -> WorkerInput:
    """What the pipeline is given.

    Raises:
        UnsupportedError: the prompt has no style in words or nothing to sing, or signs that are read otherwise.
    """
    prompt = request.prompt
    style = style_text_of(prompt)
    require_words(prompt)
    for text in (style, *prompt.lyrics.lines):
        if sign := next((sign for sign in _READ_OTHERWISE if sign in text), None):
            raise UnsupportedError(f"'{sign.strip()}' in '{text[:40]}' would be read as a command")
    lyrics, tags = section_blocks(prompt.lyrics, HEADINGS)
    notes = []
    if prompt.seconds is not None:
        notes.append(f"the wanted length of {prompt.seconds:g} s was not asked for")
    if not all(section.vocal for section in prompt.lyrics.sections):
        notes.append("the lengths of parts without words were not asked for")
    rendering = Rendering(lyrics=lyrics.rstrip("\n"), style="text", style_text=style, tags=tags, notes=tuple(notes))
    return WorkerInput({"lyrics": rendering.lyrics, "style": style}, rendering)
