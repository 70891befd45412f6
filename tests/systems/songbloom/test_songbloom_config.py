"""What a checkpoint's own files say, presets, settings, and the random numbers of a song."""

import json
import math

import pytest
import torch
import yaml
from songbloom_cases import edit_yaml
from songbloom_random import SMALL, longer, random_checkpoint

from songbench.domain.errors import InputError
from systems.songbloom.config import (
    AutoencoderConfig,
    DecodingConfig,
    ModelConfig,
    SongBloomConfig,
    longest_seconds,
)
from systems.songbloom.config_files import read_config
from systems.songbloom.draws import SeededDraws
from systems.songbloom.presets import PRESETS
from systems.songbloom.text import RELEASED

RELEASED_STYLE = """
# in the form of the released files: values that point to others, and resolvers
precision: bf16-mixed
min_dur: 60
max_dur: 150
sr: 48000
pretrained_path: ${dynamic_path:???/songbloom_full_150s.pt}
continue_checkpoint:
train_dataset: {lyric_processor: phoneme, prompt_len: 10, path: "${oc.env:NOWHERE}", n: "${eval:1+1}"}
vae:
  vae_cfg: ${dynamic_path:???/stable_audio_1920_vae.json}
  vae_ckpt: ${dynamic_path:???/autoencoder_music_dsp1920.ckpt}
  sr: ${sr}
model:
  block_size: 16
  latent_dim: 64
  dim: 1536
  num_heads: 24
  lm_layers: 36
  diff_layers: 12
  num_pitch: 16384
  time_cond_type: prepend
  timestep_features_dim: 256
  diffusion_objective: rectified_flow
  timestep_sampler: logit_normal
  backend: llama
  rotary_base_val: 20000
  init_std: 0.02
  h_dropout: 0.05
  condition_provider_cfg:
    prompt_wav:
      type: audio_tokenizer_wrapper
      output_dim: ${model.dim}
      max_len: 250
    lyrics:
      type: phoneme_tokenizer
      output_dim: ${model.dim}
      vocab_list: ${load_yaml:${dynamic_path:???/vocab_g2p.yaml}}
      max_len: 600
      max_sentence_per_structure: 50
      mode: sum
  cfg_dropout: 0.1
  attribute_dropout: {text: {lyrics: 0.0}, wav: {prompt_wav: 0.1}}
  fuser_cfg: {cross_attention_pos_emb: false, sum: [], prepend: [lyrics, prompt_wav], cross: []}
inference:
  cfg_coef: 1.5
  temp: 0.9
  diff_temp: 0.95
  top_k: 100
  penalty_repeat: True
  penalty_window: 50
  steps: 36
  dit_cfg_type: h
"""


@pytest.fixture
def released(tmp_path):
    """A folder with the files of a released model, weights aside."""
    (tmp_path / "songbloom_full_150s.yaml").write_text(RELEASED_STYLE)
    (tmp_path / "vocab_g2p.yaml").write_text(yaml.safe_dump(list(RELEASED.symbols), allow_unicode=True), "utf-8")
    upstream = AutoencoderConfig().to_upstream() | {"sample_size": 403200, "training": {"learning_rate": 1.5e-4}}
    (tmp_path / "stable_audio_1920_vae.json").write_text(json.dumps(upstream))
    return tmp_path / "songbloom_full_150s.yaml"


