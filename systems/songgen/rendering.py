"""A prompt as SongGen takes it: plain lines and a style in words."""

from __future__ import annotations

import re

from songbench.domain.errors import UnsupportedError
from songbench.domain.limits import require_words, style_text_of
from songbench.domain.lyric_timing import time_lyrics
from songbench.domain.lyrics import Lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.rendering import Rendering
from songbench.domain.song import Request
from songbench.domain.text import normal_text
from songbench.plugin import WorkerInput

LONGEST_SECONDS = 30.0
"""1500 frames of 20 ms."""

_LETTERS = frozenset("ßàáâãäæçèéêëìíîïðñòóôõöøùúûüýÿăąćčďđęěğħıłńňōőœřśşšţťůűźżž")
"""Those of its vocabulary beyond a to z; others become unknown tokens."""
_SHORT_FORM = re.compile(
    r"\b(?:mrs|mr|dr|st|co|jr|maj|gen|drs|rev|lt|hon|sgt|capt|esq|ltd|col|ft)$", re.IGNORECASE
)  # with a full stop behind it, it is read as what it is short for


def render(request: Request) -> WorkerInput:
    """What the model is given.

    Raises:
        UnsupportedError: the prompt has no style in words, no words, letters that it does not read, or more words than
            can be sung in half a minute.
    """
    prompt = request.prompt
    style = style_text_of(prompt)
    require_words(prompt)
    for line in prompt.lyrics.lines:
        check_line(line)
    timing = words_note(prompt)
    lyrics = render_lines(prompt.lyrics)
    rendering = Rendering(
        lyrics=lyrics,
        style="text",
        style_text=style,
        tags=dict.fromkeys(prompt.lyrics.tags),
        notes=(*length_notes(prompt), *([timing] if timing else [])),
    )
    return WorkerInput({"lyrics": lyrics, "style": style, "prompt_audio": None, "seconds": None}, rendering)


def render_lines(lyrics: Lyrics) -> str:
    r"""The sung lines, one below the other; its authors' code puts a full stop in the place of each line's end.

    >>> from songbench.domain.lyrics import parse_lyrics
    >>> render_lines(parse_lyrics("[verse]\nMorning comes, hon\nover the railway line."))
    'Morning comes, hon \nover the railway line'
    """
    lines = [normal_text(line).strip().rstrip(".。 ") for line in lyrics.lines]
    return "\n".join(f"{line} " if _SHORT_FORM.search(line) else line for line in lines).rstrip()


def check_line(line: str) -> None:
    """Refuse a line that has no letter or figure, or letters that vanish.

    Raises:
        UnsupportedError: naming it.
    """
    letters = [sign for sign in normal_text(line) if sign.isalnum()]
    if not letters:
        raise UnsupportedError(f"the line '{line[:30]}' has nothing that it sings")
    if lost := [sign for sign in letters if not sign.isascii() and sign.lower() not in _LETTERS]:
        raise UnsupportedError(f"of the line '{line[:30]}' it would drop '{''.join(lost)[:10]}'")


def words_note(prompt: Prompt) -> str:
    """What is to be said of how long the words take, by the rule of `songbench.domain.lyric_timing`.

    Raises:
        UnsupportedError: even as fast as they can be spoken they do not fit.
    """
    sung = Lyrics(tuple(section for section in prompt.lyrics.sections if section.vocal))
    natural = time_lyrics(sung, prompt.language).seconds
    if natural <= LONGEST_SECONDS:
        return ""
    time_lyrics(sung, prompt.language, seconds=LONGEST_SECONDS)
    return f"the words would take {natural:.0f} s at ease, and the model stops after {LONGEST_SECONDS:g} s"


def length_notes(prompt: Prompt) -> tuple[str, ...]:
    """What is said of lengths that cannot be asked for."""
    notes = []
    if prompt.seconds is not None:
        limit = f", {LONGEST_SECONDS:g} s at most" if prompt.seconds > LONGEST_SECONDS else ""
        notes.append(f"{prompt.seconds:g} s were asked for; the model decides{limit}")
    if any(not section.vocal for section in prompt.lyrics.sections):
        notes.append("sections without words are left out")
    return tuple(notes)
