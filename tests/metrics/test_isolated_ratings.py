"""Scorers of other people in workers of their own, against stand-ins of their programs."""

import json
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from tiny_models import planted

from metrics import isolated_ratings
from metrics.features.laion_clap import CLAP_MUSIC
from metrics.features.muq import MUQ
from metrics.muq_eval import MUQ_EVAL_A1, muq_eval
from metrics.singmos import SINGMOS_PRO, WAV2VEC2_LARGE, singmos_pro_separated, singmos_pro_stem
from metrics.tencent_songbench import RATINGS, tencent_songbench
from metrics.tunejury import MERT_330M, tunejury
from songbench.contracts import registry
from songbench.contracts.cards import ASPECTS
from songbench.contracts.conflicts import conflicts_of
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Request, Song
from songbench.resources import needs

FACTORIES = {
    "tencent_songbench@tencent": tencent_songbench,
    "muq_eval@a1": muq_eval,
    "tunejury@clap-mert": tunejury,
    "singmos@pro-stem": singmos_pro_stem,
    "singmos@pro-separated": singmos_pro_separated,
}


def song(seconds=0.3, rate=8000, level=0.1, source=None, stems=()):
    samples = np.full((2, round(seconds * rate)), level, np.float32)
    request = Request(prompt=Prompt(id="p", lyrics=parse_lyrics("[verse]\nla la")), take=0, seed=0)
    return Song(request=request, source=source or MemoryAudio(Audio(samples, rate)), stems=dict(stems))


def installed(factory, root, monkeypatch, files, weights, *, mended=False):
    """A metric whose environment is this Python, with a stand-in of the code and weights of a few bytes.

    Args:
        mended: torch is needed, with what makes torchaudio importable beside it.
    """
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(root / "weights"))
    metric = factory()
    monkeypatch.setenv(f"SONGBENCH_ENV_{metric.environment.name.upper().replace('-', '_')}", sys.executable)
    monkeypatch.setenv(f"SONGBENCH_UPSTREAM_{metric.checkout.name.upper().replace('-', '_')}", str(root / "code"))
    for name in {*metric.checkout.files, *files}:
        (root / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "code" / name).write_text(files.get(name, ""), encoding="utf-8")
    if not mended:
        (root / "nothing.py").write_text("def mend_cpu_imports(): pass")
        monkeypatch.setattr(isolated_ratings, "cpu_imports", SimpleNamespace(__file__=str(root / "nothing.py")))
    metric = replace(metric, weights=tuple(planted(declared, **contents) for declared, contents in weights))
    assert metric.availability().ready
    return metric


# -- Tencent's SongBench: a program that writes into a dictionary ----------------------------------------------------

MUQ_STAND_IN = """
class MuQ:
    @classmethod
    def from_pretrained(cls, place):
        model = cls()
        model.place = place
        return model
"""
EVAL = """
import os
import soundfile
from muq import MuQ

TITLES = ("Melody", "Arrangement", "Musicality", "Vocal", "Instrumental", "Mixing", "Structure")


class Synthesizer:
    def __init__(self, checkpoint_path_reward_model, input_path, output_dir, use_cpu=False):
        self.checkpoint_path_reward_model, self.input_path = checkpoint_path_reward_model, input_path
        assert os.path.isdir(output_dir)

    def setup(self):
        open("configs/songbench.yaml").close()
        open(self.checkpoint_path_reward_model).close()
        self.muq = MuQ.from_pretrained("OpenMuQ/MuQ-large-msd-iter")
        assert os.path.isfile(os.path.join(self.muq.place, "model.safetensors"))

    def synthesis(self, model_name=None):
        samples, rate = soundfile.read(self.input_path)
        level = round(float(samples.max()), 3)
        if level == 0.5:
            raise RuntimeError("out of memory")
        ratings = {title: round(1 + place + level, 4) for place, title in enumerate(TITLES)}
        if level == 0.6:
            del ratings["Mixing"]
        if level == 0.7:
            ratings["Melody"] = float("nan")
        self.result_dict["song"] = ratings
        if level == 0.8:
            self.result_dict["other"] = ratings
"""


