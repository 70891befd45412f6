"""DiffRhythm's unmodified infer.py through our adapter, with random weights of tiny sizes.

Real are its code, its configuration but for the sizes, its tokenizer, MuQ-MuLan's package, the hub's loader and the
file that is written. On a CPU the compiled part of torchaudio is left out (`cpu_site`).
"""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from layers import HERE, plant, python_of
from prompts import prompts

from songbench.contracts.registry import build_system
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Failure, Request, Song

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

LYRICS = "[verse]\nHello little world\nWe sing along tonight\n[chorus]\n你好 月亮\nAnd on we go"
WEIGHTS = {
    "diffrhythm-base": "ASLP-lab--DiffRhythm-1_2",
    "diffrhythm-full": "ASLP-lab--DiffRhythm-1_2",
    "diffrhythm-vae": "ASLP-lab--DiffRhythm-vae",
    "xlm-roberta-base-model": "xlm-roberta-base",
    "muq-mulan-large": "OpenMuQ--MuQ-MuLan-large",
    "muq-large-msd-iter": "OpenMuQ--MuQ-large-msd-iter",
}
"""Name of weights → the repository's folder, as `tiny_diffrhythm` writes it."""


def sound(seconds):
    time = np.arange(int(seconds * 44_100)) / 44_100
    return MemoryAudio(Audio(np.stack([np.sin(2 * np.pi * hertz * time) for hertz in (220, 330)]).astype("f4"), 44_100))


def request_for(*, seconds=None, seed=7):
    """A song of four lines, with a prompt audio of so many seconds."""
    clip = None if seconds is None else sound(seconds)
    prompt = Prompt(id="p", lyrics=parse_lyrics(LYRICS), language="mixed", style="pop, piano, female",
                    prompt_audio=clip and FileAsset(Path("clip.wav")))  # fmt: skip
    return Request(prompt=prompt, take=0, seed=seed, prompt_audio=clip)


@pytest.fixture
def built(diffrhythm, set_folders):
    """A function that builds a variant upon the real program."""
    environment, checkout, folder = diffrhythm
    systems = []

    def build(variant):
        systems.append(build_system("diffrhythm", {"variant": variant}))
        set_folders(systems[-1], environment, checkout)
        plant(systems[-1], {name: folder / place for name, place in WEIGHTS.items()})
        assert systems[-1].availability().ready
        return systems[-1]

    yield build
    for system in systems:
        system.close()


@pytest.mark.parametrize(("variant", "seconds", "style"), [("base", None, "text"), ("base-audio", 12.0, "audio")])
def test_a_song_comes_out_of_the_unmodified_program(built, variant, seconds, style):
    request = request_for(seconds=seconds)
    (song,) = built(variant).generate([request])
    assert isinstance(song, Song), song.cause + song.detail
    audio = song.source.load()
    assert (audio.samples.shape[0], audio.rate) == (2, 44_100)
    assert audio.seconds == pytest.approx(2048 * 2048 / 44_100)
    assert np.abs(audio.samples).max() == pytest.approx(1.0, abs=1e-3)
    assert audio.samples.std() > 0.01
    record = song.record
    assert (record.rendering.style, record.lossy, record.best_of) == (style, "", 1)
    assert 1 < record.seconds < record.stages["process"]
    assert not record.loading_included
    assert "la" in record.rendering.added[0]


def test_its_noise_follows_from_the_seed_that_is_set_before_it_starts(built):
    """Loading MuQ sets Python's generator to a fixed state, and could have done so to torch's."""
    songs = list(built("base").generate([request_for(seed=seed) for seed in (7, 8)]))
    for song in songs:
        assert isinstance(song, Song), song.cause + song.detail
    first, second = (song.source.load().samples for song in songs)
    assert first.shape == second.shape
    assert not np.allclose(first, second, atol=0.1)


def test_a_clip_of_five_seconds_is_refused_before_the_program_starts(built):
    (failure,) = built("base-audio").generate([request_for(seconds=5.0)])
    assert isinstance(failure, Failure)
    assert "5.00 s" in failure.cause
    assert "10 s" in failure.cause


def read_by_diffrhythm(diffrhythm, songs):
    """What its own LRC reader and tokenizer make of lyrics: (LRC, seconds, frames) each."""
    environment, checkout, _ = diffrhythm
    command = [python_of(environment), "-X", "utf8", HERE / "diffrhythm_tokens.py"]
    run = subprocess.run(command, check=False, cwd=checkout, input=json.dumps(songs), capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("variant", ["base", "full"])
def test_its_own_reader_finds_every_sung_line_of_every_prompt(built, diffrhythm, variant):
    system, names, sung, songs = built(variant), [], [], []
    for name, prompt in prompts().items():
        request = Request(prompt=replace(prompt, style=prompt.style or "pop"), take=0, seed=0)
        if system.unsupported(request) is None:
            rendering = system.invoke(request).rendering
            names.append(name)
            sung.append(prompt.lyrics.lines)
            songs.append((rendering.lyrics, int(rendering.seconds), 2048 if variant == "base" else 6144))
    assert len(names) > 40
    for name, lines, (lrc, _, _), answer in zip(names, sung, songs, read_by_diffrhythm(diffrhythm, songs), strict=True):
        assert answer["error"] is None, (name, answer["error"])
        read = answer["lines"][: len(lines)]
        assert [text for _, text, _ in read] == [" ".join(line.split()) for line in lines], name
        assert all(tokens for _, _, tokens in read), name
        assert answer["sentences"] == len(lines), (name, lrc)


TRAPS = {
    "[00:01.00]123": "Unknown language: other",
    "[00:01.00]...": "Unknown language: other",
    "[00:01.00]": "Unknown language: ",
    "[00:01.00]한국": "Unknown language: other",
}


def test_the_traps_that_the_card_names_are_there(diffrhythm):
    songs = [(f"{line}\n[00:05.00]la la\n", 95, 2048) for line in TRAPS]
    for answer, message in zip(read_by_diffrhythm(diffrhythm, songs), TRAPS.values(), strict=True):
        assert message in answer["error"]
    marked, digits, tag, kana, spelled, last = read_by_diffrhythm(
        diffrhythm,
        [
            ("\ufeff[00:01.00]one\n[00:05.00]two\n[00:09.00]three\n", 95, 2048),
            ("[00:01.000]one\n[00:05.00]two\n", 285, 6144),
            ("[00:01.00][verse]\n", 285, 6144),
            ("[00:01.00]あの日の夢\n", 285, 6144),
            ("[00:01.00]さくら hello\n", 285, 6144),
            ("[00:01.00]one\n[00:05.00]two\n", 95, 2048),
        ],
    )
    assert [text for _, text, _ in marked["lines"]] == ["two", "three"]  # a byte-order mark loses the first line
    assert digits["lines"][0][1] == "]one"
    assert tag["lines"][0][2] > 0  # sung
    assert kana["lines"][0][2] == 3  # beside Mandarin, kana vanish
    assert spelled["lines"][0][2] > 30  # beside English, each of them is called "Japanese letter"
    assert (len(last["lines"]), last["sentences"]) == (2, 1)  # of the last line the base model makes nothing
