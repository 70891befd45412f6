"""A prompt as DiffRhythm 1.2 takes it: lyrics with line times (LRC), a length, and a style in words or in sound."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from songbench.domain.errors import UnsupportedError
from songbench.domain.limits import require_prompt_audio, style_text_of
from songbench.domain.lyric_timing import TimedLyrics, tempo_of_style, time_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.rendering import Rendering, StyleUse
from songbench.plugin import Invocation, literal

BASE_SECONDS = 95
SHORTEST_SECONDS, LONGEST_SECONDS = 96, 285
"""Of the full model, in whole seconds."""
LAST_LINE = "la"
"""Of the last line the base model makes nothing, whichever it is: this is that line."""


@dataclass(frozen=True, kw_only=True)
class DiffRhythmCall:
    """The settings of a call.

    Attributes:
        style: ``text`` or ``audio``.
        full: the full model instead of the base model.
        chunked: the latents are decoded in pieces.
        candidates: songs that are made, of which one is taken.
    """

    style: StyleUse
    full: bool
    chunked: bool
    candidates: int


def invocation(prompt: Prompt, call: DiffRhythmCall) -> Invocation:
    """The call of ``infer/infer.py`` for a prompt.

    Raises:
        UnsupportedError: it has no style of the kind, a line that cannot be sung, or more words than fit.
    """
    style = style_text_of(prompt) if call.style == "text" else ""
    if call.style == "audio":
        require_prompt_audio(prompt)
    for line in prompt.lyrics.lines:
        check_line(line)
    timed, seconds = times(prompt, full=call.full)
    lines = [(line.start, line.text) for line in timed.lines]
    added: tuple[str, ...] = ()
    if not call.full and lines:
        lines.append((BASE_SECONDS - 0.01, LAST_LINE))
        added = (f"a last line, '{LAST_LINE}', as the base model makes nothing of the last line",)
    lrc = render_lrc(lines)
    return Invocation(
        arguments=(
            *(("--lrc-path", "{in}/lyrics.lrc") if lines else ()),
            f"--ref-prompt={literal(style)}" if call.style == "text" else "--ref-audio-path={prompt_audio}",
            f"--audio-length={seconds}",
            *(("--chunked",) if call.chunked else ()),
            *((f"--batch-infer-num={call.candidates}",) if call.candidates > 1 else ()),
            "--output-dir={out}",
        ),
        files={"lyrics.lrc": literal(lrc)} if lines else {},
        outputs={"mix": "output.wav"},
        rendering=Rendering(
            lyrics=lrc,
            style=call.style,
            style_text=style,
            tags=dict.fromkeys(prompt.lyrics.tags),
            added=added,
            timing=timed.rule if timed.lines else "",
            times=tuple((line.start, line.text) for line in timed.lines),
            seconds=float(seconds),
            notes=(*_length_notes(prompt, timed, seconds), *_candidate_notes(call.candidates)),
        ),
        compute_pattern=r"inference cost (\d+(?:\.\d+)?) seconds",
        settings={"steps": 32, "cfg_strength": 4.0, "solver": "euler", "dtype": "float16"},
    )


def times(prompt: Prompt, *, full: bool) -> tuple[TimedLyrics, int]:
    """When each line is sung, and the length of the song in whole seconds.

    The lines take the time they need at ease. Where that is more than the length that is asked for, they are sung
    faster if the rule can do that, otherwise the song is longer than asked for if the model can do that.

    Raises:
        UnsupportedError: there are more words than can be sung in the model's longest song.
    """
    tempo = tempo_of_style(prompt.style)
    natural = time_lyrics(prompt.lyrics, prompt.language, tempo=tempo)
    need = math.ceil(natural.seconds)
    if not full:
        if need < BASE_SECONDS:
            return natural, BASE_SECONDS
        return _compressed(prompt, BASE_SECONDS - 1, "; diffrhythm:full sings up to 285 s"), BASE_SECONDS
    target = min(max(math.ceil(prompt.seconds or need), SHORTEST_SECONDS), LONGEST_SECONDS)
    if need <= target:
        return natural, target
    try:
        return _compressed(prompt, target, ""), target
    except UnsupportedError:
        if need <= LONGEST_SECONDS:
            return natural, need
        return _compressed(prompt, LONGEST_SECONDS, ""), LONGEST_SECONDS


def _compressed(prompt: Prompt, seconds: int, cure: str) -> TimedLyrics:
    try:
        return time_lyrics(prompt.lyrics, prompt.language, seconds=float(seconds))
    except UnsupportedError as error:
        raise UnsupportedError(f"{error.message.rstrip('.')}{cure}") from None


def _length_notes(prompt: Prompt, timed: TimedLyrics, seconds: int) -> tuple[str, ...]:
    if prompt.seconds is not None and abs(seconds - prompt.seconds) >= 1.0:
        return (f"{prompt.seconds:g} s were asked for; the model makes {seconds} s",)
    return ()


def _candidate_notes(candidates: int) -> tuple[str, ...]:
    """That is no best of several: nobody listens before one is taken."""
    return (f"one of {candidates} candidates, whichever it is",) if candidates > 1 else ()


def check_line(line: str) -> None:
    """Refuse a line that ends the program, or from which words would vanish.

    Raises:
        UnsupportedError: it has no letter that the model sings, or letters that it drops.
    """
    letters = [sign for sign in line if unicodedata.category(sign).startswith("L")]
    if not any(_is_sung(sign) for sign in letters):
        raise UnsupportedError(f"the line '{line[:30]}' has no letter that it sings, which ends the program")
    if lost := [sign for sign in letters if not _is_sung(sign) and not _is_latin(sign)]:
        raise UnsupportedError(f"of the line '{line[:30]}' it would drop '{''.join(lost)[:10]}'")


def _is_sung(sign: str) -> bool:
    """Whether the program takes a letter for English or Mandarin; accented ones go along with their neighbours."""
    return "\u4e00" <= sign <= "\u9fa5" or (sign.isascii() and sign.isalpha())


def _is_latin(sign: str) -> bool:
    return unicodedata.name(sign, "").startswith("LATIN")


def render_lrc(lines: Sequence[tuple[float, str]]) -> str:
    r"""Lyrics with a time before each line, in the fixed columns that the program reads: ``[mm:ss.xx]words``.

    >>> render_lrc([(0.0, "Morning comes"), (59.999, " slowly ")])
    '[00:00.00]Morning comes\n[01:00.00]slowly\n'
    """
    rows = []
    for start, text in lines:
        minutes, hundredths = divmod(round(start * 100), 6000)
        rows.append(f"[{minutes:02d}:{hundredths // 100:02d}.{hundredths % 100:02d}]{' '.join(text.split())}\n")
    return "".join(rows)
