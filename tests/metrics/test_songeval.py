"""SongEval: MuQ against its package, the head against its definition in torch's own modules, odd and long songs."""

import resource
import subprocess
import sys

import numpy as np
import pytest
from tiny_models import Direct, as_json, muq_config, planted, silence, song_of, sound, stirred

from metrics.features import models
from metrics.features.muq import MUQ, hidden_state, load_muq
from metrics.features.songeval import LAYER, SONGEVAL, SongEvalRatings
from metrics.features.songeval_head import AXES, load_head
from metrics.features.strict_loading import read_tensors
from metrics.songeval import SONGEVAL_CARD, SongEval, songeval_songeval
from songbench.contracts.cards import ASPECTS
from songbench.contracts.conflicts import conflicts_of
from songbench.contracts.feature import Extractor
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import AudioFile
from songbench.domain.errors import SongbenchError, UnavailableError
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure
from songbench.resources.cpu_imports import mend_cpu_imports


def head_state(width=32, hidden=48, layers=4):
    import torch

    generator = torch.Generator().manual_seed(3)
    shapes = {"ffd.0.weight": (hidden, width), "ffd.2.weight": (width, hidden), "fc.weight": (5, 2 * width)}
    for i in range(layers):
        shapes |= {f"attn.{i}.in_proj_weight": (3 * width, width), f"attn.{i}.out_proj.weight": (width, width)}
    biases = {name.replace("weight", "bias"): shape[:1] for name, shape in shapes.items()}
    return {
        name: torch.randn(shape, generator=generator) / shape[-1] ** 0.5 for name, shape in (shapes | biases).items()
    }


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    """The package's MuQ, and the extractor on songbench's copy of the checkpoints."""
    mend_cpu_imports()
    from muq import MuQ, MuQConfig
    from safetensors.torch import save_file

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SONGBENCH_WEIGHTS", str(tmp_path_factory.mktemp("weights")))
        config = muq_config(layers=LAYER + 2)
        upstream = stirred(MuQ(MuQConfig(**config)))
        state = {name: tensor.contiguous() for name, tensor in upstream.state_dict().items()}
        yield (
            upstream,
            SongEvalRatings(
                head=planted(SONGEVAL, model_safetensors=lambda path: save_file(head_state(), path)),
                muq=planted(
                    MUQ,
                    config_json=as_json({**config, "unknown to the package": 1}),
                    model_safetensors=lambda path: save_file(state, path),
                ),
            ),
        )


def defined(state, frames):
    """The head, from torch's own modules, as the authors describe and code it."""
    import torch
    from torch.nn.functional import linear, relu

    part = lambda name: (state[f"{name}.weight"], state[f"{name}.bias"])  # noqa: E731
    fed = linear(relu(linear(frames[None], *part("ffd.0"))), *part("ffd.2"))
    mixed = fed
    for i in range(sum("in_proj_weight" in name for name in state)):
        attention = torch.nn.MultiheadAttention(frames.shape[-1], 8, batch_first=True).eval()
        names = [name for name in state if name.startswith(f"attn.{i}.")]
        attention.load_state_dict({name.removeprefix(f"attn.{i}."): state[name] for name in names})
        mixed = attention(mixed, mixed, mixed)[0]
    pooled = torch.cat([mixed.mean(dim=1), fed.max(dim=1)[0]], dim=1)
    return (torch.tanh(linear(pooled, *part("fc"))) * 2 + 3)[0]


def rated(extractor, *sources):
    return list(SongEval(SONGEVAL_CARD, extractor).score([song_of(one) for one in sources], Direct()))


@pytest.mark.parametrize("seconds", [0.1, 0.3, 29.99, 31.237])
def test_ratings_are_those_of_the_definition_on_the_packages_frames(ratings, seconds):
    import torch

    upstream, extractor = ratings
    source = sound(seconds, seed=1)
    with torch.inference_mode():
        frames = upstream(torch.from_numpy(source.audio.samples), output_hidden_states=True)["hidden_states"][LAYER]
        expected = defined(head_state(), frames[0])
    (feature,) = rated(extractor, source)
    assert list(feature.values) == list(AXES)
    assert list(feature.values.values()) == pytest.approx(expected.tolist(), abs=1e-4)
    assert len({round(value, 4) for value in feature.values.values()}) == 5


