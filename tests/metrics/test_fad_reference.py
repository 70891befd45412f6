"""FAD on MERT against fadtk itself, and what FAD does with songs as sums and in many dimensions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tiny_models import Direct, as_json, planted, song_of, stirred

from metrics.embedding_sets import EmbeddingSets
from metrics.fad import fad_mert, frechet_scores, frechet_scores_in_many_dimensions
from metrics.features import models
from metrics.features.mert import MERT_95M, RATE, MertEmbedding
from metrics.functional import frechet_distance
from metrics.functional.extrapolation import extrapolate_parts, partitions
from metrics.functional.frechet_distance import Gaussian, Moments, frechet
from metrics.functional.kernel_distance import median_distance
from metrics.kad import kad_mert
from songbench.domain.audio import AudioFile
from songbench.resources.cpu_imports import mend_cpu_imports
from songbench.resources.residency import ResidentModels

WIDTH = 48
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A MERT with 12 layers, narrow, as files; it is a HuBERT by name, too, so that fadtk needs no remote code."""
    mend_cpu_imports()
    import torch
    from transformers import HubertConfig, HubertModel

    config = HubertConfig(
        hidden_size=WIDTH,
        num_attention_heads=4,
        intermediate_size=64,
        conv_dim=[32] * 7,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )
    folder = tmp_path_factory.mktemp("mert")
    torch.save(stirred(HubertModel(config)).state_dict(), folder / "pytorch_model.bin")
    (folder / "config.json").write_bytes(as_json(config.to_dict()))
    preparation = {
        "feature_extractor_type": "Wav2Vec2FeatureExtractor",
        "feature_size": 1,
        "do_normalize": True,
        "sampling_rate": RATE,
    }
    (folder / "preprocessor_config.json").write_bytes(as_json(preparation))
    return folder


@pytest.fixture
def mert_weights(files, tmp_path, monkeypatch):
    """The same files where songbench looks for them."""
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr(models, "RESIDENT", ResidentModels())
    names = [file.name for file in MERT_95M.files]
    planted(MERT_95M, **{name[::-1].replace(".", "_", 1)[::-1]: (files / name).read_bytes() for name in names})


def music(seconds, seed, rate=RATE, channels=1):
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    tones = sum(
        np.sin(2 * np.pi * pitch * time + rng.uniform(0, 6, (channels, 1))) for pitch in rng.uniform(80, 4000, 5)
    )
    beat = rng.standard_normal((channels, time.size)) * np.exp(-9 * (time % 0.4))
    return 0.04 * tones + 0.1 * beat


@pytest.fixture(params=[(RATE, 1), (44_100, 2)], ids=["24 kHz mono", "44.1 kHz stereo"])
def folders(request, tmp_path):
    """Three songs in each of two folders, and how far fadtk's own preparation of the audio may move the value."""
    rate, channels = request.param
    for side, name in enumerate(("reference", "evaluated")):
        (tmp_path / name).mkdir()
        for i in range(3):
            samples = music(4.0, 10 * side + i, rate, channels)
            soundfile.write(tmp_path / name / f"{i}.wav", samples.T, rate, subtype="PCM_16")
    return tmp_path / "reference", tmp_path / "evaluated", 1e-3 if rate == RATE else 2e-2


def wavs(folder):
    return sorted(folder.glob("*.wav"))


def fad_score(reference, evaluated, layer=12, loudness=-14.0):
    sides = [[song_of(AudioFile(path), name=path.stem) for path in wavs(folder)] for folder in (evaluated, reference)]
    return fad_mert(layer, loudness).score_set(*sides, Direct()).values["fad"]


# --- against fadtk


