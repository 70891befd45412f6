import json

import numpy as np
import pytest
import soundfile
from shared_files import shared

from songbench.domain.errors import InputError
from songbench.domain.song import Failure, Request
from songbench.domain.suite import load_suite, parse_prompt
from systems.imported.system import Imported

PROMPTS = [parse_prompt({"id": i, "lyrics": "[verse] la."}) for i in ("one", "two", "three")]


def write(path, rate=44100, channels=2, gain=0.2, seconds=0.5):
    samples = gain * np.sin(np.arange(round(rate * seconds)) * 0.05)
    soundfile.write(path, np.stack([samples] * channels, axis=1), rate)


def outcomes(system, takes=1):
    requests = [Request(prompt=prompt, take=take, seed=0) for prompt in PROMPTS for take in range(takes)]
    return {(o.request.prompt.id, o.request.take): o for o in system.generate(requests)}


def test_a_folder_of_any_kind_and_rate(tmp_path):
    write(tmp_path / "one.wav", 22050, 1)
    write(tmp_path / "two.mp3", 48000)
    write(tmp_path / "three_s0.flac", 44100)
    system = Imported("suno-v5", str(tmp_path))
    assert system.card.name == "suno-v5"
    assert system.availability().ready
    songs = outcomes(system)
    assert songs["one", 0].audio.rate == 22050
    assert songs["one", 0].audio.samples.shape[0] == 1
    assert songs["two", 0].audio.seconds == pytest.approx(0.5, abs=0.06)
    assert not any(isinstance(o, Failure) for o in songs.values())
    assert songs["one", 0].record.seconds is None


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
    songs = outcomes(system, 2)
    assert "no file" in songs["two", 1].cause
    assert not isinstance(songs["one", 1], Failure)


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_manifests(tmp_path, kind):
    write(tmp_path / "x.wav")
    write(tmp_path / "y.wav", gain=0.4)
    path = tmp_path / f"m.{kind}"
    if kind == "jsonl":
        path.write_text('{"id": "one", "audio": "x.wav"}\n\n{"idx": "one", "take": 1, "audio": "y.wav"}\n')
    else:
        path.write_text("id,take,audio\none,0,x.wav\none,1,y.wav\n")
    songs = outcomes(Imported("m", str(path)), 2)
    assert songs["one", 1].audio.samples.max() == pytest.approx(2 * songs["one", 0].audio.samples.max(), rel=0.01)


def test_broken_files_fail_alone(tmp_path):
    write(tmp_path / "one.wav")
    (tmp_path / "two.wav").write_bytes(b"")
    (tmp_path / "three.wav").write_bytes(b"RIFF....WAVEjunk")
    songs = outcomes(Imported("x", str(tmp_path)))
    assert "empty (0 bytes)" in songs["two", 0].cause
    assert "cannot be decoded" in songs["three", 0].cause
    assert not isinstance(songs["one", 0], Failure)


def test_a_replaced_file_is_another_song(tmp_path):
    write(tmp_path / "one.wav")
    before = Imported("x", str(tmp_path)).fingerprint(Request(prompt=PROMPTS[0], take=0, seed=0))
    write(tmp_path / "one.wav", gain=0.3)
    assert Imported("x", str(tmp_path)).fingerprint(Request(prompt=PROMPTS[0], take=0, seed=0)) != before
    assert Imported("x", str(tmp_path)).fingerprint(Request(prompt=PROMPTS[1], take=0, seed=0)) is None


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


# -- names that could be two things ------------------------------------------------------------------------------------


def prompts(*ids):
    return [parse_prompt({"id": i, "lyrics": "[verse] la."}) for i in ids]


def test_a_file_is_never_two_takes():
    """Every name is one take: the suite of the case has the ids ``song`` and ``song_s1``."""
    suite = load_suite(shared("cases/24_take_suffix_id/a.jsonl"))
    assert [prompt.id for prompt in suite.prompts] == ["song", "song_s1"]


