"""Adapters: what is adapted, what is trained, what files hold, and singing with them."""

import os
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from songbloom_batches import random_batch
from songbloom_cases import LYRICS, NEVER_ENDS, SHORT, calm_checkpoint, needs_text, request, write_suite
from songbloom_random import SMALL, random_model

from songbench.contracts.registry import build_system
from songbench.domain.errors import InputError
from songbench.domain.song import Song
from systems.songbloom import loading
from systems.songbloom.checkpoint import check_checkpoint, load_checkpoint, save_checkpoint
from systems.songbloom.lora.adapters import (
    adapter_parameters,
    adapters_of,
    adapters_off,
    add_adapters,
    merge_adapters,
)
from systems.songbloom.lora.config import LoraConfig
from systems.songbloom.lora.files import load_lora, save_lora
from systems.songbloom.lora.record import BaseCheckpoint, LoraRecord
from systems.songbloom.system import SongBloomSystem
from systems.songbloom.training.draws import TrainingDraws
from systems.songbloom.training.losses import batch_losses
from systems.songbloom.training.objective import SongBloomObjective

BASE = BaseCheckpoint("full_150s", "0" * 64)
BOTH = LoraConfig(rank=2, alpha=8, dropout=0.0, targets=("q_proj", "to_qkv", "down_proj"))


def moved(config=BOTH, model=None, seed=5):
    """A model whose adapters, and what else is trained, have left their start."""
    model = random_model() if model is None else model
    add_adapters(model, config, torch.Generator().manual_seed(seed))
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in adapter_parameters(model):
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model


def total(model, batch=None):
    objective = SongBloomObjective()
    batch = random_batch() if batch is None else batch
    draws = TrainingDraws.validation(model, batch, objective, torch.Generator().manual_seed(3))
    return batch_losses(model, batch, draws, objective).total


class TestTargets:
    @pytest.mark.parametrize(
        ("targets", "count"),
        [
            (("q_proj",), 2),
            (("gate_proj", "up_proj"), 8),  # in both transformers
            (("attention.qkv",), 8),  # three slices in the language model, one in the other
            (("acoustic_dit.layers.1",), 5),
            (("nar_dit.layers.1",), 5),
            (("sketch_lm.layers.0.attention.qkv", "q_proj"), 4),
            (("project_in",), 1),
        ],
    )
    def test_names_of_upstream_and_of_ours(self, targets, count):
        assert len(add_adapters(random_model(), LoraConfig(targets=targets))) == count

    def test_a_name_of_nothing(self):
        with pytest.raises(InputError, match=r"No linear map is called 'q_porj'. Did you mean 'q_proj'"):
            add_adapters(random_model(), LoraConfig(targets=("q_proj", "q_porj")))

    def test_twice_is_refused_and_so_are_packed_weights(self):
        model = moved()
        with pytest.raises(InputError, match="has adapters already"):
            add_adapters(model, BOTH)
        with pytest.raises(InputError, match=r"packed\. Load it again to adapt it"):
            add_adapters(random_model().for_decoding(), BOTH)

    def test_settings(self):
        text = "rank=4,alpha=6.5,dropout=0,targets=q_proj+to_out,train=tables"
        config = LoraConfig.parse(text)
        assert config == LoraConfig(rank=4, alpha=6.5, dropout=0.0, targets=("q_proj", "to_out"), train="tables")
        assert LoraConfig.parse(str(config)) == config
        assert LoraConfig.parse("") == LoraConfig()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("rnk=4", r"no setting 'rnk'. Did you mean 'rank'\?"),
            ("rank=many", "'many' is no rank"),
            ("rank=0", "rank 0"),
            ("alpha=-1", "alpha of -1"),
            ("dropout=1", "dropout of 1"),
            ("targets=", "Nothing is named"),
            ("train=some", "Unknown choice 'some'"),
        ],
    )
    def test_mistakes_in_settings(self, text, message):
        with pytest.raises(InputError, match=message):
            LoraConfig.parse(text)