@pytest.mark.parametrize("layer", [12, 4])
def test_the_value_is_fadtks(mert_weights, files, folders, monkeypatch, layer):
    """`FrechetAudioDistance`, with its own audio copies, float16 embeddings and matrix root, in this process."""
    monkeypatch.setenv("FADTK_CHECKPOINTS", str(files.parent / "checkpoints"))
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import fadtk.fad
    import fadtk_command
    import torch
    from fadtk.model_loader import MERTModel

    fadtk_command.prepared()
    in_turn = lambda work, items, **_: [work(item) for item in items]  # noqa: E731  # no processes in a test
    monkeypatch.setattr(fadtk.utils, "pmap", in_turn)
    reference, evaluated, tolerance = folders
    loader = MERTModel(layer=layer)
    loader.huggingface_id = str(files)
    gradients = torch.is_grad_enabled()
    try:
        toolkit = fadtk.fad.FrechetAudioDistance(loader, audio_load_worker=1)
        for folder in (reference, evaluated):
            for path in wavs(folder):
                toolkit.cache_embedding_file(path)
        expected = float(np.real(toolkit.score(reference, evaluated)))
    finally:
        torch.set_grad_enabled(gradients)
    assert expected > 0.1
    assert fad_score(reference, evaluated, layer, None) == pytest.approx(expected, rel=tolerance)
    assert fad_score(reference, evaluated, layer) == pytest.approx(expected, rel=tolerance)


@pytest.mark.slow
def test_the_value_is_that_of_fadtks_command(mert_weights, files, folders, tmp_path):
    """``fadtk MERT-v1-95M REFERENCE EVALUATED`` in processes of its own, on a hub cache made here."""
    reference, evaluated, tolerance = folders
    hub = tmp_path / "hub" / "hub" / "models--m-a-p--MERT-v1-95M"
    (hub / "snapshots").mkdir(parents=True)
    (hub / "snapshots" / ("0" * 40)).symlink_to(files)
    (hub / "refs").mkdir()
    (hub / "refs" / "main").write_text("0" * 40)
    expected = fad_score(reference, evaluated)
    script, result = ROOT / "benchmarks" / "fadtk_command.py", tmp_path / "fad.csv"
    command = [sys.executable, script, "MERT-v1-95M", reference, evaluated, result, "-w", "1"]
    environment = {
        **os.environ,
        "HF_HOME": str(tmp_path / "hub"),
        "HF_HUB_OFFLINE": "1",
        "FADTK_CHECKPOINTS": str(tmp_path / "checkpoints"),
    }
    process = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-3000:]
    value = float(result.read_text().splitlines()[1].split(",")[3])
    assert expected == pytest.approx(value, rel=tolerance)


# --- songs as sums, many dimensions


def songs(count, d, seed=0, frames=300):
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((d, d)) / d**0.5
    return [rng.standard_normal(d) + rng.standard_normal((frames, d)) @ mix for _ in range(count)]


def sets(count=12, d=24, prompts=None):
    left, right = ([Moments.of(one) for one in songs(count, d, seed)] for seed in (0, 1))
    return EmbeddingSets(songs=left, reference=right, prompts=prompts or [f"p{i}" for i in range(count)])


def test_sums_give_what_the_frames_give():
    scores = frechet_scores(sets())
    left, right = (Gaussian(Moments.of(np.concatenate(songs(12, 24, seed)))) for seed in (0, 1))
    assert scores.values["fad"] == pytest.approx(frechet(right, left).distance, rel=1e-9)
    cov = np.cov(np.concatenate(songs(12, 24)), rowvar=False)
    assert np.allclose(left.covariance, cov)


def test_few_subsets_change_the_extrapolation_only():
    many, few = frechet_scores(sets()), frechet_scores_in_many_dimensions(sets())
    assert many.values["fad"] == few.values["fad"]
    assert {p: v["fad"] for p, v in many.leave_one_out.items()} == {p: v["fad"] for p, v in few.leave_one_out.items()}
    assert few.values["fad_inf"] < few.values["fad"]
    assert set(few.leave_one_out["p3"]) == {"fad", "fad_inf"}


