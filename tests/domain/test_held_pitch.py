"""Held pitch: notes, with and without vibrato, are held; glides are not."""

import numpy as np
import pytest

from songbench.domain.held_pitch import LEAST_HELD, held_share

TIME = np.arange(400) / 100


@pytest.mark.parametrize(
    "pitch",
    [
        np.full(400, 57.3),
        60 + 0.5 * np.sin(2 * np.pi * 5 * TIME),
        60 + 2.0 * (TIME // 0.5),
        np.where(TIME % 0.5 < 0.4, 60 + 3.0 * (TIME // 0.5 % 3), np.nan),
    ],
    ids=["one note", "vibrato", "scale", "short notes with rests"],
)
def test_notes_are_held(pitch):
    assert held_share(pitch) > 0.95


@pytest.mark.parametrize(
    "pitch",
    [60 + 4 * TIME, np.where(TIME % 0.5 < 0.4, 60 - 10 * (TIME % 0.5), np.nan)],
    ids=["glide", "falling phrases"],
)
def test_what_moves_is_not_held(pitch):
    assert held_share(pitch) < LEAST_HELD


def test_little_pitch_is_no_share():
    pitch = np.full(400, np.nan)
    assert held_share(pitch) is None
    pitch[100:140] = 60
    assert held_share(pitch) is None and held_share(np.zeros(0)) is None
