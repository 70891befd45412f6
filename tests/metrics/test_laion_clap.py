"""LAION-CLAP: our towers and windows against laion_clap and fadtk themselves, odd songs, and the CLAP score."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_models import Direct, planted, song_of

from metrics.clap import clap_laion_music
from metrics.fad import fad_clap
from metrics.features import laion_clap, models
from metrics.features.laion_clap import CLAP_MUSIC, ROBERTA_TOKENS, WINDOW, ClapWindows
from metrics.features.laion_clap_checkpoint import audio_tower, read_checkpoint, text_tower
from metrics.features.style_texts import STYLE_TEXTS
from metrics.functional.frechet_distance import Gaussian, Moments, frechet
from metrics.kad import kad_clap
from songbench.contracts.feature import Extractor
from songbench.contracts.metric import SetMetric, SongMetric
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import SongbenchError, UnavailableError
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure
from songbench.resources.residency import ResidentModels

TEXTS = ["a calm song", "rock " * 60, "流行,男声"]
RATE = 48_000


def music(seconds, seed=0, rate=RATE, channels=1):
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.2 * np.sin(2 * np.pi * (200 + 40 * seed) * time) * (1 + np.sin(2 * np.pi * 3 * time))
    return (np.stack([tone] * channels) + 0.1 * rng.standard_normal((channels, time.size))).astype(np.float32)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory):
    """What laion_clap and fadtk make of audio and texts, and the checkpoint they used."""
    folder = tmp_path_factory.mktemp("clap")
    np.save(folder / "audio.npy", music(12)[0])
    steps = (music(11.5, 1)[0].clip(-1, 1) * 32767).astype(np.int16)
    np.save(folder / "song.npy", steps / 32768.0)  # as fadtk reads its 16-bit copies
    (folder / "texts.json").write_text(json.dumps(TEXTS))
    folder_of_tests = Path(__file__).parent
    paths = os.pathsep.join([str(folder_of_tests), str(folder_of_tests.parents[1]), os.environ.get("PYTHONPATH", "")])
    process = subprocess.run(
        [sys.executable, folder_of_tests / "laion_clap_parity.py", folder],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return folder


@pytest.fixture
def expected(upstream, tmp_path, monkeypatch):
    """The checkpoint where songbench looks for it."""
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(models, "RESIDENT", ResidentModels())
    checkpoint = {CLAP_MUSIC.files[0].name[::-1].replace(".", "_", 1)[::-1]: (upstream / "clap.pt").read_bytes()}
    tokens = {
        f"{name}_{end}": (upstream / f"{name}.{end}").read_bytes()
        for name, end in [("vocab", "json"), ("merges", "txt")]
    }
    monkeypatch.setattr(laion_clap, "CLAP_MUSIC", planted(CLAP_MUSIC, **checkpoint))
    monkeypatch.setattr(laion_clap, "ROBERTA_TOKENS", planted(ROBERTA_TOKENS, **tokens))
    return np.load(upstream / "upstream.npz")


def audio(samples, rate=RATE):
    return MemoryAudio(Audio(np.atleast_2d(samples).astype(np.float32), rate))


def vectors(extractor, *sources):
    return [feature.arrays["vectors"] for feature in extractor.extract(list(sources))]


# --- against the packages themselves


def test_windows_are_those_of_laion_clap(expected, upstream):
    samples = np.load(upstream / "audio.npy")
    score = ClapWindows(None, 10, "whole")
    window, short, long = vectors(score, *(audio(samples[:n]) for n in (WINDOW, 123_456, samples.size)))
    assert np.abs(window - expected["window"]).max() < 1e-4
    assert np.abs(short - expected["short"]).max() < 1e-4  # repeated as often as it fits
    assert np.abs(long[0] - expected["window"]).max() < 1e-4 and len(long) == 2
    # the packages' embeddings of different audio differ by far more than that
    assert np.abs(expected["window"] - expected["short"]).max() > 1e-2


def test_texts_are_those_of_laion_clap(expected):
    embeddings = np.stack(ClapWindows().texts(TEXTS))
    assert np.abs(embeddings - expected["texts"]).max() < 1e-4
    assert np.abs(expected["texts"][0] - expected["texts"][1]).max() > 1e-2


def test_the_windows_of_fad_are_those_of_fadtk(expected, upstream):
    (embeddings,) = vectors(ClapWindows(None), audio(np.load(upstream / "song.npy")))
    assert embeddings.shape == expected["fadtk"].shape == (12, 512)
    assert np.abs(embeddings - expected["fadtk"]).max() < 1e-4
    rng = np.random.default_rng(0)  # a reference, so that there is a distance to compare
    reference = Gaussian(Moments.of(embeddings[rng.integers(12, size=600)] + 0.1 * rng.standard_normal((600, 512))))
    distance, expected_distance = (
        frechet(reference, Gaussian(Moments.of(side))).distance for side in (embeddings, expected["fadtk"])
    )
    assert distance == pytest.approx(expected_distance, rel=1e-3)


# --- the checkpoint


def test_every_tensor_of_the_checkpoint_has_its_place(upstream):
    state = read_checkpoint(upstream / "clap.pt")
    last = "audio_branch.layers.3.blocks.1.mlp.fc2.bias"
    with pytest.raises(SongbenchError, match=r"layers\.3\.blocks\.1\.output\.dense\.bias"):
        audio_tower({name: one for name, one in state.items() if name != last})
    with pytest.raises(SongbenchError, match="surprise"):
        audio_tower({**state, "audio_branch.surprise": state[last]})
    with pytest.raises(SongbenchError, match=r"pooler\.dense\.bias"):
        text_tower({name: one for name, one in state.items() if name != "text_branch.pooler.dense.bias"})
    with pytest.raises(SongbenchError, match="video_branch"):
        text_tower({**state, "video_branch.weight": state[last]})


def test_without_weights_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    for metric in (clap_laion_music(), fad_clap(), kad_clap()):
        assert metric.availability().cure == "songbench setup clap-laion-music"
    with pytest.raises(UnavailableError, match="songbench setup clap-laion-music"):
        list(ClapWindows().extract([audio(music(1))]))


# --- windows


def test_where_windows_start():
    second = np.linspace(0, 0.9, RATE * 25 // 2, dtype=np.float32)
    last = int(second[-1] * 32767) / 32767
    zeros = list(ClapWindows().windows(second))
    assert len(zeros) == 13 and all(one.shape == (WINDOW,) for one in zeros)
    assert zeros[12][RATE // 2 - 1] == pytest.approx(last) and not zeros[12][RATE // 2 :].any()
    windows_of_song = list(ClapWindows(None, 10, "whole").windows(second))
    assert len(windows_of_song) == 2 and windows_of_song[1][-1] == pytest.approx(last)
    (short,) = ClapWindows(None, 10, "whole").windows(second[: 4 * RATE])
    assert np.array_equal(short[: 4 * RATE], short[4 * RATE : 8 * RATE]) and not short[8 * RATE :].any()


def test_levels_beyond_full_scale_are_clipped():
    window = next(ClapWindows().windows(np.array([2, -2, 0.5], np.float32)))
    assert window[:3].tolist() == pytest.approx([1, -1, 0.5], abs=1e-4)


def test_odd_songs(expected, tmp_path):
    broken = tmp_path / "nan.wav"
    import soundfile

    soundfile.write(broken, np.array([0.1, np.nan]), 8000, subtype="FLOAT")
    sources = [
        audio(music(0.3)),
        audio(np.zeros((2, RATE))),
        AudioFile(broken),
        audio(music(1, rate=8000, channels=2), 8000),
    ]
    extractor = ClapWindows()
    short, silent, failed, low = extractor.extract(sources)
    assert isinstance(failed, Failure) and "NaN" in failed.cause
    assert silent.data["silent"] and not short.data["silent"]
    for feature in (short, silent, low):
        assert np.allclose(np.linalg.norm(feature.arrays["vectors"], axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors(extractor, sources[3])[0], low.arrays["vectors"])  # alone as in company


# --- metrics


def test_the_score(expected):
    metric = clap_laion_music()
    assert isinstance(metric, SongMetric) and metric.availability().ready
    songs = [song_of(audio(music(11, seed)), style=style) for seed, style in [(0, TEXTS[0]), (1, TEXTS[1]), (2, "")]]
    songs.append(song_of(audio(np.zeros((1, RATE))), style="silence"))
    first, second, unasked, silent = metric.score(songs, Direct())
    assert unasked == NotApplicable("the prompt has no style text")
    assert silent == NotApplicable("the song is silent")
    (alone,) = metric.score(songs[:1], Direct())
    assert isinstance(first, Scores) and alone.values == pytest.approx(first.values, abs=1e-6)
    windows = vectors(ClapWindows(None, 10, "whole"), songs[0].source)[0]
    texts = np.stack(ClapWindows().texts([TEXTS[0], *STYLE_TEXTS]))
    mean = windows.mean(axis=0)
    assert len(windows) == 2
    assert first.values["clap"] == pytest.approx(mean @ texts[0] / np.linalg.norm(mean), abs=1e-6)
    assert first.values["clap_clips"] == pytest.approx((windows @ texts[0]).mean(), abs=1e-6)
    assert first.values["clap_chance"] == pytest.approx((texts[1:] @ mean).mean() / np.linalg.norm(mean), abs=1e-6)
    assert second.values != first.values


def test_extractor_and_cards():
    assert isinstance(ClapWindows(), Extractor)
    different = [ClapWindows(), ClapWindows(None), ClapWindows(hop_seconds=10), ClapWindows(ending="whole")]
    assert len({json.dumps(one.identity) for one in different}) == 4
    assert fad_clap().card.procedure.loudness == "-14 LUFS" and fad_clap(None).card.procedure.loudness == "as it is"
    assert isinstance(kad_clap(), SetMetric)
    assert clap_laion_music().card.needs == ("clap-laion-music", "roberta-tokens")


@pytest.mark.parametrize("build", [fad_clap, kad_clap])
def test_distances(expected, build):
    metric = build()
    songs, reference = (
        [song_of(audio(music(2, seed)), name=f"p{seed}") for seed in seeds] for seeds in ((0, 1, 2), (3, 4))
    )
    embeddings = metric.score_set(songs, reference, Direct())
    assert isinstance(embeddings, Scores) and embeddings.n == 3
    assert embeddings.detail["windows"] == 6 and list(embeddings.leave_one_out) == ["p0", "p1", "p2"]
