"""Sampled instruments: tracks rendered with the SoundFont that ships inside `pretty_midi`.

Renderer: `tinysoundfont` 0.3.7, its offline `generate` only. SoundFont: TimGM6mb.sf2 of `pretty_midi` 0.2.11.
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from songbench.domain.errors import UnavailableError
from systems.rulebased.score import DRUM_BANK, InstrumentTrack

RATE = 48_000
"""Samples per second of everything mixed."""

_GAIN_DB = -6.0
_PAN_CONTROL = 10
_DRUM_CHANNEL = 9
_BEND_CENTRE, _BEND_CENTS = 8192, 200.0

Stereo = npt.NDArray[np.float32]


@lru_cache(maxsize=1)
def _soundfont() -> bytes:
    try:
        return (resources.files("pretty_midi") / "TimGM6mb.sf2").read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise UnavailableError("The instruments need pretty_midi's SoundFont. Run: pip install pretty_midi") from error


def render(tracks: Sequence[InstrumentTrack], bpm: float, samples: int) -> dict[str, Stereo]:
    """Plays the tracks.

    Args:
        tracks: what to play, at most 15 per stem.
        bpm: beats per minute.
        samples: length of the result at `RATE`.

    Returns:
        Stereo float32 (2, samples) per stem that occurs in the tracks.

    Raises:
        UnavailableError: tinysoundfont or the SoundFont is missing.
    """
    stems = sorted({track.stem for track in tracks})
    return {stem: _render_stem([track for track in tracks if track.stem == stem], bpm, samples) for stem in stems}


def _render_stem(tracks: Sequence[InstrumentTrack], bpm: float, samples: int) -> Stereo:
    try:
        import tinysoundfont
    except ImportError as error:
        raise UnavailableError(
            "The instruments need tinysoundfont. Run: pip install --no-deps tinysoundfont"
        ) from error
    synth = tinysoundfont.Synth(gain=_GAIN_DB, samplerate=RATE)
    font = synth.sfload(_soundfont())
    channels = [channel for channel in range(16) if channel != _DRUM_CHANNEL]
    events = []
    for rank, track in enumerate(tracks):
        channel = _DRUM_CHANNEL if track.bank == DRUM_BANK else channels[rank]
        synth.program_select(channel, font, track.bank, track.program, track.bank == DRUM_BANK)
        synth.control_change(channel, _PAN_CONTROL, round(64 + 63 * track.pan))
        synth.pitchbend(channel, _BEND_CENTRE + round(_BEND_CENTRE * track.cents / _BEND_CENTS))
        events += _events(track, channel, bpm)
    played = np.empty((2, samples), np.float32)
    at = 0
    for sample, sounding, channel, pitch, velocity in sorted(events):
        if sample >= samples:
            break
        if sample > at:
            played[:, at:sample] = _generated(synth, sample - at)
            at = sample
        if sounding:
            synth.noteon(channel, pitch, velocity)
        else:
            synth.noteoff(channel, pitch)
    played[:, at:] = _generated(synth, samples - at)
    return played


def _generated(synth: Any, count: int) -> Stereo:
    """The next samples, (2, count), until the synthesiser plays on."""
    return np.frombuffer(synth.generate(count), np.float32).reshape(-1, 2).T


def _events(track: InstrumentTrack, channel: int, bpm: float) -> list[tuple[int, int, int, int, int]]:
    """(sample, 1 on / 0 off, channel, pitch, velocity): at one instant notes end before others begin."""
    per_beat = 60.0 * RATE / bpm
    events = []
    for tone in track.tones:
        start = round(tone.start * per_beat)
        end = max(start + 1, round(tone.end * per_beat))
        events.append((start, 1, channel, tone.pitch, tone.velocity))
        events.append((end, 0, channel, tone.pitch, 0))
    return events