class TestReading:
    def test_the_released_form_gives_the_preset(self, released):
        assert read_config(released) == PRESETS["full_150s"]

    def test_named_files_may_lie_in_another_folder(self, released, tmp_path):
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        for name in ("vocab_g2p.yaml", "stable_audio_1920_vae.json"):
            (tmp_path / name).rename(elsewhere / name)
        assert read_config(released, [elsewhere]) == PRESETS["full_150s"]
        with pytest.raises(InputError, match=r"stable_audio_1920_vae\.json.*missing|vocabulary cannot be read"):
            read_config(released)

    def test_another_rotary_base_is_the_language_models_alone(self, released):
        edit_yaml(released, lambda settings: settings["model"].update(rotary_base_val=40000))
        model = read_config(released).model
        assert (model.lm_rotary_base, model.dit_rotary_base) == (40000.0, 20000.0)

    def test_guidance_can_be_a_pair(self, released):
        edit_yaml(released, lambda settings: settings["inference"].update(cfg_coef=[1.5, 3]))
        decoding = read_config(released).decoding
        assert (decoding.guidance, decoding.latent_guidance) == (1.5, 3.0)

    def test_yaml_reads_1e_3_as_text_but_a_number_is_meant(self, released):
        released.write_text(RELEASED_STYLE.replace("temp: 0.9\n", "temp: 9e-1\n"))
        assert read_config(released).decoding.temperature == 0.9

    def test_saved_settings_come_back(self, tmp_path):
        changes = {"guidance": 2.0, "diffusion_guidance": 3.0, "repetition_penalty": 1.3, "top_p": 0.5, "steps": 7}
        config = longer(33.0)
        config = SongBloomConfig(
            name="small",
            model=config.model,
            autoencoder=config.autoencoder,
            decoding=config.decoding.changed(changes),
            trained_seconds=60.0,
        )
        assert random_checkpoint(tmp_path, config).read_config() == config


def change(*path):
    """A function that sets the value at a path of keys, or removes the last key for the value `...`."""
    *keys, last, value = path

    def apply(settings):
        for key in keys:
            settings = settings[key]
        if value is ...:
            del settings[last]
        else:
            settings[last] = value

    return apply


LYRICS = ("model", "condition_provider_cfg", "lyrics")