def test_tencents_program_rates_songs_under_its_own_names(tmp_path, monkeypatch):
    files = {"eval.py": EVAL, "muq.py": MUQ_STAND_IN}
    weights = [(MUQ, {"config_json": b"{}", "model_safetensors": b"m"})]
    metric = installed(tencent_songbench, tmp_path, monkeypatch, files, weights)
    assert isinstance(metric, SongMetric)
    levels = (0.1, 0.5, 0.6, 0.7, 0.8, 0.2)
    short, broken = song(seconds=0.05), song(source=AudioFile(tmp_path / "absent.wav"))
    good, crash, incomplete, nan, double, last, instant, unreadable = metric.score(
        [*(song(level=level) for level in levels), short, broken], None
    )
    assert isinstance(good, Scores), good
    assert good.values == pytest.approx(
        {"Melody": 1.1, "Arrangement": 2.1, "Musicality": 3.1, "Vocal": 4.1, "Instrument": 5.1, "Mixing": 6.1,
         "Structure": 7.1}
    )  # fmt: skip
    assert good.detail["code"].startswith("of your own") and good.detail["packages"]["numpy"]
    assert isinstance(crash, Failure) and "out of memory" in crash.cause
    assert isinstance(incomplete, Failure) and "not Vocal, Instrument" in incomplete.cause
    assert isinstance(nan, Failure) and isinstance(double, Failure) and "2 sets of ratings" in double.cause
    assert isinstance(last, Scores) and last.values["Melody"] == pytest.approx(1.2)
    assert isinstance(instant, NotApplicable) and isinstance(unreadable, Failure)
    assert not list((tmp_path / "code").rglob("__pycache__"))


# -- what is said of all of them ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FACTORIES)
def test_a_scorer_that_is_not_here_says_how_to_get_it(name, tmp_path, monkeypatch):
    for variable in ("WEIGHTS", "ENVIRONMENTS", "CHECKOUTS"):
        monkeypatch.setenv(f"SONGBENCH_{variable}", str(tmp_path))
    metric = FACTORIES[name]()
    state = needs.of_metric(name, metric)
    restricted = metric.checkout.restricted or any(weights.restricted for weights in metric.weights)
    assert not state.ready and state.cure == f"songbench setup {name}" + restricted * " --accept-licence"
    for required in (metric.environment, metric.checkout, *metric.weights):
        assert f"'{required.name}'" in state.reason
    monkeypatch.setenv(f"SONGBENCH_ENV_{metric.environment.name.upper().replace('-', '_')}", sys.executable)
    assert metric.availability().cure.startswith(f"songbench setup {metric.checkout.name}")


def test_cards():
    for name, factory in FACTORIES.items():
        metric = factory()
        card = metric.card
        assert card.id == name and registry.build_metric(name).card == card and set(card.hears) <= set(ASPECTS)
        names = (metric.environment.name, metric.checkout.name, *(weights.name for weights in metric.weights))
        assert card.needs == names
        assert {need.name for need in needs.of_card(card.needs)} == set(names)
        assert metric.worker.is_file() and card.procedure and "Not" in card.verified
        assert all("==" in pin for pin in metric.environment.requirements)
    assert [field.name for field in tencent_songbench().card.fields] == list(RATINGS)
    assert tencent_songbench().checkout.restricted and not singmos_pro_stem().checkout.restricted
    assert any("songbloom" in conflict.systems for conflict in conflicts_of(muq_eval().card))
    assert any("acestep" in conflict.systems for conflict in conflicts_of(tunejury().card))


def test_a_system_without_a_vocal_stem_starts_no_worker():
    (verdict,) = singmos_pro_stem().score([song()], None)
    assert isinstance(verdict, NotApplicable) and "no vocal stem" in verdict.reason


# -- with torch: windows and pooling -----------------------------------------------------------------------------------

HUBCONF = """
from pathlib import Path
import torch
from s3prl.util import download


class Predictor(torch.nn.Module):
    def forward(self, wave, lengths):
        assert wave.shape[1] == int(lengths[0])
        return 3 + wave.abs().mean(dim=1)


def singmos_pro(pretrained=True, model_path=None):
    assert not pretrained and torch.load(model_path) == {}
    (encoder,) = Path(download.folder).iterdir()
    assert encoder.name.endswith(".wav2vec_vox_new.pt") and encoder.read_bytes() == b"w"
    return Predictor()
"""


@pytest.mark.slow
def test_singmos_rates_the_windows_in_which_somebody_sings(tmp_path, monkeypatch):
    import torch

    files = {
        "hubconf.py": HUBCONF,
        "s3prl/__init__.py": "",
        "s3prl/util/__init__.py": "",
        "s3prl/util/download.py": "def set_dir(place):\n    global folder\n    folder = place\n",
    }
    torch.save({}, tmp_path / "state.pth")
    state = {SINGMOS_PRO.files[0].name.replace(".pth", "_pth"): (tmp_path / "state.pth").read_bytes()}
    weights = [(SINGMOS_PRO, state), (WAV2VEC2_LARGE, {"wav2vec_vox_new_pt": b"w"})]
    metric = installed(singmos_pro_stem, tmp_path, monkeypatch, files, weights, mended=True)
    parts = [np.full(16000 * seconds, level, np.float32) for seconds, level in ((10, 0.2), (10, 0.0), (4, 0.4))]
    stem = MemoryAudio(Audio(np.concatenate(parts)[None], 16000))
    silent = MemoryAudio(Audio(np.zeros((1, 16000), np.float32), 16000))
    voiced, unvoiced = metric.score([song(stems={"vocals": stem}), song(stems={"vocals": silent})], None)
    assert voiced.values == pytest.approx({"singmos": 3.3})
    assert (voiced.detail["windows"], voiced.detail["silent_windows"]) == (2, 1)
    assert isinstance(unvoiced, NotApplicable) and "silent" in unvoiced.reason


