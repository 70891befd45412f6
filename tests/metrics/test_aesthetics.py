"""Audiobox's ratings against the package's own predictor, on one random checkpoint of small size."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from tiny_models import Direct, as_json, planted, silence, song_of, sound, stirred

from metrics.aesthetics import AESTHETICS, AudioboxAesthetics, aesthetics_audiobox, aesthetics_mix
from metrics.features import audiobox, models
from metrics.features.audiobox import AUDIOBOX, AXES, AudioboxRatings
from songbench.contracts.cards import ASPECTS
from songbench.contracts.conflicts import conflicts_of
from songbench.contracts.feature import Extractor
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import SongbenchError, UnavailableError
from songbench.domain.mixing import MIX_RULE, mix_with_vocal
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure
from songbench.resources.cpu_imports import mend_cpu_imports

SETTINGS = {
    "proj_num_layer": 2,
    "proj_ln": True,
    "proj_act_fn": "gelu",
    "proj_dropout": 0.1,
    "nth_layer": 3,
    "use_weighted_layer_sum": True,
    "precision": "bf16",  # of training: the package computes in float32 whatever this says
    "normalize_embed": True,
    "output_dim": 1,
}
TARGETS = {axis: {"mean": 5.0 + i, "std": 1.0 + 0.1 * i} for i, axis in enumerate(AXES)}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package's predictor, and the extractor on songbench's copy of its checkpoint."""
    mend_cpu_imports()
    import torch
    from audiobox_aesthetics import infer
    from audiobox_aesthetics.model import aes
    from safetensors.torch import save_file

    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("audiobox")
        patch.setenv("SONGBENCH_WEIGHTS", str(root / "weights"))
        # the package fixes the sizes of WavLM base; these are smaller, everything else is as it is there
        small = {
            "encoder_layers": 2,
            "encoder_embed_dim": 32,
            "encoder_ffn_embed_dim": 48,
            "encoder_attention_heads": 4,
        }
        convolutions = "[(16,10,5)] + [(16,3,2)] * 4 + [(16,2,2)] * 2"
        sizes = {**vars(aes.DEFAULT_AUDIO_CFG), **small, "conv_feature_layers": convolutions, "conv_pos_groups": 4}
        patch.setattr(aes, "DEFAULT_AUDIO_CFG", aes.WavLMConfig(sizes))
        model = stirred(aes.AesMultiOutput(**SETTINGS, target_transform=TARGETS))
        state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
        checkpoint = {
            "state_dict": {f"model.{name}": tensor for name, tensor in state.items()},
            "model_cfg": SETTINGS,
            "target_transform": TARGETS,
        }
        torch.save(checkpoint, root / "checkpoint.pt")
        weights = planted(
            AUDIOBOX,
            config_json=as_json({**SETTINGS, "target_transform": TARGETS}),
            model_safetensors=lambda path: save_file(state, path),
        )
        yield infer.initialize_predictor(str(root / "checkpoint.pt")), AudioboxRatings(weights=weights)


def rated(extractor, *sources):
    return list(AudioboxAesthetics(AESTHETICS, extractor).score([song_of(one) for one in sources], Direct()))


def upstream_rates(predictor, *sources):
    import torch

    batch = [{"path": torch.from_numpy(one.audio.samples), "sample_rate": one.audio.rate} for one in sources]
    return predictor.forward(batch)


