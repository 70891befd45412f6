"""The public fork's Lightning checkpoints: read as they are, merged to its numbers, written so that it reads them."""

import json
from dataclasses import replace

import pytest
import torch
from command_here import run
from safetensors.torch import load_file

from songbench.domain.errors import InputError
from systems.songbloom import loading
from systems.songbloom.checkpoint import check_checkpoint, load_checkpoint, released_state_dict, write_sizes
from systems.songbloom.config import AutoencoderConfig, DecodingConfig, ModelConfig, SongBloomConfig
from systems.songbloom.lora.adapters import adapters_of, merge_adapters
from systems.songbloom.lora.files import load_with_adapters
from systems.songbloom.lora.lightning import infer_options, save_lightning
from systems.songbloom.system import SongBloomSystem


@pytest.fixture(scope="module")
def facts(training_golden):
    file = training_golden.folder / "lightning_keys.json"
    if not file.is_file():
        pytest.skip(f"a Lightning checkpoint of the fork is not at {file.parent}")
    return json.loads(file.read_text())


@pytest.fixture(scope="module")
def checkpoint(training_golden, facts, tmp_path_factory):
    """The fork's file with a YAML file beside it."""
    source, folder = training_golden.folder, tmp_path_factory.mktemp("lightning")
    config = SongBloomConfig(
        name="fork",
        model=ModelConfig.from_upstream(json.loads((source / "lightning_config.json").read_text())["model"]),
        autoencoder=AutoencoderConfig.from_upstream(json.loads((source / "lightning_vae.json").read_text())),
        decoding=DecodingConfig(),
    )
    path = folder / "fork.ckpt"
    path.write_bytes((source / "lightning_lora.ckpt").read_bytes())
    write_sizes(config, path)
    return path


def assert_golden(training_golden, model):
    golden = load_file(training_golden.folder / "lightning_lora_merged.safetensors")
    state = released_state_dict(model)
    assert golden
    for name, tensor in golden.items():
        torch.testing.assert_close(state[f"model.{name.removeprefix('model.')}"], tensor, rtol=1e-6, atol=1e-7)


def test_merged_while_it_is_read(training_golden, facts, checkpoint):
    files = loading.find(checkpoint, alpha=facts["lora"]["alpha"])
    check_checkpoint(files)
    assert_golden(training_golden, load_checkpoint(files))
    assert loading.adapter_remarks(files) == []


def test_without_alpha_the_forks_default_is_assumed_and_said(training_golden, facts, checkpoint):
    system = SongBloomSystem(checkpoint=str(checkpoint), device="cpu")
    assert any("adapters of rank 4 but not their alpha; 32 is assumed" in one for one in system.remarks([], 1))
    assumed = load_checkpoint(loading.find(checkpoint)).state_dict()
    doubled = load_checkpoint(loading.find(checkpoint, alpha=32)).state_dict()
    right = load_checkpoint(loading.find(checkpoint, alpha=facts["lora"]["alpha"])).state_dict()
    name = "sketch_lm.layers.0.attention.qkv.weight"
    assert torch.equal(assumed[name], doubled[name])
    assert not torch.equal(assumed[name], right[name])
    keys = [SongBloomSystem(checkpoint=str(checkpoint), lora_alpha=alpha).parameters for alpha in (None, 8.0)]
    assert keys[0] != keys[1]


def test_without_a_yaml_file_the_base_gives_it(facts, checkpoint, tmp_path):
    lone = tmp_path / "last.ckpt"
    lone.write_bytes(checkpoint.read_bytes())
    with pytest.raises(InputError, match="YAML file is missing"):
        loading.find(lone)
    files = loading.find(lone, base=checkpoint, alpha=8)
    assert check_checkpoint(files).model == check_checkpoint(loading.find(checkpoint)).model


def test_adapters_onto_its_base(training_golden, facts, checkpoint):
    model = load_with_adapters(loading.find(checkpoint, alpha=8))
    assert list(adapters_of(model)) == facts["replaced"]
    merge_adapters(model)
    assert_golden(training_golden, model)


def test_damage_is_told(checkpoint, tmp_path):
    for file in checkpoint.parent.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / checkpoint.name
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match="damaged, cut short"):
        check_checkpoint(loading.find(path))


def test_written_files_have_its_names_and_no_objects(training_golden, facts, checkpoint, tmp_path):
    model = load_with_adapters(loading.find(checkpoint, alpha=8))
    for layout, expected in (("lightning-lora", facts["state_dict"]), ("lightning", facts["without_lora"])):
        if layout == "lightning":
            merge_adapters(model)
        saved = save_lightning(model, tmp_path / layout)
        content = torch.load(saved.weights, weights_only=True)
        shapes = {name: list(tensor.shape) for name, tensor in content["state_dict"].items()}
        assert shapes == expected
        assert set(facts["top_level"]) - set(content) == {"hparams_type"}
        alpha = 8.0 if layout == "lightning-lora" else None
        assert_golden(training_golden, load_checkpoint(replace(saved, alpha=alpha)))


def test_what_the_fork_has_to_be_told(checkpoint):
    model = load_with_adapters(loading.find(checkpoint, alpha=8))
    options = infer_options(model)
    assert options.startswith("--use-lora --lora-rank 4 --lora-alpha 8 --lora-target-modules ")
    with pytest.raises(InputError, match="whole alphas only"):
        infer_options(load_with_adapters(loading.find(checkpoint, alpha=8.5)))
    merge_adapters(model)
    assert infer_options(model) == ""


class TestMergeCommand:
    @pytest.mark.parametrize("layout", ["released", "lightning", "lightning-lora"])
    def test_layouts(self, training_golden, checkpoint, tmp_path, layout):
        out = tmp_path / "merged"
        answer = run(["train", "merge", checkpoint, "--alpha", 8, "--out", out, "--layout", layout])
        assert answer.returncode == 0, answer.stderr
        assert f"--systems songbloom:merged={out}" in answer.stdout
        assert ("infer.py" in answer.stdout) == (layout != "released")
        assert ("--use-lora" in answer.stdout) == (layout == "lightning-lora")
        files = loading.find(out, alpha=8 if layout == "lightning-lora" else None)
        assert_golden(training_golden, load_checkpoint(files))
