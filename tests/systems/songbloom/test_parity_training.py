"""Losses and gradients against upstream, under its recorded draws."""

import pytest
import torch
from songbloom_close import close
from songbloom_random import random_model

from systems.songbloom.checkpoint import released_state_dict
from systems.songbloom.training.objective import TrainingDraws, losses


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
    draws = TrainingDraws(cases["train.eval.t_normal"], cases["train.eval.noise"], **blank)
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
    close(torch.sigmoid(cases["train.eval.t_normal"]), cases[f"train.{name}.nar_t"])


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


def test_draws_follow_from_a_generator():
    model = random_model()
    first, second = (TrainingDraws.make(model, 5, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first.noise, second.noise)
    assert torch.equal(first.blank_hidden, second.blank_hidden)
    assert first.noise.shape == (5, 16, model.config.model.latent_channels)


def test_a_few_steps_lower_the_loss():
    """On one small batch, repeated: the objective can be followed."""
    torch.manual_seed(0)
    model = random_model().requires_grad_(True)
    sizes = model.config.model
    sketch = torch.randint(0, sizes.sketch_vocabulary, (2, 48))
    latents, lengths = torch.randn(2, 48, sizes.latent_channels), torch.tensor([48, 32])
    generator = torch.Generator().manual_seed(1)
    draws = TrainingDraws.make(model, 5, generator)
    parameters = [one for name, one in model.named_parameters() if not name.startswith("autoencoder")]
    optimiser = torch.optim.AdamW(parameters, lr=3e-3)
    values = []
    for _ in range(8):
        prefix = torch.stack([model.conditioning.prefix([1, 20, 30], torch.randn(25, 8)) for _ in range(2)])
        step_losses = losses(model, prefix, sketch, latents, lengths, draws)
        optimiser.zero_grad()
        step_losses.total.backward()
        optimiser.step()
        values.append(step_losses.total.item())
    assert values[-1] < 0.8 * values[0]
