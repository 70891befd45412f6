"""What a kind of input is asked, and what several kinds need."""

import io

import command_here
import numpy as np
import soundfile

RATE = 16_000


class Kind:
    """What all kinds are asked.

    Args:
        base: an empty folder for what every input of the kind needs.
    """

    name = ""
    share = 1.0

    def __init__(self, base):
        self.base = base

    def draw(self, rng):
        """The files of one input: bytes by relative path."""
        raise NotImplementedError

    def read(self, folder):
        """Read the input that lies in `folder`; returns whether a command refused it."""
        raise NotImplementedError


def tone(seconds=0.25, channels=2, rate=RATE):
    """A quiet tone of shape (n, channels)."""
    wave = 0.2 * np.sin(2 * np.pi * 330 * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, axis=1)


def wave_file():
    """A whole WAV file in memory."""
    out = io.BytesIO()
    soundfile.write(out, tone(), RATE, format="WAV")
    return out.getvalue()


def command_line(*words):
    """Run a command in this process; returns its exit code and raises whatever is not a message."""
    return command_here.run(words).returncode
