"""Checkpoints of the predictor: the layouts that are read, and every way in which one is not what it should be."""

import json
from dataclasses import replace

import pytest
import torch
import yaml
from ladaband_models import TINY, random_predictor
from safetensors.torch import load_file, save_file

from songbench.domain.errors import InputError
from systems.ladaband.checkpoint import check_predictor, load_predictor, predictor_config, save_predictor
from systems.ladaband.config import PRESETS, PredictorConfig
from systems.ladaband.predictor import MaskPredictor


@pytest.fixture(scope="module")
def model():
    return random_predictor()


@pytest.fixture
def saved(model, tmp_path):
    file = tmp_path / "tiny.safetensors"
    save_predictor(model, file)
    return file


def lightning(saved, change=dict, **entries):
    """The same as training leaves it: below ``model.``, beside the frozen models and the optimiser's state."""
    state = {**load_file(saved), "clamp3.text_model.weight": torch.ones(2), "codec_model.rvq.codebook": torch.ones(3)}
    path = saved.with_name("epoch.ckpt")
    content = {"state_dict": change(state), "epoch": 3, "optimizer_states": [{"state": {}, "lr": 1e-5}], **entries}
    torch.save(content, path)
    path.with_suffix(".yaml").write_text(yaml.safe_dump(upstream_config(TINY)))
    return path


def upstream_config(config):
    llama = {
        "hidden_size": config.dim,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.key_value_heads,
        "head_dim": config.head_dim,
        "intermediate_size": config.feed_forward,
        "hidden_act": "silu",
    }
    special = {"voc_pad": config.vocal_pad, "acc_mask": config.mask, "acc_pad": config.accompaniment_pad}
    sizes = {"voc": {"size": config.vocal_vocabulary}, "acc": {"size": config.accompaniment_vocabulary}}
    return {
        "clamp_cond": "prefix",
        "data": {**sizes, "special_tokens": special},
        "model": {"name": "llama", "llama": llama},
    }


def same_weights(model, expected):
    first, second = model.state_dict(), expected.state_dict()
    assert first.keys() == second.keys()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


class TestLayouts:
    def test_saving_and_loading_changes_nothing(self, model, saved):
        loaded = load_predictor(saved)
        assert loaded.config == model.config == predictor_config(saved)
        assert not loaded.training
        same_weights(loaded, model)

    def test_a_lightning_checkpoint_with_the_models_beside_it(self, model, saved):
        same_weights(load_predictor(lightning(saved)), model)

    def test_plain_names(self, model, saved):
        bare = {name.removeprefix("model."): tensor for name, tensor in load_file(saved).items()}
        save_file(bare, saved)
        same_weights(load_predictor(saved, TINY), model)

    def test_without_the_head_of_replaced_tokens(self, saved):
        def headless(state):
            return {name: tensor for name, tensor in state.items() if "rtd_head" not in name}

        loaded = load_predictor(lightning(saved, headless))
        assert not loaded.config.rtd_head
        with pytest.raises(InputError, match="no head that tells replaced"):
            loaded.rtd_logits(torch.zeros(1, TINY.dim))

    def test_half_precision_leaves_the_heads_alone(self, saved):
        loaded = load_predictor(saved, dtype=torch.bfloat16)
        assert loaded.lm.layers[0].mlp.up_proj.weight.dtype == loaded.acc_embed.weight.dtype == torch.bfloat16
        assert loaded.to_logits.weight.dtype == loaded.rtd_head.weight.dtype == torch.float32

    @pytest.mark.parametrize("preset", ["1b", "3b"])
    def test_sizes_of_the_released_layouts_are_read_from_their_tensors(self, preset, tmp_path):
        config = PRESETS[preset].predictor
        with torch.device("meta"):
            model = MaskPredictor(config)
        file = tmp_path / "model.ckpt"
        torch.save({"state_dict": {f"model.{name}": tensor for name, tensor in model.state_dict().items()}}, file)
        assert check_predictor(file) == config


