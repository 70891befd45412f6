"""fadtk in a worker, against fadtk called directly: random weights of the real architectures, no network."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from metrics import fadtk_isolated
from metrics.features.laion_clap import CLAP_MUSIC
from metrics.features.mert import MERT_95M
from songbench.contracts.metric import SetMetric
from songbench.domain.audio import Audio, AudioFile, MemoryAudio
from songbench.domain.hashing import derived_seed, file_digest
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Request, Song
from songbench.resources import weights

DIRECT = """
import json, sys
from pathlib import Path
from songbench.resources.cpu_imports import mend_cpu_imports
mend_cpu_imports()
import numpy, soundfile, torch, torchaudio

def load(path, backend):
    assert backend == "soundfile"
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.tensor(samples.T), rate

def save(path, samples, rate, encoding, bits_per_sample):
    assert (encoding, bits_per_sample) == ("PCM_S", 16)
    soundfile.write(path, samples[0].numpy(), rate, subtype="PCM_16")

torchaudio.load, torchaudio.save = load, save
import fadtk
from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor

def tiny_mert(place):
    # a HuBERT with the strides and the number of layers of MERT, and little else
    torch.manual_seed(0)
    few = dict(hidden_size=16, num_attention_heads=2, intermediate_size=32, conv_dim=(8,) * 7)
    config = HubertConfig(num_hidden_layers=12, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, **few)
    HubertModel(config).save_pretrained(place, safe_serialization=False)
    Wav2Vec2FeatureExtractor(sampling_rate=24000, do_normalize=True).save_pretrained(place)

if __name__ == "__main__":  # fadtk may start other processes
    folder, seed = Path(sys.argv[1]), int(sys.argv[2])
    tiny_mert(Path(sys.argv[3]))
    distance = fadtk.FrechetAudioDistance(fadtk.MERTModel())
    for name in ("reference", "songs"):
        for file in sorted((folder / name).glob("*.wav")):
            distance.cache_embedding_file(file)
    fad = distance.score(folder / "reference", folder / "songs")
    numpy.random.seed(seed)
    line = distance.score_inf(folder / "reference", sorted((folder / "songs").glob("*.wav")))
    print(json.dumps([float(fad), float(line.score), float(line.slope), float(line.r2)]))
"""


def place(declared, files):
    """Put files where the weights would lie after a setup."""
    folder = weights.folder_of(declared)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    facts = {name: {"sha256": file_digest(folder / name), "size": len(content)} for name, content in files.items()}
    (folder / "pins.json").write_text(json.dumps({"source": "a test", "commit": None, "files": facts}))
    return folder


@pytest.fixture(autouse=True)
def installation(tmp_path, monkeypatch):
    monkeypatch.setenv("SONGBENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.setenv("SONGBENCH_ENV_FADTK", sys.executable)


def song(number, source=None, seconds=4.5, rate=44100, channels=2, level=0.1):
    rng = np.random.default_rng(number)
    samples = (level * rng.standard_normal((channels, round(seconds * rate)))).cumsum(axis=1)
    samples = (samples / max(1.0, np.abs(samples).max())).astype(np.float32)
    request = Request(prompt=Prompt(id=f"p{number}", lyrics=parse_lyrics("[verse]\nla la")), take=0, seed=0)
    return Song(request=request, source=source or MemoryAudio(Audio(samples, rate)))


def test_the_numbers_are_those_of_fadtk(tmp_path):
    songs = [song(1), song(2, channels=1, rate=24000), song(3, level=0.01)]
    reference = [song(11), song(12, rate=8000, channels=1), song(13)]
    for name, side in (("songs", songs), ("reference", reference)):
        (tmp_path / name).mkdir()
        for number, side_song in enumerate(side):
            audio = side_song.source.load()
            soundfile.write(tmp_path / name / f"{number}.wav", audio.samples.T, audio.rate, subtype="FLOAT")
    repository = tmp_path / "hub-home/hub/models--m-a-p--MERT-v1-95M"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs/main").write_text("abc")
    (tmp_path / "direct.py").write_text(DIRECT)
    snapshot, seed = repository / "snapshots/abc", derived_seed("fadtk", 3)
    command = [sys.executable, tmp_path / "direct.py", tmp_path, str(seed), snapshot]
    hub = {"HF_HOME": str(tmp_path / "hub-home"), "HF_HUB_OFFLINE": "1"}
    process = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **hub})
    assert process.returncode == 0, process.stderr
    fad, inf, slope, r2 = json.loads(process.stdout.splitlines()[-1])

    place(MERT_95M, {file.name: (snapshot / file.name).read_bytes() for file in MERT_95M.files})
    place(fadtk_isolated.MERT_CODE, {"configuration_MERT.py": b"# none\n", "modeling_MERT.py": b"# none\n"})
    metric = fadtk_isolated.fad_fadtk_mert()
    assert isinstance(metric, SetMetric) and metric.availability().ready
    scores = metric.score_set(songs, reference, None)
    assert isinstance(scores, Scores), scores
    assert scores.n == 3 and scores.leave_one_out == {}
    assert scores.detail["frames"] == 3 * 337 and scores.detail["packages"]["fadtk"] == "1.1.0"
    assert scores.values["fad"] == pytest.approx(fad, rel=1e-6)
    assert scores.values["fad_inf"] == pytest.approx(inf, rel=1e-6)
    assert scores.detail["fad_inf"]["slope"] == pytest.approx(slope, rel=1e-5)
    assert scores.detail["fad_inf"]["r2"] == pytest.approx(r2, rel=1e-4)

    # odd songs, by the same worker
    short = [song(4, seconds=0.3), song(5, seconds=0.3, level=0.0)]
    answer = metric.score_set(short, reference, None)
    assert "fad_inf" not in answer.values and np.isfinite(answer.values["fad"])
    (tmp_path / "nan.wav").write_bytes(b"")
    soundfile.write(tmp_path / "nan.wav", np.full(8000, np.nan, np.float32), 8000, subtype="FLOAT")
    broken = metric.score_set([song(1), song(6, AudioFile(tmp_path / "nan.wav"))], reference, None)
    assert isinstance(broken, Failure) and "NaN" in broken.cause
    instant = metric.score_set([song(1), song(7, seconds=0.001)], reference, None)
    assert isinstance(instant, Failure) and "environment 'fadtk', embed" in instant.cause


RANDOM_CLAP = """
import sys
from pathlib import Path
from songbench.resources.cpu_imports import mend_cpu_imports
mend_cpu_imports()
import numpy, torch, transformers
for name in ("BertTokenizer", "RobertaTokenizer", "BartTokenizer"):
    setattr(getattr(transformers, name), "from_pretrained", classmethod(lambda cls, *_, **__: None))