@pytest.mark.parametrize(
    ("seconds", "rate", "channels"),
    [(0.3, 16_000, 1), (9.9999, 16_000, 1), (10, 16_000, 1), (20.0001, 44_100, 2), (31.3, 48_000, 2), (12, 8_000, 1)],
)
def test_ratings_are_those_of_the_package(package, seconds, rate, channels):
    predictor, extractor = package
    source = sound(seconds, seed=1, rate=rate, channels=channels)
    (ratings,) = rated(extractor, source)
    (upstream_ratings,) = upstream_rates(predictor, source)
    assert list(ratings.values) == list(upstream_ratings) == ["CE", "CU", "PC", "PQ"]
    assert ratings.values == pytest.approx(upstream_ratings, abs=1e-5)
    assert ratings.detail["windows"] == -(-seconds // 10)


def test_ratings_of_a_file_are_those_of_the_package(package, tmp_path, monkeypatch):
    import soundfile
    import torch
    from audiobox_aesthetics import infer

    def load(path):
        """In place of torchaudio's decoder, which needs an ffmpeg of the system."""
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return torch.from_numpy(samples.T.copy()), rate

    monkeypatch.setattr(infer.torchaudio, "load", load)
    predictor, extractor = package
    audio = sound(10.7, seed=2, rate=44_100, channels=2).audio
    for name, kind in (("a.wav", "PCM_16"), ("b.wav", "FLOAT"), ("c.flac", "PCM_24")):
        soundfile.write(tmp_path / name, audio.samples.T, 44_100, subtype=kind)
        (ratings,) = rated(extractor, AudioFile(tmp_path / name))
        (upstream_ratings,) = predictor.forward([{"path": str(tmp_path / name)}])
        assert ratings.values == pytest.approx(upstream_ratings, abs=1e-5), name


def test_neighbours_do_not_matter(package, tmp_path):
    predictor, extractor = package
    sources = [sound(seconds, seed=i) for i, seconds in enumerate((0.3, 25.0, 4.0))]
    empty = tmp_path / "empty.wav"
    empty.touch()
    together = rated(extractor, sources[0], AudioFile(empty), *sources[1:])
    assert isinstance(together[1], Failure) and "empty" in together[1].cause
    scores = [one.values for one in together if isinstance(one, Scores)]
    for batch in (1, 16):
        unbatched = AudioboxRatings(None, batch, extractor.weights)
        assert unbatched.identity == extractor.identity
        assert [rated(unbatched, one)[0].values for one in sources] == [pytest.approx(one, abs=1e-5) for one in scores]
    assert upstream_rates(predictor, *sources) == [pytest.approx(one, abs=1e-5) for one in scores]


def test_features_are_asked_for_all_songs_at_once(package):
    _, extractor = package
    features = Direct()
    songs = [song_of(sound(1, seed=i)) for i in range(3)]
    assert len(list(AudioboxAesthetics(AESTHETICS, extractor).score(songs, features))) == 3
    assert [len(asked) for asked in features.calls] == [3]
    assert list(AudioboxAesthetics(AESTHETICS, extractor).score([], features)) == []


def test_odd_songs(package, tmp_path):
    import soundfile

    predictor, extractor = package
    broken = tmp_path / "nan.wav"
    soundfile.write(broken, np.array([0.1, np.nan] * 9000), 24_000, subtype="FLOAT")
    one_sample = MemoryAudio(Audio(np.full((1, 1), 0.5, np.float32), 16_000))
    odd_rate = sound(2, rate=44_101)  # a filter bank of a billion numbers for torchaudio
    quiet, single, odd, bad = rated(extractor, silence(), one_sample, odd_rate, AudioFile(broken))
    assert quiet.values == pytest.approx(upstream_rates(predictor, silence())[0], abs=1e-5)
    assert single.values == pytest.approx(upstream_rates(predictor, one_sample)[0], abs=1e-5)
    assert isinstance(odd, Scores)
    assert isinstance(bad, Failure) and "NaN" in bad.cause


def test_the_column_of_the_mix_hears_vocal_and_accompaniment(package):
    predictor, extractor = package
    vocal, band = sound(11, seed=1, rate=16_000), sound(12, seed=2, rate=16_000)
    request = replace(song_of(band).request, vocal=vocal)
    metric = replace(aesthetics_mix(), ratings=extractor)
    with_vocal, without = metric.score([replace(song_of(band), request=request), song_of(band)], Direct())
    mix = MemoryAudio(mix_with_vocal(vocal.load(), band.load()))
    assert with_vocal.values == pytest.approx(upstream_rates(predictor, mix)[0], abs=1e-5)
    assert with_vocal.values != pytest.approx(rated(extractor, band)[0].values, abs=1e-3)
    assert without == NotApplicable("the prompt has no vocal to mix with")
    card = aesthetics_mix(loudness=-14).card
    assert card.id == "aesthetics@audiobox-mix" and card.tracks == ("v2a",) and card.fields == AESTHETICS.fields
    assert card.procedure.loudness == "-14 LUFS" and MIX_RULE in card.procedure.rate
    assert "Not to be compared with aesthetics@audiobox," in card.limits


def test_only_the_windows_of_a_batch_are_heard_at_once(package, monkeypatch):
    _, extractor = package
    sizes = []
    rate = AudioboxRatings._rate
    monkeypatch.setattr(
        AudioboxRatings, "_rate", lambda self, windows: sizes.append(len(windows)) or rate(self, windows)
    )
    rated(extractor, sound(200, rate=8_000))
    assert sizes == [8, 8, 4]


def test_the_checkpoint_must_fill_the_model(package, tmp_path):
    from safetensors.torch import load_file, save_file

    _, extractor = package
    folder = models.require(extractor.weights)
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    state = load_file(folder / "model.safetensors")
    name = "proj_layer.PQ.0.weight"
    save_file({"wrong": state.pop(name), **state}, tmp_path / "model.safetensors")
    with pytest.raises(SongbenchError, match=f"missing: {name}; unknown: wrong"):
        audiobox._load(tmp_path)


def test_card_and_availability(monkeypatch, tmp_path):
    metric = aesthetics_audiobox()
    assert isinstance(metric, SongMetric) and isinstance(metric.ratings, Extractor)
    card = metric.card
    assert card.id == "aesthetics@audiobox" and card.reference and set(card.hears) <= set(ASPECTS)
    assert [(one.name, one.direction, one.headline) for one in card.fields] == [
        ("CE", "higher", True),
        ("CU", "higher", True),
        ("PC", "none", True),
        ("PQ", "higher", True),
    ]
    assert [conflict.systems for conflict in conflicts_of(card)] == [("heartmula",)]
    assert card.procedure.loudness == "as it is" and not AUDIOBOX.restricted
    quiet = aesthetics_audiobox(loudness=-14)
    assert quiet.card.procedure.loudness == "-14 LUFS" and quiet.ratings.identity != metric.ratings.identity
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    assert metric.availability().cure == "songbench setup audiobox-aesthetics"
    with pytest.raises(UnavailableError, match="songbench setup audiobox-aesthetics"):
        list(metric.score([song_of(sound(1))], Direct()))


def test_building_is_cheap():
    code = "import sys; from metrics.aesthetics import *; aesthetics_audiobox(); print('torch' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"
