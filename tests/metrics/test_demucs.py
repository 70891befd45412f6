"""Separation by HTDemucs, on small random networks of the package's own class in its own checkpoint format."""

import hashlib
import io
import os
import pickle
import types
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from metrics.features import demucs_stems, models
from metrics.features.batches import in_batches
from metrics.features.demucs_stems import HTDEMUCS_TORCH, DemucsStems, load_htdemucs, stem_of
from metrics.features.separation import SEGMENT, VocalSeparation, separate, stereo
from songbench.contracts.feature import Extractor, Feature
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.errors import InputError, UnavailableError
from songbench.domain.song import Failure
from songbench.resources import weights
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.residency import ResidentModels
from songbench.resources.weights import WeightFile

SOURCES = ("drums", "bass", "other", "vocals")
RATE = 44_100


def package(segment, seed=0):
    """What `demucs.states.serialize_model` makes of a small random network: half precision, with the class by name."""
    import torch

    mend_cpu_imports()
    from demucs.htdemucs import HTDemucs
    from demucs.states import get_state

    torch.manual_seed(seed)
    sizes = {"channels": 8, "bottom_channels": 16, "t_layers": 3, "t_heads": 2, "t_hidden_scale": 2.0}
    # An untrained network hardly hears its inner layers unless these start large.
    network = HTDemucs(list(SOURCES), segment=segment, dconv_init=0.5, dconv_mode=3, samplerate=RATE, **sizes)
    args, kwargs = network._init_args_kwargs
    state = get_state(network, None, half=True)
    return {
        "klass": HTDemucs,
        "args": args,
        "kwargs": kwargs,
        "state": state,
        "training_args": {"lr": np.float64(3e-4), "dset": {"segment": segment}},
    }


