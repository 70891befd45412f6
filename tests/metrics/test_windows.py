import itertools

import numpy as np
import pytest

from metrics.features.windows import LONGEST_SECONDS, halves, sounding_windows

RATE = 1000


def test_silence_has_no_windows():
    assert sounding_windows(np.zeros(0, np.float32), RATE) == []
    assert sounding_windows(np.full(5 * RATE, 9e-4, np.float32), RATE) == []


def test_long_silence_is_left_out_and_short_silence_is_kept():
    mono = np.zeros(20 * RATE, np.float32)
    mono[2 * RATE : 4 * RATE] = mono[5 * RATE : 6 * RATE] = mono[10 * RATE : 12 * RATE] = 0.1
    assert sounding_windows(mono, RATE) == [(2 * RATE, 6 * RATE), (10 * RATE, 12 * RATE)]


def test_long_sound_is_cut_at_its_quietest_moment():
    mono = np.full(50 * RATE, 0.1, np.float32)
    mono[24_000:24_500] = 0.01
    (start, cut), (again, end) = sounding_windows(mono, RATE)
    assert (start, again, end) == (0, cut, 50 * RATE)
    assert 24_000 <= cut <= 24_500


@pytest.mark.parametrize("seconds", [0.02, 7.13, 30, 61.27, 200])
def test_windows_cover_all_sound_and_none_is_too_long(seconds):
    mono = np.random.default_rng(0).standard_normal(round(seconds * RATE)).astype(np.float32)
    windows = sounding_windows(mono, RATE)
    assert windows[0][0] == 0 and windows[-1][1] == mono.size
    assert all(end == start for (_, end), (start, _) in itertools.pairwise(windows))
    assert all(0 < end - start <= LONGEST_SECONDS * RATE for start, end in windows)


def test_halves_cut_at_the_quietest_moment_of_the_middle():
    mono = np.full(12 * RATE, 0.1, np.float32)
    mono[:100] = 0
    mono[6500:6800] = 0.01
    (start, cut), (again, end) = halves(mono, RATE, (0, 12 * RATE))
    assert (start, again, end) == (0, cut, 12 * RATE)
    assert 6500 <= cut <= 6800
