"""Sketch features of MuQ and MERT: small random ones, through the files and names of the released."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from songbench.domain.audio import Audio
from songbench.domain.errors import InputError, SongbenchError, UnavailableError
from songbench.domain.hashing import file_digest
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.sources import PINS, WeightFile
from songbench.resources.weights import folder_of
from systems.checkpoints.registered import registered_weights
from systems.music_encoders import mert, muq
from systems.music_encoders.muq import MuqEncoder
from systems.music_encoders.muq_files import load_muq
from systems.music_encoders.muq_sizes import MuqSizes
from systems.songbloom.training.tokenizer.codebook import CodebookTokenizer, load_tokenizer
from systems.songbloom.training.tokenizer.encoder_features import EncoderFeatures, nearest_frames
from systems.songbloom.training.tokenizer.features import features_named

RATE = 24_000
WIDTH, LAYERS = 16, 3


def stirred(module, seed):
    """The module with numbers that are large enough for a mistake to show."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point() or "inv_freq" in name:
                continue
            noise = torch.randn(tensor.shape, generator=generator)
            if name.endswith(("running_var", "original0", "weight_g")):
                tensor.copy_(0.5 + noise.abs())
            elif tensor.ndim > 1:
                tensor.copy_(noise * (tensor[0].numel() ** -0.5))
            else:
                tensor.add_(0.1 * noise)
    return module.eval()


def muq_settings(**changes):
    """A ``config.json`` of MuQ's package."""
    conformer = {
        "num_attention_heads": 2,
        "intermediate_size": 24,
        "hidden_act": "swish",
        "position_embeddings_type": "rotary",
        "conv_depthwise_kernel_size": 5,
    }
    stat = {"melspec_2048_mean": 6.768444971712967, "melspec_2048_std": 18.417922652295623}
    sizes = {"label_rate": 25, "conv_dim": 4, "encoder_dim": WIDTH, "encoder_depth": LAYERS, "codebook_size": 16}
    return {**sizes, "features": ["melspec_2048"], "stat": stat, "w2v2_config": conformer, **changes}


@pytest.fixture
def unpinned(monkeypatch, tmp_path):
    """Weights are looked for in a new place, and what is there is what they are."""
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    files = tmp_path / "files"
    files.mkdir()

    def setup(name):
        from systems.checkpoints import registered

        declared = registered_weights(name)
        free = replace(declared, files=tuple(WeightFile(file.name) for file in declared.files))
        original = registered.registered_weights
        monkeypatch.setattr(registered, "registered_weights", lambda key: free if key == name else original(key))
        folder = folder_of(free)
        folder.mkdir(parents=True)
        for file in declared.files:
            (files / file.name).rename(folder / file.name)
        pins = {
            file.name: {"sha256": file_digest(folder / file.name), "size": (folder / file.name).stat().st_size}
            for file in declared.files
        }
        (folder / PINS).write_text(json.dumps({"files": pins}))
        return folder

    return files, setup


def written_muq(files, seed=0):
    """A small MuQ in the released files."""
    settings = muq_settings()
    model = stirred(MuqEncoder(MuqSizes.of(settings), LAYERS), seed)
    heads = {"model.linear.weight": torch.zeros(3), "model.rvq.x": torch.zeros(1)}
    save_file({f"model.{name}": one for name, one in model.state_dict().items()} | heads, files / "model.safetensors")
    (files / "config.json").write_text(json.dumps(settings))
    return model


@pytest.fixture
def small_muq(unpinned):
    files, setup = unpinned
    model = written_muq(files)
    setup("muq-large-msd-iter")
    return model


@pytest.fixture(scope="module")
def hubert():
    mend_cpu_imports()
    from transformers import HubertConfig, HubertModel

    config = HubertConfig(
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=24,
        conv_dim=[8] * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )
    return stirred(HubertModel(config), 1)


@pytest.fixture
def small_mert(hubert, unpinned):
    files, setup = unpinned
    torch.save(hubert.state_dict(), files / "pytorch_model.bin")
    (files / "config.json").write_text(hubert.config.to_json_string(use_diff=False))
    (files / "preprocessor_config.json").write_text(json.dumps({"do_normalize": True, "sampling_rate": RATE}))
    return setup("mert-v1-95m")


def sound(seconds, rate=RATE, channels=1, seed=0):
    """Tones that change over noise."""
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.2 * np.sin(2 * np.pi * (220 + 30 * np.floor(3 * time)) * time)
    noise = np.random.default_rng(seed).standard_normal((channels, len(time))) * 0.02
    return Audio((tone + noise).astype(np.float32), rate)


def wave(audio):
    return torch.from_numpy(audio.samples[0].copy())


# --- MuQ


