"""MaskingLosses, replacements and gradients of training against upstream, with its masks."""

import pytest
import torch
from ladaband_models import golden_predictor

from systems.ladaband.predictor import stack_conditions
from systems.ladaband.training.objective import MaskingLosses, ObjectiveConfig, TrainingBatch, losses

TOLERANCE = 3e-5


def names(golden):
    return golden.names("train")


def step(golden, name, model=None) -> MaskingLosses:
    """The losses of a recorded step."""
    cases, facts = golden.cases, golden.facts[f"train.{name}"]
    prefix = stack_conditions(cases["emb.text"], cases["emb.ref"], "text_first") if facts["prefix"] else None
    rtd = facts["rtd_sampling"]
    config = ObjectiveConfig(
        label_smoothing=facts["label_smoothing"],
        rtd=rtd["enabled"],
        rtd_weight=rtd["weight"],
        replacement=rtd["sampling"],
        replacement_temperature=rtd["temperature"],
        backbone_gradient=facts["backbone_grad"],
    )
    batch = TrainingBatch(vocal=cases["ids.voc"].long(), accompaniment=cases["train.acc"].long(), prefix=prefix)
    mask = None if facts["autoregressive"] else cases[f"train.{name}.mask"].bool()
    return losses(model or golden_predictor(golden), batch, mask, config)


def close(actual, expected):
    assert actual.shape == expected.shape
    assert (actual.double() - expected.double()).abs().max() <= TOLERANCE


def test_inputs_labels_and_losses(golden):
    model = golden_predictor(golden)
    for name in names(golden):
        facts, cases = golden.facts[f"train.{name}"], golden.cases
        result = step(golden, name, model)
        assert torch.equal(result.inputs, cases[f"train.{name}.acc_in"].long()), name
        assert torch.equal(result.labels, cases[f"train.{name}.labels"].long()), name
        if f"train.{name}.logits" in cases:
            close(result.logits, cases[f"train.{name}.logits"])
        masked, replaced, total = cases[f"train.{name}.losses"]
        close(result.masked, masked)
        assert result.accuracy(model.config.accompaniment_pad) == pytest.approx(facts["top1"], abs=1e-6)
        if facts["rtd_sampling"]["sampling"] == "argmax":
            close(result.replaced, replaced)
            close(result.total, total)


def test_replaced_tokens_and_how_they_are_told(golden):
    """Drawn replacements follow from upstream's global generator, so only those that it did not draw can be equal."""
    model = golden_predictor(golden)
    for name in names(golden):
        facts, cases = golden.facts[f"train.{name}"], golden.cases
        if facts["autoregressive"]:
            assert step(golden, name, model).rtd_logits is None
        elif facts["rtd_sampling"]["sampling"] == "argmax":
            result = step(golden, name, model)
            assert torch.equal(result.replacements, cases[f"train.{name}.replaced"].long()), name
            assert torch.equal(result.rtd_labels, cases[f"train.{name}.rtd_labels"]), name
            close(result.rtd_logits, cases[f"train.{name}.rtd_logits"])


def test_recorded_draws_are_told_as_upstream_tells_them(golden):
    for name in names(golden):
        if golden.facts[f"train.{name}"]["rtd_sampling"]["sampling"] != "multinomial":
            continue
        cases, model = golden.cases, golden_predictor(golden)
        truth, valid = cases["train.acc"].long(), cases["train.acc"].long() != model.config.accompaniment_pad
        drawn_ids = cases[f"train.{name}.replaced"].long()
        prefix = stack_conditions(cases["emb.text"], cases["emb.ref"], "text_first")
        hidden = model.encode(cases["ids.voc"].long(), drawn_ids, prefix, valid)[:, prefix.shape[1] :]
        close(model.rtd_logits(hidden), cases[f"train.{name}.rtd_logits"])
        mask = cases[f"train.{name}.mask"].bool()
        assert torch.equal(drawn_ids[~mask], truth[~mask])
        result = step(golden, name, model)
        assert torch.equal(result.replacements[~mask], truth[~mask])


def test_gradients(golden):
    """By default RTD reaches nothing but its head."""
    for name in names(golden):
        expected = golden.facts[f"train.{name}"].get("grad_l2")
        if expected is None:
            continue
        model = golden_predictor(golden).requires_grad_(True)
        step(golden, name, model).total.backward()
        norms = {key: None if part.grad is None else float(part.grad.norm()) for key, part in model.named_parameters()}
        for key, norm in expected.items():
            if norm is None:
                assert norms.get(key) is None, (name, key)
            else:
                assert (norms[key] or 0.0) == pytest.approx(norm, rel=1e-4, abs=1e-7), (name, key)
