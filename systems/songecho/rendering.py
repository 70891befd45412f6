"""A prompt as SongEcho takes it: a style in words, lyrics under section tags, and the vocal for its melody."""

from __future__ import annotations

from songbench.domain.errors import UnsupportedError
from songbench.domain.limits import require_words, style_text_of
from songbench.domain.rendering import Rendering
from songbench.domain.section_blocks import section_blocks
from songbench.domain.song import Request
from songbench.domain.tags import by_tag
from songbench.plugin import WorkerInput

STYLE_CHARACTERS = 256
"""What its authors' code reads of a style text."""

HEADINGS = by_tag(
    {
        "intro": "Intro",
        "verse": "Verse",
        "chorus": "Chorus",
        "bridge": "Bridge",
        "inst": "Instrumental",
        "outro": "Outro",
        "silence": None,
    },
    "the section tags of SongEcho (systems/songecho/rendering.py)",
)


def render(request: Request) -> WorkerInput:
    """What the pipeline is given.

    Raises:
        UnsupportedError: the prompt has no style in words or too long a one, no words, or none that are known.
    """
    prompt = request.prompt
    style = style_text_of(prompt, most=STYLE_CHARACTERS)
    if not prompt.lyrics_known:
        raise UnsupportedError("nobody says which words the vocal sings, and it sings them again")
    require_words(prompt)
    lyrics, tags = section_blocks(prompt.lyrics, HEADINGS)
    rendering = Rendering(lyrics=lyrics, style="text", style_text=style, tags=tags)
    return WorkerInput({"lyrics": lyrics, "style": style}, rendering)