sizes = transformers.RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1)
transformers.RobertaModel.from_pretrained = classmethod(lambda cls, *_, **__: cls(sizes))
import laion_clap
torch.manual_seed(0)
state = laion_clap.CLAP_Module(enable_fusion=False, amodel="HTSAT-base").model.state_dict()
state["text_branch.embeddings.position_ids"] = torch.arange(514)[None]
content = {"epoch": 15, "metric": numpy.float64(0.9), "state_dict": {f"module.{k}": v for k, v in state.items()}}
torch.save(content, sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_clap_is_built_from_its_checkpoint_without_a_network(tmp_path):
    """At full size, as its sizes are fixed in the package: a checkpoint of 800 MB."""
    name = CLAP_MUSIC.files[0].name
    subprocess.run([sys.executable, "-c", RANDOM_CLAP, tmp_path / name], check=True, capture_output=True)
    random = replace(CLAP_MUSIC, files=(replace(CLAP_MUSIC.files[0], sha256=None, size=None),))
    place(random, {name: (tmp_path / name).read_bytes()})
    metric = replace(fadtk_isolated.fad_fadtk_clap(), weights=(random,))
    reference = [song(11, seconds=3), song(12, seconds=3)]
    near = metric.score_set([song(1, seconds=3), song(11, seconds=3)], reference, None)
    assert isinstance(near, Scores), near
    assert near.detail["frames"] == 6 and near.detail["dimensions"] == 512 and "fad_inf" not in near.values
    far = metric.score_set([song(1, seconds=3, level=0.001), song(2, seconds=3, level=0.001)], reference, None)
    assert 0 <= near.values["fad"] < far.values["fad"]


def test_what_cannot_be_compared_is_not_sent_anywhere(monkeypatch):
    metric = fadtk_isolated.fad_fadtk_clap()
    assert "at least 2 songs" in metric.score_set([song(1)], [song(2), song(3)], None).reason
    assert "reference songs" in metric.score_set([song(1), song(2)], [song(3)], None).reason
    songs = [song(1), song(2)]
    assert isinstance(metric.score_set(songs, songs, None), NotApplicable)
    state = metric.availability()
    assert not state.ready and CLAP_MUSIC.name in state.cure
    monkeypatch.setenv("SONGBENCH_ENV_FADTK", "")
    assert metric.availability().cure == "songbench setup fadtk"


def test_cards():
    for metric in (fadtk_isolated.fad_fadtk_mert(), fadtk_isolated.fad_fadtk_clap()):
        assert metric.card.needs[0] == "fadtk"
        assert "slow" in metric.card.limits and "parity" not in metric.card.id
        assert metric.card.procedure and metric.card.reference
    assert all("==" in pin for pin in fadtk_isolated.FADTK.requirements)
