"""JAM's unmodified ``jam.infer`` through our adapter, without its networks (sites/jam_site.py says what is real)."""

import json
import os
import re
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from layers import HERE, layered_environment, plant, python_of, upstream_folder
from prompts import prompts

from songbench.contracts.registry import build_system
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Request, Song
from systems.jam.environment import CHECKOUT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LYRICS = parse_lyrics("[verse]\nHon, meet me at 21 St James\nSING along tonight, café girl\n[chorus]\nLa la la")
CLIP = MemoryAudio(Audio(np.sin(np.arange(40 * 22_050) / 20)[None].astype("f4"), 22_050))


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """This Python, with stand-ins for the networks."""
    upstream_folder(CHECKOUT)
    names = {"sitecustomize.py": HERE / "sites" / "jam_site.py"}
    names |= {name: HERE / name for name in ("absent.py", "cpu_site.py")}
    return layered_environment(None, tmp_path_factory.mktemp("jam") / "environment", names)


@pytest.fixture
def song_of(environment, set_folders, tmp_path, monkeypatch):
    """A function that makes a song: the song, and what the networks were given."""
    notes = tmp_path / "notes.jsonl"
    monkeypatch.setenv("SONGBENCH_TEST_NOTES", str(notes))
    (tmp_path / "nothing").mkdir()

    def make(variant, **facts):
        system = build_system("jam", {"variant": variant} if variant else {})
        set_folders(system, environment, upstream_folder(CHECKOUT))
        plant(system, {entry.name: tmp_path / "nothing" for entry in system.weights})
        prompt = Prompt(id="p", lyrics=LYRICS, style="pop, piano {out}", prompt_audio=FileAsset("clip.wav"), **facts)
        (song,) = system.generate([Request(prompt=prompt, take=0, seed=3, prompt_audio=CLIP)])
        system.close()
        assert isinstance(song, Song), song.cause + song.detail
        lines = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
        notes.unlink()
        return song, lines

    return make


def values(notes, kind):
    return [value for name, value in notes if name == kind]


def test_a_song_comes_out_of_the_unmodified_program(song_of):
    song, notes = song_of(None, seconds=11.0)
    words = [word.replace("'", "") for word in values(notes, "word")]
    assert " ".join(words) == "hon meet me at twenty one st james sing along tonight cafe girl la la la"
    assert values(notes, "style") == ["pop, piano {out}"]
    assert [(entry["steps"], entry["guidance"]) for entry in values(notes, "song")] == [(50, [4.7, 2.6])]
    audio = song.source.load()
    assert (audio.samples.shape[0], audio.rate) == (2, 44_100)
    assert audio.seconds == pytest.approx(11.0, abs=0.06)  # an MP3 has some silence around it
    assert song.record.lossy == "mp3" and song.record.loading_included


def test_the_same_seed_gives_the_same_sound_although_it_reads_none(song_of):
    first, _ = song_of(None, seconds=11.0)
    second, _ = song_of(None, seconds=11.0)
    assert np.array_equal(first.source.load().samples, second.source.load().samples)


def test_of_prompt_audio_it_hears_thirty_seconds(song_of):
    song, notes = song_of("audio")
    assert values(notes, "style") == [[1, 30 * 24_000]]
    assert song.record.rendering.style == "audio"


def ran(environment, folder, songs):
    """The program with a list of songs of its own: its notes, its exit code, the songs it wrote."""
    (folder / "songs.json").write_text(json.dumps(songs), encoding="utf-8")
    checkout, notes = upstream_folder(CHECKOUT), folder / "notes.jsonl"
    options = {"checkpoint_path": "x", "test_set_path": folder / "songs.json", "output_dir": folder / "out"}
    run = subprocess.run(
        [python_of(environment), "-X", "utf8", "-m", "jam.infer", "evaluation.use_prompt_style=true",
         *(f"evaluation.{name}={value}" for name, value in options.items())],
        check=False, cwd=checkout, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": f"{checkout}/src:{checkout}/externals/DeepPhonemizer",
             "PYTHONDONTWRITEBYTECODE": "1", "SONGBENCH_TEST_NOTES": str(notes)},
    )  # fmt: skip
    lines = [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]
    return lines, run, {path.stem for path in (folder / "out" / "generated").glob("*.mp3")}


def test_every_word_of_every_prompt_reaches_its_phonemizer(environment, tmp_path):
    system, songs, expected = build_system("jam"), [], []
    for prompt in prompts().values():
        request = Request(prompt=replace(prompt, style="pop", seconds=None), take=0, seed=0)
        if system.unsupported(request) is None:
            name, invocation = f"s{len(songs)}", system.invoke(request)
            (tmp_path / f"{name}.json").write_text(invocation.files["lyrics.json"], encoding="utf-8")
            (tmp_path / "style.txt").write_text("pop", encoding="utf-8")
            paths = {"lrc_path": f"{tmp_path}/{name}.json", "prompt_path": f"{tmp_path}/style.txt"}
            songs.append({**json.loads(invocation.files["songs.json"])[0], **paths, "id": name, "duration": 1.0})
            expected += invocation.rendering.lyrics.split()
    for song in songs:  # as short as can be, for time; its words are looked at apart
        song["duration"] = 1.0
    notes, run, names = ran(environment, tmp_path, songs)
    assert run.returncode == 0, run.stderr[-2000:]
    assert len(songs) > 20 and names == {song["id"] for song in songs}
    assert set(values(notes, "word")) <= set(expected)


def test_the_traps_that_the_card_names_are_there(environment, tmp_path):
    (tmp_path / "style.txt").write_text("pop", encoding="utf-8")

    def song(name, *words):
        rows = [{"word": word, "start": number / 2, "end": number / 2 + 0.4} for number, word in enumerate(words)]
        (tmp_path / f"{name}.json").write_text(json.dumps(rows), encoding="utf-8")
        return {"id": name, "audio_path": "", "lrc_path": f"{tmp_path}/{name}.json", "duration": 2.0,
                "prompt_path": f"{tmp_path}/style.txt"}  # fmt: skip

    notes, run, names = ran(
        environment, tmp_path, [song("plain", "hon", "LOVE"), song("note", "hello", "♪"), song("empty")]
    )
    assert run.returncode == 0 and names == {"plain", "empty"}, "a song is missing, and nothing says so"
    assert re.search(r"Error processing sample note: string index out of range", run.stdout)
    assert values(notes, "word")[:2] == ["honorable", "LOVE"]