class TestTraining:
    def learned(self, config):
        """The names of what a few steps changed."""
        model = random_model()
        before = {name: one.clone() for name, one in model.state_dict().items()}
        add_adapters(model, config, torch.Generator().manual_seed(0))
        model.checkpoint_layers(True)
        optimiser = torch.optim.AdamW(adapter_parameters(model), lr=1e-2)
        for _ in range(2):
            optimiser.zero_grad()
            total(model).backward()
            assert all(one.grad is not None for one in adapter_parameters(model))
            optimiser.step()
        assert all(one.down.grad.any() and one.up.grad.any() for one in adapters_of(model).values())
        return {name for name, one in before.items() if not torch.equal(one, model.state_dict()[name])}

    def test_adapters_alone(self):
        assert not self.learned(BOTH)

    def test_sketch_tables_too(self):
        changed = self.learned(replace(BOTH, train="tables"))
        assert changed == {
            "sketch_embedding.weight",
            "sketch_lm.classifier.0.weight",
            "sketch_lm.classifier.2.weight",
            "sketch_lm.classifier.2.bias",
        }

    def test_everything_too(self):
        changed = self.learned(replace(BOTH, train="all"))
        assert "sketch_lm.layers.0.attention.qkv.weight" in changed
        assert "acoustic_dit.time_frequencies" in changed
        assert not {name for name in changed if name.startswith(("autoencoder.", "conditioning.blank"))}

    def test_a_table_is_not_adapted_and_trained_whole(self):
        with pytest.raises(InputError, match="adapted and trained whole"):
            add_adapters(random_model(), LoraConfig(targets=("classifier",), train="tables"))

    def test_the_reference_is_the_model_before_tables_included(self):
        expected = total(random_model())
        model = moved(replace(BOTH, train="tables"))
        changed = total(model)
        assert changed != expected
        with adapters_off(model):
            assert total(model) == expected
        assert total(model) == changed
        with pytest.raises(InputError, match="not kept"), adapters_off(moved(replace(BOTH, train="all"))):
            pass

    def test_dropout_is_of_training_only(self):
        model = moved(replace(BOTH, dropout=0.5)).eval()
        assert total(model) == total(model)
        model.train()
        assert total(model) != total(model)

    def test_merged_gives_the_same(self):
        model = moved()
        expected = total(model)
        merge_adapters(model)
        torch.testing.assert_close(total(model), expected, rtol=1e-5, atol=1e-5)
        assert not any("adapters" in name for name in model.state_dict())

    def test_unmerged_adapters_decode_too_and_are_no_checkpoint(self, tmp_path):
        with pytest.raises(InputError, match="Merge them first"):
            save_checkpoint(moved(), tmp_path)
        hidden = torch.randn(1, 3, SMALL.model.dim)
        unmerged, merged = moved(), moved()
        merge_adapters(merged)
        with torch.no_grad():
            first, second = (one.for_decoding().sketch_lm(hidden) for one in (unmerged, merged))
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-4)


