"""What is known without learning: counts of tokens, and the variance of latents."""

import math

import pytest
import torch
from songbloom_clips import small

from systems.songbloom.training.baselines import Baselines
from systems.songbloom.training.batch import SongExample

SIZES = small(patch=4, sketch_vocabulary=8).model
TIMES = torch.linspace(0, 1, 101)


def song(sketch, latents=None) -> SongExample:
    tokens = torch.tensor(sketch)
    return SongExample(
        id="song",
        sketch=tokens,
        latents=torch.zeros(len(tokens), 8) if latents is None else latents,
        lyrics=(1,),
        style=torch.zeros(1, 8),
    )


def test_the_velocity_of_unit_normal_latents_is_the_known_formula():
    unit = Baselines(unigrams=torch.ones(9), bigrams=(torch.zeros(1), torch.ones(1)), variances=torch.ones(8))
    assert torch.allclose(unit.velocity_errors(TIMES, "rectified_flow"), 1 / ((1 - TIMES) ** 2 + TIMES**2))
    assert torch.allclose(unit.velocity_errors(TIMES, "v"), torch.ones(101))
    # Under the logit-normal times of training it is 1.75 (numerically, over quantiles of the distribution).
    quantiles = torch.sigmoid(torch.special.ndtri((torch.arange(100_000) + 0.5) / 100_000))
    assert float(unit.velocity_errors(quantiles, "rectified_flow").mean()) == pytest.approx(1.75, abs=0.01)


@pytest.mark.parametrize("objective", ["rectified_flow", "v"])
def test_no_linear_guess_is_better(objective):
    """The error is that of the best line through noisy latents, fitted to drawn numbers."""
    generator = torch.Generator().manual_seed(0)
    clean = 0.6 * torch.randn(200_000, 1, generator=generator, dtype=torch.float64)
    noise = torch.randn(200_000, 1, generator=generator, dtype=torch.float64)
    baselines = Baselines(
        unigrams=torch.ones(9), bigrams=(torch.zeros(1), torch.ones(1)), variances=torch.tensor([0.36])
    )
    for time in (0.2, 0.7):
        angle = time * math.pi / 2
        music, share = (1 - time, time) if objective == "rectified_flow" else (math.cos(angle), math.sin(angle))
        target = noise - clean if objective == "rectified_flow" else music * noise - share * clean
        noisy = music * clean + share * noise
        slope = float((noisy * target).mean() / (noisy * noisy).mean())
        error = float((target - slope * noisy).square().mean())
        assert float(baselines.velocity_errors(torch.tensor([time]), objective)) == pytest.approx(error, rel=0.02)


def test_channels_have_variances_of_their_own():
    latents = torch.randn(4000, 8, generator=torch.Generator().manual_seed(0)) * torch.arange(8) + 5
    baselines = Baselines.of([song([0] * 4000, latents)], SIZES)
    assert torch.allclose(baselines.variances, torch.arange(8.0) ** 2, rtol=0.1)
    assert float(baselines.velocity_errors(torch.zeros(1), "rectified_flow")) == pytest.approx(7 / 8)  # one is constant


def test_bigrams_know_what_follows_and_unigrams_do_not():
    training = [song([0, 1, 2, 3] * 200)]
    baselines = Baselines.of(training, SIZES)
    unigram, bigram = baselines.cross_entropies(training, SIZES)
    assert unigram == pytest.approx(math.log(4), abs=0.03)
    assert bigram < 0.05


def test_unknown_tokens_are_unlikely_and_not_impossible():
    baselines = Baselines.of([song([0, 1, 2, 3] * 5)], SIZES)
    unigram, bigram = baselines.cross_entropies([song([7, 7, 7, 7])], SIZES)
    counts = 21 + 9  # twenty tokens and the end, each of nine seen once more
    assert unigram == pytest.approx((4 * math.log(counts) + math.log(counts / 2)) / 5)
    assert math.isfinite(bigram) and bigram >= unigram - 0.5
