"""A prompt as ACE-Step v1 takes it: lyrics under section tags, a style in words, a length."""

from __future__ import annotations

from songbench.domain.limits import style_text_of
from songbench.domain.rendering import Rendering
from songbench.domain.section_blocks import section_blocks
from songbench.domain.song import Request
from songbench.domain.song_length import asked_seconds
from songbench.domain.tags import by_tag
from songbench.plugin import WorkerInput

LONGEST_SECONDS = 240.0
SHORTEST_SECONDS = 1.0
"""Its pages ask for up to four minutes; nothing says how short a song may be."""

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
    "the section tags of ACE-Step v1 (systems/acestep/rendering.py)",
)


def render(request: Request) -> WorkerInput:
    """What the pipeline is given.

    Raises:
        UnsupportedError: the prompt has no style in words, or wants a song longer than four minutes.
    """
    prompt = request.prompt
    style = style_text_of(prompt)
    seconds, timing = asked_seconds(prompt, least=SHORTEST_SECONDS, most=LONGEST_SECONDS)
    lyrics, tags = section_blocks(prompt.lyrics, HEADINGS)
    rendering = Rendering(
        lyrics=lyrics,
        style="text",
        style_text=style,
        tags=tags,
        seconds=seconds,
        notes=(f"length by {timing}",) if timing else (),
    )
    return WorkerInput({"lyrics": lyrics, "style": style, "seconds": seconds}, rendering)
