"""From dry stems to a finished song whose stems still add up to the mix exactly.

Whatever depends on the sum (loudness, limiting, silence) is one gain curve applied to every stem alike.
"""

from collections.abc import Mapping, MutableMapping, Sequence

import numpy as np
import numpy.typing as npt

from songbench.domain.gated_loudness import gated_loudness
from systems.rulebased.band import RATE
from systems.rulebased.dynamics import Stretch, band_decibels, curve, stereo_width, voice_decibels
from systems.rulebased.effects import compress, frame_rms, high_pass, limiter_gain, peaking, reverb, widen
from systems.rulebased.score import STEMS

LOUDNESS = -16.0
"""Integrated loudness aimed at, LUFS (ITU-R BS.1770 by pyloudnorm)."""

PEAK = 10 ** (-1.1 / 20)
"""Ceiling of the mix: a little under -1 dBFS."""

_VOCAL_OVER_BAND_DB = 9.5
_VOCAL_LEVEL = 0.11
_STEM_LEVELS_DB = {"drums": -1.0, "bass": -1.5, "other": 0.0}
_BAND_LEVEL = 0.08
_WIDTHS = {"vocals": 0.2, "drums": 0.5, "bass": 0.15, "other": 0.7}
"""Amplitude of the reflections that make a stem wide, over its mono sum."""
_ROOM_FOR_WORDS_DB = -3.5
"""What the chords give up where consonants lie."""
_MOST_CORRECTION_DB = 8.0
_RIDE_DB = 4.5
_RIDE_SECONDS = 1.6
_EDGE_SECONDS = 0.04
_SILENT_DB = -75.0
_INAUDIBLE = 10 ** (-80 / 20)

Stereo = npt.NDArray[np.float32]


def mix_song(
    vocals: npt.NDArray[np.float32],
    band: MutableMapping[str, Stereo],
    stretches: Sequence[Stretch],
    silences: Sequence[tuple[float, float]],
    fade_seconds: float,
) -> tuple[Stereo, dict[str, Stereo]]:
    """Processes, balances and sums.

    Args:
        vocals: dry voice, mono (n,), at band.RATE.
        band: dry instruments by stem, stereo (2, n); they are taken out of it, as long songs are large.
        stretches: the sections, in order.
        silences: (start, end) seconds in which nothing may sound.
        fade_seconds: length of the fade at the end.

    Returns:
        The mix (2, n) and the stems by name; their sum in the order of `STEMS` is the mix.
    """
    width = curve(stretches, [stereo_width(s.intensity) for s in stretches], RATE, len(vocals))
    wet = {"vocals": _vocal_chain(vocals, width)}
    for name in list(band):
        wet[name] = _band_chain(name, band.pop(name), width)
    _balance(wet, vocals)
    _grow(wet, stretches)
    gate = _gate(len(vocals), silences, fade_seconds)
    for name in wet:
        wet[name] *= gate
    empty = np.zeros((2, len(vocals)), np.float32)
    stems = {name: wet.get(name, empty) for name in STEMS}
    gain = _master_gain(_sum(stems))
    for name in wet:
        wet[name] *= gain
    return _sum(stems), stems


def _sum(stems: Mapping[str, Stereo]) -> Stereo:
    total = stems[STEMS[0]].copy()
    for name in STEMS[1:]:
        total += stems[name]
    return total


def _vocal_chain(vocals: npt.NDArray[np.float32], width: npt.NDArray[np.float32]) -> Stereo:
    """The voice at its level, equalised, compressed and in a room; (n,) to (2, n)."""
    if not vocals.any():
        return np.zeros((2, len(vocals)), np.float32)
    voice = vocals * np.float32(_VOCAL_LEVEL / _active_rms(vocals, vocals))
    voice = high_pass(voice, RATE, 90.0)
    voice = peaking(voice, RATE, 350.0, -2.0)
    voice = peaking(voice, RATE, 3200.0, 3.0)
    voice = compress(voice, RATE, -22.0, 2.5)
    dry = np.stack([voice, voice])
    return _hushed(widen(dry + np.float32(0.13) * reverb(dry, RATE, 0.9), RATE, np.float32(_WIDTHS["vocals"]) * width))


def _hushed(stereo: Stereo) -> Stereo:
    """Sets 20 ms frames that nobody can hear to digital silence: filters and reverb leave residues without end."""
    hop = RATE // 50
    quiet = frame_rms(np.abs(stereo).max(axis=0), hop) < _INAUDIBLE
    return np.where(np.repeat(quiet, hop)[: stereo.shape[1]], np.float32(0.0), stereo)


def _band_chain(name: str, stereo: Stereo, width: npt.NDArray[np.float32]) -> Stereo:
    """Brings a stem to its place within the band; chords are evened out, so that quiet sections do not vanish."""
    stereo = high_pass(stereo, RATE, 110.0 if name == "other" else 32.0)
    stereo *= np.float32(_BAND_LEVEL / _mono_rms(stereo))
    if name == "other":
        stereo = compress(stereo, RATE, -32.0, 2.2)
        stereo = peaking(stereo, RATE, 2600.0, _ROOM_FOR_WORDS_DB, 0.7)
        room = reverb(stereo, RATE, 1.3)
        room *= np.float32(0.16)
        stereo += room
        del room
    stereo = widen(stereo, RATE, np.float32(_WIDTHS[name]) * width)
    stereo *= np.float32(_BAND_LEVEL * 10 ** (_STEM_LEVELS_DB[name] / 20) / _mono_rms(stereo))
    return stereo


