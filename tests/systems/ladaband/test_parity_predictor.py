"""The mask predictor against upstream: every layer, both prefix orders, padding, the causal variant, positions."""

import json

import pytest
import torch
from ladaband_models import golden_predictor

from systems.ladaband.config import PRESETS
from systems.ladaband.predictor import MaskPredictor, stack_conditions
from systems.layers.rotary import rope_table

CLOSE = 5e-5
"""What the golden numbers' README suggests; float64 differs by 4.3e-6."""


@pytest.fixture(scope="module")
def model(golden):
    return golden_predictor(golden)


@pytest.fixture(scope="module")
def adding(golden):
    return golden_predictor(golden, "add")


def near(actual, expected, tolerance=CLOSE):
    torch.testing.assert_close(actual, expected, rtol=0, atol=tolerance)


def check(golden, model, name, prefix, **options):
    """Logits and RTD logits of a case."""
    group = "fwd.padded." if "padded" in name else "ids."
    vocal = golden.cases[f"{group}voc"].long()
    accompaniment = golden.cases[f"{group}acc" if "padded" in name else "fwd.acc_in"].long()
    hidden = model.encode(vocal, accompaniment, prefix, **options)
    near(model.logits(hidden), golden.cases[f"fwd.{name}.logits"])
    near(model.rtd_logits(hidden), golden.cases[f"fwd.{name}.rtd"])
    return hidden


def conditions(golden, order="reference_first"):
    return stack_conditions(golden.cases["emb.text"], golden.cases["emb.ref"], order)


def test_every_layer(golden, model):
    inputs_of_layers = []
    hooks = [
        layer.register_forward_pre_hook(lambda _, inputs: inputs_of_layers.append(inputs[0][:1]))
        for layer in model.lm.layers
    ]
    hidden = check(golden, model, "prefix2", conditions(golden))
    for hook in hooks:
        hook.remove()
    near(hidden, golden.cases["fwd.prefix2.hidden"])
    vocal, accompaniment = golden.cases["ids.voc"].long(), golden.cases["fwd.acc_in"].long()
    near(model.embed(vocal, accompaniment, conditions(golden)), golden.cases["fwd.prefix2.input_embeds"])
    inputs_of_layers.append(hidden[:1])
    for number, vectors in enumerate(inputs_of_layers):
        near(vectors, golden.cases[f"fwd.prefix2.layer{number}"])
    assert f"fwd.prefix2.layer{len(inputs_of_layers)}" not in golden.cases


def test_the_order_of_the_prefix_matters(golden, model):
    check(golden, model, "prefix2_swapped", conditions(golden, "text_first"))
    swapped, usual = (golden.cases[f"fwd.prefix2{name}.logits"] for name in ("_swapped", ""))
    assert (swapped - usual)[:, 2:].abs().max() > 1e-3


def test_a_condition_that_is_not_given_is_a_row_of_zeros(golden, model):
    check(golden, model, "prefix2_zero_ref", stack_conditions(golden.cases["emb.text"], None, "reference_first"))


def test_one_condition_without_an_axis_of_rows(golden, model):
    check(golden, model, "prefix1_2d", golden.cases["emb.text"])


def test_no_prefix(golden, model):
    assert stack_conditions(None, None, "reference_first") is None
    check(golden, model, "noprefix", None)


def test_causal(golden, model):
    check(golden, model, "causal", conditions(golden), causal=True)


@pytest.mark.parametrize("causal", [False, True])
def test_padding(golden, model, causal):
    """Also at the padded positions themselves."""
    check(golden, model, "padded_causal" if causal else "padded", conditions(golden), causal=causal)


def test_conditions_that_are_added(golden, adding):
    check(golden, adding, "add", conditions(golden))
    check(golden, adding, "add1", golden.cases["emb.text"])


def test_a_single_frame(golden, model):
    prefix = conditions(golden)[:1]
    hidden = model.encode(golden.cases["ids.voc"][:1, :1].long(), golden.cases["fwd.acc_in"][:1, :1].long(), prefix)
    near(model.logits(hidden), golden.cases["fwd.T1.logits"])
    near(model.rtd_logits(hidden), golden.cases["fwd.T1.rtd"])


def test_more_positions_than_the_library_s_table(golden, model):
    vocal, accompaniment = golden.cases["fwd.long.voc"].long(), golden.cases["fwd.long.acc"].long()
    hidden = model.encode(vocal, accompaniment, conditions(golden)[:1])[:, golden.cases["fwd.long.rows"].long()]
    near(model.logits(hidden), golden.cases["fwd.long.logits"])
    near(model.rtd_logits(hidden), golden.cases["fwd.long.rtd"])


def test_songs_packed_into_one_row(golden, model):
    """As the sampler runs it: no padding, each song sees itself alone, with or without a prefix."""
    vocals = [*golden.cases["ids.voc"].long(), golden.cases["ids.voc"][0].long()]
    masked = torch.cat([*golden.cases["fwd.acc_in"].long(), golden.cases["fwd.acc_in"][0].long()])
    packed = model.pack(vocals, [*conditions(golden), None])
    logits = model.logits(model.encode_packed(packed, masked)).split([len(vocal) for vocal in vocals])
    near(torch.stack(logits[:2]), golden.cases["fwd.prefix2.logits"][:, 2:])
    near(logits[2], golden.cases["fwd.noprefix.logits"][0])


def test_added_conditions_packed_into_one_row(golden, adding):
    packed = adding.pack(list(golden.cases["ids.voc"].long()), list(conditions(golden)))
    hidden = adding.encode_packed(packed, golden.cases["fwd.acc_in"].long().flatten())
    near(adding.logits(hidden).view(2, *golden.cases["fwd.add.logits"].shape[1:]), golden.cases["fwd.add.logits"])


def test_rotary_tables(golden, model):
    positions, width = golden.cases["rope.pos"].long(), golden.cases["rope.cos"].shape[-1]
    table = rope_table(int(positions.max()) + 1, width, width, model.config.rotary_base)
    near(table.cos[positions], golden.cases["rope.cos"], 1e-6)
    sign = torch.cat([-torch.ones(width // 2), torch.ones(width // 2)])  # the first of two partners turns backwards
    near(table.sin[positions] * sign, golden.cases["rope.sin"], 1e-6)


def test_names_and_shapes_of_the_1b_model(golden):
    with torch.device("meta"):
        model = MaskPredictor(PRESETS["1b"].predictor)
    shapes = {f"model.{name}": list(tensor.shape) for name, tensor in model.state_dict().items()}
    assert shapes == json.loads((golden.folder / "checkpoint_keys_1B.json").read_text())


@pytest.mark.parametrize(("preset", "numbers"), [("1b", 1_041_837_057), ("3b", 2_921_783_809), ("0.5b", 555_265_025)])
def test_sizes_of_the_presets(preset, numbers):
    with torch.device("meta"):
        model = MaskPredictor(PRESETS[preset].predictor)
    assert sum(parameter.numel() for parameter in model.parameters()) == numbers