class TestFaults:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda state: state.pop("model.lm.norm.weight"), r"1 tensor is missing \(lm\.norm\.weight\)"),
            (lambda state: state.pop("model.rtd_head.bias"), r"1 tensor is missing \(rtd_head\.bias\)"),
            (lambda state: state.update({"model.extra": torch.ones(1)}), r"1 tensor is unexpected \(extra\)"),
            (
                lambda state: state.update({"model.lm.norm.weight": torch.ones(3)}),
                r"another shape \(lm\.norm\.weight \[3\] instead of \[32\]\)",
            ),
            (
                lambda state: state.update({"model.lm.norm.weight": torch.ones(32, dtype=torch.int64)}),
                r"whole numbers \(lm\.norm\.weight\)",
            ),
        ],
    )
    def test_tensors_of_another_model(self, saved, change, message):
        def changed(state):
            change(state)
            return state

        file = lightning(saved, changed)
        with pytest.raises(InputError, match=message) as raised:
            check_predictor(file)
        assert raised.value.file == str(file)
        assert raised.value.cure

    def test_numbers_that_are_none(self, saved):
        state = load_file(saved)
        state["model.to_logits.weight"][0, 0] = torch.nan
        save_file(state, saved)
        with pytest.raises(InputError, match=r"NaN or infinity\), in to_logits\.weight"):
            load_predictor(saved, TINY)

    def test_code_is_not_run(self, saved, tmp_path):
        class Hostile:
            def __reduce__(self):
                return (tmp_path.joinpath("ran").touch, ())

        file = lightning(saved, hyper_parameters=Hostile())
        with pytest.raises(InputError, match="could run code, which is never done here") as raised:
            load_predictor(file)
        assert "safetensors" in raised.value.cure
        assert not (tmp_path / "ran").exists()

    def test_bytes_that_are_no_checkpoint(self, tmp_path):
        for name in ("a.ckpt", "a.safetensors"):
            (tmp_path / name).write_bytes(b"no weights")
            with pytest.raises(InputError, match="damaged, cut short or not a checkpoint"):
                load_predictor(tmp_path / name)
        with pytest.raises(InputError, match="no such checkpoint"):
            load_predictor(tmp_path / "absent.ckpt")

    def test_a_checkpoint_of_something_else(self, tmp_path):
        save_file({"conv.weight": torch.ones(3, 3)}, tmp_path / "a.safetensors")
        with pytest.raises(InputError, match="not of a LaDA-Band predictor"):
            load_predictor(tmp_path / "a.safetensors")

    def test_heads_that_nothing_tells(self, saved):
        save_file(load_file(saved), saved)
        with pytest.raises(InputError, match="heads a model of width 32 has cannot be told") as raised:
            load_predictor(saved)
        assert "tiny.yaml" in raised.value.cure

    def test_sizes_that_cannot_be_read(self, saved):
        for text in ("{", "[]", json.dumps({"width": 3})):
            save_file(load_file(saved), saved, metadata={"ladaband_predictor": text})
            with pytest.raises(InputError) as raised:
                load_predictor(saved)
            assert raised.value.file == str(saved)

    def test_a_name_that_does_not_say_what_the_file_is(self, model, tmp_path):
        with pytest.raises(InputError, match="saved as safetensors"):
            save_predictor(model, tmp_path / "model.pt")


class TestSizes:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"heads": 3, "key_value_heads": 2}, "3 heads cannot share 2"),
            ({"dim": 33}, "Widths must be even"),
            ({"layers": 0}, "layers is 0"),
            ({"condition_mode": "cross"}, "one of two ways"),
        ],
    )
    def test_sizes_that_cannot_be(self, change, message):
        with pytest.raises(InputError, match=message):
            replace(TINY, **change)

    def test_upstream_s_words(self):
        assert PredictorConfig.from_upstream(upstream_config(TINY)) == replace(TINY, rtd_head=False)

    @pytest.mark.parametrize(("key", "value"), [("hidden_act", "gelu"), ("is_decoder", True), ("head_dim", "x")])
    def test_upstream_s_words_for_what_no_released_model_is(self, key, value):
        config = upstream_config(TINY)
        config["model"]["llama"][key] = value
        with pytest.raises(InputError, match=f"model.llama.{key}"):
            PredictorConfig.from_upstream(config)
