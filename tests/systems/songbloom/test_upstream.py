"""SongBloom by its authors' program: it is given what ours reads, and what goes wrong in silence is handled."""

import json
from dataclasses import replace

import pytest

from songbench.domain.errors import InputError
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Request
from systems.songbloom.text.line import one_line
from systems.songbloom.upstream.system import UpstreamSongBloom

LYRICS = parse_lyrics("[intro] [intro] [intro] [intro] [intro]\n\n[verse]\nMorning comes, slowly {out}\n")
PROMPT = Prompt(id="p", lyrics=LYRICS, prompt_audio=FileAsset("clip.wav"))


def ask(take=0, **changes):
    return Request(prompt=replace(PROMPT, **changes), take=take, seed=3)


def row(invocation):
    text = invocation.files["songs.jsonl"].replace("{brace}", "{")
    return json.loads(text)


def test_it_is_given_the_line_that_ours_reads():
    song = row(UpstreamSongBloom().invoke(ask()))
    assert song == {"idx": "p-0", "lyrics": one_line(LYRICS, 1.0), "prompt_wav": "{prompt_audio}"}
    assert row(UpstreamSongBloom("full_240s").invoke(ask()))["lyrics"].startswith(
        "[intro] , [verse] Morning comes. slowly"
    )


def test_words_of_an_intro_are_sung_as_verse_and_recorded():
    rendering = UpstreamSongBloom().invoke(ask(lyrics=parse_lyrics("[intro]\nHello\n\n[verse]\nMorning\n"))).rendering
    assert rendering.tags == {"intro": "[verse]"} and rendering.notes[0].startswith("the words of [intro]")


def test_what_ours_refuses_is_unsupported():
    reason = UpstreamSongBloom().unsupported(ask(lyrics=parse_lyrics("[verse]\nあの日\n")))
    assert "cannot sing 'あ'" in reason
    assert "style audio" in UpstreamSongBloom().unsupported(ask(prompt_audio=None))


def test_one_take_is_asked_for_and_found_by_its_name():
    invocation = UpstreamSongBloom().invoke(ask(take=2))
    assert "--n-samples=1" in invocation.arguments and invocation.outputs == {"mix": "p-2_s0.flac"}


def test_the_files_lie_where_the_program_looks():
    links = UpstreamSongBloom("full_150s_dpo").layout.links
    assert links["cache"] == "songbloom-full-150s-dpo"
    assert links["cache/vocab_g2p.yaml"] == "songbloom-autoencoder/vocab_g2p.yaml"


def test_each_length_has_its_state_of_the_program():
    assert "397476c" in UpstreamSongBloom().card.upstream
    assert "ef78022" in UpstreamSongBloom("full_240s").card.upstream
    assert "--device=cpu" in UpstreamSongBloom("full_240s", device="cpu").invoke(ask()).arguments
    with pytest.raises(InputError, match="no option for the device"):
        UpstreamSongBloom(device="cpu")
    with pytest.raises(InputError, match="no release 'full_90s'"):
        UpstreamSongBloom("full_90s")


def test_several_songs_of_one_call_have_their_own_clips():
    system = UpstreamSongBloom(songs_per_call=2)
    invocation = system.together([ask(), ask(take=1)])["invocation"]
    clips = [
        json.loads(line.replace("{brace}", "{"))["prompt_wav"]
        for line in invocation["files"]["songs.jsonl"].splitlines()
    ]
    assert clips == ["{prompt_audio:0}", "{prompt_audio:1}"]
