"""Training against upstream: draws, schedules, filters and levels."""

import re

import pytest
import torch

from systems.ladaband.training.dropout import ConditionDropout
from systems.ladaband.training.equaliser import RANGES, Filter
from systems.ladaband.training.loudness import at_training_level
from systems.ladaband.training.masking import MaskingConfig, ShareSequence, draw_mask, share_of
from systems.training.learning_rate import CosineSchedule

AUDIO_TOLERANCE = 1e-3
"""Upstream's filters run in float32, ours in float64."""


def close(actual, expected, tolerance):
    assert actual.shape == expected.shape
    assert (actual.double() - expected.double()).abs().max() <= tolerance


def test_shares_of_hidden_tokens(golden):
    positions = golden.cases["train.sobol"]
    draws = ShareSequence().draw(len(positions))
    close(draws, positions, 1e-6)
    close(share_of(draws), golden.cases["train.gamma"], 1e-6)


def test_resumed_sequence_of_shares(golden):
    positions = golden.cases["train.sobol"]
    resumed = ShareSequence()
    resumed.skip(5)
    close(resumed.draw(3), positions[5:8], 1e-6)


def test_numbers_of_hidden_tokens(golden):
    """Which tokens upstream hides follows from its global generator; how many, from the share."""
    end = golden.config["config"]["data"]["special_tokens"]["acc_pad"]
    valid = golden.cases["train.acc"] != end
    for name in golden.names("train"):
        masking = golden.facts[f"train.{name}"]["masking"]
        if not masking:
            continue
        config = MaskingConfig(
            strategy=masking["strategy"],
            least=masking.get("min_mask_ratio", 0.0),
            most=masking.get("max_mask_ratio", 1.0),
            span_chance=masking.get("span_prob", 0.5),
            fewest_spans=masking.get("min_spans", 1),
            most_spans=masking.get("max_spans", 3),
            first_token_kept=masking.get("preserve_first_token", False),
        )
        expected = golden.cases[f"train.{name}.mask"].bool()
        shares = share_of(golden.cases[f"train.{name}.r"])
        mask = draw_mask(shares, valid, config, torch.Generator().manual_seed(0))
        assert torch.equal(mask.sum(dim=1), expected.sum(dim=1)), name
        assert not (mask & ~valid).any()
        if config.first_token_kept:
            assert not mask[:, 0].any()
            assert not expected[:, 0].any()


def test_condition_dropout(golden):
    chance = golden.config["config"]["clamp_dropout"]
    dropout = ConditionDropout(chance)
    text, reference = golden.cases["emb.text"], golden.cases["emb.ref"]
    prefixes = [torch.stack(dropout(text, reference), dim=1) for _ in range(2)]
    for number, prefix in enumerate(prefixes):
        close(prefix, golden.cases[f"train.dropped_prefix{number}"], 0)
    draws = torch.rand(golden.cases["train.drop_uniform"].shape, generator=torch.Generator().manual_seed(8))
    close(draws, golden.cases["train.drop_uniform"], 0)


def test_learning_rates(golden):
    names = golden.names("lr")
    assert names
    for name in names:
        numbers = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", name)}
        schedule = CosineSchedule(total=numbers["total"], warm_up=numbers["warm"], hold=numbers.get("hold"))
        for step, share in golden.facts[f"lr.{name}"].items():
            assert schedule(int(step)) == pytest.approx(share, abs=1e-9), (name, step)


def test_equaliser_and_level(golden):
    cases, rate = golden.codec_cases, golden.codec_facts["aug.sr"]
    for number, parameters in enumerate(golden.codec_facts["aug"]):
        samples = cases["aug.in"].numpy()
        bands = zip(RANGES, ("bass", "mid", "treble"), ("bass", "mid", "out"), strict=True)
        for shape, band, stage in bands:
            values = parameters[band]
            samples = Filter(shape, values["gain"], values["freq"], values["Q"])(samples, rate)
            close(torch.from_numpy(samples), cases[f"aug.{number}.{stage}"], AUDIO_TOLERANCE)
        close(torch.from_numpy(at_training_level(samples)), cases[f"aug.{number}.loud"], AUDIO_TOLERANCE)


def test_clamped_filter(golden):
    """The case was made with a bass shelf of +3 dB at 100 Hz, Q 0.7, which its file does not say."""
    samples = Filter("low shelf", 3.0, 100.0, 0.7)(golden.codec_cases["aug.clip_in"].numpy(), 48_000)
    close(torch.from_numpy(samples), golden.codec_cases["aug.clip_bass"], AUDIO_TOLERANCE)


def test_levels(golden):
    cases = golden.codec_cases
    for number, scale in enumerate(golden.codec_facts["loud.scales"]):
        samples = at_training_level((cases["aug.in"] * scale).numpy())
        close(torch.from_numpy(samples), cases[f"loud.{number}"], AUDIO_TOLERANCE)
    peaky = at_training_level(cases["loud.peaky_in"].numpy())
    close(torch.from_numpy(peaky), cases["loud.peaky"], AUDIO_TOLERANCE)