def installed(content):
    """Weights whose checkpoint holds this content, put where songbench looks for it."""
    import torch

    buffer = io.BytesIO()
    torch.save(content, buffer)
    data = buffer.getvalue()
    digest = hashlib.sha256(data).hexdigest()
    declared = replace(HTDEMUCS_TORCH, files=(WeightFile(f"955717e8-{digest[:8]}.th", digest, len(data)),))
    place = weights.folder_of(declared)
    place.mkdir(parents=True)
    (place / declared.files[0].name).write_bytes(data)
    return declared


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A network that hears 2 s at a time."""
    patch = pytest.MonkeyPatch()
    patch.setenv("SONGBENCH_WEIGHTS", str(tmp_path_factory.mktemp("weights")))
    yield installed(package(Fraction(2)))
    patch.undo()


def song(seconds, channels=2, rate=RATE, seed=0):
    """A sweep over noise, louder towards its end and a little off zero."""
    time = np.arange(round(seconds * rate)) / rate
    tone = 0.4 * np.sin(2 * np.pi * (200 + 40 * time) * time) * (0.3 + time / max(seconds, 1e-9))
    noise = np.random.default_rng(seed).standard_normal((channels, time.size))
    return MemoryAudio(Audio((tone + 0.05 * noise + 0.02).astype(np.float32), rate))


def separated(extractor, *sources):
    return [
        feature if isinstance(feature, Failure) else samples_of(feature, extractor.stems[0])
        for feature in extractor.extract(sources)
    ]


def samples_of(feature, stem):
    return stem_of(feature, stem).load().samples


# --- parity


@pytest.mark.parametrize(("seconds", "channels"), [(5.3, 2), (0.3, 2), (2.0, 1)])
def test_stems_are_those_of_the_package(small, seconds, channels):
    import torch

    mend_cpu_imports()
    from demucs.api import Separator
    from demucs.audio import convert_audio_channels

    upstream = Separator("955717e8", repo=weights.path(small), device="cpu", shifts=0, overlap=0.25, split=True)
    mix = song(seconds, channels)
    wave = convert_audio_channels(torch.from_numpy(mix.audio.samples), 2)
    _, expected = upstream.separate_tensor(wave, RATE)
    extractor = DemucsStems(stems=(*SOURCES, "accompaniment"), rate=RATE, mono=False, weights=small)
    (stems,) = extractor.extract([mix])
    expected["accompaniment"] = sum(expected[name] for name in SOURCES if name != "vocals")
    for name, expected_stem in expected.items():
        assert expected_stem.abs().max() > 1e-2
        assert np.abs(samples_of(stems, name) - expected_stem.numpy()).max() < 1e-4


def test_the_exported_network_would_give_the_same_vocals(tmp_path, monkeypatch):
    """`metrics.features.separation` around the same network, which there hears spectra and answers in spectra."""
    import torch

    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    declared = installed(package(Fraction(39, 5)))
    bare = load_htdemucs(weights.path(declared) / declared.files[0].name)
    assert int(bare.samplerate * bare.segment) == SEGMENT

    class Exported:
        def run(self, names, inputs):
            parts = torch.from_numpy(inputs["onnx::ReduceMean_1"])
            pairs = parts.reshape(1, 2, 2, *parts.shape[2:]).permute(0, 1, 3, 4, 2).contiguous()
            answers = []

            def no_waves(self, spectra, length):
                answers.append(torch.view_as_real(spectra))
                return torch.zeros(1, 4, 2, length)

            bare._spec = types.MethodType(lambda self, mix: torch.view_as_complex(pairs), bare)
            bare._ispec = types.MethodType(no_waves, bare)
            with torch.inference_mode():
                waves = bare(torch.from_numpy(inputs["input"]))
            spectra = answers[0].permute(0, 1, 2, 5, 3, 4).reshape(1, 4, 4, *parts.shape[2:])
            return [spectra.numpy(), waves.numpy()]

    monkeypatch.setattr(VocalSeparation, "_session", lambda self: Exported())
    mix = song(9.0)
    by_onnx = separate(stereo(mix.audio), VocalSeparation()._vocals)
    (by_torch,) = separated(DemucsStems(stems=("vocals",), rate=RATE, mono=False, weights=declared), mix)
    offset = stereo(mix.audio).mean()
    assert np.abs(by_torch - offset - by_onnx).max() < 1e-4 < np.abs(by_onnx).max()


# --- batches


def test_the_batch_does_not_change_a_song(small):
    songs = [song(2.1, seed=1), song(0.3, seed=2), song(3.2, 1, seed=3)]
    alone = [separated(DemucsStems(weights=small, batch=1), one)[0] for one in songs]
    for size in (2, 16):
        for stems, expected_stem in zip(separated(DemucsStems(weights=small, batch=size), *songs), alone, strict=True):
            assert np.abs(stems - expected_stem).max() <= 1e-5 < np.abs(expected_stem).max()
    assert DemucsStems(batch=1).identity == DemucsStems(batch=16).identity


@pytest.mark.gpu
def test_an_accelerator_gives_the_same_stems(small, monkeypatch):
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    songs = [song(3.1, seed=1), song(0.3, seed=2), song(9.0, seed=3)]
    together = separated(DemucsStems(weights=small), *songs)
    alone = [separated(DemucsStems(weights=small), one)[0] for one in songs]
    monkeypatch.setattr(models, "device", lambda: torch.device("cpu"))
    monkeypatch.setattr(models, "RESIDENT", ResidentModels())
    on_cpu = separated(DemucsStems(weights=small), *songs)
    for stems, unbatched, expected_stem in zip(together, alone, on_cpu, strict=True):
        assert np.abs(stems - unbatched).max() <= 1e-5
        assert np.abs(stems - expected_stem).max() <= 1e-4


def test_batches_are_full_and_results_in_order():
    class Counting:
        def __init__(self, count):
            self.left, self.answers = count, []

        def pieces(self):
            while self.left:
                self.left -= 1
                yield self.left

        def take(self, answer):
            self.answers.append(answer)

        def result(self):
            return Feature(data={"got": list(self.answers)})

    sizes = []

    def answer(pieces):
        sizes.append(len(pieces))
        return [10 * piece for piece in pieces]

    broken = Failure("feature", "broken")
    works = [Counting(2), broken, Counting(0), Counting(5), Counting(1)]
    results = list(in_batches(iter(works), answer, 3))
    assert sizes == [3, 3, 2]
    assert results[1] is broken
    assert [one.data["got"] for one in results if one is not broken] == [[10, 0], [], [40, 30, 20, 10, 0], [0]]


# --- odd songs


def test_odd_songs(small, tmp_path, monkeypatch):
    import soundfile

    soundfile.write(tmp_path / "nan.wav", np.array([0.1, np.nan], np.float32), 8000, subtype="FLOAT")
    empty, single = (MemoryAudio(Audio(np.full((1, count), 0.5, np.float32), 8000)) for count in (0, 1))
    odd = [song(0.3, 1, 8000), AudioFile(tmp_path / "nan.wav"), song(1.0, 6, 48_000), single, empty, song(2.5)]
    low, broken, many, of_single, no_samples, last = separated(DemucsStems(weights=small), *odd)
    assert isinstance(broken, Failure) and "NaN" in broken.cause
    assert [part.shape for part in (low, many, no_samples)] == [(1, 4800), (1, 16_000), (1, 1)]
    assert all(np.isfinite(part).all() for part in (low, many, of_single, no_samples))
    assert np.array_equal(last, separated(DemucsStems(weights=small), song(2.5))[0])

    monkeypatch.setattr(demucs_stems, "_separate", None)  # the network is not asked about silence
    (silent,) = separated(DemucsStems(weights=small), MemoryAudio(Audio(np.zeros((2, 8000), np.float32), 8000)))
    assert silent.shape == (1, 16_000) and not silent.any()


def test_what_is_stored_is_small_and_does_not_clip(small):
    mix = song(1)
    loud = MemoryAudio(Audio(mix.audio.samples * 40, RATE))
    stems, of_loud = DemucsStems(weights=small).extract([mix, loud])
    stem = stem_of(stems, "vocals")
    assert stems.arrays["vocals"].nbytes < 2 * 16_000
    loud_stem = stem_of(of_loud, "vocals").load().samples
    assert np.allclose(loud_stem, 40 * stem.load().samples, atol=40 * 1e-4)
    assert np.abs(loud_stem).max() > 1
    again = stem_of(next(DemucsStems(weights=small).extract([song(1)])), "vocals")
    assert again.digest == stem.digest != stem_of(of_loud, "vocals").digest


# --- the checkpoint


def test_a_checkpoint_cannot_run_code(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "was here"),)

    import torch

    torch.save({"klass": Evil()}, tmp_path / "evil.th")
    (tmp_path / "plain.th").write_bytes(pickle.dumps([1], protocol=2))
    torch.save({"klass": Fraction, "state": {}}, tmp_path / "other.th")
    for name in ("evil.th", "plain.th", "other.th"):
        with pytest.raises(InputError, match="no checkpoint of HTDemucs"):
            load_htdemucs(tmp_path / name)
    assert not (tmp_path / "was here").exists()


def test_missing_and_unknown_tensors_are_named(tmp_path):
    import torch

    content = package(Fraction(1))
    content["state"]["stray"] = content["state"].pop("freq_emb.embedding.weight")
    torch.save(content, tmp_path / "wrong.th")
    with pytest.raises(InputError, match=r'(?s)Missing.*"freq_emb.embedding.weight".*Unexpected.*"stray"'):
        load_htdemucs(tmp_path / "wrong.th")


def test_extractor(small, monkeypatch, tmp_path):
    assert isinstance(DemucsStems(), Extractor)
    assert DemucsStems().identity["weights"] == HTDEMUCS_TORCH.files[0].sha256[:16]
    assert (
        DemucsStems().identity != DemucsStems(mono=False).identity != DemucsStems(stems=("drums",), mono=False).identity
    )
    with pytest.raises(InputError, match="no stem guitar"):
        list(DemucsStems(stems=("guitar",), weights=small).extract([song(0.1)]))
    assert HTDEMUCS_TORCH.restricted and HTDEMUCS_TORCH.pinned
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path))
    with pytest.raises(UnavailableError, match="songbench setup htdemucs-torch --accept-licence"):
        list(DemucsStems().extract([song(0.1)]))


def test_songs_share_a_network(small, monkeypatch):
    loads = []
    load = demucs_stems.load_htdemucs
    monkeypatch.setattr(demucs_stems, "load_htdemucs", lambda file: loads.append(file) or load(file))
    monkeypatch.setattr(models, "RESIDENT", ResidentModels())
    for seconds in (0.1, 0.2):
        list(DemucsStems(weights=small).extract([song(seconds)]))
    assert len(loads) == 1
