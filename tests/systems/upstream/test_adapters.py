"""Every adapter of other people's programs: prompts arrive or are refused, failures are those of their song alone."""

import argparse
import json
import re
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from adapters import ADAPTERS, PYTHON_SPECS, SPECS
from program import parser_of
from prompts import prompts
from shared_files import shared

from songbench.contracts.registry import build_system
from songbench.domain.audio import Audio, MemoryAudio
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import FileAsset, Prompt
from songbench.domain.song import Failure, Request, Song
from songbench.domain.spoken import spoken_words

CLIP = MemoryAudio(Audio(0.1 * np.random.default_rng(1).standard_normal((1, 8000 * 31)).astype("float32"), 8000))


def parser(name):
    contract = json.loads(shared(f"facts/systems/{ADAPTERS[name].contract}.json").read_text(encoding="utf-8"))
    return parser_of(contract)


def complete(prompt):
    """The prompt with both kinds of style, so that only its words can be the reason for a refusal."""
    return replace(
        prompt, style=prompt.style or "pop, piano", prompt_audio=prompt.prompt_audio or FileAsset("clip.wav")
    )


def letters(text):
    return re.sub(r"[\W_]+", "", text.casefold())


def in_words(line):
    """The line in words, letters without accents."""
    words = [word for entry in spoken_words(line, ("en",)) for word in entry.usual]
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", " ".join(words)))


@pytest.mark.parametrize(("name", "spec"), SPECS, ids=[spec for _, spec in SPECS])
def test_every_line_of_every_prompt_arrives_or_is_refused(name, spec):
    system, reader = build_system(spec), parser(name)
    rendered = refused = 0
    for label, prompt in prompts().items():
        request = Request(prompt=complete(prompt), take=0, seed=2**31 - 1)
        if reason := system.unsupported(request):
            refused += 1
            assert reason.strip() and "\n" not in reason, label
            continue
        rendered += 1
        invocation = system.invoke(request)
        try:
            reader.parse_args(list(invocation.arguments))
        except (SystemExit, argparse.ArgumentError) as error:
            raise AssertionError(f"{label}: {invocation.arguments} is refused by the program's parser") from error
        check_words(prompt, invocation.rendering, label, spoken=ADAPTERS[name].spoken)
    assert rendered >= 10, f"{refused} refused"


def check_words(prompt, rendering, label, *, spoken=False):
    """Every line and every tag of a prompt arrives, or is said to be left out."""
    text = letters(rendering.lyrics)
    for line in prompt.lyrics.lines:
        words = letters(in_words(line) if spoken else line)
        assert words in text or line in rendering.dropped, f"{label}: {line}"
    for tag in set(prompt.lyrics.tags):
        assert f"[{tag}" in rendering.lyrics or tag in rendering.tags, f"{label}: {tag}"


@pytest.mark.parametrize("spec", PYTHON_SPECS)
def test_every_line_arrives_or_is_refused_where_there_is_no_command_line(spec):
    system, rendered = build_system(spec), 0
    for label, prompt in prompts().items():
        request = Request(prompt=complete(prompt), take=0, seed=2**31 - 1)
        if reason := system.unsupported(request):
            assert reason.strip() and "\n" not in reason, label
            continue
        rendered += 1
        check_words(prompt, system.render(request).rendering, label)
    assert rendered >= 10


@pytest.mark.parametrize(("name", "spec"), SPECS, ids=[spec for _, spec in SPECS])
def test_a_prompt_without_its_style_is_unsupported(name, spec):
    system = build_system(spec)
    bare = Prompt(id="p", lyrics=parse_lyrics("[verse]\nMorning comes in slowly\n"))
    reason = system.unsupported(Request(prompt=bare, take=0, seed=1))
    if {"style text", "prompt audio"} & set(system.card.conditions):
        assert "style" in reason
    assert system.unsupported(Request(prompt=complete(bare), take=0, seed=1)) is None


@pytest.mark.parametrize(("name", "spec"), SPECS, ids=[spec for _, spec in SPECS])
def test_its_card_says_what_the_table_needs(name, spec):
    card = build_system(spec).card
    for fact in ("upstream", "code_licence", "weights_licence", "length_rule", "seed_rule", "output", "verified"):
        assert getattr(card, fact), fact
    assert card.pitfalls and card.lyric_rules and card.name.partition(":")[0] == name


def request(words, number, language):
    lyrics = parse_lyrics(f"[verse]\nMorning comes in slowly\n{words}\n[chorus]\nHold the line\n")
    prompt = Prompt(
        id=f"p{number}", lyrics=lyrics, language=language, style="pop {out} --x", prompt_audio=FileAsset("x.wav")
    )
    return Request(prompt=prompt, take=0, seed=11 + number, prompt_audio=CLIP)


FAULTS = {
    "crash": r"ValueError: tensors of different sizes",
    "memory": r"out of memory",
    "killed": r"SIGKILL",
    "nothing": r"without",
    "empty": r"empty|no audio|holds nothing|0 bytes",
    "broken": r"is not|cannot be decoded|text",
    "nan": r"NaN|finite|not a number",
}
"""What can go wrong with a song, and the words in which its cause has to be told."""


@pytest.mark.parametrize("name", ADAPTERS)
def test_what_goes_wrong_is_told_and_the_next_song_is_made(stand_in, name):
    system = stand_in(name)
    requests = [request(f"fault {fault} now", number, ADAPTERS[name].language) for number, fault in enumerate(FAULTS)]
    good = request("over the railway line", len(requests), ADAPTERS[name].language)
    assert [system.unsupported(each) for each in [*requests, good]] == [None] * (len(requests) + 1)
    *failures, song = list(system.generate([*requests, good]))
    for (fault, words), failure in zip(FAULTS.items(), failures, strict=True):
        assert isinstance(failure, Failure), fault
        assert re.search(words, failure.cause), f"{fault}: {failure.cause}"
    assert "sung" in failures[0].detail or "Morning" in failures[0].detail, "the end of the log is part of the failure"
    assert isinstance(song, Song), song
    assert song.record.own_process and song.record.rendering is not None
    assert song.audio.samples.size and song.audio.rate == 16_000
    if system.card.sample_rate not in (None, 16_000):
        assert [remark.code for remark in song.remarks] == ["other rate"]
    system._worker._timeout_s = 0.3
    (hanging,) = system.generate([request("fault hang now", 99, ADAPTERS[name].language)])
    assert isinstance(hanging, Failure) and "no answer after" in hanging.cause
