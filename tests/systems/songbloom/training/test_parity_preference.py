"""The losses of preference training against values made by upstream's classes and the formulas of the papers."""

import math
import re
from dataclasses import fields, replace

import pytest
import torch
from songbloom_training_golden import assert_fingerprints, upstream_gradients, upstream_parameters

from systems.songbloom.checkpoint_names import Origin
from systems.songbloom.training.losses import losses
from systems.songbloom.training.preference.losses import SongEvidence, preference_losses
from systems.songbloom.training.preference.objective import PreferenceObjective

UNCHANGED = ("conditioning.symbols", "conditioning.sentences", "conditioning.blank")
"""What the policy of the golden numbers shares with its reference, beside everything that is no matrix."""


@pytest.fixture(scope="module")
def facts(training_golden):
    return training_golden.facts["dpo"]


@pytest.fixture(scope="module")
def policy(training_golden, facts):
    """Made of the reference as `policy_state` says."""
    form = (
        r"reference \+ (\S+) \* mean\(\|w\|\) \* randn\(shape\), torch.Generator seed (\d+) made anew .*matrices only"
    )
    scale, seed = re.search(form, facts["policy_state"]).groups()
    model = training_golden.load()
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if tensor.ndim != 2 or name.startswith(("autoencoder.", *UNCHANGED)):
                continue
            origin = Origin.of(name, tensor.ndim)
            parts = []
            for part in origin.split(tensor):
                noise = torch.randn(part.shape, generator=torch.Generator().manual_seed(int(seed)))
                parts.append(part + float(scale) * part.abs().mean() * noise)
            tensor.copy_(origin.join(parts))
    assert_fingerprints(upstream_parameters(model), facts["policy_fingerprints"])
    return model


@pytest.fixture(scope="module")
def objective(facts):
    return PreferenceObjective(
        token_beta=facts["beta_token"],
        flow_beta=facts["beta_flow"],
        flow_weight=facts["flow_weight"],
        sft_weight=0,
    )


def evidence(golden, model):
    """Of winner and loser, which another set may give other lengths."""
    sides = []
    for side in ("dpo.win", "dpo.lose"):
        sides.append(SongEvidence.of(losses(model, *golden.inputs(side), golden.draws(side))))
    common = min(len(side.times) for side in sides)
    assert torch.equal(*(side.times[:common] for side in sides))
    joined = {field.name: torch.cat([getattr(side, field.name) for side in sides]) for field in fields(SongEvidence)}
    return SongEvidence(**joined)


@pytest.fixture(scope="module")
def outputs(training_golden, policy):
    """What policy and reference say."""
    with torch.no_grad():
        reference = evidence(training_golden, training_golden.load())
    return evidence(training_golden, policy), reference


def close(actual, expected, relative=1e-4):
    assert actual.item() == pytest.approx(expected, rel=relative)


def test_what_both_models_say_of_both_songs(facts, outputs):
    for name, output in zip(("policy", "ref"), outputs, strict=True):
        for place, side in enumerate(("win", "lose")):
            close(output.log_probabilities[place], facts["logp"][f"{name}_{side}"], 2e-5)
            close(output.flow_errors("constant")[place], facts["velocity_error"][f"{name}_{side}"], 2e-5)
            assert int(output.targets[place]) == facts["logp"][f"tokens_{side}"]


def test_losses(facts, outputs, objective):
    pair = preference_losses(*outputs, objective)
    close(pair.token, facts["token"])
    close(pair.flow, facts["flow"])
    close(pair.total, facts["total"])
    close(pair.sft, facts["sft_regulariser_win"], 2e-5)
    weighted = preference_losses(*outputs, replace(objective, sft_weight=0.5))
    close(weighted.total, facts["total"] + 0.5 * facts["sft_regulariser_win"])
    mean = replace(objective, token_scale="mean", token_beta=facts["beta_token_mean"])
    close(preference_losses(*outputs, mean).token, facts["token_length_normalised"])


def test_where_both_are_the_same_each_term_is_log_2(facts, outputs, objective):
    for output in outputs:
        pair = preference_losses(output, output, objective)
        for name in ("token", "flow"):
            close(getattr(pair, name), facts["at_reference"][name], 1e-6)
            close(getattr(pair, name), math.log(2), 1e-6)


def test_gradients(facts, policy, outputs, objective):
    preference_losses(*outputs, objective).total.backward()
    gradients = upstream_gradients(policy)
    assert gradients.keys() >= facts["grads"].keys()
    assert_fingerprints(gradients, facts["grads"], relative=1e-4, absolute=0)
