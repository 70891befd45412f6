"""Preference training of a small model: what pairs share, and that it prefers what it should."""

import copy
import math
from dataclasses import replace

import pytest
import torch
from songbloom_batches import random_examples
from songbloom_random import SMALL, random_model

from songbench.domain.errors import InputError
from systems.songbloom.lora.adapters import adapter_parameters, adapters_off, add_adapters
from systems.songbloom.lora.config import LoraConfig
from systems.songbloom.training.preference.objective import PreferenceObjective
from systems.songbloom.training.preference.pair_songs import PairExample
from systems.songbloom.training.preference.reference import FrozenReference, policy_without_adapters
from systems.songbloom.training.preference.steps import (
    NUMBERS,
    PairTerms,
    PreferenceSteps,
    PreferenceValidation,
    drawn_pairs,
)
from systems.songbloom.training.trained import freeze_untrained

WHOLE = replace(SMALL, model=replace(SMALL.model, lyrics_length=16, prompt_frames=4))
CONFIG = WHOLE.model
ADAPTERS = LoraConfig(rank=4, alpha=8, dropout=0.0, targets=("attention", "to_qkv", "mlp"))


def pairs_of(*patches, seed=0):
    """Pairs of winners and losers of so many patches."""
    songs = random_examples([count for pair in patches for count in pair], CONFIG, seed)
    return [PairExample(*songs[number : number + 2]) for number in range(0, len(songs), 2)]


@pytest.fixture
def adapted_model():
    model = random_model(WHOLE)
    add_adapters(model, ADAPTERS, torch.Generator().manual_seed(0))
    return model


def steps_of(pairs, objective, reference=policy_without_adapters, **options):
    return PreferenceSteps(range(len(pairs)), pairs.__getitem__, PairTerms(CONFIG, objective, reference), **options)


def train(model, steps, count, lr):
    """A plain loop; returns the numbers of the first and of the last step."""
    optimiser = torch.optim.AdamW(adapter_parameters(model), lr=lr, weight_decay=0)
    records = []
    for step in range(count):
        optimiser.zero_grad()
        for batch in steps.batches(step, 0):
            numbers = steps.losses(model, batch)
            sum(weight * numbers[name] for name, weight in steps.weights.items()).backward()
            records.append({name: value.item() for name, value in numbers.items()})
        optimiser.step()
    return records[0], records[-1]


def winners(model, pairs):
    """Cross entropy of the winners."""
    batch = drawn_pairs(pairs, [("test", number) for number in range(len(pairs))])
    with torch.no_grad():
        return PairTerms(CONFIG, PreferenceObjective(), policy_without_adapters).losses(model, batch).sft


def test_winners_come_to_be_preferred_and_do_not_become_less_likely(adapted_model):
    pairs = pairs_of((2, 2), (3, 2), (1, 2))
    before = {name: tensor.clone() for name, tensor in adapted_model.state_dict().items() if ".adapters." not in name}
    likelihood = winners(adapted_model, pairs)
    steps = steps_of(pairs, PreferenceObjective(flow_beta=20.0, sft_weight=1.0), size=3)
    first, last = train(adapted_model, steps, 25, lr=5e-3)
    assert first["token"] == first["flow"] == pytest.approx(math.log(2), rel=1e-5)
    assert first["token_margin"] == first["token_accuracy"] == 0
    assert last["token_accuracy"] == 1 and last["flow_accuracy"] == 1
    assert last["token"] < 0.1 and last["flow"] < first["flow"]
    assert last["token_win"] > 0 > last["token_lose"]
    assert (winners(adapted_model, pairs) < likelihood).all()
    after = adapted_model.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    with adapters_off(adapted_model):
        torch.testing.assert_close(winners(adapted_model, pairs), likelihood)


def test_without_the_winners_cross_entropy_winners_may_lose(adapted_model):
    """Why the term is there: winner and loser share nearly everything, and pushing one down takes the other along."""
    (pair,) = pairs_of((2, 2))
    worse = pair.winner.sketch.clone()
    worse[::8] = (worse[::8] + 1) % CONFIG.sketch_vocabulary
    pairs = [PairExample(pair.winner, replace(pair.winner, id="worse", sketch=worse))]
    untouched = copy.deepcopy(adapted_model)
    likelihood = winners(adapted_model, pairs)
    train(adapted_model, steps_of(pairs, PreferenceObjective(sft_weight=1.0, flow_weight=0)), 20, lr=5e-3)
    train(untouched, steps_of(pairs, PreferenceObjective(sft_weight=0, flow_weight=0)), 20, lr=5e-3)
    assert winners(adapted_model, pairs) < likelihood
    assert winners(adapted_model, pairs) < winners(untouched, pairs)


