"""What the sampler promises: songs do not depend on their company, seeds and ids decide, any length works."""

from dataclasses import replace

import pytest
import torch
from ladaband_models import TINY, random_predictor

from songbench.domain.errors import InputError
from systems.ladaband.config import PRESETS, SamplerConfig
from systems.ladaband.filters import candidates_of
from systems.ladaband.sampling import Denoising, sample
from systems.ladaband.schedules import remask_counts
from systems.ladaband.vocal_tokens import VocalTokens

CONFIG = SamplerConfig(steps=8, top_k=20)
LENGTHS = (37, 5, 64, 1)


@pytest.fixture(scope="module")
def model():
    return random_predictor()


def song(name="a", frames=40, seed=0, rows=2):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(TINY.vocal_vocabulary, (frames,), generator=generator)
    prefix = torch.randn(rows, TINY.condition_dim, generator=generator) * 0.05 if rows else None
    return VocalTokens(id=name, ids=ids, prefix=prefix)


@pytest.mark.parametrize(
    "options",
    [{"strategy": strategy} for strategy in ("low_confidence", "random", "fixed_position", "one_shot")]
    + [{"causal": True}, {"greedy": True}, {"draws": "multinomial"}, {"top_k": 0, "top_p": 1.0}],
    ids=str,
)
def test_a_batch_of_four_equals_four_alone(model, options):
    config = replace(CONFIG, **options)
    songs = [song(f"s{number}", frames, number, rows=number % 3) for number, frames in enumerate(LENGTHS)]
    together = sample(model, songs, config)
    assert [len(tokens) for tokens in together] == list(LENGTHS)
    for single, tokens in zip(songs, together, strict=True):
        assert sample(model, [single], config)[0].tolist() == tokens.tolist()
    backwards = sample(model, songs[::-1], config)[::-1]
    assert [tokens.tolist() for tokens in backwards] == [tokens.tolist() for tokens in together]


@pytest.mark.parametrize("causal", [False, True])
def test_seed_and_song_id_decide(model, causal):
    config = replace(CONFIG, causal=causal)
    tokens = sample(model, [song()], config)[0].tolist()
    assert sample(model, [song()], config)[0].tolist() == tokens
    assert sample(model, [song("b")], config)[0].tolist() != tokens
    assert sample(model, [song()], replace(config, seed=14))[0].tolist() != tokens


def test_the_largest_probability_as_confidence(model):
    """The same as that of the tokens where these are the likeliest; else larger."""
    for greedy in (False, True):
        results = {}
        for confidence in ("drawn", "maximum"):
            config = replace(CONFIG, confidence=confidence, greedy=greedy)
            results[confidence] = Denoising(model, [song()], config).advance()[0]
        assert torch.equal(results["drawn"].tokens, results["maximum"].tokens)
        assert (results["drawn"].confidences <= results["maximum"].confidences).all()
        assert torch.equal(results["drawn"].confidences, results["maximum"].confidences) == greedy


@pytest.mark.parametrize("strategy", ["low_confidence", "random", "fixed_position", "one_shot"])
def test_no_mask_is_left(model, strategy):
    tokens = sample(model, [song()], replace(CONFIG, strategy=strategy))[0]
    assert 0 <= int(tokens.min()) <= int(tokens.max()) < TINY.accompaniment_vocabulary


def test_frames_that_were_kept_stay(model):
    denoising = Denoising(model, [song()], CONFIG)
    before = denoising.tokens[0].clone()
    assert (before == TINY.mask).all()
    for _ in range(denoising.steps):
        denoising.advance()
        fixed = before != TINY.mask
        assert torch.equal(denoising.tokens[0][fixed], before[fixed])
        before = denoising.tokens[0].clone()
    assert not (before == TINY.mask).any()


TWELVE_MINUTES = 12 * 60 * 25 + 1


def test_twelve_minutes():
    small = random_predictor(replace(TINY, layers=1, heads=1, key_value_heads=1))
    assert len(sample(small, [song(frames=TWELVE_MINUTES)], replace(CONFIG, steps=1))[0]) == TWELVE_MINUTES


