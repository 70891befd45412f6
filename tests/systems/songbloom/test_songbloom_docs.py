"""The worked example of docs/songbloom.md, run as it stands on a small random checkpoint."""

import re
from pathlib import Path

import numpy as np
import soundfile
from songbloom_random import random_checkpoint

from systems.songbloom import loading

PAGE = Path(__file__).parents[3] / "docs" / "songbloom.md"


def test_the_python_example(tmp_path, monkeypatch, capsys):
    page = PAGE.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.S)
    (lyrics,) = re.findall(r"```text\n(\[intro\].*?)```", page, re.S)
    monkeypatch.chdir(tmp_path)
    Path("my-song.txt").write_text(lyrics, encoding="utf-8")
    noise = np.random.default_rng(0).normal(0, 0.1, (11 * 48000, 2))
    soundfile.write("style.wav", noise, 48000)
    files = random_checkpoint(tmp_path / "checkpoint", end_bias=-50)
    monkeypatch.setattr(loading, "find", lambda name: files)
    exec(compile(example, str(PAGE), "exec"), {})
    sound = soundfile.info("song.flac")
    assert (sound.samplerate, sound.channels) == (48000, 2)
    assert sound.frames == 8 * 16 * 1920
    assert "5.1 s at 48000 Hz" in capsys.readouterr().out
