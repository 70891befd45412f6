"""MuQ-MuLan's similarity against the package itself, on one random checkpoint of small size."""

import json
import sys

import numpy as np
import pytest
from tiny_models import Direct, as_json, muq_config, planted, silence, song_of, sound, stirred, xlm_roberta

from metrics.aesthetics import aesthetics_audiobox
from metrics.clamp3 import clamp3_saas
from metrics.condition_similarity import AudioSimilarity, TextSimilarity
from metrics.features import models, muq_mulan
from metrics.features.muq_mulan import MUQ_MULAN, MUQ_SIZES, MulanClips, clips
from metrics.features.other_music import other_music
from metrics.features.style_texts import STYLE_TEXTS
from metrics.features.xlm_roberta import XLM_ROBERTA
from metrics.mcc import MCC, MCC_TEXT, mcc_muq_mulan, mcc_muq_mulan_text
from metrics.songeval import songeval_songeval
from songbench.contracts.cards import ASPECTS
from songbench.contracts.conflicts import conflicts_of
from songbench.contracts.feature import Extractor
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import AudioFile
from songbench.domain.errors import SongbenchError, UnavailableError
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure

STYLES = (
    "pop, piano, female vocal",
    "rock",
    "流行,钢琴,男声",
    "a dark and slow song with many drums and no guitar " * 3,
)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The package's model, and the extractor on songbench's copy of its files."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("mulan")
        patch.setenv("SONGBENCH_WEIGHTS", str(root / "weights"))
        _, text_files = xlm_roberta(root / "xlm-roberta-base")
        import torch
        from muq import MuQ, MuQConfig, MuQMuLan

        torch.manual_seed(3)
        sizes = muq_config()
        MuQ(MuQConfig(**sizes)).save_pretrained(root / "muq")
        transformer = {"dim": 24, "tf_depth": 2, "heads": 2, "dim_head": 8}
        config = {
            "mulan": {"sr": 24000, "clip_secs": 10, "dim_latent": 16},
            # the package takes names of a hub or folders
            "audio_model": {"name": str(root / "muq"), "model_dim": 32, "use_layer_idx": -1},
            "text_model": {"name": str(root / "xlm-roberta-base"), "model_dim": 32, "use_layer_idx": -1},
            "audio_transformer": transformer,
            "text_transformer": {**transformer, "max_seq_len": 1024},
        }
        upstream = stirred(MuQMuLan(config))
        names = {"audio": "OpenMuQ/MuQ-large-msd-iter", "text": "xlm-roberta-base"}
        published = {**config, **{f"{part}_model": {**config[f"{part}_model"], "name": names[part]} for part in names}}
        extractor = MulanClips(
            weights=planted(
                MUQ_MULAN,
                config_json=as_json(published),
                pytorch_model_bin=lambda path: torch.save(upstream.state_dict(), path),
            ),
            muq=planted(MUQ_SIZES, config_json=as_json(sizes)),
            text=planted(XLM_ROBERTA, **text_files),
        )
        yield upstream, extractor


def upstream_audio(upstream, source):
    import torch

    with torch.inference_mode():
        return upstream(wavs=torch.from_numpy(source.audio.samples))[0].numpy()


# --- against the package


