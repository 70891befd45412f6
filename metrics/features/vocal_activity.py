"""Where somebody sings in a mix, by a signal rule.

A voice is neither as steady as instruments that hold a pitch nor as short as drums: its pitch glides and trembles. Seen
through long windows (0.5 s) that makes it look like a drum, smeared over frequency; through short windows (64 ms) it
looks like a held tone. So the mix is split twice by median filters, and what is percussive in long windows yet harmonic
in short ones is taken for voice (Tachibana et al., "Singing voice enhancement in monaural music signals based on
two-stage harmonic/percussive sound separation", TASLP 2014; median filters as in FitzGerald, DAFx 2010).

How wrong it is: over 10 songs of the rule-based singer the voice's share told sung half-seconds from the others with an
area under the curve of 0.97. Expressive leads (bowed strings, bent guitars, synthesisers with vibrato) pass for voices:
of 23 generated excerpts, most of them instrumental, 6 were above the default threshold. Spoken or whispered voices can
be missed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from songbench.domain.audio import Audio

RATE = 8000
THRESHOLD_DB = -12.0
"""The voice's share from which a moment counts as sung, where the song itself does not suggest a better border."""

_LONG, _SHORT = 4096, 512
_STEADY_FRAMES = (9, 31)  # frames over which something must hold to be harmonic: 1.2 s of long, 0.5 s of short windows
_WIDE_BINS = 17  # bins over which something must spread to be percussive
_LOWEST_HZ = 200.0

Array = npt.NDArray[np.float64]


def vocal_share(audio: Audio, block: float) -> Array:
    """The share of the energy that behaves like a voice, 200 Hz to 4 kHz.

    Args:
        audio: not empty.
        block: length of a moment in seconds.

    Returns:
        Shape (max(1, audio.seconds // block),), dB, <= 0 but for rounding; -90 where there is nothing.
    """
    import librosa

    samples = audio.mono().at(RATE).samples[0]
    samples = samples / max(float(np.sqrt(np.mean(samples**2))), 1e-9)
    spectrum = librosa.stft(samples, n_fft=_LONG, hop_length=_LONG // 4)
    moving = 1 - _harmonic_mask(np.abs(spectrum), _STEADY_FRAMES[0])
    rest = librosa.istft(spectrum * moving, n_fft=_LONG, hop_length=_LONG // 4, length=len(samples))
    lowest = int(np.ceil(_LOWEST_HZ / RATE * _SHORT))
    fine = np.abs(librosa.stft(rest, n_fft=_SHORT, hop_length=_SHORT // 4))
    voice = ((fine * _harmonic_mask(fine, _STEADY_FRAMES[1]))[lowest:] ** 2).sum(axis=0)
    mix = (np.abs(librosa.stft(samples, n_fft=_SHORT, hop_length=_SHORT // 4))[lowest:] ** 2).sum(axis=0)
    count = max(1, int(audio.seconds / block))
    place = (np.arange(len(mix)) * (_SHORT // 4) / RATE / block).astype(int)
    voice_energy, mix_energy = (np.bincount(place, energy, count)[:count] for energy in (voice, mix))
    return np.asarray(10 * np.log10((voice_energy + 1e-9) / (mix_energy + 1e-3)).clip(min=-90))


def border(shares: Array) -> float:
    """The share that best parts sung from unsung moments of one song, in dB.

    The shares are split into two groups of least spread (Otsu). Where these are at least 6 dB apart and their middle is
    within 6 dB of `THRESHOLD_DB` the middle is the border, else `THRESHOLD_DB` is: a song may be sung throughout or not
    at all.

    Args:
        shares: as `vocal_share` gives them, shape (n,), n >= 1.
    """
    ordered = np.sort(shares)
    counts = np.arange(1, len(ordered))
    if not len(counts):
        return THRESHOLD_DB
    sums = np.cumsum(ordered)
    low, high = sums[:-1] / counts, (sums[-1] - sums[:-1]) / counts[::-1]
    best = int(np.argmax(counts * counts[::-1] * (high - low) ** 2))
    middle = float(low[best] + high[best]) / 2
    apart = high[best] - low[best] >= 6.0 and abs(middle - THRESHOLD_DB) <= 6.0
    return middle if apart else THRESHOLD_DB


def _harmonic_mask(magnitudes: npt.NDArray[np.floating], steady: int) -> npt.NDArray[np.floating]:
    """How much of each bin belongs to what holds in time rather than to what spreads in frequency, 0-1."""
    from scipy.ndimage import median_filter

    held = median_filter(magnitudes, (1, steady)) ** 2
    spread = median_filter(magnitudes, (_WIDE_BINS, 1)) ** 2
    return np.asarray(held / (held + spread + 1e-12))