class TestBroken:
    def refused(self, path, message):
        with pytest.raises(InputError, match=message) as error:
            read_config(path)
        assert str(path.parent) in error.value.file
        return error.value

    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            (change("model", ...), "'model' is missing"),
            (change("model", "lm_layers", ...), r"'model\.lm_layers' is missing"),
            (change("model", "dim", "wide"), r"'model\.dim' should be a whole number, not 'wide'"),
            (change("model", "dim", True), "should be a whole number"),
            (change("model", "dim", 0), "whose dim is 0"),
            (change("model", "num_heads", 0), "whose heads is 0"),
            (change("model", "num_heads", 7), "cannot be split into 7 heads"),
            (change("model", "block_size", -16), "whose patch is -16"),
            (change("model", "lm_layers", 1.5), "should be a whole number"),
            (change("model", [1]), "should be a section"),
            (change("model", "backend", "gpt2"), r"'model\.backend' is 'gpt2', which no released model uses.*llama"),
            (change("model", "time_cond_type", "adaLN"), "Allowed: prepend"),
            (change("model", "diffusion_objective", "epsilon"), "Allowed: rectified_flow, v"),
            (change("model", "rotary_base_val", math.inf), "rotary_base is inf"),
            (change("model", "dim", "${model.width}"), r"points to nothing.*Write the value of model\.width"),
            (change("model", "dim", "${model.dim}"), "points to itself"),
            (change("model", "dim", "${magic:7}"), "unknown resolver.*Allowed: dynamic_path, load_yaml"),
            (change(*LYRICS, "mode", "concat"), "Allowed: sum"),
            (change(*LYRICS, "vocab_list", "x.yaml"), "should be a list"),
            (change(*LYRICS, "vocab_list", [1, 2]), r"vocab_list\.0' should be text"),
            (change(*LYRICS, "vocab_list", ["a"]), "vocabulary lacks"),
            (change(*LYRICS, "max_len", ...), r"lyrics\.max_len' is missing"),
            (change("max_dur", -3), "trained_seconds is -3"),
            (change("max_dur", 1e9), r"'max_seconds': Expected a number <= 3600"),
            (change("vae", "vae_cfg", ...), r"'vae\.vae_cfg' is missing"),
            (change("inference", "cfg_coef", "high"), r"cfg_coef' should be a number"),
            (change("inference", "cfg_coef", [1, 2, 3]), "cfg_coef.*a pair of numbers"),
            (change("inference", "cfg_coef", ["a", "b"]), r"cfg_coef\.0' should be a number"),
            (change("inference", "temp", 0), r"'temperature': Expected a number > 0"),
            (change("inference", "dit_cfg_type", "x"), "guidance_mode.*Allowed: h, global, none"),
            (change("inference", "use_sampling", 1), "should be true or false"),
        ],
    )
    def test_values(self, released, edit, message):
        edit_yaml(released, edit)
        self.refused(released, message)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("a: [1\nb: 2", "line 2: It is not YAML"),
            ("a: &x [*x]", "missing|not YAML|cannot be read"),
            ("!!python/object/apply:os.system [exit 1]", "not YAML"),
            ("- 1\n- 2", "holds no settings"),
            ("", "holds no settings"),
        ],
    )
    def test_text_that_is_no_configuration(self, released, content, message):
        released.write_text(content)
        self.refused(released, message)

    def test_bytes_that_are_no_text(self, released):
        released.write_bytes(b"\xff\xfe\x00model")
        self.refused(released, "cannot be read")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "vocabulary cannot be read"),
            ("- a\n- [b", "not YAML"),
            ("a: 1", "not a list of symbols"),
            ("- a\n- b", "lacks"),
        ],
    )
    def test_vocabulary(self, released, content, message):
        file = released.with_name("vocab_g2p.yaml")
        file.write_text(content) if content else file.unlink()
        error = self.refused(released, message)
        assert error.file == str(file)
        assert "released with the model" in error.cure

    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            (change("model_type", "diffusion_cond"), "Allowed: autoencoder"),
            (change("model", "bottleneck", "type", "rvq"), r"model\.bottleneck\.type' is 'rvq'.*Allowed: vae"),
            (change("model", "decoder", "config", "use_snake", False), "Allowed: True"),
            (change("model", "decoder", "config", "final_tanh", True), "Allowed: False"),
            (change("model", "decoder", "config", "strides", [2, 4]), "do not fit together"),
            (change("model", "decoder", "config", "strides", [2, 4, 4, 6, "x"]), r"strides\.4' should be a whole"),
            (change("model", "decoder", "config", "strides", [0, 4, 4, 6, 10]), "do not fit together"),
            (change("model", "decoder", "config", "strides", [2, 4, 5, 6, 8]), "stride must be even, not 5"),
            (change("model", "encoder", "config", "latent_dim", 64), "Allowed: 128"),
            (change("model", "downsampling_ratio", 2048), "Allowed: 1920"),
            (change("sample_rate", 0), "sample_rate is 0"),
        ],
    )
    def test_autoencoder(self, released, edit, message):
        file = released.with_name("stable_audio_1920_vae.json")
        decoded = json.loads(file.read_text())
        edit(decoded)
        file.write_text(json.dumps(decoded))
        assert self.refused(released, message).file == str(file)

    def test_autoencoder_file(self, released):
        file = released.with_name("stable_audio_1920_vae.json")
        file.write_text('{"a": 1,\n}')
        assert self.refused(released, "line 2: It is not JSON").file == str(file)
        file.unlink()
        assert "songbench setup songbloom" in self.refused(released, "missing").cure

    def test_latents_that_do_not_fit(self, released):
        edit_yaml(released, lambda settings: settings["model"].update(latent_dim=32))
        self.refused(released, "wants latents of 32 channels, the autoencoder makes 64")


class TestPresets:
    def test_sizes(self):
        full, long = PRESETS["full_150s"], PRESETS["full_240s"]
        assert full.model == ModelConfig()
        assert (full.decoding.max_seconds, long.decoding.max_seconds) == (170.0, 250.0)
        assert (full.seconds_per_tag, long.seconds_per_tag) == (1.0, 5.0)
        assert (full.prompt_seconds, full.patch_seconds, full.autoencoder.frame_rate) == (10.0, 0.64, 25.0)
        assert long.model.lm_rotary_base == 40000.0
        assert long.model.lyrics_length == 1000
        assert long.decoding.diffusion_temperature == 0.9
        assert PRESETS["tiny"].model.lm_layers == 16
        assert longest_seconds(150.0) == 170.0

    def test_longest_songs_are_whole_patches(self):
        """266 patches are upstream's 170.24 s, 391 its 250.24 s."""
        for name, patches in (("full_150s", 266), ("full_240s", 391)):
            config = PRESETS[name]
            assert config.decoding.patches(config.autoencoder.frame_rate, config.model.patch) == patches