def test_adapters_off_and_a_second_model_are_the_same_reference(adapted_model):
    second = random_model(WHOLE)
    for parameter in adapter_parameters(adapted_model):
        parameter.data.normal_(0, 0.05, generator=torch.Generator().manual_seed(1))
    batch = drawn_pairs(pairs_of((2, 3)), [("test", 0)])
    losses = [
        PairTerms(CONFIG, PreferenceObjective(), reference).losses(adapted_model, batch)
        for reference in (policy_without_adapters, FrozenReference(second))
    ]
    assert losses[0].token_margin.abs() > 1e-3
    torch.testing.assert_close(losses[0].token_margin, losses[1].token_margin)
    torch.testing.assert_close(losses[0].flow_margin, losses[1].flow_margin)
    losses[1].total.backward()
    assert not any(parameter.requires_grad for parameter in second.parameters())
    assert all(parameter.grad is not None for parameter in adapter_parameters(adapted_model))


def test_all_weights_can_be_trained_against_a_second_model():
    model = freeze_untrained(random_model(WHOLE))
    batch = drawn_pairs(pairs_of((2, 2)), [("test", 0)])
    losses = PairTerms(CONFIG, PreferenceObjective(), FrozenReference(random_model(WHOLE))).losses(model, batch)
    losses.total.backward()
    assert losses.token.item() == losses.flow.item() == pytest.approx(math.log(2), rel=1e-5)
    assert model.sketch_embedding.weight.grad.any() and model.acoustic_dit.time_frequencies.grad.any()
    assert model.conditioning.blank.grad is None


def test_winner_and_loser_have_the_same_times_and_noise():
    terms = PairTerms(CONFIG, PreferenceObjective(), policy_without_adapters)
    draws = terms.draws(drawn_pairs(pairs_of((3, 1), (1, 2)), [("a",), ("b",)]), torch.device("cpu"))
    times = draws.times.split([3, 1, 1, 2])  # winners, then losers
    noise = draws.noise.split([3, 1, 1, 2])
    for values in (times, noise):
        assert torch.equal(values[0][:1], values[2])
        assert torch.equal(values[1], values[3][:1])
        assert not torch.equal(values[0][:1], values[1])
    alone = terms.draws(drawn_pairs(pairs_of((2, 2), (1, 2))[1:], [("b",)]), torch.device("cpu"))
    assert torch.equal(alone.times[:1], times[1])  # whatever else is in the batch


def test_steps_follow_from_seed_step_and_process_alone():
    pairs = pairs_of(*[(1, 1)] * 5)
    steps = steps_of(pairs, PreferenceObjective(), size=2, passes=2, seed=3)
    again = steps_of(pairs, PreferenceObjective(), size=2, passes=2, seed=3)
    halves = steps_of(pairs, PreferenceObjective(), size=2, processes=2, seed=3)
    for step in range(4):
        batches = steps.batches(step, 0)
        assert batches == again.batches(step, 0)
        assert batches == [*halves.batches(step, 0), *halves.batches(step, 1)]
        assert all(steps.counts(batch) == {"pairs": 2, "tokens": 4 * (CONFIG.patch + 1)} for batch in batches)
    names = [pair.winner.id for step in range(5) for batch in steps.batches(step, 0) for pair in batch.pairs]
    rounds = [names[number : number + 5] for number in range(0, 20, 5)]
    assert all(len(set(one)) == 5 for one in rounds) and rounds[0] != rounds[1]
    with pytest.raises(InputError, match="no pairs to train on"):
        steps_of([], PreferenceObjective())


def test_validation_is_the_same_at_every_step(adapted_model):
    pairs = pairs_of((2, 1), (1, 2))
    terms = PairTerms(CONFIG, PreferenceObjective(), policy_without_adapters)
    validation = PreferenceValidation([0, 1], pairs.__getitem__, terms)

    def compute(function):
        with torch.no_grad():
            return function(adapted_model)

    numbers = validation(compute)
    assert numbers == validation(compute)
    assert numbers.keys() == {"loss", *NUMBERS}
    expected = math.log(2) * 1.1 + 0.1 * numbers["sft"]
    assert numbers["loss"] == pytest.approx(expected, rel=1e-5)
