"""Losses and gradients against upstream, under its recorded draws, with and without dropout."""

import pytest
import torch
from songbloom_close import close

from systems.songbloom.checkpoint import released_state_dict
from systems.songbloom.training.draws import TrainingDraws
from systems.songbloom.training.losses import losses


@pytest.fixture(params=["eval", "drop"])
def step(request, golden):
    """A fresh model, its losses, and the name of the case."""
    cases, name, model = golden.cases, request.param, golden.load()
    sizes = golden.config.model
    blank = {}
    if name == "drop":
        blank = {
            "blank_hidden": cases["train.drop.h_rand"][:, 0] < sizes.hidden_dropout,
            "blank_sketch": cases["train.drop.s_rand"][:, 0] < sizes.hidden_dropout,
        }
        assert any(one.any() for one in blank.values())
    draws = TrainingDraws(times=torch.sigmoid(cases["train.eval.t_normal"]), noise=cases["train.eval.noise"], **blank)
    prefix = torch.cat([cases["cond2.prompt_wav"], cases["cond2.lyrics"]], dim=1)
    step_losses = losses(
        model,
        prefix,
        cases["train.sketch"].long(),
        cases["train.latent"].transpose(1, 2),
        cases["train.len"].long(),
        draws,
    )
    return name, model, step_losses


def test_predictions_targets_and_losses(golden, step):
    name, _, step_losses = step
    cases = golden.cases
    assert torch.equal(step_losses.targets, cases[f"train.{name}.ar_target"].long())
    close(step_losses.logits, cases[f"train.{name}.ar_logit"])
    close(step_losses.predicted_velocities, cases[f"train.{name}.nar_pred"])
    close(step_losses.target_velocities, cases[f"train.{name}.nar_target"])
    close(torch.stack([step_losses.sketch, step_losses.velocity, step_losses.total]), cases[f"train.{name}.losses"])
    close(step_losses.times, cases[f"train.{name}.nar_t"])


def test_gradients(golden, step):
    name, model, step_losses = step
    step_losses.total.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.zeros_like(parameter) if parameter.grad is None else parameter.grad)
    norms = {key.removeprefix("model."): value.norm().item() for key, value in released_state_dict(model).items()}
    expected = golden.facts[f"train.{name}.grad_l2"]
    for key, norm in expected.items():
        assert norms[key] == pytest.approx(norm, rel=1e-4), key