@pytest.mark.slow  # imports transformers and torchaudio
def test_every_hidden_state_of_muq_is_that_of_its_package(tmp_path):
    mend_cpu_imports()
    pytest.importorskip("muq", reason="the package muq is not installed", exc_type=ImportError)
    from muq import MuQ, MuQConfig
    from transformers import Wav2Vec2ConformerConfig

    settings = muq_settings()
    conformer = Wav2Vec2ConformerConfig(hidden_size=WIDTH, **settings["w2v2_config"])
    package = MuQ(MuQConfig(**{**settings, "w2v2_config": json.loads(conformer.to_json_string(use_diff=False))}))
    stirred(package, 0)
    save_file({name: one.contiguous() for name, one in package.state_dict().items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(package.config.__dict__))
    audio = sound(4.013)
    with torch.no_grad():
        expected = package(wave(audio)[None]).hidden_states
    assert len(expected) == LAYERS + 1
    for layer, states in enumerate(expected):
        result = load_muq(tmp_path, layer)(wave(audio)[None])
        torch.testing.assert_close(result, states, atol=2e-5, rtol=0)
    assert (expected[-1] - expected[-2]).abs().max() > 0.1


def test_a_song_in_pieces_is_the_song(small_muq, monkeypatch):
    audio = sound(3.0)
    expected = small_muq(wave(audio)[None])
    monkeypatch.setattr(muq, "_PIECE", 7)
    torch.testing.assert_close(small_muq(wave(audio)[None]), expected, atol=1e-5, rtol=0)
    assert expected.shape == (1, 75, WIDTH)


def test_muq_features(small_muq):
    audio = sound(2.0)
    features = features_named("muq:-1")
    assert (features.name, features.width) == (f"muq:{LAYERS}", WIDTH)
    vectors = features.vectors(audio, 50)
    torch.testing.assert_close(vectors, small_muq(wave(audio)[None])[0])
    torch.testing.assert_close(features.vectors(audio, 20), vectors[torch.arange(20) * 50 // 20])
    stereo = Audio(np.concatenate([audio.samples, audio.samples]), RATE)
    torch.testing.assert_close(features.vectors(stereo, 50), vectors, atol=1e-4, rtol=0)
    assert (features_named("muq:1").vectors(audio, 50) - vectors).abs().max() > 0.1
    with pytest.raises(InputError, match=r"It has 0\.020 s; the features 'muq:3' need 0\.043 s"):
        features.vectors(sound(0.02), 1)


def test_what_decides_about_tokens_is_in_the_digest(small_muq, unpinned, tmp_path):
    codebook = torch.randn(5, WIDTH, generator=torch.Generator().manual_seed(0))
    tokenizer = CodebookTokenizer(features_named("muq:-1"), codebook)
    tokenizer.save(tmp_path / "codes.safetensors")
    loaded = load_tokenizer(tmp_path / "codes.safetensors")
    assert loaded.digest == tokenizer.digest and loaded.name == "muq:3, 5 codes"
    audio = sound(2.0)
    assert torch.equal(loaded.tokens(audio, 50), tokenizer.tokens(audio, 50))
    digests = {tokenizer.digest, CodebookTokenizer(features_named("muq:2"), codebook).digest}
    files, setup = unpinned
    written_muq(files, seed=5)
    (tmp_path / "weights").rename(tmp_path / "other")
    setup("muq-large-msd-iter")
    digests.add(CodebookTokenizer(features_named("muq:3"), codebook).digest)
    assert len(digests) == 3


def test_other_muqs_are_refused(small_muq, tmp_path):
    with pytest.raises(SongbenchError, match="label_rate = 50; only 25"):
        MuqSizes.of(muq_settings(label_rate=50))
    with pytest.raises(SongbenchError, match="does not say 'stat'"):
        MuqSizes.of({key: value for key, value in muq_settings().items() if key != "stat"})
    state = {f"model.{name}": one for name, one in small_muq.state_dict().items()}
    (tmp_path / "config.json").write_text(json.dumps(muq_settings()))
    lost = "model.conformer.layers.1.ffn1.output_dense.bias"
    save_file({name: one for name, one in state.items() if name != lost}, tmp_path / "model.safetensors")
    with pytest.raises(SongbenchError, match=r"missing: conformer\.layers\.1\.ffn1\.output_dense\.bias"):
        load_muq(tmp_path, 2)
    load_muq(tmp_path, 1)


# --- MERT


def test_every_hidden_state_of_mert_is_that_of_transformers(hubert, small_mert, monkeypatch):
    monkeypatch.setattr(mert, "_PIECE", 40)
    audio = sound(2.1)
    signal = mert.standardised(wave(audio))
    with torch.no_grad():
        expected = hubert(signal[None], output_hidden_states=True).hidden_states
    before = torch.random.get_rng_state()
    for layer, states in enumerate(expected):
        features = features_named(f"mert:{layer}")
        result = mert.hidden_state(mert.load_mert(small_mert, layer), signal)
        torch.testing.assert_close(result, states[0], atol=1e-4, rtol=0)
        torch.testing.assert_close(features.vectors(audio, len(result)), result)
    assert torch.equal(torch.random.get_rng_state(), before)
    at_25 = features_named("mert:-1").vectors(audio, 52)
    assert torch.equal(at_25, nearest_frames(result, 52))


# --- names


def test_nearest_neighbresult_are_those_of_torch():
    states = torch.arange(157.0)[:, None]
    for frames in (1, 52, 157, 300):
        expected = torch.nn.functional.interpolate(states.T[None], frames, mode="nearest")
        assert torch.equal(nearest_frames(states, frames), expected[0].T)


@pytest.mark.parametrize("kind", ["muq", "mert"])
def test_absent_weights(kind, monkeypatch, tmp_path):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    name = {"muq": "muq-large-msd-iter", "mert": "mert-v1-95m"}[kind]
    with pytest.raises(UnavailableError, match=f"songbench setup {name} --accept-licence"):
        features_named(f"{kind}:6")


def test_layers(small_muq):
    for layer in ("muq:4", "muq:1000"):
        with pytest.raises(InputError, match=rf"'{layer}' is no layer of the weights .* to 3, or -1 for the last"):
            features_named(layer)
    with pytest.raises(InputError, match="Which layer of muq"):
        features_named("muq")
    for name in ("muq:-2", "muq:x", "mel:3", "MUQ:1"):
        with pytest.raises(InputError, match="no sketch features"):
            features_named(name)
    with pytest.raises(InputError, match="no layer"):
        EncoderFeatures("muq", -2)
