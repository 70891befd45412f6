"""ACE-Step 1.5 completes a vocal: what its code is given, and what becomes of the pitfalls of that."""

import sys
from dataclasses import replace

import acestep15_stand_in
import numpy as np
import pytest

from songbench.contracts.cards import VOCAL_RULES
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Failure, Request, Song
from systems.acestep15.system import AceStep15

VOCAL = MemoryAudio(Audio(np.full((1, 8_000), 0.25, dtype="float32"), 8_000))
PROMPT = Prompt(
    id="p",
    lyrics=parse_lyrics("[intro] [intro]\n\n[verse]\nThe wind is singing\n"),
    style="warm folk, guitar",
    track="v2a",
    vocal=FileAsset("vocal.wav"),
    prompt_audio=FileAsset("style.wav"),
)
SENTENCE = "Complete the input track with DRUMS | BASS | GUITAR | KEYBOARD:"


def ask(vocal=VOCAL, **facts):
    return Request(prompt=replace(PROMPT, **facts), take=0, seed=5, vocal=vocal, prompt_audio=VOCAL)


def test_only_the_base_model_completes_and_alone():
    card = AceStep15("complete").card
    assert card.tracks == ("v2a",) and card.conditions == ("vocal", "lyrics", "style text")
    assert card.vocal_rule == "not known" and not card.languages and not card.vocals
    assert "acestep15-base" in card.needs and not [need for need in card.needs if "-lm-" in need]
    assert AceStep15("complete-both").card.conditions == ("vocal", "lyrics", "style text", "prompt audio")
    with pytest.raises(InputError, match="means model 'base'"):
        AceStep15("complete", model="turbo")
    with pytest.raises(InputError, match="Only the variant 'complete'"):
        AceStep15("base", tracks=("drums",))
    with pytest.raises(InputError, match="Nothing would be added"):
        AceStep15("complete", tracks=())


def test_the_sentence_names_the_tracks_and_is_recorded():
    rendered = AceStep15("complete").render(ask())
    assert rendered.inputs["instruction"] == SENTENCE and rendered.rendering.added == (SENTENCE,)
    assert rendered.inputs["lyrics"] == "[Intro]\n\n[Verse]\nThe wind is singing\n"
    choir = AceStep15("complete", tracks=("strings", "backing_vocals")).render(ask())
    assert choir.inputs["instruction"] == "Complete the input track with STRINGS | BACKING_VOCALS:"


def test_lyrics_that_nobody_knows_are_not_given():
    unknown = AceStep15("complete").render(ask(lyrics_known=False, language="eo"))
    assert unknown.inputs["lyrics"] == "" and unknown.inputs["language"] == "unknown"
    assert AceStep15("complete").unsupported(ask(language="eo")) is None


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"vocal": None}, "no vocal"),
        ({"style": ""}, "no style in words"),
        ({"seconds": 700.0}, "the vocal has 700 s, of which the system takes 600"),
    ],
)
def test_what_it_cannot_take_is_unsupported(facts, reason):
    prompt = replace(PROMPT, **facts)
    assert reason in AceStep15("complete").unsupported(Request(prompt=prompt, take=0, seed=5))


@pytest.fixture
def system(tmp_path, monkeypatch):
    """The adapter before a stand-in for its code, in this Python."""
    monkeypatch.setenv("SONGBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.setenv("SONGBENCH_ENV_ACESTEP15", sys.executable)
    monkeypatch.setenv("SONGBENCH_UPSTREAM_ACESTEP15", str(tmp_path / "code"))
    for name, text in acestep15_stand_in.files(later=False).items():
        path = tmp_path / "code" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for function in ("path", "verified"):
        monkeypatch.setattr(f"songbench.resources.weights.{function}", lambda entry: tmp_path / entry.name)
    built = AceStep15("complete")
    for entry in built.weights:
        (tmp_path / entry.name).mkdir()
        (tmp_path / entry.name / "config.json").touch()
    yield built
    built.close()


def test_the_vocal_is_what_is_completed_and_gives_the_length(system):
    short = MemoryAudio(Audio(np.full((2, 24_000), 0.25, dtype="float32"), 48_000))
    silent = MemoryAudio(Audio(np.zeros((1, 8_000), dtype="float32"), 8_000))
    song, second, failure = system.generate([ask(), ask(short), ask(silent)])
    assert isinstance(song, Song), song
    assert song.record.conditions == ("vocal", "lyrics", "style text")
    assert song.record.settings["task_type"] == "complete" and song.record.settings["tracks"][0] == "drums"
    assert "instruction" not in song.record.settings and "src_audio" not in song.record.settings
    assert song.record.notes[0] == VOCAL_RULES["not known"]
    assert [each.audio.seconds for each in (song, second)] == [1.0, 0.5]
    assert isinstance(failure, Failure) and "silent" in failure.cause


def test_a_vocal_that_was_left_out_is_no_song(system, monkeypatch):
    monkeypatch.setattr(system, "_vocal", replace(system._vocal, rate=None))  # the stand-in reads 48 kHz alone
    (failure,) = system.generate([ask()])
    assert isinstance(failure, Failure) and "the vocal is silent or could not be read" in failure.cause
