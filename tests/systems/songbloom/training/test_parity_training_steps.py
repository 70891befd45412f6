"""Losses, gradients through the conditions, and whole optimiser steps against upstream's and a fork's classes."""

import pytest
import torch
from songbloom_training_golden import (
    assert_fingerprints,
    assert_losses,
    upstream_gradients,
    upstream_parameters,
)

from systems.songbloom.training.conditions import prefixes
from systems.songbloom.training.losses import batch_losses, losses
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.trained import trained_parameters


def test_losses_without_adapters(training_golden):
    step = losses(training_golden.load(), *training_golden.inputs("batch"), training_golden.draws("batch"))
    assert_losses(step, training_golden.facts["lora.none.losses"])


class TestConditionsInTheGraph:
    @pytest.fixture(scope="class")
    def model(self, training_golden):
        """With the gradients of one batch."""
        model, facts, cases = training_golden.load(), training_golden.facts["cond"], training_golden.cases
        batch = training_golden.batch("batch", facts["ids"], cases["cond.prompt_latents"])
        draws = training_golden.draws("batch")
        prefix = prefixes(model.conditioning, batch, draws)
        embedded = torch.cat([cases["cond.prompt_embedded"], cases["cond.lyrics_embedded"]], dim=1)
        torch.testing.assert_close(prefix, embedded, rtol=2e-5, atol=2e-5)
        step = batch_losses(model, batch, draws, SongBloomObjective())
        assert_losses(step, facts["losses"])
        step.total.backward()
        return model

    def test_gradients_of_all_weights(self, training_golden, model):
        facts, gradients = training_golden.facts["cond"], upstream_gradients(model)
        assert gradients.keys() == facts["all_grads"].keys()
        assert_fingerprints(gradients, facts["all_grads"], relative=2e-5, absolute=0)
        assert_fingerprints(
            gradients, {name: one for name, one in facts["grads"].items() if one}, relative=2e-5, absolute=0
        )
        frozen = {name for name, one in facts["requires_grad"].items() if not one}
        assert frozen
        assert not frozen & gradients.keys()

    def test_gradients_in_full(self, training_golden, model):
        prompt, sentences = (training_golden.cases[f"cond.grad.{name}"] for name in ("prompt_wav", "sentences_first4"))
        actual = model.conditioning.sentences.weight.grad[: len(sentences)]
        for gradient, expected in ((model.conditioning.prompt.weight.grad, prompt), (actual, sentences)):
            assert (gradient - expected).norm() <= 1e-5 * expected.norm()

    def test_padding_rows_learn_nothing(self, training_golden, model):
        gradients = upstream_gradients(model)
        for name, rows in training_golden.facts["cond"]["zero_gradient_rows"].items():
            assert 0 in rows
            assert not gradients[name][rows].any()
            assert gradients[name].any()


@pytest.mark.parametrize("recipe", ["misty", "ayutaz"])
def test_optimiser_steps(training_golden, recipe):
    """Every weight after every step, under the optimiser settings of two forks."""
    facts, cases = training_golden.facts[f"adamw.{recipe}"], training_golden.cases
    model = training_golden.load()
    trained = trained_parameters(model)
    optimiser = torch.optim.AdamW(
        trained.values(), lr=facts["lr"], betas=tuple(facts["betas"]), weight_decay=facts["weight_decay"]
    )
    dropout = facts["mode"] == "train"
    for number, expected in enumerate(facts["steps"]):
        case = f"step{number}"
        step = losses(model, *training_golden.inputs(case), training_golden.draws(case, dropout=dropout))
        assert_losses(step, expected["losses"])
        optimiser.zero_grad()
        step.total.backward()
        norm = torch.nn.utils.clip_grad_norm_(trained.values(), facts["clip"])
        assert norm.item() == pytest.approx(expected["grad_norm_before_clip"], rel=2e-5)
        for group in optimiser.param_groups:
            group["lr"] = expected["lr"]
        optimiser.step()
        parameters = upstream_parameters(model)
        assert_fingerprints(parameters, expected["params"])
        in_full = {key: one for key, one in cases.items() if key.startswith(f"adamw.{recipe}.after{number}.")}
        assert in_full
        for key, tensor in in_full.items():
            weights = parameters[key.removeprefix(f"adamw.{recipe}.after{number}.")]
            assert (weights - tensor).norm() <= 1e-5 * tensor.norm(), key
    absent = facts["params_without_gradient"]
    assert set(absent).isdisjoint(upstream_gradients(model))
