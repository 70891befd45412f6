"""A prompt as ACE-Step 1.5 takes it: lyrics under section tags, a style in words or sound, a language, a length."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from songbench.domain.errors import UnsupportedError
from songbench.domain.language import MIXED, spoken_language
from songbench.domain.limits import require_prompt_audio, style_text_of
from songbench.domain.prompt import Prompt
from songbench.domain.rendering import Rendering
from songbench.domain.section_blocks import section_blocks
from songbench.domain.song import Request
from songbench.domain.song_length import asked_seconds
from songbench.domain.tags import by_tag
from songbench.plugin import WorkerInput
from systems.acestep15.variants import Style, Track

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
    caption = caption_of(prompt, style)
    # 2. lyrics and their language
    lyrics, tags = section_blocks(prompt.lyrics, HEADINGS)
    if not prompt.lyrics.lines:
        lyrics = NO_WORDS
    check_length(lyrics)
    spoken = spoken_language(prompt.language)
    language = "unknown" if spoken == MIXED else spoken
    # 3. length
    seconds, timing = asked_seconds(prompt, least=SHORTEST_SECONDS, most=LONGEST_SECONDS)
    notes = (f"length by {timing}",) if timing else ()
    rendering = Rendering(lyrics=lyrics, style=style, style_text=caption, tags=tags, seconds=seconds, notes=notes)
    return WorkerInput({"lyrics": lyrics, "style": caption, "language": language, "seconds": seconds}, rendering)


def render_completion(
    request: Request, style: Style, tracks: Sequence[Track], languages: Collection[str]
) -> WorkerInput:
    """What its authors' code is given to complete a vocal by.

    Args:
        request: the song.
        style: which of the prompt's styles counts.
        tracks: what is to be added.
        languages: those that it knows by name; words in others are given as of unknown language.

    Raises:
        UnsupportedError: the prompt lacks that style, or is too long in one way or another.
    """
    prompt = request.prompt
    caption = caption_of(prompt, style)
    words = prompt.lyrics_known and bool(prompt.lyrics.lines)
    lyrics, tags = section_blocks(prompt.lyrics, HEADINGS) if words else ("", {})
    check_length(lyrics)
    spoken = spoken_language(prompt.language)
    instruction = f"Complete the input track with {' | '.join(track.upper() for track in tracks)}:"
    rendering = Rendering(lyrics=lyrics, style=style, style_text=caption, tags=tags, added=(instruction,))
    return WorkerInput(
        {
            "lyrics": lyrics,
            "style": caption,
            "language": spoken if spoken in languages and spoken != MIXED else "unknown",
            "seconds": None,
            "instruction": instruction,
        },
        rendering,
    )


def caption_of(prompt: Prompt, style: Style) -> str:
    """The style text, "" where the style is the prompt audio alone.

    Raises:
        UnsupportedError: the prompt lacks a style that counts, or has too long a one.
    """
    if style != "text":
        require_prompt_audio(prompt)
    return "" if style == "audio" else style_text_of(prompt, most=CAPTION_CHARACTERS)


def check_length(lyrics: str) -> None:
    """Refuse lyrics that the system was not made for.

    Raises:
        UnsupportedError: they are too long.
    """
    if len(lyrics) > LYRIC_CHARACTERS:
        raise UnsupportedError(
            f"the lyrics have {len(lyrics)} characters, of which the system takes {LYRIC_CHARACTERS}"
        )
