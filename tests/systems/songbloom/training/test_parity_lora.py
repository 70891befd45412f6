"""Adapters against the public fork's: losses, gradients, merged matrices and steps of an optimiser."""

import pytest
import torch
from songbloom_close import close
from songbloom_training_golden import assert_fingerprints, assert_losses, upstream_parameters

from systems.songbloom.lora.adapters import (
    adapter_parameters,
    adapters_of,
    adapters_off,
    add_adapters,
    merge_adapters,
)
from systems.songbloom.lora.config import LoraConfig
from systems.songbloom.training.losses import losses

SETS = ("lm_qv", "lm_qv_dit", "every")


def step_losses(golden, model, case="batch", **options):
    return losses(model, *golden.inputs(case), golden.draws(case, **options))


def halves(model, gradients=False):
    """A and B of every adapter under the fork's names, or their gradients."""
    tensors = {}
    for module, adapter in adapters_of(model).items():
        tensors[f"{module}.lora_A.weight"], tensors[f"{module}.lora_B.weight"] = adapter.down, adapter.up
    return {name: one.grad if gradients else one.detach() for name, one in tensors.items()}


def assert_in_full(golden, prefix, tensors):
    """What is stored as whole tensors is the same, too."""
    names = [key for key in golden.cases if key.startswith(prefix)]
    assert names
    for key in names:
        torch.testing.assert_close(tensors[key.removeprefix(prefix)], golden.cases[key], rtol=1e-5, atol=2e-6)


def adapted(golden, name):
    """A model with the adapters of a set, still without effect, and its facts."""
    model, facts = golden.load(), golden.facts[f"lora.{name}"]
    settings = {"rank": facts["rank"], "alpha": facts["alpha"], "dropout": 0.0, "targets": tuple(facts["targets"])}
    add_adapters(model, LoraConfig(**settings), torch.Generator().manual_seed(1))
    return model, facts


def fill(golden, name, model, *, up=True):
    """Give the adapters the set's A and B; of a set without tensors, draw them as they were drawn."""
    adapters, generator = adapters_of(model), torch.Generator().manual_seed(golden.facts["seeds"]["base"] + 1)
    for module in sorted(adapters):
        adapter, stem = adapters[module], f"lora.{name}.{module}.lora_"
        if f"{stem}A.weight" in golden.cases:
            down, above = golden.cases[f"{stem}A.weight"], golden.cases[f"{stem}B.weight"]
        else:
            down = 0.3 * torch.randn(adapter.down.shape, generator=generator)
            above = 0.05 * torch.randn(adapter.up.shape, generator=generator)
        adapter.down.data.copy_(down)
        if up:
            adapter.up.data.copy_(above)


@pytest.fixture(params=SETS)
def case(request, training_golden):
    model, facts = adapted(training_golden, request.param)
    return request.param, model, facts


def test_the_same_modules_are_adapted(case):
    _, model, facts = case
    adapters = adapters_of(model)
    assert set(adapters) == set(facts["modules"])
    assert {name: list(one.shape) for name, one in halves(model).items()} == facts["shapes"]
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    assert sum(parameter.numel() for parameter in trained) == facts["trainable_count"]
    assert {id(one) for one in trained} == {id(one) for one in adapter_parameters(model)}


def test_before_training_nothing_changes_at_all(training_golden, case):
    _, model, _ = case
    plain, step = step_losses(training_golden, training_golden.load()), step_losses(training_golden, model)
    assert torch.equal(step.logits, plain.logits)
    assert torch.equal(step.predicted_velocities, plain.predicted_velocities)


def test_losses_gradients_and_merged_matrices(training_golden, case):
    name, model, facts = case
    fill(training_golden, name, model)
    step = step_losses(training_golden, model)
    assert_losses(step, facts["losses"])
    for output, tensor in (("ar_logit", step.logits), ("nar_pred", step.predicted_velocities)):
        if (key := f"lora.{name}.{output}") in training_golden.cases:
            close(tensor, training_golden.cases[key])
    step.total.backward()
    assert_fingerprints(halves(model, gradients=True), facts["grads"])
    if name != "every":
        assert_in_full(training_golden, f"lora.{name}.grad.", halves(model, gradients=True))

    with adapters_off(model):
        reference = step_losses(training_golden, model)
    assert torch.equal(reference.logits, step_losses(training_golden, training_golden.load()).logits)
    merge_adapters(model)
    assert_fingerprints(upstream_parameters(model), facts["merged"])
    if name != "every":
        assert_in_full(training_golden, f"lora.{name}.merged.", upstream_parameters(model))
    assert not adapter_parameters(model)
    after = step_losses(training_golden, model)
    assert (after.logits - step.logits).abs().max() <= 2e-5
    assert (after.predicted_velocities - step.predicted_velocities).abs().max() <= 2e-5


@pytest.mark.parametrize("checkpointing", [False, True], ids=["plain", "checkpointing"])
def test_steps_of_an_optimiser_change_the_adapters_alone(training_golden, checkpointing):
    """With gradient checkpointing, too, under which the fork's adapters of the language model learn nothing."""
    facts = training_golden.facts["adamw.lora"]
    model, _ = adapted(training_golden, "lm_qv")
    fill(training_golden, "lm_qv", model, up=False)
    model.checkpoint_layers(checkpointing)
    before = {name: one.clone() for name, one in model.state_dict().items() if ".adapters." not in name}
    parameters = adapter_parameters(model)
    optimiser = torch.optim.AdamW(
        parameters, lr=facts["lr"], betas=tuple(facts["betas"]), weight_decay=facts["weight_decay"]
    )
    model.train()
    for number, expected in enumerate(facts["steps"]):
        step = step_losses(training_golden, model, f"step{number}", dropout=True)
        assert_losses(step, expected["losses"])
        optimiser.zero_grad()
        step.total.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, facts["clip"])
        assert norm.item() == pytest.approx(expected["grad_norm_before_clip"], rel=1e-5)
        optimiser.step()
        assert_fingerprints(halves(model), expected["params"])
        if any(key.startswith(f"adamw.lora.after{number}.") for key in training_golden.cases):
            assert_in_full(training_golden, f"adamw.lora.after{number}.", halves(model))
    after = model.state_dict()
    assert all(torch.equal(one, after[name]) for name, one in before.items())


def test_every_adapter_learns_under_gradient_checkpointing(training_golden):
    model, facts = adapted(training_golden, "every")
    fill(training_golden, "every", model)
    model.checkpoint_layers(True)
    step_losses(training_golden, model).total.backward()
    assert_fingerprints(halves(model, gradients=True), facts["grads"])
