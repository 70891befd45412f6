"""A prompt as ACE-Step 1.5 takes it: lyrics under section tags, a style in words or sound, a language, a length."""

from __future__ import annotations

from songbench.domain.errors import UnsupportedError
from songbench.domain.language import MIXED, spoken_language
from songbench.domain.limits import require_prompt_audio, style_text_of
from songbench.domain.rendering import Rendering
from songbench.domain.section_blocks import section_blocks
from songbench.domain.song import Request
from songbench.domain.song_length import asked_seconds
from songbench.domain.tags import by_tag
from songbench.plugin import WorkerInput
from systems.acestep15.variants import Style

SHORTEST_SECONDS, LONGEST_SECONDS = 10.0, 600.0
CAPTION_CHARACTERS, LYRIC_CHARACTERS = 512, 4096
"""What its authors allow; longer ones are cut there, or read past what the model was made for."""

NO_WORDS = "[Instrumental]"
"""In the place of lyrics for a song in which nothing is sung."""

HEADINGS = by_tag(
    {
        "intro": "Intro",
        "verse": "Verse",
        "chorus": "Chorus",
        "bridge": "Bridge",
        "inst": "Instrumental",
        "outro": "Outro",
        "silence": "Silence",
    },
    "the section tags of ACE-Step 1.5 (systems/acestep15/rendering.py)",
)


def render(request: Request, style: Style) -> WorkerInput:
    """What its authors' code is given.

    Args:
        request: the song.
        style: which of the prompt's styles counts.

    Raises:
        UnsupportedError: the prompt lacks that style, or is too long in one way or another.
    """
    prompt = request.prompt
    # 1. style
    caption = "" if style == "audio" else style_text_of(prompt, most=CAPTION_CHARACTERS)
    if style != "text":
        require_prompt_audio(prompt)
    # 2. lyrics and their language
    lyrics, tags = section_blocks(prompt.lyrics, HEADINGS)
    if not prompt.lyrics.lines:
        lyrics = NO_WORDS
    if len(lyrics) > LYRIC_CHARACTERS:
        raise UnsupportedError(
            f"the lyrics have {len(lyrics)} characters, of which the system takes {LYRIC_CHARACTERS}"
        )
    spoken = spoken_language(prompt.language)
    language = "unknown" if spoken == MIXED else spoken
    # 3. length
    seconds, timing = asked_seconds(prompt, least=SHORTEST_SECONDS, most=LONGEST_SECONDS)
    notes = (f"length by {timing}",) if timing else ()
    rendering = Rendering(lyrics=lyrics, style=style, style_text=caption, tags=tags, seconds=seconds, notes=notes)
    return WorkerInput({"lyrics": lyrics, "style": caption, "language": language, "seconds": seconds}, rendering)
