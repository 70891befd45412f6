"""Hidden anchors made from a sound: low-pass filters and a low bit rate.

Sounds are float32 of shape (2, n), full scale ±1, unless said otherwise.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np

from listening_test.preparation.sound import Sound, true_peak
from songbench.domain.errors import InputError

LOWPASS = {"lowpass-3500": (3500.0, 4000.0), "lowpass-7000": (7000.0, 7500.0)}
"""Pass band edge and beginning of the stop band, in Hz (ITU-R BS.1534-3, section 5.1)."""
ATTENUATION_DB = 60.0
BITRATE = 64
"""kbit/s, constant."""
_MP3_RATES = {24000: (8, 160), 32000: (32, 320), 44100: (32, 320), 48000: (32, 320)}
"""Lowest and highest bit rate of MPEG layer III at a rate, in kbit/s; libsndfile counts levels between them."""
_SEARCH = 4096
"""How many samples an encoder may delay; LAME and its decoder together delay by 1105 where nothing corrects it."""


def degraded(sound: Sound, rate: int, anchor: str) -> Sound:
    """The sound as this anchor; those that are other songs, not other sound, leave it as it is. Same length, in time.

    Raises:
        InputError: when the rate is too low for the filter.
    """
    if anchor in LOWPASS:
        return lowpass(sound, rate, *LOWPASS[anchor])
    return mp3(sound, rate) if anchor == "mp3-64k" else sound


def lowpass(sound: Sound, rate: int, edge: float, stop: float) -> Sound:
    """A linear-phase low-pass, its delay removed: half power at `edge`, 50 dB down and more from `stop` on.

    A Kaiser-windowed sinc is 6 dB down at its cut-off and falls to `ATTENUATION_DB` half a transition later, so the
    cut-off is laid between the two, a little above the edge.
    """
    from scipy import signal

    if stop >= rate / 2:
        raise InputError(
            f"At {rate} Hz there is nothing above {stop:g} Hz to take away.",
            field="checks.anchors",
            cure="Raise listening.rate.",
        )
    return np.asarray(signal.oaconvolve(sound, lowpass_taps(rate, edge, stop)[None], mode="same"), dtype=np.float32)


@lru_cache(maxsize=8)
def lowpass_taps(rate: int, edge: float, stop: float) -> Any:
    """The impulse response, of odd length and unit gain at 0 Hz, -3 dB at `edge`."""
    from scipy import signal

    width = stop - edge
    count, beta = signal.kaiserord(ATTENUATION_DB, width / (rate / 2))
    count |= 1
    low, high = edge, stop
    for _ in range(40):  # the cut-off that puts -3 dB at the edge, by halving
        middle = (low + high) / 2
        taps = signal.firwin(count, middle, window=("kaiser", beta), fs=rate)
        _, response = signal.freqz(taps, worN=[edge], fs=rate)
        low, high = (middle, high) if abs(response[0]) < np.sqrt(0.5) else (low, middle)
    return taps


def mp3(sound: Sound, rate: int) -> Sound:
    """Through MPEG layer III at 64 kbit/s and back, brought to the same place in time by correlation."""
    import soundfile

    lowest, highest = _MP3_RATES[rate]
    loud = 10 ** (max(0.0, true_peak(sound, rate)) / 20)  # an encoder clips what is beyond full scale
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        sound.T / loud,
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=(highest - BITRATE) / (highest - lowest),
    )
    buffer.seek(0)
    decoded, _ = soundfile.read(buffer, dtype="float32", always_2d=True)
    return aligned(np.ascontiguousarray(decoded.T) * np.float32(loud), sound)


def aligned(late: Sound, sound: Sound) -> Sound:
    """`late` moved to where it correlates best with `sound`, and cut or filled to its length."""
    delay = delay_of(late, sound)
    moved = late[:, delay:] if delay >= 0 else np.pad(late, ((0, 0), (-delay, 0)))
    short = max(0, sound.shape[1] - moved.shape[1])
    return np.pad(moved, ((0, 0), (0, short)))[:, : sound.shape[1]]


def delay_of(late: Sound, sound: Sound) -> int:
    """By how many samples `late` comes after `sound`, within ±4096."""
    from scipy import signal

    late_mono, mono = late.mean(axis=0), sound.mean(axis=0)
    lags = signal.correlation_lags(len(late_mono), len(mono))
    near = np.abs(lags) <= _SEARCH
    return int(lags[near][np.argmax(signal.correlate(late_mono, mono, method="fft")[near])])