class TestSettings:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"stepz": 3}, "no setting 'stepz'. Did you mean 'steps'?"),
            ({"steps": 0}, "Expected a number >= 1, found 0"),
            ({"steps": 1.5}, "Expected a whole number, found 1.5"),
            ({"steps": "3"}, "Expected a whole number"),
            ({"steps": True}, "Expected a whole number"),
            ({"steps": None}, "Expected a whole number"),
            ({"sampling": 1}, "Expected true or false"),
            ({"sampling": "yes"}, "Expected true or false"),
            ({"temperature": 0}, "Expected a number > 0, found 0"),
            ({"temperature": math.inf}, "Expected a finite number"),
            ({"guidance": math.nan}, "Expected a finite number"),
            ({"guidance": True}, "Expected a number"),
            ({"diffusion_guidance": "a"}, "Expected a number"),
            ({"diffusion_guidance": math.inf}, "Expected a finite number"),
            ({"guidance_mode": "x"}, "Allowed: h, global, none"),
            ({"guidance_mode": 1}, "Allowed: h, global, none"),
            ({"top_k": -1}, "Expected a number >= 0, found -1"),
            ({"top_p": 1.01}, "Expected a number <= 1"),
            ({"repetition_window": 0}, "Expected a number >= 1"),
            ({"repetition_penalty": 0.0}, "Expected a number > 0"),
            ({"diffusion_temperature": 0}, "Expected a number > 0"),
            ({"max_seconds": 0}, "Expected a number > 0"),
            ({"max_seconds": math.inf}, "Expected a finite number"),
            ({"max_seconds": 1e9}, "Expected a number <= 3600"),
        ],
    )
    def test_refused(self, changes, message):
        with pytest.raises(InputError, match=message.replace("?", r"\?")) as error:
            DecodingConfig().changed(changes)
        assert error.value.field == next(iter(changes))

    def test_taken(self):
        changes = {"steps": 1, "guidance": 2, "diffusion_guidance": None, "top_p": 1, "sampling": False}
        changed = SMALL.decoding.changed({"diffusion_guidance": 1.5}).changed(changes)
        assert changed.guidance == 2
        assert changed.latent_guidance == 2
        assert not changed.sampling
        assert DecodingConfig().changed({}) == DecodingConfig()


class TestDraws:
    def numbers(self, seed):
        draws = SeededDraws(seed, SMALL)
        first, patches = draws.prompt(25), [draws.patch() for _ in range(3)]
        return torch.cat([first.flatten(), *(one.flatten() for p in patches for one in (p.uniform, p.noise))])

    def test_a_seed_gives_the_same_numbers_whatever_else_is_drawn(self):
        first = self.numbers(3)
        torch.manual_seed(1)
        torch.rand(100)
        assert torch.equal(first, self.numbers(3))
        assert not torch.equal(first, self.numbers(4))

    def test_order(self):
        """Prompt noise, then per patch the uniforms and the noise: changing it would change every song."""
        generator = torch.Generator().manual_seed(7)
        draws = SeededDraws(7, SMALL)
        assert torch.equal(draws.prompt(25), torch.randn(8, 25, generator=generator))
        for _ in range(2):
            patch = draws.patch()
            assert torch.equal(patch.uniform, torch.rand(16, generator=generator))
            assert torch.equal(patch.noise, torch.randn(16, 8, generator=generator))
            assert patch.uniform.min() >= 0
            assert patch.uniform.max() < 1

    @pytest.mark.parametrize("seed", [0, -1, 2**31, 2**63, 2**64 + 5, -(2**70)])
    def test_any_whole_number_is_a_seed(self, seed):
        assert torch.isfinite(self.numbers(seed)).all()