def test_leaving_a_prompt_out_of_the_extrapolation_is_the_plain_computation():
    prompts = [f"p{i // 2}" for i in range(12)]
    planned = sets(prompts=prompts)
    scores = frechet_scores_in_many_dimensions(planned)
    order = np.random.default_rng(scores.detail["fad_inf"]["seed"]).permutation(12).tolist()
    target = Gaussian(Moments.joined(planned.reference))
    out = [i for i, prompt in enumerate(prompts) if prompt == "p2"]
    x, y = [], []
    for partition in partitions(order):
        remaining = [[i for i in part if i not in out] for part in partition]
        x.append(np.mean([1 / len(part) for part in remaining]))
        y.append(
            np.mean(
                [
                    frechet(target, Gaussian(Moments.joined(planned.songs[i] for i in part))).distance
                    for part in remaining
                ]
            )
        )
    assert scores.leave_one_out["p2"]["fad_inf"] == pytest.approx(np.polyfit(x, y, 1)[1], rel=1e-9)


def test_parts():
    parts = partitions(list(range(7)))
    assert [len(level) for level in parts] == [1, 2, 3]
    assert all(sorted(i for part in level for i in part) == list(range(7)) for level in parts)
    line = extrapolate_parts(lambda part: 5 + 3 / len(part), parts)
    assert line.value == pytest.approx(5) and line.slope == pytest.approx(3) and line.r2 == pytest.approx(1)
    left = extrapolate_parts(lambda part: 5 + 3 / len(part), parts, without=[0, 1])
    assert left.value == pytest.approx(5) and left.points[0][0] == 5


def test_a_part_without_songs_is_dropped():
    line = extrapolate_parts(lambda part: 2 + 1 / len(part), partitions(list(range(6))), without=[0, 1])
    assert line.value == pytest.approx(2)


def test_leaving_out_costs_three_distances_a_prompt(monkeypatch):
    calls = []
    monkeypatch.setattr(frechet_distance, "frechet", lambda a, b: calls.append(1) or frechet(a, b))
    frechet_scores_in_many_dimensions(sets())
    assert len(calls) == 6 + 3 * 12


def test_extrapolation_removes_most_of_the_bias():
    """Songs from one distribution on both sides: the true distance is 0."""
    rng = np.random.default_rng(3)
    d, scores = 20, []
    target = [Moments.of(rng.standard_normal((40, d))) for _ in range(400)]
    for _ in range(5):
        evaluated = [
            Moments.of(rng.standard_normal(d) * 0.5 + rng.standard_normal((40, d)) * 0.75**0.5) for _ in range(24)
        ]
        scores.append(
            frechet_scores_in_many_dimensions(
                EmbeddingSets(songs=evaluated, reference=target, prompts=["p"] * 24)
            ).values
        )
    fad, inf = (np.mean([one[name] for one in scores]) for name in ("fad", "fad_inf"))
    assert fad > 0 and abs(inf) < fad / 2


def test_what_is_said_of_covariances_without_full_rank():
    evaluated, reference = ([Moments.of(song) for song in songs(2, 30, seed, frames=8)] for seed in (0, 1))
    few = EmbeddingSets(songs=evaluated, reference=reference, prompts=["p0", "p1"])
    detail = frechet_scores(few).detail
    assert detail["rank"] == 15 and detail["dimensions"] == 30 and detail["songs"] == 2
    assert detail["clipped_spectrum"] < 1e-6


# --- KAD


def test_kad_is_its_definition(mert_weights, folders):
    reference, evaluated, _ = folders
    sides = [[AudioFile(path) for path in wavs(folder)] for folder in (evaluated, reference)]
    x, y = (
        np.concatenate([one.arrays["seconds"] for one in MertEmbedding().extract(side)]).astype(np.float64)
        for side in sides
    )
    width = median_distance(y)
    kernel = lambda a, b: np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / (2 * width**2))  # noqa: E731
    n, m = len(x), len(y)
    expected = (
        (kernel(x, x).sum() - n) / (n * (n - 1)) + (kernel(y, y).sum() - m) / (m * (m - 1)) - 2 * kernel(x, y).mean()
    )
    scores = kad_mert().score_set(*([song_of(one) for one in side] for side in sides), Direct())
    assert scores.values["kad"] == pytest.approx(100 * expected, rel=1e-6)
    assert scores.detail["seconds"] == n and json.dumps(scores.to_json())
