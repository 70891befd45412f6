"""MERT: our network against transformers' HubertModel, the checkpoint, odd songs, and what is kept of a song."""

import json

import numpy as np
import pytest
import soundfile
from tiny_models import Direct, as_json, planted, song_of, stirred

from metrics.embedding_sets import stored_moments
from metrics.fad import fad_mert
from metrics.features import mert, models
from metrics.features.dense import Dense, attend
from metrics.features.mert import LIMIT_SECONDS, MERT_95M, RATE, MertEmbedding, load_mert, model_input
from metrics.features.mert_network import Mert, MertConfig
from metrics.kad import kad_mert
from songbench.contracts.feature import Extractor
from songbench.contracts.metric import SetMetric
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import InputError, SongbenchError, UnavailableError
from songbench.domain.score import Scores
from songbench.domain.song import Failure
from songbench.execution.features import StoredFeatures
from songbench.execution.store import Store
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.residency import ResidentModels

WIDTH = 48
PREPARATION = {"do_normalize": True, "sampling_rate": RATE, "feature_extractor_type": "Wav2Vec2FeatureExtractor"}
MERT_SETTINGS = {"feature_extractor_cqt": False, "deepnorm": False, "attention_relax": -1.0, "model_type": "mert_model"}


@pytest.fixture(scope="module")
def hubert():
    """MERT-v1-95M's architecture, narrow: 12 layers, seven convolutions, a hop of 320 samples."""
    mend_cpu_imports()
    from transformers import HubertConfig, HubertModel

    config = HubertConfig(
        hidden_size=WIDTH,
        num_attention_heads=4,
        intermediate_size=64,
        conv_dim=[32] * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
        attn_implementation="eager",
    )
    return stirred(HubertModel(config))


@pytest.fixture(scope="module")
def files(hubert):
    """The published layout: names of weight norm as old versions of torch wrote them."""
    import io

    import torch

    old = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    state = {}
    for name, tensor in hubert.state_dict().items():
        for new, published in old.items():
            name = name.replace(new, published)  # noqa: PLW2901
        state[name] = tensor
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return {
        "pytorch_model_bin": buffer.getvalue(),
        "config_json": as_json({**hubert.config.to_dict(), **MERT_SETTINGS}),
        "preprocessor_config_json": as_json(PREPARATION),
    }


@pytest.fixture
def checkpoint(files, tmp_path, monkeypatch):
    """The checkpoint where songbench looks for it; the folder."""
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(models, "RESIDENT", ResidentModels())
    planted(MERT_95M, **files)
    return models.require(MERT_95M)


def music(seconds, seed=0, rate=RATE, channels=1):
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.2 * np.sin(2 * np.pi * (200 + 90 * seed) * time) * (1 + np.sin(2 * np.pi * 3 * time))
    return (np.stack([tone] * channels) + 0.1 * rng.standard_normal((channels, time.size))).astype(np.float32)


def source(samples, rate=RATE):
    return MemoryAudio(Audio(np.atleast_2d(samples).astype(np.float32), rate))


def hidden(hubert, samples):
    """All hidden states by transformers, after its own preparation."""
    import torch
    from transformers import Wav2Vec2FeatureExtractor

    read = Wav2Vec2FeatureExtractor(sampling_rate=RATE, do_normalize=True)(
        samples, sampling_rate=RATE, return_tensors="pt"
    )
    with torch.no_grad():
        return [one[0].numpy() for one in hubert(read.input_values, output_hidden_states=True).hidden_states]


# --- the network


@pytest.mark.parametrize("seconds", [0.3, 2.0, 5.017])
def test_every_layer_is_that_of_hubert(hubert, checkpoint, seconds):
    samples = music(seconds)[0]
    expected = hidden(hubert, samples)
    assert len(expected) == 13
    for layer in (0, 4, 12):
        states = load_mert(checkpoint, layer)(samples).numpy()
        assert states.shape == expected[layer].shape
        assert np.abs(states - expected[layer]).max() < 1e-4
    assert np.abs(expected[12] - expected[4]).max() > 0.1


def test_without_packed_products_it_is_the_same(hubert, checkpoint, monkeypatch):
    import torch

    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    samples = music(1.0)[0]
    assert np.abs(load_mert(checkpoint, 12)(samples).numpy() - hidden(hubert, samples)[12]).max() < 1e-4


