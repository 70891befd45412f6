"""Sound files of a suite are decoded once; what is odd about them is said each time."""

import json

import numpy as np
import pytest
import soundfile

from songbench.domain import audio, hashing
from songbench.domain.errors import InputError
from songbench.domain.suite import load_suite
from songbench.execution.experiment import check_assets
from songbench.resources import stamped_index

RATE = 16_000
FADE = np.minimum(1, np.linspace(8, 0, 2 * RATE))
SOUNDS = {
    "fine": 0.1 * FADE * np.random.default_rng(0).standard_normal(2 * RATE),
    "silent": np.zeros(2 * RATE),
    "clipped": FADE * np.clip(np.random.default_rng(1).standard_normal(2 * RATE), -1, 1),
}


@pytest.fixture
def suite(tmp_path, monkeypatch):
    """A suite of three references with a cut of each; its files count as old."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(stamped_index, "SETTLED_NS", 0)
    rows = []
    for name, samples in SOUNDS.items():
        soundfile.write(tmp_path / f"{name}.wav", samples, RATE)
        cut = {"cut": f"{name}.wav", "start": 0.5, "seconds": 1.0}
        rows.append({"id": name, "lyrics": "[verse]\nla", "reference": f"{name}.wav", "prompt_wav": cut})
    path = tmp_path / "odd.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return load_suite(path)


@pytest.fixture
def decoded(monkeypatch):
    """The names of the files that are decoded, in order."""
    names, read = [], audio.read_audio_with_remarks
    monkeypatch.setattr(audio, "read_audio_with_remarks", lambda path: names.append(path.stem) or read(path))
    return names


def test_files_are_decoded_once(suite, decoded, tmp_path, monkeypatch):
    remarks = check_assets(suite)
    assert {(one.prompt, one.field, one.remark.code) for one in remarks} == {
        ("silent", "reference", "silent"),
        ("silent", "prompt_wav", "silent"),
        ("clipped", "reference", "clipped"),
        ("clipped", "prompt_wav", "clipped"),
    }
    assert sorted(decoded) == sorted([*SOUNDS, *SOUNDS])
    keys = [prompt.key() for prompt in suite.prompts]
    decoded.clear()
    monkeypatch.setattr(hashing, "_digests", {})
    assert check_assets(suite) == remarks and not decoded
    assert len(hashing._digests) == 3 and [prompt.key() for prompt in suite.prompts] == keys
    (tmp_path / "cache/songbench/stores/sounds.sqlite").write_bytes(b"no database")
    assert check_assets(suite) == remarks and len(decoded) == 6


def test_what_was_changed_is_decoded_again(suite, decoded, tmp_path):
    check_assets(suite)
    decoded.clear()
    soundfile.write(tmp_path / "fine.wav", SOUNDS["silent"], RATE)
    codes = {(one.prompt, one.remark.code) for one in check_assets(suite)}
    assert ("fine", "silent") in codes and decoded == ["fine", "fine"]


def test_what_is_broken_is_found_each_time(suite, decoded, tmp_path):
    check_assets(suite)
    (tmp_path / "silent.wav").write_bytes(b"RIFF")
    for _ in range(2):
        with pytest.raises(InputError, match=r"silent\.wav"):
            check_assets(suite)
    assert decoded[6:] == ["silent", "silent"]


def test_another_version_of_the_checks_looks_again(suite, decoded, monkeypatch):
    remarks = check_assets(suite)
    monkeypatch.setattr("songbench.execution.sound_checks._code", lambda: "another")
    assert check_assets(suite) == remarks and len(decoded) == 12
