"""ACE-Step 1.5's own ``generate_music`` through our adapter and worker, with stand-ins for its two models."""

import json

import numpy as np
import pytest
from layers import HERE, environment_folder, layered_environment, plant, upstream_folder

from songbench.contracts.registry import build_system
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Request, Song
from systems.acestep15.environment import CHECKOUT, ENVIRONMENT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

LYRICS = "[verse]\nHello little world\n[chorus]\nWe sing along"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """The user's environment, with stand-ins for the models."""
    modules = {
        "sitecustomize.py": HERE / "sites" / "acestep15_site.py",
        "cpu_site.py": HERE / "cpu_site.py",
        "absent.py": HERE / "absent.py",
    }
    upstream_folder(CHECKOUT)
    return layered_environment(environment_folder(ENVIRONMENT), tmp_path_factory.mktemp("acestep15") / "it", modules)


@pytest.fixture
def songs_of(environment, set_folders, tmp_path, monkeypatch):
    """A function that makes songs: the songs, and what the models were given."""
    notes = tmp_path / "notes.jsonl"
    monkeypatch.setenv("SONGBENCH_TEST_NOTES", str(notes))

    def make(variant, prompt, *, seeds=(3,), clip=None, **parameters):
        system = build_system("acestep15", {"variant": variant, **parameters})
        set_folders(system, environment, upstream_folder(CHECKOUT))
        (tmp_path / "nothing").mkdir(exist_ok=True)
        plant(system, {entry.name: tmp_path / "nothing" for entry in system.weights})
        requests = [Request(prompt=prompt, take=take, seed=seed, prompt_audio=clip) for take, seed in enumerate(seeds)]
        songs = list(system.generate(requests))
        system.close()
        for song in songs:
            assert isinstance(song, Song), song.cause + song.detail
        return songs, [json.loads(line) for line in notes.read_text(encoding="utf-8").splitlines()]

    return make


def prompt_of(seconds, **parts):
    return Prompt(id="p", lyrics=parse_lyrics(LYRICS), style="bright pop, piano", seconds=seconds, **parts)


def test_the_seed_counts_and_the_length_is_that_asked_for(songs_of):
    songs, notes = songs_of("turbo-no-lm", prompt_of(12.0), seeds=(3, 3, 4))
    first, again, later = (song.source.load() for song in songs)
    assert (first.rate, first.seconds) == (48_000, 12.0)
    assert np.array_equal(first.samples, again.samples)
    assert not np.array_equal(first.samples, later.samples)
    assert [song.record.settings["seed"] for song in songs] == [3, 3, 4]
    inputs = [value for kind, value in notes if kind == "song"]
    assert {entry["style"] for entry in inputs} == {"bright pop, piano"}
    assert {entry["language"] for entry in inputs} == {"en"}
    for line in ("Hello little world", "We sing along"):
        assert all(line in entry["lyrics"] for entry in inputs)


def test_a_reference_of_ten_seconds_does_not_make_a_song_of_ten_seconds(songs_of):
    time = np.arange(10 * 44_100) / 44_100
    clip = MemoryAudio(Audio(np.sin(2 * np.pi * 220 * time)[None].astype("f4"), 44_100))
    prompt = prompt_of(15.0, prompt_audio=FileAsset("clip.wav"))
    (song,), notes = songs_of("turbo-no-lm-audio", prompt, clip=clip)
    assert song.source.load().seconds == 15.0
    ((channels, samples),) = [value for kind, value in notes if kind == "reference"]
    assert (channels, samples) == (2, 30 * 48_000)  # three random pieces of ten seconds
    assert song.record.rendering.style == "audio"


def test_the_language_model_rewrites_nothing_unless_asked_to(songs_of):
    (song,), notes = songs_of("turbo", prompt_of(12.0))
    assert ["language model", "acestep-5Hz-lm-1.7B"] in notes
    (inputs,) = [value for kind, value in notes if kind == "song"]
    assert (inputs["style"], inputs["language"]) == ("bright pop, piano", "en")
    assert not any("language model made" in note for note in song.record.notes)
    (rewritten,), notes = songs_of("turbo", prompt_of(12.0), use_cot_metas=True, use_cot_caption=True)
    assert [value for kind, value in notes if kind == "song"][-1]["style"] == "something else"
    assert any("something else" in note for note in rewritten.record.notes)
