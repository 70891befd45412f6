"""Plain speech of lyric lines: the baseline that sung words are compared with."""

import json
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from songbench.domain.errors import SongbenchError, UnavailableError
from systems.rulebased.espeak import RATE, say
from systems.rulebased.syllables import VOICES, WORDS_PER_MINUTE
from systems.rulebased.text import spoken_line

_PAUSE_SECONDS = 0.4


def speak(lines: Sequence[str], language: str, voice: str = "female") -> tuple[npt.NDArray[np.float32], int]:
    """Speaks lines with the singer's own speech voice and its natural intonation, a pause after each.

    A process of its own does it: with natural intonation espeak-ng keeps the phase of its pitch flutter from one
    utterance to the next, so that what was said or sung before would change the samples.

    Args:
        lines: lyric lines.
        language: `en`, `zh` or `mixed`.
        voice: `female` or `male`.

    Returns:
        Mono float32 (n,) within [-1, 1], and its rate in samples per second.

    Raises:
        UnavailableError: espeak-ng is not installed, or the language is not supported; the message says which.
    """
    text = json.dumps([list(lines), language, voice])
    done = subprocess.run([sys.executable, "-m", __name__], input=text.encode(), capture_output=True, check=False)
    if done.returncode:
        raise UnavailableError(f"The words cannot be spoken: {done.stderr.decode(errors='replace').strip()}")
    return np.frombuffer(done.stdout, np.float32).copy(), RATE


def _speak(lines: Sequence[str], language: str, voice: str) -> npt.NDArray[np.float32]:
    pause = np.zeros(round(_PAUSE_SECONDS * RATE), np.float32)
    pieces = [pause]
    for line in lines:
        spoken = spoken_line(line, language)
        if spoken is not None:
            speaker = VOICES[spoken.language, voice]
            speech = say(spoken.text, speaker, WORDS_PER_MINUTE[spoken.language], f0=0)
            pieces += [speech.samples, pause]
    return np.concatenate(pieces)


def _main() -> None:
    """Speak what standard input asks for onto standard output, as raw samples."""
    try:
        samples = _speak(*json.loads(sys.stdin.read()))
    except SongbenchError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(samples.tobytes())


if __name__ == "__main__":
    _main()