class TestFiles:
    @pytest.mark.parametrize("train", ["adapters", "tables", "all"])
    def test_saved_and_loaded(self, tmp_path, train):
        config = replace(BOTH, train=train)
        model, path = moved(config), tmp_path / "a.lora"
        save_lora(model, path, BASE)
        copy = random_model()
        assert load_lora(copy, path) == config
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, copy.state_dict()[name]), name
        assert len(adapter_parameters(copy)) == len(adapter_parameters(model))

    def test_names_are_the_forks_and_the_rest_is_in_the_header(self, tmp_path):
        save_lora(moved(replace(BOTH, train="tables")), tmp_path / "a.lora", BASE)
        with safe_open(tmp_path / "a.lora", "pt") as opened:
            names, header = set(opened.keys()), opened.metadata()
        assert "model.ar_transformer.layers.0.self_attn.q_proj.lora_A.weight" in names
        assert "model.skeleton_classifier.2.bias" in names
        assert len(names) == 2 * len(adapters_of(moved())) + 4
        assert header["rank"] == "2"
        assert header["alpha"] == "8.0"
        assert LoraRecord.read(tmp_path / "a.lora").base == BASE

    def test_of_another_model(self, tmp_path):
        save_lora(moved(), tmp_path / "a.lora", BASE)
        larger = random_model(replace(SMALL, model=replace(SMALL.model, dim=96, heads=3)))
        with pytest.raises(InputError, match="of another model"):
            load_lora(larger, tmp_path / "a.lora")

    def test_no_adapters_and_damaged(self, tmp_path):
        with pytest.raises(InputError, match="no adapters to save"):
            save_lora(random_model(), tmp_path / "a.lora", BASE)
        path = save_checkpoint(random_model(), tmp_path).weights
        with pytest.raises(InputError, match="no adapters in this file"):
            load_lora(random_model(), path)
        (tmp_path / "a.lora").write_bytes(b"nothing")
        with pytest.raises(InputError, match="damaged"):
            load_lora(random_model(), tmp_path / "a.lora")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A base, adapters for it, the same merged, and another base."""
    folder = tmp_path_factory.mktemp("lora")
    base = calm_checkpoint(folder / "base")
    calm_checkpoint(folder / "other", seed=3)
    model = moved(replace(BOTH, train="tables"), load_checkpoint(base))
    model.sketch_lm.classifier[2].bias.data[-1] = NEVER_ENDS
    save_lora(model, folder / "voice.lora", loading.base_checkpoint(folder / "base", folder))
    merge_adapters(model)
    save_checkpoint(model, folder / "merged")
    return folder


class TestSystem:
    def test_weights_are_merged_while_they_are_read(self, folder):
        files = loading.find(folder / "voice.lora")
        check_checkpoint(files)
        assert loading.adapter_remarks(files) == []
        model, expected = load_checkpoint(files), load_checkpoint(loading.find(folder / "merged"))
        for name, tensor in expected.state_dict().items():
            torch.testing.assert_close(model.state_dict()[name], tensor, rtol=1e-6, atol=1e-6, msg=name)

    @needs_text
    def test_sings_as_the_merged_checkpoint(self, folder):
        systems = (build_system(f"songbloom:{folder}/{name}", {"device": "cpu"}) for name in ("voice.lora", "merged"))
        (song,), (expected,) = (list(system.generate([request()])) for system in systems)
        assert isinstance(song, Song)
        difference = abs(song.audio.samples - expected.audio.samples).max()
        assert difference <= 1e-4 * abs(expected.audio.samples).max()

    @needs_text
    @pytest.mark.slow
    def test_by_hand_and_in_a_run(self, songbench_here, folder, tmp_path):
        """With a relative path for the run."""
        suite, path = write_suite(tmp_path, 1), folder / "voice.lora"
        (tmp_path / "words.txt").write_text(LYRICS, encoding="utf-8")
        hand = ["sing", tmp_path / "words.txt", "--prompt", tmp_path / "style.wav", "--device", "cpu"]
        answer = songbench_here(*hand, "--model", path, "--base", folder / "other", folders=False)
        assert answer.returncode == 0, answer.stderr
        assert "was trained on another checkpoint" in answer.stderr
        system = f"songbloom:{os.path.relpath(path, tmp_path)}"
        words = ["--suite", suite, "--metrics", "rtf", "--workers", "1"]
        answer = songbench_here("run", *words, "--systems", system)
        assert answer.returncode == 0, answer.stderr
        board = (tmp_path / "runs/small/leaderboard.csv").read_text()
        assert "songbloom:voice" in board

    def test_its_name_and_what_decides_the_song(self, folder, tmp_path):
        path = folder / "voice.lora"
        system = build_system(f"songbloom:{path}", {"device": "cpu"})
        assert system.card.name == "songbloom:voice"
        assert build_system(f"songbloom:mine={path}").card.name == "songbloom:mine"
        key = system.parameters
        assert key["checkpoint"] is not None
        variations = [
            build_system(f"songbloom:x={folder}/base", {"device": "cpu"}),
            build_system(f"songbloom:{path}", {"device": "cpu", "base": str(folder / "other")}),
            build_system(f"songbloom:{path}", {"device": "cpu", "lora_alpha": 4}),
        ]
        assert len({str(sorted(one.parameters.items())) for one in (system, *variations)}) == 4

    def test_on_another_base_there_is_a_remark(self, folder):
        system = SongBloomSystem(checkpoint=str(folder / "voice.lora"), base=str(folder / "other"))
        assert any("trained on another checkpoint (base," in remark for remark in system.remarks([], 1))

    def test_a_base_that_is_not_there(self, folder, tmp_path):
        lone = tmp_path / "lone.lora"
        lone.write_bytes((folder / "voice.lora").read_bytes())
        with pytest.raises(InputError, match=r"not found.*--set system\.songbloom\.base=CHECKPOINT"):
            SongBloomSystem(checkpoint=str(lone)).availability()
        assert loading.find(lone, base=folder / "base").adapters == lone

    def test_settings_without_adapters(self, folder):
        with pytest.raises(InputError, match="base is for adapters"):
            SongBloomSystem(base="full_150s")
        with pytest.raises(InputError, match="alpha is for adapters"):
            SongBloomSystem(checkpoint=str(folder / "base"), lora_alpha=3).availability()
        with pytest.raises(InputError, match="A base is for adapters"):
            SongBloomSystem(checkpoint=str(folder / "base"), base=str(folder / "other")).availability()
        with pytest.raises(InputError, match="alpha of -1"):
            SongBloomSystem(checkpoint="x", lora_alpha=-1)

    def test_a_codebook_of_another_size(self, tmp_path):
        """Tables for other tokens come with the adapters, and so does their number."""
        calm_checkpoint(tmp_path / "base")
        config = replace(SHORT, model=replace(SHORT.model, sketch_vocabulary=40))
        save_lora(
            moved(replace(BOTH, train="tables"), random_model(config)),
            tmp_path / "new.lora",
            loading.base_checkpoint(tmp_path / "base", tmp_path),
        )
        model = load_checkpoint(loading.find(tmp_path / "new.lora"))
        assert model.sketch_embedding.weight.shape[0] == 42