MODEL = """
import torch
from muq import MuQ


class MusicQualityModel(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.encoder = MuQ.from_pretrained(config.model.encoder_id)
        self.head = torch.nn.Linear(config.model.encoder_dim, 1)

    def forward(self, waves):
        frames = self.encoder(waves, output_hidden_states=True).last_hidden_state
        return {"MI": self.head(frames.mean(dim=1)).squeeze(-1), "TA": torch.zeros(len(waves))}
"""


@pytest.mark.slow
def test_muq_eval_rates_windows_of_ten_seconds(tmp_path, monkeypatch):
    import torch
    from tiny_models import muq_config, sound, stirred

    config = muq_config(layers=2)
    from muq import MuQ, MuQConfig
    from safetensors.torch import save_file

    muq = stirred(MuQ(MuQConfig(**config)))
    head = stirred(torch.nn.Linear(32, 1))
    state = {f"encoder.{name}": value for name, value in muq.state_dict().items()}
    state |= {f"head.{name}": value for name, value in head.state_dict().items()}
    files = {
        "src/model.py": MODEL,
        "configs/base.yaml": "model: {encoder_id: on/the-hub, encoder_dim: 1}\n",
        "configs/A1_frozen_mlp.yaml": "defaults: [base]\nmodel: {encoder_dim: 32}\n",
    }
    tensors = {name: value.contiguous() for name, value in muq.state_dict().items()}
    weights = [
        (MUQ_EVAL_A1, {"model_state_dict_pt": lambda path: torch.save(state, path)}),
        (MUQ, {"config_json": json.dumps(config).encode(), "model_safetensors": lambda path: save_file(tensors, path)}),
    ]
    metric = installed(muq_eval, tmp_path, monkeypatch, files, weights, mended=True)
    source = sound(23, rate=24000)
    (scores,) = metric.score([song(source=source)], None)
    wave = torch.from_numpy(source.load().samples.mean(axis=0)).float()
    starts = (0, 240000, len(wave) - 240000)
    with torch.inference_mode():
        windows = [muq(wave[None, start : start + 240000]).last_hidden_state.mean(dim=1) for start in starts]
        expected = torch.stack([head(window) for window in windows]).mean()
    assert scores.detail["windows"] == 3
    assert scores.values["muq_eval"] == pytest.approx(float(expected), rel=1e-4)


SCORE = """
import torch


class Inputs(dict):
    def to(self, device):
        return self


class Frames:
    def __init__(self, wave):
        self.last_hidden_state = wave.unflatten(1, (-1, 10)).mean(dim=2, keepdim=True).expand(-1, -1, 1024)


class Clap:
    def get_audio_embedding_from_data(self, x, use_tensor):
        assert x.shape == (1, 480000) and not use_tensor
        return torch.from_numpy(x).mean(dim=1, keepdim=True).expand(-1, 512).numpy()


class Scorer:
    device = "cpu"
    clap_model = Clap()

    @classmethod
    def from_pretrained(cls, head, clap_ckpt_path):
        assert open(head).read() == "head" and open(clap_ckpt_path).read() == "clap"
        return cls()

    def mert_processor(self, wave, sampling_rate, return_tensors):
        assert (sampling_rate, return_tensors) == (24000, "pt") and len(wave) <= 300 * 24000
        return Inputs(wave=torch.from_numpy(wave)[None])

    def mert_model(self, wave):
        return Frames(wave)

    def head(self, features):
        assert features.shape == (1, 2048) and not features[0, 1536:].any()
        return features[:, :512].mean(dim=1) + 10 * features[:, 512:1536].mean(dim=1)
"""


@pytest.mark.slow
def test_tunejury_hears_the_middle_by_clap_and_everything_by_mert(tmp_path, monkeypatch):
    files = {
        "tunejury/__init__.py": "from .score import Scorer",
        "tunejury/score.py": SCORE,
        "checkpoints/tunejury.pt": "head",
    }
    mert = {file.name[::-1].replace(".", "_", 1)[::-1]: b"{}" for file in MERT_330M.files}
    clap = {CLAP_MUSIC.files[0].name[::-1].replace(".", "_", 1)[::-1]: b"clap"}
    weights = [(CLAP_MUSIC, clap), (MERT_330M, mert)]
    metric = installed(tunejury, tmp_path, monkeypatch, files, weights, mended=True)
    parts = [np.full(24000 * seconds, level, np.float32) for seconds, level in ((145, 0.2), (11, 0.4), (145, 0.2))]
    (scores,) = metric.score([song(source=MemoryAudio(Audio(np.concatenate(parts)[None], 24000)))], None)
    mean = (290 * 0.2 + 11 * 0.4) / 301
    assert scores.values["tunejury"] == pytest.approx(0.4 + 10 * mean, rel=1e-3)