@pytest.mark.slow
def test_twelve_minutes_of_the_tiny_preset():
    preset = PRESETS["tiny"]
    tiny = random_predictor(preset.predictor)
    (tokens,) = sample(tiny, [song(frames=TWELVE_MINUTES)], replace(preset.sampler, steps=4))
    assert len(tokens) == TWELVE_MINUTES
    assert int(tokens.max()) < preset.predictor.accompaniment_vocabulary


def test_progress(model):
    calls = []
    sample(model, [song(), song("b", 3)], CONFIG, progress=lambda *call: calls.append(call))
    assert calls == [(step + 1, 8) for step in range(8)]
    calls.clear()
    sample(
        model, [song(frames=4), song("b", 3)], replace(CONFIG, causal=True), progress=lambda *call: calls.append(call)
    )
    assert calls == [(frame + 1, 4) for frame in range(4)]


def test_bfloat16(model):
    rounded = random_predictor().to(torch.bfloat16)
    rounded.to_logits.float()
    tokens = sample(rounded, [song(), song("b", 9, 1, rows=0)], CONFIG)
    assert [len(part) for part in tokens] == [40, 9]


def test_no_songs(model):
    assert sample(model, [], CONFIG) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": torch.zeros(0, dtype=torch.long)}, "whole numbers of shape"),
        ({"ids": torch.zeros(3)}, "whole numbers of shape"),
        ({"ids": torch.tensor([0, 60])}, "reach from 0 to 60, the model knows 0 to 59"),
        ({"prefix": torch.zeros(768)}, "shape \\(rows, 768\\)"),
        ({"prefix": torch.zeros(2, 700)}, "have 700 numbers, the model wants 768"),
    ],
)
@pytest.mark.parametrize("causal", [False, True])
def test_songs_that_cannot_be(model, change, message, causal):
    with pytest.raises(InputError, match=message):
        sample(model, [replace(song(), **change)], replace(CONFIG, causal=causal))


class TestFilters:
    def test_tokens_come_as_often_as_their_probability_says(self):
        logits = torch.randn(1, 12, generator=torch.Generator().manual_seed(0))
        uniform = (torch.arange(20_000) + 0.5) / 20_000
        for options in ({}, {"top_k": 4}, {"top_p": 0.8}, {"top_k": 6, "top_p": 0.9, "temperature": 0.7}):
            tokens = candidates_of(logits.expand(len(uniform), -1), **options).at(uniform)
            shares = torch.bincount(tokens, minlength=12) / len(uniform)
            probabilities = candidates_of(logits.expand(12, -1), **options).probabilities_of(torch.arange(12))
            torch.testing.assert_close(shares, probabilities, rtol=0, atol=1e-3)

    def test_a_large_vocabulary_is_filtered_as_a_small_one(self):
        """Only some candidates are sorted there."""
        logits = 3 * torch.randn(8, 5000, generator=torch.Generator().manual_seed(0))
        quick = candidates_of(logits, top_k=50, top_p=0.5)
        order = logits.sort(dim=-1, descending=True)
        before = torch.softmax(order.values, -1).cumsum(-1).roll(1, -1)
        before[:, 0] = 0
        filtered = order.values.masked_fill(before > 0.5, -torch.inf)
        filtered[:, 50:] = -torch.inf
        expected = torch.zeros_like(logits).scatter(1, order.indices, torch.softmax(filtered, -1))
        actual = torch.zeros_like(logits).scatter(1, quick.ids, quick.probabilities)
        torch.testing.assert_close(actual, expected, rtol=0, atol=1e-6)


class TestSchedules:
    def test_ratios_of_the_user(self):
        config = SamplerConfig(steps=3, ratios=(0.5, 0.25, 0.0))
        assert remask_counts(config.remask_ratios, 8) == [4, 2, 0]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"ratios": (0.5,)}, "1 ratios for 60 passes"),
            ({"steps": 2, "ratios": (0.1, 0.5)}, "ratios rise"),
            ({"steps": 1, "ratios": (1.5,)}, "ratios"),
            ({"strategy": "best"}, "strategy"),
            ({"temperature": 0.0}, "temperature"),
        ],
    )
    def test_settings_that_cannot_be(self, options, message):
        with pytest.raises(InputError, match=message):
            SamplerConfig(**options)

    @pytest.mark.parametrize("name", ["cosin", "power:x", "power:-1", ""])
    def test_schedules_that_are_none(self, name):
        with pytest.raises(InputError, match="no such schedule"):
            SamplerConfig(schedule=name)
