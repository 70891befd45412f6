"""The rule that times lyrics: its promises, and how near it comes to songs whose times are known."""

import json
import math
import re
from itertools import pairwise
from pathlib import Path

import pytest

from songbench.domain.errors import InputError, UnsupportedError
from songbench.domain.lyric_timing import RULE, TIMING, TimedLyrics, tempo_of_style, time_lyrics
from songbench.domain.lyrics import Lyrics, parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request, Song
from songbench.domain.suite import load_suite
from systems.rulebased.system import RuleBased

ROOT = Path(__file__).parents[2]
PROMPTS = [
    prompt for name in ("demo", "validation") for prompt in load_suite(ROOT / f"songbench/suites/{name}.jsonl").prompts
]
LYRICS = parse_lyrics(
    "[intro] [intro]\n\n[verse]\nWe met at 21 Baker Street\nand walked home\n\n[inst] [inst] [inst]\n\n"
    "[chorus]\n你好 my dear"
)


def check_order(lyrics: Lyrics, timed: TimedLyrics) -> None:
    """Every line and word is there, in order, without overlap, inside its section."""
    assert tuple(line.text for line in timed.lines) == lyrics.lines
    assert tuple(section.tag for section in timed.sections) == lyrics.tags
    assert all(before.end == after.start for before, after in pairwise(timed.sections))
    assert all(before.end < after.start for before, after in pairwise(timed.lines))
    assert all(before.end <= after.start for before, after in pairwise(timed.words))
    for line in timed.lines:
        section = timed.sections[line.section]
        assert section.start <= line.start < line.end < section.end
        assert all(line.start <= word.start < word.end <= line.end for word in line.words)


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.id)
def test_every_line_has_its_time(prompt) -> None:
    for seconds, tempo in ((None, None), (None, tempo_of_style(prompt.style)), (prompt.seconds, None)):
        timed = time_lyrics(prompt.lyrics, prompt.language, seconds=seconds, tempo=tempo, start=0.25)
        check_order(prompt.lyrics, timed)
        assert timed == time_lyrics(prompt.lyrics, prompt.language, seconds=seconds, tempo=tempo, start=0.25)
        assert timed.sections[0].start == 0.25
        assert seconds is None or timed.seconds == pytest.approx(seconds, abs=0.002)


def test_sections_without_words_keep_their_seconds() -> None:
    for seconds in (None, 12.0, 24.0):
        timed = time_lyrics(LYRICS, "mixed", seconds=seconds)
        lengths = {section.tag: section.end - section.start for section in timed.sections}
        assert lengths["intro"] == pytest.approx(2.0) and lengths["inst"] == pytest.approx(3.0)


def test_words_are_those_that_are_sung() -> None:
    timed = time_lyrics(LYRICS, "mixed")
    assert [word.text for word in timed.lines[0].words] == [
        "We", "met", "at", "twenty", "one", "Baker", "Street",
    ]  # fmt: skip
    assert [word.text for word in timed.lines[2].words] == ["你", "好", "my", "dear"]
    assert timed.rule == RULE == f"songbench-timing {TIMING.version}"


def test_whole_bars_where_the_tempo_is_known() -> None:
    timed = time_lyrics(parse_lyrics("[verse]\nGo\nNobody ever said that it would be this way"), "en", tempo=120)
    beats = [(after.start - before.start) * 2 for before, after in pairwise(timed.lines)]
    assert all(math.isclose(beat % 4, 0, abs_tol=0.01) for beat in beats) and beats[0] >= 4


def test_a_short_line_is_not_drawn_out_to_the_length_of_a_long_one() -> None:
    timed = time_lyrics(parse_lyrics(f"[verse]\nGo\n{'and on and ' * 10}"), "en")
    short, long = (line.end - line.start for line in timed.lines)
    assert short < 1 < 10 < long


def test_a_line_of_signs_alone_has_a_time_too() -> None:
    timed = time_lyrics(parse_lyrics("[verse]\n...\nHello"), "en")
    assert timed.lines[0].words == () and timed.lines[0].end > timed.lines[0].start


@pytest.mark.parametrize("language", ["fr", "ja", "ko", "ru", "th", "zh-Latn", "und"])
def test_languages_that_were_not_measured(language: str) -> None:
    lyrics = parse_lyrics("[verse]\nla nuit est longue\n夜がくる\n사랑해 привет สวัสดี")
    check_order(lyrics, time_lyrics(lyrics, language))


def test_lengths_out_of_range_are_unsupported() -> None:
    lyrics = parse_lyrics("[verse]\nMorning comes in slowly\nover the railway line\n\n[outro] [outro]")
    with pytest.raises(UnsupportedError, match=r"^4 s are too short .* Ask for (\d+) s or more") as short:
        time_lyrics(lyrics, "en", seconds=4)
    with pytest.raises(UnsupportedError, match=r"^60 s are too long .* Ask for (\d+) s or less") as long:
        time_lyrics(lyrics, "en", seconds=60)
    for error in (short.value, long.value):
        check_order(lyrics, time_lyrics(lyrics, "en", seconds=float(error.cure.split()[2])))


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="Choose 30 to 300"):
        time_lyrics(LYRICS, "en", tempo=3)
    with pytest.raises(InputError, match="Choose 0 or more"):
        time_lyrics(LYRICS, "en", start=-1)


@pytest.mark.parametrize(
    ("style", "tempo"), [("pop, 104 bpm", 104), ("92.5BPM", 92.5), ("pop", None), ("1200 bpm", None), ("20 bpm", None)]
)
def test_tempo_of_a_style(style: str, tempo: float | None) -> None:
    assert tempo_of_style(style) == tempo


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "[verse]\nMorning comes in slowly\nover the railway line\n\n[chorus]\nStay with me"),
        pytest.param("zh", "[verse]\n今天天气很好\n我们去公园唱歌\n\n[chorus]\n请你不要忘记我", marks=pytest.mark.slow),
    ],
    ids=["en", "zh"],
)
def test_the_rule_comes_near_to_songs_whose_times_are_known(language: str, text: str) -> None:
    prompt = Prompt(id="p", lyrics=parse_lyrics(text), language=language, style="pop, 104 bpm")
    song = next(RuleBased().generate([Request(prompt=prompt, take=0, seed=3)]))
    assert isinstance(song, Song)
    timed = time_lyrics(prompt.lyrics, language, seconds=song.sections[-1].end)
    assert [word.text for word in timed.words] == [word.text for word in song.words]
    starts = {word.start for line in timed.lines for word in line.words[:1]}
    errors = [
        abs(word.start - truth.start)
        for word, truth in zip(timed.words, song.words, strict=True)
        if word.start in starts
    ]
    assert len(errors) == 3 and max(errors) < 1.5


def test_the_errors_that_the_page_shows_are_the_measured_ones() -> None:
    results = json.loads((ROOT / "results/lyric_timing/errors.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs/lyric-timing.md").read_text(encoding="utf-8")
    assert results["rule"] == RULE and f"`{RULE}`" in page
    names = {"en": "English", "zh": "Mandarin"}
    for row in (row for row in results["errors"] if row["songs"] == "held out"):
        cells = [f"{row[name]['median']:.2f} / {row[name]['p90']:.2f}" for name in ("starts", "ends", "words")]
        assert f"| {row['case']} | {names[row['language']]} | {' | '.join(cells)} |" in page
    for row in results["syllables"].values():
        assert f"{100 * row['equal']:.1f} %" in page
    for language, name in names.items():
        rate = TIMING.languages[language]
        assert re.search(rf"^\| {name}.* \| {rate.sung} .*\| {rate.spoken} \|$", page, re.MULTILINE)
