"""A prompt as JAM takes it: words with their times, a length, and a style in words or in sound."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass

from songbench.domain.errors import UnsupportedError
from songbench.domain.limits import require_prompt_audio, style_text_of
from songbench.domain.lyric_timing import TimedLine, TimedLyrics, tempo_of_style, time_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.rendering import Rendering, StyleUse
from songbench.plugin import Invocation, literal

LONGEST_SECONDS = 230.0
"""As its authors say; the latents it makes would last 232 s."""
MOST_STYLE_LETTERS = 300
STYLE_SECONDS = 30.0

_ABBREVIATIONS = frozenset(
    [
        *("mrs", "mr", "dr", "st", "co", "jr", "maj", "gen", "drs", "rev", "lt", "hon", "sgt", "capt", "esq", "ltd"),
        *("col", "ft", "etc", "btw"),
    ]
)
"""Words that its phonemizer reads as what they are short for, with or without a full stop."""
_ACCENT = re.compile("[\u0300-\u036f]")
_PLAIN = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ß": "ss", "ð": "d", "þ": "th", "đ": "d", "ł": "l", "ı": "i"})


@dataclass(frozen=True, kw_only=True)
class JamCall:
    """The settings of a call.

    Attributes:
        style: ``text`` or ``audio``.
        steps: of the solver.
        style_guidance: how far each step is moved towards the style.
        lyrics_guidance: the same towards the words.
    """

    style: StyleUse
    steps: int
    style_guidance: float
    lyrics_guidance: float


def invocation(prompt: Prompt, call: JamCall) -> Invocation:
    """The call of ``jam.infer`` for a prompt.

    Raises:
        UnsupportedError: it has no style of the kind or too long a one, letters that it cannot read, or more words than
            fit.
    """
    style = style_text_of(prompt, most=MOST_STYLE_LETTERS) if call.style == "text" else ""
    if call.style == "audio":
        require_prompt_audio(prompt)
    timed, seconds = times(prompt)
    rows = [[given_word(word.text) for word in line.words] for line in timed.lines]
    entries = [
        {"word": literal(text), "start": word.start, "end": word.end}
        for line, texts in zip(timed.lines, rows, strict=True)
        for word, text in zip(line.words, texts, strict=True)
    ]
    song = {
        "id": "song",
        "audio_path": "{prompt_audio}" if call.style == "audio" else "",
        "lrc_path": "{in}/lyrics.json",
        "duration": seconds,
        **({"prompt_path": "{in}/style.txt"} if call.style == "text" else {}),
    }
    return Invocation(
        arguments=(
            "evaluation.checkpoint_path={weights:jam-0.5}/jam-0_5.safetensors",
            "evaluation.test_set_path={in}/songs.json",
            "evaluation.output_dir={out}",
            f"evaluation.use_prompt_style={str(call.style == 'text').lower()}",
            f"evaluation.sample_kwargs.steps={call.steps}",
            f"evaluation.sample_kwargs.dual_cfg=[{call.style_guidance},{call.lyrics_guidance}]",
        ),
        files={
            "songs.json": json.dumps([song]),
            "lyrics.json": json.dumps({"word": entries}),
            **({"style.txt": literal(style)} if call.style == "text" else {}),
        },
        outputs={"mix": "generated/song.mp3"},
        rendering=Rendering(
            lyrics="\n".join(" ".join(row) for row in rows if row),
            style=call.style,
            style_text=style,
            tags=dict.fromkeys(prompt.lyrics.tags),
            dropped=tuple(line.text for line in timed.lines if not line.words),
            timing=f"{timed.rule}, predicted" if entries else "",
            times=tuple((word.start, word.text) for word in timed.words),
            seconds=seconds,
            notes=_notes(prompt, timed, seconds),
        ),
        lossy="mp3",
        settings={"cfg_range": [0.05, 1], "vae_type": "diffrhythm"},
    )


def times(prompt: Prompt) -> tuple[TimedLyrics, float]:
    """When each word is sung, and the length of the song in seconds.

    A wanted length is filled as far as the rule stretches words, and words are sung faster where that is needed; with
    more room than that they are sung at ease and the rest is instrumental. Without a wanted length, words are sung at
    ease unless they last longer than the longest song.

    Raises:
        UnsupportedError: letters that it cannot read, or more words than can be sung in that length.
    """
    natural = time_lyrics(prompt.lyrics, prompt.language, tempo=tempo_of_style(prompt.style))
    for line in natural.lines:
        check_line(line)
    target = min(prompt.seconds or natural.seconds, LONGEST_SECONDS)
    if natural.seconds == target:
        return natural, target
    try:
        return time_lyrics(prompt.lyrics, prompt.language, seconds=target), target
    except UnsupportedError:
        if natural.seconds > target:
            raise
        return natural, target


def check_line(line: TimedLine) -> None:
    """Refuse a line with letters that its phonemizer drops; it skips a song for a word of which nothing is left.

    Raises:
        UnsupportedError: naming line and word.
    """
    for word in line.words:
        if not given_word(word.text).isascii():
            raise UnsupportedError(f"of the line '{line.text[:30]}' it cannot read '{word.text[:20]}'")


def given_word(text: str) -> str:
    """A word as it is given: small letters without accents, and as itself where it looks like an abbreviation.

    >>> [given_word(word) for word in ("Café", "LOVE", "hon", "don't")]
    ['cafe', 'love', "ho'n", "don't"]
    """
    word = _ACCENT.sub("", unicodedata.normalize("NFD", text.lower())).translate(_PLAIN)
    return f"{word[:-1]}'{word[-1]}" if word in _ABBREVIATIONS else word


def _notes(prompt: Prompt, timed: TimedLyrics, seconds: float) -> tuple[str, ...]:
    notes = []
    if prompt.seconds is not None and prompt.seconds > seconds:
        notes.append(f"{prompt.seconds:g} s were asked for; the model makes {seconds:g} s at most")
    if not timed.words:
        notes.append("no words are given: it makes an instrumental")
    elif timed.seconds < seconds:
        notes.append(f"the last section ends at {timed.seconds:.1f} s of {seconds:g} s")
    return tuple(notes)
