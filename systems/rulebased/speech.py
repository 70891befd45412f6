"""Plain speech of lyric lines: the baseline that sung words are compared with."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from systems.rulebased.espeak import RATE, say
from systems.rulebased.syllables import VOICES, WORDS_PER_MINUTE
from systems.rulebased.text import spoken_line

_PAUSE_SECONDS = 0.4

SPEAKERS = {**VOICES, ("zh", "female"): "cmn-latn-pinyin+f2"}
"""Voices of plain speech: the singers' own, but for one. The timbre that sings Mandarin best is the one whose speech
Whisper base reads worst (40 % of phonemes wrong on 24 lines; this one: 17 %), and a baseline should be what the
synthesiser can do."""


def speak(lines: Sequence[str], language: str, voice: str = "female") -> tuple[npt.NDArray[np.float32], int]:
    """Speaks lines with natural intonation, a pause after each.

    Args:
        lines: lyric lines.
        language: `en`, `zh` or `mixed`.
        voice: `female` or `male`.

    Returns:
        Mono float32 (n,) within [-1, 1], and its rate in samples per second.

    Raises:
        InputError: the language is not supported.
        UnavailableError: espeak-ng is not installed.
    """
    pause = np.zeros(round(_PAUSE_SECONDS * RATE), np.float32)
    pieces = [pause]
    for line in lines:
        spoken = spoken_line(line, language)
        if spoken is not None:
            speaker = SPEAKERS[spoken.language, voice]
            speech = say(spoken.text, speaker, WORDS_PER_MINUTE[spoken.language], f0=0)
            pieces += [speech.samples, pause]
    return np.concatenate(pieces), RATE
