"""Singing and streaming from Python: the same song, in pieces, in bounded memory."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from songbloom_cases import (
    ENDS_AT_ONCE,
    LYRICS,
    NEVER_ENDS,
    PATCHES,
    SHORT,
    calm_checkpoint,
    calm_model,
    music,
    needs_text,
    write_audio,
)
from songbloom_random import SMALL

from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from systems.songbloom import sing, stream
from systems.songbloom.decoding import DecodingEngine
from systems.songbloom.singing import Chunk, SongInput, generate, songs_at_once
from systems.songbloom.text import one_line

pytestmark = needs_text
PROMPT = music(1.5)


@pytest.fixture(scope="module")
def model():
    return calm_model(end_bias=NEVER_ENDS).for_decoding()


@pytest.fixture(scope="module")
def song(model):
    return sing(model, LYRICS, PROMPT, 5)


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_pieces_are_the_song(model, song, chunk):
    pieces = list(stream(model, LYRICS, PROMPT, 5, chunk_patches=chunk))
    assert {piece.rate for piece in pieces} == {48_000}
    joined = np.concatenate([piece.samples for piece in pieces], axis=1)
    assert joined.shape == song.samples.shape == (2, PATCHES * 16 * 1920)
    assert np.abs(joined - song.samples).max() <= 1e-5 * np.abs(song.samples).max()


def test_a_prompt_may_be_a_file(model, song, tmp_path):
    again = sing(model, LYRICS, write_audio(tmp_path / "style.wav", PROMPT), 5)
    assert np.array_equal(again.samples, song.samples)


def test_progress_is_told_per_patch_and_sound_comes_early(model):
    reports = []
    pieces = stream(model, LYRICS, PROMPT, 5, chunk_patches=1, on_progress=reports.append)
    first = next(pieces)
    assert [one.patches for one in reports] == [1, 2], "a piece needs the patch after it, and no more"
    assert first.samples.shape == (2, 16 * 1920)
    assert first.seconds == SMALL.patch_seconds
    rest = list(pieces)
    assert [one.patches for one in reports] == list(range(1, PATCHES + 1))
    assert {one.longest for one in reports} == {PATCHES}
    assert {one.song for one in reports} == {0}
    assert reports[-1].seconds == pytest.approx(SHORT.decoding.max_seconds)
    assert len(rest) == PATCHES - 1


def test_several_songs_and_where_their_pieces_begin(model):
    line = one_line(parse_lyrics(LYRICS), 1.0)
    songs = [SongInput.of(SMALL, line, PROMPT, seed) for seed in range(3)]
    lengths: dict[int, list[int]] = {}
    ends = {}
    for event in generate(DecodingEngine(model, slots=2), songs, chunk_patches=3):
        if isinstance(event, Chunk):
            assert event.start == sum(lengths.setdefault(event.song, []))
            lengths[event.song].append(event.samples.shape[1])
        else:
            ends[event.song] = event
    assert {number: end.samples for number, end in ends.items()} == {
        number: sum(lengths[number]) for number in range(3)
    }
    assert {end.ending for end in ends.values()} == {"longest length"}


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"chunk_patches": 0}, "0 patches at a time"),
        ({"stepz": 3}, "Did you mean 'steps'"),
        ({"max_seconds": -1}, "'max_seconds': Expected a number > 0, found -1"),
    ],
)
def test_mistakes(model, keywords, message):
    with pytest.raises(InputError, match=message):
        list(stream(model, LYRICS, PROMPT, **keywords))


def test_lyrics_prompts_and_silence(model):
    with pytest.raises(InputError, match=r"Unknown section tag \[vrese\]"):
        sing(model, "[vrese]\nla", PROMPT)
    with pytest.raises(InputError, match="prompts of 1 s"):
        sing(model, LYRICS, music(0.5))
    with pytest.raises(InputError, match="another seed"):
        sing(calm_model(end_bias=ENDS_AT_ONCE).for_decoding(), LYRICS, PROMPT)


def test_the_autoencoder_never_runs_in_tf32(monkeypatch):
    """Which torch leaves on for convolutions on CUDA; what is set for the rest of the program stays."""
    settings = torch.backends.cudnn
    monkeypatch.setattr(settings, "allow_tf32", True)
    monkeypatch.setattr(settings, "deterministic", True)
    autoencoder, flags = calm_model().autoencoder, []
    for part in (autoencoder.encoder, autoencoder.decoder):
        part.register_forward_hook(lambda *_: flags.append((settings.allow_tf32, settings.deterministic)))
    autoencoder.decode(autoencoder.moments(torch.zeros(1, 2, 19200))[0])
    assert flags == [(False, True)] * 2
    assert settings.allow_tf32


def test_how_many_songs_at_once(model, monkeypatch):
    from systems.songbloom import singing

    assert songs_at_once(model, SMALL.decoding) == 8
    monkeypatch.setattr(singing, "_free_bytes", lambda device: 4 * 10**6)
    assert 1 <= songs_at_once(model, SMALL.decoding) < 8
    monkeypatch.setattr(singing, "_free_bytes", lambda device: 0)
    assert songs_at_once(model, SMALL.decoding) == 1


MEASURE = """
import json, re, sys
from pathlib import Path
import torch
from systems.songbloom import load, stream
from systems.songbloom.costs import cache_bytes

checkpoint, prompt, lyrics = sys.argv[1:]
model = load(checkpoint, "cpu")

def kib(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

def peak_of(seconds):
    changes = {"max_seconds": seconds, "steps": 1, "guidance": 1.0}
    for piece in stream(model, lyrics, prompt, chunk_patches=2, **changes):
        pass
    cache = cache_bytes(model.config, model.config.decoding.changed(changes), 4)
    return {"peak": 1024 * kib("VmHWM"), "cache": cache, "seconds": seconds}

peak_of(3.0)
print(json.dumps([peak_of(4.0), peak_of(16.0)]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_memory_does_not_grow_with_the_song(tmp_path):
    """Beyond the cache, a song four times as long takes no more: 12 s of samples alone would be 37 MB."""
    flat = replace(SHORT.model, lm_layers=1, dit_layers=1)
    many_channels = replace(SHORT, model=flat, autoencoder=replace(SHORT.autoencoder, audio_channels=16))
    checkpoint = calm_checkpoint(tmp_path, many_channels, end_bias=NEVER_ENDS)
    prompt = write_audio(tmp_path / "style.wav", PROMPT)
    run = [sys.executable, "-c", MEASURE, str(checkpoint.weights), str(prompt), LYRICS]
    # The C library would otherwise keep freed pieces of this size for later, now more of them and now fewer.
    env = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "1000000"}
    process = subprocess.run(run, capture_output=True, text=True, check=True, timeout=280, env=env)
    short, long = json.loads(process.stdout.splitlines()[-1])
    grown = long["peak"] - short["peak"] - (long["cache"] - short["cache"])
    assert grown < 10e6, f"{grown / 1e6:.1f} MB more"


def test_nothing_of_a_song_is_left_in_the_model(model, song):
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    list(stream(model, LYRICS, PROMPT, 6))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert np.array_equal(sing(model, LYRICS, PROMPT, 5).samples, song.samples)