@pytest.mark.parametrize("seconds", [0.3, 4.0, 7.0, 10.0, 20.0, 33.7])
def test_audio_is_heard_as_by_the_package(package, seconds):
    upstream, extractor = package
    source = sound(seconds, seed=1)
    (feature,) = extractor.extract([source])
    assert feature.arrays["vectors"].shape[0] == -(-seconds // 10)
    assert np.abs(feature.arrays["vectors"].mean(axis=0) - upstream_audio(upstream, source)).max() < 1e-5


def test_clips_are_those_of_the_package(package):
    import torch

    upstream, _ = package
    for count in (7_000, 119_999, 240_000, 240_001, 600_123):
        wave = np.random.default_rng(0).standard_normal(count).astype(np.float32)
        assert np.array_equal(np.stack(list(clips(wave))), upstream._get_all_clips(torch.from_numpy(wave)).numpy())


def test_a_text_is_read_as_by_the_package_alone(package):
    import torch

    upstream, extractor = package
    vectors = extractor.texts(STYLES)
    with torch.inference_mode():
        alone = [upstream(texts=[style])[0].numpy() for style in STYLES]
        together = upstream(texts=list(STYLES)).numpy()
    assert max(np.abs(a - b).max() for a, b in zip(vectors, alone, strict=True)) < 1e-5
    # why texts go one by one: in the package a text's vector depends on the longest of its batch
    assert np.abs(together[1] - alone[1]).max() > 1e-3


def test_scores_hold_the_packages_own_number(package):
    import torch

    upstream, extractor = package
    song, prompt = sound(33.7, seed=2), sound(10, seed=3)
    (audio,) = AudioSimilarity(MCC, extractor).score([song_of(song, prompt)], Direct())
    (text,) = TextSimilarity(MCC_TEXT, extractor).score([song_of(song, style=STYLES[0])], Direct())
    with torch.inference_mode():
        song_wave = torch.from_numpy(upstream_audio(upstream, song))[None]
        prompt_wave = torch.from_numpy(upstream_audio(upstream, prompt))[None]
        read = upstream(texts=[STYLES[0]])
        assert audio.values["mcc_clips"] == pytest.approx(
            float(upstream.calc_similarity(song_wave, prompt_wave)), abs=1e-5
        )
        assert text.values["mcc_text_clips"] == pytest.approx(
            float(upstream.calc_similarity(song_wave, read)), abs=1e-5
        )
        cosine = torch.nn.functional.cosine_similarity(song_wave, prompt_wave)
    assert audio.values["mcc"] == pytest.approx(float(cosine), abs=1e-5)
    assert float(song_wave.norm()) < 0.999, "clips of this song differ, so the package's number is not a cosine"


def test_any_rate_and_channels_are_heard_as_librosa_loads_them(package, tmp_path):
    import librosa
    import soundfile

    upstream, extractor = package
    audio = sound(12.3, seed=4, rate=44_100, channels=2).audio
    path = tmp_path / "song.wav"
    soundfile.write(path, audio.samples.T, 44_100, subtype="FLOAT")
    wave, _ = librosa.load(path, sr=24_000)
    import torch

    with torch.inference_mode():
        expected = upstream(wavs=torch.from_numpy(wave)[None])[0].numpy()
    (feature,) = extractor.extract([AudioFile(path)])
    assert np.abs(feature.arrays["vectors"].mean(axis=0) - expected).max() < 1e-5


# --- batches


def test_neighbours_do_not_matter(package, tmp_path):
    _, extractor = package
    sources = [sound(seconds, seed=i) for i, seconds in enumerate((0.3, 25.0, 4.0, 3.9, 11.0))]
    sources.insert(2, AudioFile(tmp_path / "absent.wav"))
    together = list(extractor.extract(sources))
    assert isinstance(together[2], Failure) and "No such audio file" in together[2].cause
    for batch in (1, 16):
        different = MulanClips(
            loudness=None, batch=batch, weights=extractor.weights, muq=extractor.muq, text=extractor.text
        )
        assert different.identity == extractor.identity
        for source, before in zip(sources, together, strict=True):
            (alone,) = different.extract([source])
            if not isinstance(before, Failure):
                assert np.abs(alone.arrays["vectors"] - before.arrays["vectors"]).max() < 1e-5


def test_features_are_asked_for_all_songs_at_once(package):
    _, extractor = package
    prompts = [sound(10, seed=i) for i in (20, 21)]
    songs = [song_of(sound(5.5, seed=i), prompts[i % 2], style=STYLES[i % 2]) for i in range(4)]
    features = Direct()
    assert all(isinstance(one, Scores) for one in AudioSimilarity(MCC, extractor).score(songs, features))
    (prompt_wave,) = features.calls
    assert len(prompt_wave) == len(set(prompt_wave)) == 4 + 2 + len(other_music())
    features = Direct()
    alone = [next(TextSimilarity(MCC_TEXT, extractor).score([song], Direct())).values for song in songs]
    together = [one.values for one in TextSimilarity(MCC_TEXT, extractor).score(songs, features)]
    assert together == [pytest.approx(one, abs=1e-5) for one in alone]
    assert len(features.calls) == 1


# --- what the number stands beside


def test_levels_to_compare_with(package):
    _, extractor = package
    reference = sound(25, seed=7)
    prompt = type(reference)(reference.audio.cut(0, 10))
    songs = [song_of(prompt, prompt, reference), song_of(sound(25, seed=8), prompt)]
    copy, different = AudioSimilarity(MCC, extractor).score(songs, Direct())
    assert copy.values["mcc"] == pytest.approx(1) and copy.values["mcc"] <= 1
    (expected,) = AudioSimilarity(MCC, extractor).score([song_of(reference, prompt)], Direct())
    assert copy.values["mcc_self"] == expected.values["mcc"]
    assert "mcc_self" not in different.values
    vectors = [extractor_vector(extractor, source) for source in (songs[1].source, *other_music())]
    assert different.values["mcc_chance"] == pytest.approx(np.mean([vectors[0] @ one for one in vectors[1:]]), abs=1e-6)
    (text,) = TextSimilarity(MCC_TEXT, extractor).score([song_of(sound(25, seed=8), style="rock")], Direct())
    chance = np.mean([vectors[0] @ one for one in extractor.texts(STYLE_TEXTS)])
    assert text.values["mcc_text_chance"] == pytest.approx(chance, abs=1e-6)
    for metric, scores in ((MCC, copy), (MCC_TEXT, text)):
        assert set(scores.values) == {field.name for field in metric.fields}


def extractor_vector(extractor, source):
    (feature,) = extractor.extract([source])
    mean = feature.arrays["vectors"].mean(axis=0, dtype=np.float64)
    return mean / np.linalg.norm(mean)


def test_other_music_is_always_the_same_and_never_silent():
    first = other_music()
    other_music.cache_clear()
    assert [one.digest for one in other_music()] == [one.digest for one in first]
    assert len({one.digest for one in first}) == len(first) == 12
    assert all(one.audio.seconds == 10 and np.abs(one.audio.samples).max() > 0.1 for one in first)


# --- odd songs


def test_odd_songs(package, tmp_path):
    import soundfile

    _, extractor = package
    broken = tmp_path / "nan.wav"
    soundfile.write(broken, np.array([0.1, np.nan] * 9000), 24_000, subtype="FLOAT")
    prompt = sound(10, seed=9)
    odd = [silence(), sound(0.05), AudioFile(broken), sound(0.3), sound(3, rate=8_000), sound(40, rate=48_000)]
    songs = [song_of(source, prompt, style="rock") for source in odd]
    songs += [song_of(prompt), song_of(prompt, silence())]
    by_audio = list(AudioSimilarity(MCC, extractor).score(songs, Direct()))
    by_text = list(TextSimilarity(MCC_TEXT, extractor).score(songs, Direct()))
    for feature in (by_audio, by_text):
        assert feature[:2] == [NotApplicable("the song is silent"), NotApplicable("the song is shorter than 0.1 s")]
        assert isinstance(feature[2], Failure) and "NaN" in feature[2].cause
        assert all(isinstance(one, Scores) for one in feature[3:6])
    assert by_audio[6:] == [
        NotApplicable("the prompt has no audio to be similar to"),
        NotApplicable("the prompt audio is silent"),
    ]
    assert by_text[6] == NotApplicable("the prompt has no style text")
    assert list(AudioSimilarity(MCC, extractor).score([], Direct())) == []


def test_a_text_longer_than_the_model_has_places_for_is_cut(package):
    _, extractor = package
    long, longer = extractor.texts(["rock " * 600, "rock " * 900])
    assert np.array_equal(long, longer) and np.isfinite(long).all()


# --- loading


def test_the_checkpoint_must_fill_the_model(package, tmp_path, monkeypatch):
    import torch

    upstream, extractor = package
    folders = [models.require(one) for one in extractor.needs]
    state = upstream.state_dict()
    (tmp_path / "config.json").write_bytes((folders[0] / "config.json").read_bytes())

    def load(**change):
        changed = {name: tensor for name, tensor in (state | change).items() if tensor is not None}
        torch.save(changed, tmp_path / "pytorch_model.bin")
        return muq_mulan._load(tmp_path, *folders[1:])

    name = "mulan.text.model.encoder.layer.1.output.dense.weight"
    with pytest.raises(SongbenchError, match=f"missing: {name}"):
        load(**{name: None})
    with pytest.raises(SongbenchError, match=r"unknown: mulan.surplus"):
        load(**{"mulan.surplus": torch.zeros(1)})
    with pytest.raises(SongbenchError, match=r"audio_to_latents.weight has shape \(1,\), not \(16, 24\)"):
        load(**{"mulan.audio_to_latents.weight": torch.zeros(1)})
    load(**{"mulan.text.model.embeddings.position_ids": torch.arange(514)[None]})
    config = json.loads((tmp_path / "config.json").read_text())
    config["audio_model"]["name"] = "m-a-p/MERT-v1-330M"
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(SongbenchError, match="MERT-v1-330M"):
        load()


def test_loading_asks_no_hub_and_leaves_the_random_state_alone(package, monkeypatch):
    import random

    import huggingface_hub
    import torch

    _, extractor = package
    refuse = lambda *_, **__: pytest.fail("asked a hub")  # noqa: E731
    monkeypatch.setattr(huggingface_hub.file_download, "hf_hub_download", refuse)
    monkeypatch.setattr("socket.socket.connect", refuse)
    models.resident("another model", lambda: None)
    random.seed(1)
    torch.manual_seed(1)
    before = random.getstate(), torch.get_rng_state()
    extractor._model()
    assert random.getstate() == before[0] and torch.equal(torch.get_rng_state(), before[1])


# --- cards


def test_cards():
    assert (MCC.id, MCC_TEXT.id) == ("mcc@muq-mulan", "mcc@muq-mulan-text")
    columns = [card.column(field.name) for card in (MCC, MCC_TEXT) for field in card.fields if field.headline]
    assert columns == ["mcc@muq-mulan", "mcc_text@muq-mulan-text"]
    for metric in (mcc_muq_mulan(), mcc_muq_mulan_text()):
        assert isinstance(metric, SongMetric) and isinstance(metric.embedding, Extractor)
        card = metric.card
        assert card.reference and set(card.hears) <= set(ASPECTS)
        assert "muq-mulan-large" in card.needs and "CC BY-NC" in card.licence
        assert {name for conflict in conflicts_of(card) for name in conflict.systems} == {
            "diffrhythm", "diffrhythm2", "jam", "songbloom", "songbloom_upstream", "heartmula", "muse", "ladaband",
            "ladaband_upstream",
        }  # fmt: skip
        assert card.procedure.loudness == "as it is"
    quiet = mcc_muq_mulan(loudness=-14)
    assert quiet.card.procedure.loudness == "-14 LUFS"
    assert quiet.embedding.identity != mcc_muq_mulan().embedding.identity


@pytest.mark.parametrize(
    ("metric", "package", "extra"),
    [
        (mcc_muq_mulan, "muq", "muq"),
        (mcc_muq_mulan_text, "muq", "muq"),
        (songeval_songeval, "muq", "muq"),
        (aesthetics_audiobox, "audiobox_aesthetics", "aesthetics"),
        (clamp3_saas, "transformers", "embeddings"),
    ],
)
def test_without_its_package_it_says_what_to_do(monkeypatch, metric, package, extra):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else name)
    state = metric().availability()
    assert state.reason == f"the package '{package}' is not installed"
    assert state.cure == f"pip install 'songbench[{extra}]'"


def test_without_weights_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    for metric in (mcc_muq_mulan(), mcc_muq_mulan_text()):
        state = metric.availability()
        assert not state.ready and state.cure == "songbench setup muq-mulan-large --accept-licence"
    with pytest.raises(UnavailableError, match="songbench setup muq-mulan-large --accept-licence"):
        list(mcc_muq_mulan().score([song_of(sound(1), sound(1))], Direct()))


def test_building_is_cheap():
    import subprocess

    code = "import sys; from metrics.mcc import *; mcc_muq_mulan(), mcc_muq_mulan_text(); print('torch' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "False"


def test_clips_that_are_equal_are_within_the_range_whatever_float32_made_of_their_length():
    from metrics.condition_similarity import _similarities

    long = np.full((3, 512), np.float32(1 / np.sqrt(512)), np.float32).astype(np.float64) * (1 + 1e-7)
    assert _similarities("mcc", long, long, [long[0]])["mcc_clips"] == 1.0
    assert _similarities("mcc", long, -long, [long[0]])["mcc_clips"] == -1.0
