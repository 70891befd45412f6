"""Long signals go through the effects piece by piece, with the same samples."""

import numpy as np
import pytest

from systems.rulebased import effects

RATE = 8_000
STEREO = np.random.default_rng(0).uniform(-0.9, 0.9, (2, 30_011)).astype(np.float32)


@pytest.mark.parametrize(
    "effect",
    [
        lambda: effects.compress(STEREO, RATE, -22.0, 2.5),
        lambda: effects.frame_rms(STEREO[0], RATE // 20),
        lambda: effects.limiter_gain(STEREO, RATE, 0.5),
    ],
    ids=["compress", "frame_rms", "limiter_gain"],
)
def test_gains_do_not_depend_on_the_pieces(effect, monkeypatch):
    single = effect()
    monkeypatch.setattr(effects, "_PIECE", 4_096)
    monkeypatch.setattr(effects.pieces, "__defaults__", (4_096,))
    assert np.array_equal(effect(), single)


@pytest.mark.parametrize(
    "effect", [lambda: effects.reverb(STEREO, RATE, 0.3), lambda: effects.widen(STEREO, RATE, 0.5)]
)
def test_rooms_do_not_depend_on_the_pieces(effect, monkeypatch):
    single = effect()
    monkeypatch.setattr(effects, "_CONVOLVED", 9_001)
    np.testing.assert_allclose(effect(), single, atol=1e-5)