@pytest.mark.parametrize("takes", [1, 2])
def test_a_name_that_could_be_two_takes_is_refused_before_the_run(tmp_path, takes):
    for number, name in enumerate(("song", "song_s1")):
        write(tmp_path / f"{name}.wav", gain=0.1 + 0.1 * number)
    system = Imported("x", str(tmp_path))
    with pytest.raises(
        InputError, match=r"song_s1\.wav could be 'song_s1', and it could be take 1 of 'song'.*manifest"
    ):
        system.remarks(prompts("song", "song_s1"), takes)
    with pytest.raises(InputError, match=r"song_s1_s0\.wav"):
        system.fingerprint(Request(prompt=prompts("song_s1")[0], take=0, seed=0))


def test_full_names_leave_no_doubt(tmp_path):
    for number, name in enumerate(("song_s0", "song_s1", "song_s1_s0", "song_s1_s1")):
        write(tmp_path / f"{name}.wav", gain=0.1 + 0.1 * number)
    system = Imported("x", str(tmp_path))
    suite = prompts("song", "song_s1")
    assert "4 of 4 songs found" in system.remarks(suite, 2)[0]
    names = [system.find(prompt.id, take).name for prompt in suite for take in (0, 1)]
    assert names == ["song_s0.wav", "song_s1.wav", "song_s1_s0.wav", "song_s1_s1.wav"]


def test_a_manifest_leaves_no_doubt(tmp_path):
    write(tmp_path / "song.wav")
    write(tmp_path / "song_s1.wav", gain=0.4)
    (tmp_path / "m.csv").write_text("id,audio\nsong,song.wav\nsong_s1,song_s1.wav\n")
    system = Imported("x", str(tmp_path / "m.csv"))
    assert system.find("song_s1", 0).name == "song_s1.wav"
    assert system.find("song", 1) is None


def test_one_recording_under_several_ids_is_told_before_the_run(tmp_path):
    write(tmp_path / "one.wav")
    (tmp_path / "two.wav").write_bytes((tmp_path / "one.wav").read_bytes())
    write(tmp_path / "three.wav", gain=0.3)
    remarks = Imported("x", str(tmp_path)).remarks(PROMPTS, 1)
    assert "x: the same recording under several ids: one take 0, two take 0" in remarks
    (tmp_path / "m.csv").write_text("id,audio\none,three.wav\nthree,three.wav\n")
    remarks = Imported("m", str(tmp_path / "m.csv")).remarks(PROMPTS, 1)
    assert "m: the same recording under several ids: one take 0, three take 0" in remarks


# -- files that are there and cannot be read ---------------------------------------------------------------------------


def test_files_to_convert_are_named_and_fail_alone(tmp_path):
    write(tmp_path / "one.WAV")
    (tmp_path / "two.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(99))
    (tmp_path / "three.webm").write_bytes(b"\x1aE\xdf\xa3" + bytes(99))
    (tmp_path / "._one.wav").write_bytes(b"\0\5\x16\7" + bytes(99))  # what macOS leaves beside files
    system = Imported("x", str(tmp_path))
    assert any(
        "not readable here: two.m4a, three.webm (convert them: ffmpeg" in line for line in system.remarks(PROMPTS, 1)
    )
    songs = outcomes(system)
    assert "ffmpeg -i" in songs["two", 0].cause
    assert "WebM" in songs["three", 0].cause
    assert not isinstance(songs["one", 0], Failure)


def test_a_converted_file_stands_for_its_original(tmp_path):
    write(tmp_path / "one.wav")
    (tmp_path / "one.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(99))
    assert Imported("x", str(tmp_path)).find("one", 0).name == "one.wav"


def test_remarks_on_a_file_travel_with_the_song(tmp_path):
    write(tmp_path / "one.mp3")
    (tmp_path / "one.mp3").write_bytes((tmp_path / "one.mp3").read_bytes() * 2)
    assert [remark.code for remark in outcomes(Imported("x", str(tmp_path)))["one", 0].remarks] == ["joined"]
