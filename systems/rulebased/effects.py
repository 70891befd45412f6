"""Sound processing on arrays (channels, n) or (n,): filters, compression, reverb, limiting.

What needs more than a few bytes per sample beside its result goes piece by piece, so that long songs fit into memory.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Signal = npt.NDArray[np.float32]

_REVERB_SEED = 20_240_101
_REFLECTION_SEED = 20_240_102
_REFLECTIONS, _REFLECTION_SECONDS = 14, (0.004, 0.031)
_PIECE = 1 << 21
"""Samples whose gain is computed together."""
_CONVOLVED = 240 * 48_000
"""Samples that are convolved together; where they are cut, sums are rounded otherwise."""


def high_pass(signal: Signal, rate: int, hertz: float) -> Signal:
    """Second-order Butterworth high-pass at `hertz`; shape (…, n), filtered along the last axis."""
    from scipy.signal import butter, sosfilt

    sections = butter(2, hertz, "highpass", fs=rate, output="sos").astype(np.float32)
    return np.asarray(sosfilt(sections, signal), dtype=np.float32)


def peaking(signal: Signal, rate: int, hertz: float, decibels: float, quality: float = 0.8) -> Signal:
    """Boosts or cuts a band: the peaking filter of R. Bristow-Johnson's Audio EQ Cookbook.

    Args:
        signal: (…, n), filtered along the last axis; the shape stays.
        rate: samples per second.
        hertz: centre of the band.
        decibels: gain at the centre.
        quality: centre over bandwidth.
    """
    from scipy.signal import sosfilt

    amplitude = 10 ** (decibels / 40)
    omega = 2 * np.pi * hertz / rate
    alpha = np.sin(omega) / (2 * quality)
    numerator = np.array([1 + alpha * amplitude, -2 * np.cos(omega), 1 - alpha * amplitude])
    denominator = np.array([1 + alpha / amplitude, -2 * np.cos(omega), 1 - alpha / amplitude])
    section = np.concatenate([numerator, denominator])[None, :] / denominator[0]
    return np.asarray(sosfilt(section.astype(np.float32), signal), dtype=np.float32)


def compress(signal: Signal, rate: int, threshold: float, ratio: float) -> Signal:
    """Lowers what is louder than a threshold; level is RMS over 10 ms, gain moves over about 50 ms.

    Args:
        signal: (n,) or (channels, n); channels share one gain.
        rate: samples per second.
        threshold: dBFS.
        ratio: input dB per output dB above the threshold, >= 1.
    """
    hop = rate // 100
    level = frame_rms(np.atleast_2d(signal).mean(axis=0), hop)
    decibels = 20 * np.log10(np.maximum(level, 1e-7))
    reduction = np.maximum(0.0, decibels - threshold) * (1 - 1 / ratio)
    # Not by np.convolve, whose sums depend on the processor.
    smooth = sliding_window_view(np.pad(reduction, 2, mode="edge"), 5).sum(axis=1) / 5
    centres = (np.arange(len(smooth)) + 0.5) * hop
    quieter = np.empty_like(signal)
    for part in pieces(signal.shape[-1]):
        gain = 10 ** (-np.interp(np.arange(part.start, part.stop), centres, smooth) / 20)
        quieter[..., part] = signal[..., part] * gain
    return quieter


def frame_rms(signal: Signal, hop: int) -> npt.NDArray[np.float64]:
    """RMS of consecutive frames of `hop` samples, the last one zero-padded; (n,) to (frames,), at least one frame."""
    power = []
    for part in pieces(len(signal), _PIECE // hop * hop) if len(signal) else [slice(0, 0)]:
        samples = signal[part]
        frames = max(1, -(-len(samples) // hop))
        padded = np.pad(samples, (0, frames * hop - len(samples))).reshape(frames, hop)
        power.append(np.mean(np.square(padded, dtype=np.float64), axis=1))
    return np.asarray(np.sqrt(np.concatenate(power)))


def pieces(count: int, size: int = _PIECE) -> Iterator[slice]:
    """Slices of at most `size` that together are `count` samples."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def reverb(stereo: Signal, rate: int, seconds: float) -> Signal:
    """The sound of a room alone, without the direct sound: convolution with decaying noise of unit energy.

    Args:
        stereo: (2, n).
        rate: samples per second.
        seconds: time for a fall of 60 dB.

    Returns:
        (2, n); left and right decorrelated, 18 ms later than the direct sound.
    """
    rng = np.random.default_rng(_REVERB_SEED)
    count = int(seconds * rate)
    noise = rng.standard_normal((2, count))
    darker = 0.5 * (noise + np.roll(noise, 1, axis=1))
    tail = darker * np.exp(-np.log(1000) * np.arange(count) / count)
    response = np.pad(tail / np.sqrt(np.sum(tail**2, axis=1, keepdims=True)), ((0, 0), (int(0.018 * rate), 0)))
    return np.stack([_convolved(*pair) for pair in zip(stereo, response.astype(np.float32), strict=True)])


def widen(stereo: Signal, rate: int, share: float | Signal) -> Signal:
    """Adds early reflections that differ in sign between left and right, so that the mono sum stays as it is.

    Args:
        stereo: (2, n).
        rate: samples per second.
        share: amplitude of the side signal that is added, over the mono sum; a number or a curve (n,).
    """
    rng = np.random.default_rng(_REFLECTION_SEED)
    first, last = (int(seconds * rate) for seconds in _REFLECTION_SECONDS)
    times = np.unique(np.geomspace(first, last, _REFLECTIONS).astype(np.int64))
    response = np.zeros(last + 1)
    response[times] = rng.choice([-1.0, 1.0], len(times)) * (times / first) ** -0.5
    response /= np.sqrt(np.sum(response**2))
    middle = high_pass(stereo.mean(axis=0), rate, 180.0)
    side = share * _convolved(middle, response.astype(np.float32))
    wide = stereo.copy()
    wide[0] += side
    wide[1] -= side
    return wide


def _convolved(signal: Signal, response: Signal) -> Signal:
    """A signal, (n,), through a filter, (m,): the first n samples."""
    from scipy.signal import oaconvolve

    result = np.zeros_like(signal)
    for part in pieces(len(signal), _CONVOLVED):
        sound = oaconvolve(signal[part], response)[: len(signal) - part.start]
        result[part.start : part.start + len(sound)] += sound
    return result


def limiter_gain(stereo: Signal, rate: int, ceiling: float) -> Signal:
    """The gain (n,) that keeps |signal| at or below a ceiling, moving over the 6 ms around each peak."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    hop = rate // 1000
    peaks = np.maximum(stereo.max(axis=0), -stereo.min(axis=0))
    frames = -(-len(peaks) // hop)
    blocks = np.pad(peaks, (0, frames * hop - len(peaks))).reshape(frames, hop).max(axis=1)
    gains = np.minimum(1.0, ceiling / np.maximum(blocks, 1e-9))
    lowest = minimum_filter1d(gains, 13, mode="nearest")
    smooth = np.minimum(uniform_filter1d(lowest, 9, mode="nearest"), 1.0)
    centres = (np.arange(frames) + 0.5) * hop
    return interpolated(centres, smooth, len(peaks))


def interpolated(places: npt.NDArray[np.floating], values: npt.NDArray[np.floating], count: int) -> Signal:
    """A curve through values at places, in samples, as float32 (count,)."""
    curve = np.empty(count, np.float32)
    for part in pieces(count):
        curve[part] = np.interp(np.arange(part.start, part.stop), places, values)
    return curve
