"""All-In-One: the same numbers as its authors' package gave on the same random weights (golden/make_allin1.py)."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from golden import allin1_cases as cases
from placed_weights import setup_weights

from metrics.features.allin1 import ALLIN1, AllInOne, find_sections, load, stems_of
from metrics.features.allin1_network import LABELS, STEMS, AllInOneNetwork
from metrics.features.allin1_sections import boundaries, sections
from metrics.features.allin1_spectrogram import BANDS, as_read_from_file, filters, spectrogram
from songbench.contracts.feature import Extractor, Feature
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import SongbenchError, UnavailableError
from songbench.domain.song import Failure

golden = json.loads((Path(__file__).parent / "golden/allin1.json").read_text(encoding="utf-8"))
NAMES = [file.name for file in ALLIN1.files[: cases.FOLDS]]


def checkpoint(fold):
    import torch

    return {
        "config": cases.CONFIG,
        "state_dict": {name: torch.from_numpy(value) for name, value in cases.state(fold).items()},
    }


@pytest.fixture(scope="module")
def ensemble():
    return [AllInOneNetwork.from_checkpoint(checkpoint(fold), "test") for fold in range(cases.FOLDS)]


# --- parity


@pytest.mark.parametrize("name", ["short", pytest.param("long", marks=pytest.mark.slow)])
def test_logits_and_sections_are_those_of_the_package(name, ensemble):
    import torch

    expected, spectrograms = golden[name], cases.spectrograms(*cases.CASES[name])
    with torch.inference_mode():
        boundary, labels = (
            torch.stack(parts).mean(dim=0).numpy()
            for parts in zip(*(fold(torch.from_numpy(spectrograms)) for fold in ensemble), strict=True)
        )
    np.testing.assert_allclose(boundary[expected["frames"]], expected["boundary"], atol=1e-4)
    np.testing.assert_allclose(labels[:, expected["frames"]], expected["labels"], atol=1e-4)
    assert [list(row) for row in find_sections(ensemble, spectrograms)] == expected["segments"]


@pytest.mark.parametrize("name", cases.POSTPROCESSED)
def test_sections_are_those_of_the_package(name):
    import torch

    boundary, labels = map(torch.from_numpy, cases.logits(*cases.POSTPROCESSED[name]))
    chances = boundary.sigmoid().numpy(), labels.softmax(dim=0).numpy()
    assert [list(row) for row in sections(*chances, LABELS, rate=100, near=48, wide=1200)] == golden[name]


def test_spectrograms_are_those_of_the_package():
    expected = golden["spectrogram"]
    features = np.stack([spectrogram(cases.stem(name)) for name in STEMS])
    assert list(features.shape) == expected["shape"]
    np.testing.assert_allclose(features[:, expected["frames"]], expected["values"], atol=1e-5)
    np.testing.assert_allclose(features.mean(axis=(1, 2)), expected["means"], atol=1e-6)


# --- parts


def test_a_stem_is_heard_as_a_16_bit_file():
    loud = np.array([[2.0, -1.0, 0.0], [2.0, -2.0, 0.0]], np.float32)
    full = 32767 / 2.02
    assert as_read_from_file(loud).tolist() == [int(2 * full), int((int(-full) + int(-2 * full)) / 2), 0]
    assert as_read_from_file(np.array([[1e-5, 0.5]], np.float32)).tolist() == [0, 16383]


def test_bands_have_area_one_and_cover_the_range():
    bands = filters()
    assert bands.shape == (1024, BANDS)
    np.testing.assert_allclose(bands.sum(axis=0), 1, rtol=1e-6)
    assert (np.diff(bands.argmax(axis=0)) > 0).all()


def test_without_a_boundary_there_is_one_section():
    labels = np.tile(np.array([[0.2], [0.8]], np.float32), 50)
    assert boundaries(np.zeros(50, np.float32), 2, 10).size == 0
    assert sections(np.zeros(50, np.float32), labels, ("a", "b"), rate=10, near=2, wide=10) == [("b", 0.0, 5.0)]


def test_boundaries_are_the_highest_far_and_wide():
    chances = np.zeros(100, np.float32)
    chances[[20, 24, 60]] = 0.5, 0.9, 0.3
    assert boundaries(chances, 2, 30).tolist() == [24, 60]
    labels = np.ones((1, 100), np.float32)
    assert sections(chances, labels, ("x",), rate=10, near=2, wide=30) == [
        ("x", 0.0, 2.4),
        ("x", 2.4, 6.0),
        ("x", 6.0, 10.0),
    ]


# --- checkpoints


def test_every_tensor_is_consumed_and_none_may_be_missing():
    lacking = checkpoint(0)
    del lacking["state_dict"]["norm.weight"]
    lacking["state_dict"]["another.weight"] = lacking["state_dict"]["norm.bias"]
    with pytest.raises(SongbenchError, match=r"missing: norm\.weight; unknown: another\.weight"):
        AllInOneNetwork.from_checkpoint(lacking, "fold")


def test_a_checkpoint_of_another_network_is_refused():
    conflicting = {**checkpoint(0), "config": {**cases.CONFIG, "depth": 9, "dim_embed": 16}}
    with pytest.raises(SongbenchError, match="depth = 9, dim_embed = 16"):
        AllInOneNetwork.from_checkpoint(conflicting, "fold")


def test_a_file_that_wants_to_run_code_is_refused(tmp_path, monkeypatch):
    import torch

    class Mischief:
        def __reduce__(self):
            return print, ("run",)

    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    bad = setup_weights(ALLIN1, {NAMES[0]: lambda path: torch.save({"config": Mischief()}, path)}, tmp_path)
    from songbench.resources import weights

    with pytest.raises(SongbenchError, match="no checkpoint of All-In-One"):
        load(weights.path(bad), bad)


# --- the extractor


@pytest.fixture
def extractor(tmp_path, monkeypatch):
    import torch

    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    files = {name: lambda path, fold=fold: torch.save(checkpoint(fold), path) for fold, name in enumerate(NAMES)}
    return AllInOne(setup_weights(ALLIN1, files, tmp_path))


class Separated:
    """Features that take every song apart into quarters of itself."""

    def __init__(self):
        self.calls = []

    def of(self, extractor, sources):
        assert extractor.stems == STEMS and extractor.rate == 44_100 and not extractor.mono
        self.calls += sources
        features = []
        for source in sources:
            try:
                audio = source.load().at(44_100)
            except SongbenchError as error:
                features.append(Failure("feature", f"stems: {error}"))
                continue
            buffer = io.BytesIO()
            stereo = np.resize(audio.samples, (2, audio.samples.shape[1]))
            soundfile.write(buffer, stereo.T, 44_100, format="FLAC", subtype="PCM_16")
            flac = np.frombuffer(buffer.getvalue(), np.uint8)
            features.append(Feature(dict.fromkeys(STEMS, flac), {"peak": dict.fromkeys(STEMS, 0.25)}))
        return features


def noise(seconds, rate=44_100, channels=2, level=0.1):
    samples = level * np.random.default_rng(0).standard_normal((channels, round(seconds * rate)))
    return MemoryAudio(Audio(samples.astype(np.float32), rate))


def test_odd_songs(extractor, tmp_path):
    assert isinstance(extractor, Extractor)
    broken = tmp_path / "broken.wav"
    soundfile.write(broken, np.full(4000, np.nan), 8000, subtype="FLOAT")
    songs = [noise(0.3), noise(2), noise(2, level=0), AudioFile(broken), noise(2, rate=8000, channels=1)]
    features = Separated()
    sources = [stems_of(song, features) for song in songs]
    assert len({source.digest for source in sources}) == 5 and not features.calls, "known without separating"
    short, usual, silent, nan, low = extractor.extract(sources)
    assert silent.data["segments"] == [["silence", 0.0, 2.0]]
    assert isinstance(nan, Failure) and "NaN" in nan.cause
    for feature, frames in ((short, 30), (usual, 200), (low, 200)):
        rows = feature.data["segments"]
        assert rows[0][1] == 0 and rows[-1][2] == pytest.approx(frames / 100)
        assert {label for label, _, _ in rows} <= set(LABELS)
    (alone,) = extractor.extract([stems_of(songs[1], features)])
    assert alone == usual, "whatever else is in the batch"


def test_without_weights_it_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(UnavailableError, match="songbench setup allin1"):
        list(AllInOne().extract([noise(1)]))
