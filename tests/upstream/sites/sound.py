"""Copied into an environment: what absent models make, and how it is written."""

import numpy
import soundfile

SECONDS = 0.3


class Sound:
    """As much of a tensor with samples as the programs use."""

    shape = (2, 480_000)

    def __init__(self, channels=2):
        self.channels = channels

    def dim(self):
        return 3

    def identity(self, *arguments, **options):
        return self

    cpu = float = cuda = to = mean = squeeze = unsqueeze = identity
    __getitem__ = __sub__ = identity

    def __iter__(self):
        return iter([self])

    def numpy(self):
        return samples(self.channels, 48_000).T.squeeze()


def samples(channels, rate):
    """A tone, another for each channel: (samples, channels)."""
    time = numpy.arange(int(SECONDS * rate)) / rate
    return numpy.stack([0.3 * numpy.sin(2 * numpy.pi * (220 + 110 * channel) * time) for channel in range(channels)], 1)


def save(path, sound, rate=48_000, **options):
    """In the place of torchaudio.save."""
    soundfile.write(path, samples(sound.channels, rate), rate)