def _balance(wet: dict[str, Stereo], vocals: npt.NDArray[np.float32]) -> None:
    """Sets the band below the voice where the voice sounds, and lifts it where the voice is long absent; in place.

    Args:
        wet: stems by name, each (2, n).
        vocals: the dry voice, (n,).
    """
    names = [name for name in wet if name != "vocals"]
    if not names or not vocals.any():
        return
    band = np.sum([wet[name].mean(axis=0) for name in names], axis=0)
    band_level = _active_rms(wet["vocals"].mean(axis=0), vocals) * 10 ** (-_VOCAL_OVER_BAND_DB / 20)
    gain = np.float32(band_level / _active_rms(band, vocals)) * _ride(vocals)
    for name in names:
        wet[name] *= gain


def _grow(wet: dict[str, Stereo], stretches: Sequence[Stretch]) -> None:
    """Brings voice and band to the level that the intensity of each section asks for; in place.

    The voice is moved by it, the band is brought to it whatever its instruments play there.

    Args:
        wet: stems by name, each (2, n).
        stretches: the sections.
    """
    count = wet["vocals"].shape[1]
    if wet["vocals"].any():
        wet["vocals"] *= _decibel_curve([voice_decibels(s.intensity) for s in stretches], stretches, count)
    names = [name for name in wet if name != "vocals"]
    if not names:
        return
    band = wet[names[0]].copy()
    for name in names[1:]:
        band += wet[name]
    levels = [_section_level(band, stretch) for stretch in stretches]
    aims = [band_decibels(stretch.intensity) for stretch in stretches]
    offsets = [level - aim for level, aim in zip(levels, aims, strict=True) if level > _SILENT_DB]
    middle = float(np.mean(offsets)) if offsets else 0.0
    gains = [
        float(np.clip(aim + middle - level, -_MOST_CORRECTION_DB, _MOST_CORRECTION_DB)) if level > _SILENT_DB else 0.0
        for level, aim in zip(levels, aims, strict=True)
    ]
    del band
    gain = _decibel_curve(gains, stretches, count)
    for name in names:
        wet[name] *= gain


def _decibel_curve(decibels: Sequence[float], stretches: Sequence[Stretch], count: int) -> npt.NDArray[np.float32]:
    return np.asarray(10 ** (curve(stretches, decibels, RATE, count) / 20), dtype=np.float32)


def _section_level(band: Stereo, stretch: Stretch) -> float:
    """RMS of a section in dB."""
    part = band[:, round(stretch.start * RATE) : round(stretch.end * RATE)]
    return float(10 * np.log10(np.mean(np.square(part, dtype=np.float64)) + 1e-12)) if part.size else _SILENT_DB


def _ride(vocals: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The gain (n,) of a hand on the band's fader: up by `_RIDE_DB` where nobody sings."""
    from scipy.ndimage import uniform_filter1d

    hop = RATE // 50
    singing = (frame_rms(vocals, hop) > 1e-4).astype(np.float64)
    presence = uniform_filter1d(singing, int(_RIDE_SECONDS * 50), mode="nearest")
    decibels = np.interp(np.arange(len(vocals)), (np.arange(len(presence)) + 0.5) * hop, _RIDE_DB * (1 - presence))
    return np.asarray(10 ** (decibels / 20), dtype=np.float32)


def _mono_rms(stereo: Stereo) -> float:
    """`_active_rms` of the mean of both channels, (2, n), over its own loud frames."""
    mono = stereo.mean(axis=0)
    return _active_rms(mono, mono)


def _active_rms(signal: npt.NDArray[np.float32], guide: npt.NDArray[np.float32]) -> float:
    """RMS of a signal, (n,), over the 50 ms frames in which a guide, (n,), is within 30 dB of its loudest frame."""
    hop = RATE // 20
    level = frame_rms(guide, hop)
    return max(1e-6, float(np.sqrt(np.mean(frame_rms(signal, hop)[level >= level.max() * 10 ** (-30 / 20)] ** 2))))


def _gate(count: int, silences: Sequence[tuple[float, float]], fade_seconds: float) -> npt.NDArray[np.float32]:
    """0 in silences, 1 elsewhere, with short edges outside the silences and a fade at the end; (count,)."""
    gate = np.ones(count, np.float32)
    edge = int(_EDGE_SECONDS * RATE)
    for start, end in silences:
        first, last = round(start * RATE), min(count, round(end * RATE))
        gate[first:last] = 0.0
        before, after = gate[max(0, first - edge) : first], gate[last : last + edge]
        before *= np.linspace(1, 0, len(before), dtype=np.float32)
        after *= np.linspace(0, 1, len(after), dtype=np.float32)
    fade = min(count, max(edge, int(fade_seconds * RATE)))
    gate[count - fade :] *= np.square(np.linspace(1, 0, fade, dtype=np.float32))
    return gate


def _master_gain(mix: Stereo) -> npt.NDArray[np.float32]:
    """The gain (n,) of a mix (2, n), which is used up: loudness first, then the limiter on top of it."""
    if not mix.any():
        return np.ones(mix.shape[1], np.float32)
    gain = 1.0
    if mix.shape[1] > RATE // 2:
        loudness = gated_loudness(mix, RATE)
        gain = 1.0 if loudness is None else 10 ** ((LOUDNESS - loudness) / 20)
    mix *= np.float32(gain)
    return np.float32(gain) * limiter_gain(mix, RATE, PEAK)