@pytest.mark.parametrize(("width", "layers", "count"), [(32, 4, 300), (64, 1, 1), (16, 0, 7)])
def test_head(width, layers, count):
    import torch

    state = head_state(width, 2 * width, layers)
    frames = torch.randn(count, width, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        rating, expected = load_head(state)(frames), defined(state, frames)
    assert torch.allclose(rating, expected, atol=1e-6)
    assert ((rating > 1) & (rating < 5)).all()


def test_layers_above_the_wanted_one_are_not_kept(ratings):
    _, extractor = ratings
    muq, _ = extractor._models()
    assert len(muq.model.conformer.layers) == LAYER


def test_any_rate_and_channels_are_heard_as_librosa_loads_them(ratings, tmp_path):
    import librosa
    import soundfile
    import torch

    _, extractor = ratings
    audio = sound(4.4, seed=4, rate=44_100, channels=2).audio
    soundfile.write(tmp_path / "song.wav", audio.samples.T, 44_100, subtype="FLOAT")
    wave, _ = librosa.load(tmp_path / "song.wav", sr=24_000)
    muq, head = extractor._models()
    with torch.inference_mode():
        expected = head(hidden_state(muq, torch.from_numpy(wave)))
    (feature,) = rated(extractor, AudioFile(tmp_path / "song.wav"))
    assert list(feature.values.values()) == pytest.approx(expected.tolist(), abs=1e-6)


def test_odd_songs(ratings, tmp_path):
    import soundfile

    _, extractor = ratings
    broken = tmp_path / "nan.wav"
    soundfile.write(broken, np.array([0.1, np.nan] * 9000), 24_000, subtype="FLOAT")
    features = Direct()
    songs = [silence(), sound(0.05), AudioFile(broken), sound(2, rate=8_000), sound(2, rate=44_100, channels=2)]
    feature = list(SongEval(SONGEVAL_CARD, extractor).score([song_of(one) for one in songs], features))
    assert [type(one) for one in feature] == [Scores, NotApplicable, Failure, Scores, Scores]
    assert feature[1] == NotApplicable("the song is shorter than 0.1 s") and "NaN" in feature[2].cause
    assert [len(asked) for asked in features.calls] == [5]
    alone = [rated(extractor, one)[0] for one in songs]
    assert alone == feature


def test_a_song_that_is_too_much_for_the_device_fails_alone(ratings, monkeypatch):
    from metrics.features import songeval

    _, extractor = ratings

    def hear(muq, wave):
        if wave.shape[0] > 24_000:
            raise RuntimeError("CUDA out of memory\nand so on")
        return hidden_state(muq, wave)

    monkeypatch.setattr(songeval, "hidden_state", hear)
    short, long = rated(extractor, sound(1), sound(2))
    assert isinstance(short, Scores)
    assert long == Failure("feature", "songeval: RuntimeError at 2 s: CUDA out of memory")


@pytest.mark.slow
def test_twenty_minutes_fit_into_memory(ratings):
    """In the authors' code the scores of attention alone take 14 GB at these sizes, 58 GB at those of MuQ large."""
    _, extractor = ratings
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (feature,) = rated(extractor, sound(1200))
    assert isinstance(feature, Scores)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 3e6  # kB


def test_checkpoints_must_fill_their_models(ratings, tmp_path):
    from safetensors.torch import save_file

    _, extractor = ratings
    state = head_state()
    name = "attn.2.out_proj.weight"
    with pytest.raises(SongbenchError, match=f"missing: {name}; unknown: wrong"):
        load_head({"wrong": state.pop(name), **state})
    with pytest.raises(SongbenchError, match="SongEval does not fit"):
        load_head({})
    folder = models.require(extractor.muq)
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    tensors = read_tensors(folder / "model.safetensors")
    name = "model.conformer.layers.7.ffn1.intermediate_dense.weight"
    save_file({"surplus": tensors.pop(name), **tensors}, tmp_path / "model.safetensors")
    with pytest.raises(SongbenchError, match=f"missing: {name}; unknown: surplus"):
        load_muq(tmp_path, layers=LAYER)


def test_weight_norm_is_found_under_its_old_names(ratings, tmp_path):
    from safetensors.torch import save_file

    _, extractor = ratings
    folder = models.require(extractor.muq)
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    name = "model.conformer.pos_conv_embed.conv"
    tensors = read_tensors(folder / "model.safetensors")
    for old, new in (("weight_g", "original0"), ("weight_v", "original1")):
        tensors[f"{name}.{old}"] = tensors.pop(f"{name}.parametrizations.weight.{new}")
    save_file(tensors, tmp_path / "model.safetensors")
    assert load_muq(tmp_path, layers=LAYER)


def test_card_and_availability(monkeypatch, tmp_path):
    metric = songeval_songeval()
    assert isinstance(metric, SongMetric) and isinstance(metric.ratings, Extractor)
    card = metric.card
    assert card.id == "songeval@songeval" and card.reference and set(card.hears) <= set(ASPECTS)
    assert all((one.direction, one.low, one.high) == ("higher", 1, 5) for one in card.fields)
    assert "CC BY-NC-SA 4.0" in card.licence and "Apache-2.0" in card.licence and SONGEVAL.restricted
    assert {name for conflict in conflicts_of(card) for name in conflict.systems} == {
        "heartmula", "diffrhythm", "diffrhythm2", "songbloom", "songbloom_upstream", "muse", "ladaband",
        "ladaband_upstream",
    }  # fmt: skip
    assert songeval_songeval(loudness=-14).ratings.identity != metric.ratings.identity
    assert songeval_songeval(loudness=-14).card.procedure.loudness == "-14 LUFS"
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    assert metric.availability().cure == "songbench setup muq-large-msd-iter --accept-licence"
    with pytest.raises(UnavailableError, match="songbench setup muq-large-msd-iter --accept-licence"):
        list(metric.score([song_of(sound(1))], Direct()))


def test_building_is_cheap():
    code = "import sys; from metrics.songeval import *; songeval_songeval(); print('torch' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"