def test_attention_in_blocks():
    import torch

    q, k, v = torch.randn(3, 2, 700, 8, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v).transpose(0, 1).reshape(700, 16)
    assert torch.allclose(attend(q, k, v), expected, atol=1e-5)
    x, weight, bias = torch.randn(5, 8), torch.randn(3, 8), torch.randn(3)
    plain = torch.nn.functional.linear(x, weight, bias)
    assert torch.allclose(Dense(weight, bias)(x), plain, atol=1e-5)
    assert torch.allclose(Dense(weight, bias, gelu=True)(x), torch.nn.functional.gelu(plain), atol=1e-5)


def test_every_tensor_of_the_checkpoint_has_its_place(checkpoint, hubert):
    import torch

    config = MertConfig.of(json.loads((checkpoint / "config.json").read_text()))
    state = torch.load(checkpoint / "pytorch_model.bin", weights_only=True)
    assert "encoder.pos_conv_embed.conv.weight_g" in state and "masked_spec_embed" in state
    build = lambda tensors: Mert(config, tensors, 2, torch.device("cpu"))  # noqa: E731
    build(hubert.state_dict())  # weight norm under its new names
    name = "encoder.layers.11.final_layer_norm.bias"  # of a layer that is not even computed
    with pytest.raises(SongbenchError, match=r"no tensor 'encoder\.layers\.11\.final_layer_norm\.bias'"):
        build({key: one for key, one in state.items() if key != name})
    with pytest.raises(SongbenchError, match=r"tensors that this network does not: lm_head\.weight"):
        build({**state, "lm_head.weight": state[name]})


@pytest.mark.parametrize("key", ["feature_extractor_cqt", "deepnorm", "attention_relax", "do_stable_layer_norm"])
def test_other_models_are_refused(checkpoint, key):
    config = json.loads((checkpoint / "config.json").read_text())
    with pytest.raises(SongbenchError, match=key):
        MertConfig.of({**config, key: 32.0})


def test_the_preparation_has_to_be_merts(checkpoint):
    (checkpoint / "preprocessor_config.json").write_text(json.dumps({**PREPARATION, "do_normalize": False}))
    with pytest.raises(SongbenchError, match="do_normalize"):
        load_mert(checkpoint, 12)


def test_sizes_of_the_published_model():
    config = MertConfig(
        width=768,
        layers=12,
        heads=12,
        kernels=(10, 3, 3, 3, 3, 2, 2),
        strides=(5, 2, 2, 2, 2, 2, 2),
        position_kernel=128,
        position_groups=16,
        eps=1e-5,
    )
    assert config.hop == 320 == RATE // mert.FRAMES_PER_SECOND
    assert config.window == 400
    assert config.frames(399) == 0 and config.frames(400) == 1 and config.frames(RATE) == 74


# --- what is kept of a song


def test_sums_and_seconds(checkpoint):
    samples = music(2.5)[0]
    frames = load_mert(checkpoint, 12)(samples).numpy().astype(np.float64)
    (feature,) = MertEmbedding(loudness=None).extract([source(samples)])
    moments = stored_moments(feature)
    assert len(moments) == len(frames) == 187
    assert np.allclose(moments.total, frames.sum(axis=0))
    assert np.allclose(moments.square(), frames.T @ frames)
    seconds = [frames[start : start + 75].mean(axis=0) for start in (0, 75, 150)]
    assert np.allclose(feature.arrays["seconds"], seconds, atol=1e-5)
    assert dict(feature.data) == {"cut": False, "silent": False}


def test_level_means_nothing(checkpoint):
    loud = music(3.0)
    features = list(MertEmbedding().extract([source(gain * loud) for gain in (1.0, 0.03)]))
    features += MertEmbedding(loudness=None).extract([source(loud)])
    first, *rest = (feature.arrays["seconds"] for feature in features)
    for seconds in rest:
        assert np.abs(first - seconds).max() < 1e-3


def test_a_result_does_not_depend_on_the_batch(checkpoint):
    songs = [source(music(seconds, seed)) for seed, seconds in enumerate([1.0, 2.0, 0.5])]
    together = list(MertEmbedding().extract(songs))
    for song, feature in zip(songs, together, strict=True):
        (alone,) = MertEmbedding().extract([song])
        assert all(np.array_equal(alone.arrays[name], feature.arrays[name]) for name in feature.arrays)


