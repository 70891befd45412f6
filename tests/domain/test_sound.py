"""Remarks on recordings whose faults are known because they were made here."""

import numpy as np
import pytest

from songbench.domain.audio import Audio
from songbench.domain.sound import KINDS, cancels_in_mono, mono_loss, sound_remarks

RATE = 44_100


def noise(seconds, seed=0, level=0.1):
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def song(seconds=12.0):
    """A stereo song of two partly unlike channels that fades out."""
    middle, side = noise(seconds), noise(seconds, 1, 0.05)
    fade = np.minimum(1, np.linspace(seconds, 0, round(seconds * RATE)) / 0.5)
    return (np.stack([middle + side, middle - side]) * fade).astype(np.float32)


def codes(samples, rate=RATE, **keywords):
    return [remark.code for remark in sound_remarks(Audio(np.asarray(samples, np.float32), rate), **keywords)]


def after(samples, seconds):
    return np.concatenate([samples, np.zeros((len(samples), round(seconds * RATE)), np.float32)], axis=1)


ORDINARY = song()
LOUD = np.clip(ORDINARY * 3, -1, 1)
ODD = {
    "antiphase": np.stack([ORDINARY[0], -ORDINARY[0]]),
    "silent": np.zeros((2, 12 * RATE)),
    "nearly silent": ORDINARY * 0.01,
    "mostly silent": after(ORDINARY, 14),
    "silent channel": ORDINARY * [[1], [0]],
    "silent beginning": after(ORDINARY, 4)[:, ::-1],
    "silent ending": after(ORDINARY, 4),
    "very short": ORDINARY[:, -RATE // 2 :],
    "abrupt ending": ORDINARY[:, : 6 * RATE],
    "clipped": np.clip(ORDINARY * 10, -1, 1),
    "far beyond full scale": ORDINARY * 8,
    "offset": ORDINARY + 0.05,
    "many channels": np.concatenate([ORDINARY] * 3),
}


def test_an_ordinary_song_has_no_remark():
    assert codes(ORDINARY) == codes(ORDINARY[:1]) == codes(ORDINARY, wanted_seconds=12.0) == []


@pytest.mark.parametrize("code", ODD)
def test_every_fault_is_found(code):
    assert code in codes(ODD[code])


@pytest.mark.parametrize("code", [code for code in ODD if code not in ("mostly silent", "silent beginning", "offset")])
def test_and_no_other(code):
    assert codes(ODD[code]) == [code]


def test_every_remark_has_words():
    for code, samples in ODD.items():
        for remark in sound_remarks(Audio(np.asarray(samples, np.float32), RATE)):
            assert remark.code in KINDS, code
            assert remark.text


def test_length_is_held_against_what_was_asked():
    assert codes(ORDINARY, wanted_seconds=30.0) == ["too short"]
    assert codes(ORDINARY, wanted_seconds=5.0) == ["too long"]
    assert codes(ORDINARY, wanted_seconds=20.0) == []


def test_an_excerpt_may_begin_and_end_anywhere():
    assert codes(ORDINARY[:, : 6 * RATE], excerpt=True, wanted_seconds=150.0) == []
    assert codes(ODD["antiphase"], excerpt=True) == ["antiphase"]


def test_low_rates():
    assert codes(ORDINARY, 11_025) == ["low rate"]


def test_one_sample():
    assert codes(np.full((1, 1), 0.5)) == ["very short"]


@pytest.mark.parametrize(("share", "loss"), [(1.0, 0.0), (0.0, 3.01), (-1.0, np.inf)])
def test_what_mono_loses(share, loss):
    """Equal channels lose nothing, unlike ones 3 dB, opposite ones all."""
    first, second = noise(3), noise(3, 1)
    second_channel = share * first if share else second
    assert mono_loss(np.stack([first, second_channel])) == pytest.approx(loss, abs=0.05)


def test_an_offset_does_not_hide_opposite_channels():
    assert cancels_in_mono(ODD["antiphase"] + np.float32(0.3))
    assert not cancels_in_mono(ORDINARY)
    assert not cancels_in_mono(np.stack([noise(3, seed) for seed in range(6)]))
    assert mono_loss(ORDINARY[:1]) is None
    assert mono_loss(np.zeros((2, 100), np.float32)) is None


def plain_mono_loss(samples):
    """The definition, in float64 and all at once."""
    centred = samples.astype(np.float64) - samples.mean(axis=1, keepdims=True, dtype=np.float64)
    return 10 * np.log10(np.square(centred).mean() / np.square(centred.mean(axis=0)).mean())


@pytest.mark.parametrize("offset", [0.0, 0.3])
@pytest.mark.parametrize("share", [-1 + 1e-3, -0.9, -0.5, 0.3])
@pytest.mark.parametrize("count", [5_000, 16_384, 16_385, 100_000])
def test_mono_loss_is_that_of_a_plain_computation(count, share, offset):
    first, second = noise(3)[:count], noise(3, 1)[:count]
    samples = np.stack([first, share * first + 0.01 * second]).astype(np.float32) + np.float32(offset)
    for layout in (samples, np.ascontiguousarray(samples.T).T):
        assert mono_loss(layout) == pytest.approx(plain_mono_loss(samples), abs=1e-4)


@pytest.mark.parametrize("gain", [6, 10, 40])
def test_share_of_flat_tops_is_that_of_a_plain_computation(gain):
    samples = np.clip(ORDINARY * gain, -1, 1)
    full = np.abs(samples) >= 32767 / 32768
    share = 100 * (full[:, :-2] & full[:, 1:-1] & full[:, 2:]).mean()
    texts = [remark.text for remark in sound_remarks(Audio(samples, RATE)) if remark.code == "clipped"]
    assert texts == [f"{share:.1f} % of the samples in runs at full scale"]


@pytest.mark.parametrize(("before", "after"), [(3 * RATE, 5 * RATE + 1), (4 * RATE + 2_204, 6 * RATE + 2_206)])
def test_silent_ends_are_measured_to_the_sample(before, after):
    song = np.full((2, 8 * RATE), 0.5, np.float32)
    samples = np.pad(song, ((0, 0), (before, after)))
    seconds = samples.shape[1] / RATE
    texts = {remark.code: remark.text for remark in sound_remarks(Audio(samples, RATE))}
    assert texts["silent beginning"] == f"the first {before / RATE:.1f} of {seconds:.1f} s"
    assert texts["silent ending"] == f"the last {after / RATE:.1f} of {seconds:.1f} s"
