import json

import numpy as np
import pytest
import soundfile

from songbench.domain.errors import InputError
from songbench.domain.song import Failure, Request
from songbench.domain.suite import parse_prompt
from systems.imported.system import Imported

PROMPTS = [parse_prompt({"id": i, "lyrics": "[verse] la."}) for i in ("one", "two", "three")]


def write(path, rate=44100, channels=2, gain=0.2, seconds=0.5):
    samples = gain * np.sin(np.arange(round(rate * seconds)) * 0.05)
    soundfile.write(path, np.stack([samples] * channels, axis=1), rate)


def outcomes(system, takes=1):
    requests = [Request(prompt, take, 0) for prompt in PROMPTS for take in range(takes)]
    return {(o.request.prompt.id, o.request.take): o for o in system.generate(requests)}


def test_a_folder_of_any_kind_and_rate(tmp_path):
    write(tmp_path / "one.wav", 22050, 1)
    write(tmp_path / "two.mp3", 48000)
    write(tmp_path / "three_s0.flac", 44100)
    system = Imported("suno-v5", str(tmp_path))
    assert system.card.name == "suno-v5"
    assert system.availability().ready
    found = outcomes(system)
    assert found["one", 0].audio.rate == 22050
    assert found["one", 0].audio.samples.shape[0] == 1
    assert found["two", 0].audio.seconds == pytest.approx(0.5, abs=0.06)
    assert not any(isinstance(o, Failure) for o in found.values())
    assert found["one", 0].record.seconds is None


def test_missing_and_extra_files_are_reported(tmp_path):
    write(tmp_path / "one_s0.wav")
    write(tmp_path / "one_s1.wav")
    write(tmp_path / "four.wav")
    (tmp_path / "notes.txt").write_text("not audio")
    system = Imported("x", str(tmp_path))
    remarks = "\n".join(system.remarks(PROMPTS, 2))
    assert "2 of 6 songs found" in remarks
    assert "no file for two take 0, two take 1, three take 0, three take 1" in remarks
    assert "match no prompt: four.wav" in remarks
    found = outcomes(system, 2)
    assert "no file" in found["two", 1].cause
    assert not isinstance(found["one", 1], Failure)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_manifests(tmp_path, kind):
    write(tmp_path / "x.wav")
    write(tmp_path / "y.wav", gain=0.4)
    path = tmp_path / f"m.{kind}"
    if kind == "jsonl":
        path.write_text('{"id": "one", "audio": "x.wav"}\n\n{"idx": "one", "take": 1, "audio": "y.wav"}\n')
    else:
        path.write_text("id,take,audio\none,0,x.wav\none,1,y.wav\n")
    found = outcomes(Imported("m", str(path)), 2)
    assert found["one", 1].audio.samples.max() == pytest.approx(2 * found["one", 0].audio.samples.max(), rel=0.01)


def test_broken_files_fail_alone(tmp_path):
    write(tmp_path / "one.wav")
    (tmp_path / "two.wav").write_bytes(b"")
    (tmp_path / "three.wav").write_bytes(b"RIFF....WAVEjunk")
    found = outcomes(Imported("x", str(tmp_path)))
    assert "empty (0 bytes)" in found["two", 0].cause
    assert "cannot be decoded" in found["three", 0].cause
    assert not isinstance(found["one", 0], Failure)


def test_a_replaced_file_is_another_song(tmp_path):
    write(tmp_path / "one.wav")
    before = Imported("x", str(tmp_path)).fingerprint(Request(PROMPTS[0], 0, 0))
    write(tmp_path / "one.wav", gain=0.3)
    assert Imported("x", str(tmp_path)).fingerprint(Request(PROMPTS[0], 0, 0)) != before
    assert Imported("x", str(tmp_path)).fingerprint(Request(PROMPTS[1], 0, 0)) is None


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            '{"id": "one", "audio": "x.wav"}\n{"id": "one", "audio": "y.wav"}',
            "line 2.*x.wav and y.wav are the same take",
        ),
        ('{"id": "one"}', "line 1.*'audio'"),
        ("nonsense", "line 1.*Not valid JSON"),
        ('{"id": "one", "audoi": "x.wav"}', "Did you mean 'audio'"),
    ],
)
def test_broken_manifests_name_the_line(tmp_path, rows, words):
    path = tmp_path / "m.jsonl"
    path.write_text(rows)
    with pytest.raises(InputError, match=words):
        Imported("x", str(path)).find("one", 0)


def test_two_files_for_one_take(tmp_path):
    write(tmp_path / "one.wav")
    write(tmp_path / "one.flac")
    with pytest.raises(InputError, match=r"one\.flac and one\.wav are the same take"):
        Imported("x", str(tmp_path)).find("one", 0)


def test_availability_explains(tmp_path):
    assert "imported:NAME=" in Imported().availability().cure
    assert "does not exist" in Imported("x", str(tmp_path / "none")).availability().reason
    assert json.dumps(Imported("x").parameters) == "{}"