def test_odd_songs(checkpoint, tmp_path):
    broken = tmp_path / "nan.wav"
    soundfile.write(broken, np.array([0.1, np.nan]), 8000, subtype="FLOAT")
    sources = [
        source(music(0.3)),
        source(np.zeros((2, RATE))),
        AudioFile(broken),
        source(music(1, rate=8000, channels=2), 8000),
        source(music(0.01)),
    ]
    short, silent, failed, low, tiny = MertEmbedding().extract(sources)
    assert isinstance(failed, Failure) and "NaN" in failed.cause
    assert isinstance(tiny, Failure) and "shorter than one frame" in tiny.cause
    assert silent.data["silent"]
    for feature in (short, silent, low):
        assert all(np.isfinite(array).all() for array in feature.arrays.values())


def test_of_a_long_song_six_minutes_are_heard(monkeypatch):
    long = Audio(np.zeros((1, 20 * 60 * 8000), np.float32), 8000)
    assert model_input(long, None).size == LIMIT_SECONDS * RATE
    monkeypatch.setattr(mert, "LIMIT_SECONDS", 2)
    samples = music(3.0, rate=48_000)
    cut = model_input(Audio(samples, 48_000), None)
    resampled = Audio(samples, 48_000).at(RATE).samples[0]
    assert np.allclose(cut, resampled[: 2 * RATE], atol=1e-6)


def test_a_cut_song_is_on_record(checkpoint, monkeypatch):
    monkeypatch.setattr(mert, "LIMIT_SECONDS", 1)
    songs, reference = (
        [song_of(source(music(1.5, seed)), name=f"p{seed}") for seed in part] for part in ((0, 1), (2, 3))
    )
    states = fad_mert().score_set(songs, reference, Direct())
    assert states.detail["cut_songs"] == 4


# --- metrics


def test_extractor_and_cards(monkeypatch, tmp_path):
    assert isinstance(MertEmbedding(), Extractor) and isinstance(fad_mert(), SetMetric)
    assert len({json.dumps(one.identity) for one in (MertEmbedding(), MertEmbedding(4), MertEmbedding(12, None))}) == 3
    assert fad_mert().card.id == "fad@mert-v1-95m" and fad_mert(layer=4).card.id == "fad@mert-v1-95m-4"
    assert "[4]" in kad_mert(layer=4).card.procedure.layer
    for layer in (13, -1, True, "last"):
        with pytest.raises(InputError, match="no layer"):
            fad_mert(layer=layer)
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    assert fad_mert().availability().cure == "songbench setup mert-v1-95m --accept-licence"
    with pytest.raises(UnavailableError, match="songbench setup mert-v1-95m"):
        list(MertEmbedding().extract([source(music(1))]))


@pytest.mark.parametrize("build", [fad_mert, kad_mert])
def test_distances(checkpoint, build):
    near, far = ([song_of(source(gain * music(2, seed)), name=f"p{seed}") for seed in range(3)] for gain in (1.0, 0.0))
    reference = [song_of(source(music(2, seed))) for seed in (3, 4, 5)]
    close, wide = (build().score_set(songs, reference, Direct()) for songs in (near, far))
    assert isinstance(close, Scores) and list(close.leave_one_out) == ["p0", "p1", "p2"]
    field = build().card.fields[0].name
    assert close.values[field] < wide.values[field]
    assert len({close.detail["songs"], close.detail["reference_songs"]}) == 1


def test_ten_more_songs_cost_ten_songs(checkpoint, tmp_path, monkeypatch):
    inputs = []
    monkeypatch.setattr(mert, "model_input", lambda audio, loudness: inputs.append(1) or model_input(audio, loudness))
    features = StoredFeatures(Store(str(tmp_path / "store")))
    songs = [song_of(source(music(0.5, seed)), name=f"p{seed}") for seed in range(15)]
    reference = [song_of(source(music(0.5, 50 + seed))) for seed in range(3)]
    first = fad_mert().score_set(songs[:5], reference, features)
    assert len(inputs) == 8
    second = fad_mert().score_set(songs, reference, features)
    assert len(inputs) == 18
    kad_mert().score_set(songs, reference, features)
    assert len(inputs) == 18  # the same feature
    assert fad_mert().score_set(songs[:5], reference, features).values == first.values
    fresh = fad_mert().score_set(songs, reference, Direct())
    assert fresh.values == pytest.approx(second.values)
