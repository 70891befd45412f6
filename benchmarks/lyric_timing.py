r"""How far the timing rule of songbench.domain.lyric_timing is from the truth that `rulebased` knows of its own songs.

    python benchmarks/lyric_timing.py          # the errors, written into results/lyric_timing/
    python benchmarks/lyric_timing.py --fit    # which figures fit best, to be rounded into lyric_timing.yaml

The figures are fitted on the suite demo and on benchmarks/lyric_timing.jsonl, in lengths that the system chooses. Held
out are the suites validation and benchmarks/intelligibility.jsonl, whose styles name no tempo. About two minutes on one
core.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from songbench.domain.errors import UnsupportedError
from songbench.domain.lyric_timing import RULE, TIMING, TimingTable, tempo_of_style, time_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request, Song, TimedWord
from songbench.domain.suite import load_suite
from songbench.domain.syllables import english_syllables
from songbench.reporting.document.blocks import Heading, Text, coded, table
from songbench.reporting.document.markdown import to_markdown
from songbench.resources.files import write_atomically
from systems.rulebased.system import RuleBased

ROOT = Path(__file__).parent.parent
SUITES = {
    "fit": ("songbench/suites/demo.jsonl", "benchmarks/lyric_timing.jsonl"),
    "held out": ("songbench/suites/validation.jsonl", "benchmarks/intelligibility.jsonl"),
}
LANGUAGES = ("en", "zh")
SEED = 7
CASES = {
    "no length, tempo of the style": (False, True),
    "no length, no tempo": (False, False),
    "length as asked": (True, False),
}
"""Per case, whether the prompt's length is asked for, and whether the tempo that its style names is used."""

STEPS = {"pause_seconds": 0.1, "tempo_exponent": 0.05, "bar_excess": 0.05, "longest_slot": 0.5, "longest_singing": 0.1}
VOWELS = set("AIOQWYaiuæɑɒɔəɚɛɜɪʊʌᵊᵻ")
"""Of the pronouncing dictionary's alphabet."""


@dataclass(frozen=True)
class SungSong:
    """A prompt, with or without its wanted length, and the words of each line as they were sung."""

    prompt: Prompt
    lines: tuple[tuple[TimedWord, ...], ...]


@dataclass(frozen=True)
class Errors:
    """Seconds between rule and truth, absolute: starts of lines, ends of lines, starts of words after their line's."""

    starts: tuple[float, ...]
    ends: tuple[float, ...]
    words: tuple[float, ...]


def sung_songs(part: str) -> Iterator[SungSong]:
    """The songs of a part, each prompt in the length it asks for, if any, and in one that the system chooses."""
    for path in SUITES[part]:
        for prompt in load_suite(ROOT / path).prompts:
            for seconds in sorted({None, prompt.seconds}, key=str):
                yield sung(replace(prompt, seconds=seconds))


def sung(prompt: Prompt) -> SungSong:
    """`rulebased` sings the prompt.

    Raises:
        RuntimeError: it cannot.
    """
    song = next(RuleBased().generate([Request(prompt=prompt, take=0, seed=SEED)]))
    if not isinstance(song, Song):
        raise RuntimeError(f"{prompt.id}: {song.cause}")
    counts = [len(line.words) for line in time_lyrics(prompt.lyrics, prompt.language).lines]
    ends = np.cumsum(counts)
    if ends[-1] != len(song.words):
        raise RuntimeError(f"{prompt.id}: the rule counts {ends[-1]} words, {len(song.words)} were sung")
    lines = tuple(song.words[end - count : end] for count, end in zip(counts, ends, strict=True))
    return SungSong(prompt, lines)


def errors(songs: Sequence[SungSong], case: str, language: str, figures: TimingTable = TIMING) -> Errors:
    """The errors of a table of figures over the songs of a language; songs that the rule refuses are left out."""
    with_length, with_tempo = CASES[case]
    starts, ends, words = [], [], []
    for song in songs:
        prompt = song.prompt
        tempo = tempo_of_style(prompt.style) if with_tempo else None
        if (
            prompt.language != language
            or (prompt.seconds is not None) != with_length
            or with_tempo > (tempo is not None)
        ):
            continue
        try:
            timed = time_lyrics(prompt.lyrics, language, seconds=prompt.seconds, tempo=tempo, table=figures)
        except UnsupportedError as error:
            print(f"{prompt.id}: {error}")
            continue
        for line, truth in zip(timed.lines, song.lines, strict=True):
            starts.append(abs(line.start - truth[0].start))
            ends.append(abs(line.end - truth[-1].end))
            words += [
                abs(word.start - line.start - (true_word.start - truth[0].start))
                for word, true_word in zip(line.words[1:], truth[1:], strict=True)
            ]
    return Errors(tuple(starts), tuple(ends), tuple(words))


def cost(songs: Sequence[SungSong], figures: TimingTable) -> float:
    """What is made small: mean errors of starts, ends and words, with and without tempo, of both languages."""
    total = 0.0
    for language in LANGUAGES:
        for case in ("no length, tempo of the style", "no length, no tempo"):
            seconds = errors(songs, case, language, figures)
            total += float(np.mean(seconds.starts) + 0.5 * np.mean(seconds.ends) + 0.5 * np.mean(seconds.words))
    return total


def neighbours(figures: TimingTable) -> Iterator[TimingTable]:
    """Tables that differ by one step in one figure; tags that are rare in the songs keep theirs."""
    values = figures.model_dump()
    for sign in (-1, 1):
        for name, step in STEPS.items():
            yield from _checked({**values, name: round(values[name] + sign * step, 2)})
        for language in LANGUAGES:
            rate = values["languages"][language]
            faster = {**rate, "sung": round(rate["sung"] + 0.1 * sign, 2)}
            yield from _checked({**values, "languages": {**values["languages"], language: faster}})
        sections = {**values["sections"], "chorus": round(values["sections"]["chorus"] + 0.05 * sign, 2)}
        yield from _checked({**values, "sections": sections})


def _checked(values: dict[str, Any]) -> Iterator[TimingTable]:
    try:
        yield TimingTable.model_validate(values)
    except ValueError:
        return


def fit(songs: Sequence[SungSong]) -> TimingTable:
    """The best table in single steps from today's."""
    best, least = TIMING, cost(songs, TIMING)
    while True:
        candidates = [(cost(songs, figures), figures) for figures in neighbours(best)]
        value, figures = min(candidates, key=lambda candidate: candidate[0])
        if value >= least - 1e-6:
            return best
        best, least = figures, value
        print(f"{least:.4f}")


def dictionary_agreement() -> dict[str, Any]:
    """How often the count of syllables is that of misaki's pronouncing dictionary of American English."""
    entries = json.loads(files("misaki").joinpath("data/us_gold.json").read_text(encoding="utf-8"))
    rows = {"all words": [], "up to 7 letters": []}
    for word, entry in entries.items():
        phonemes = entry.get("DEFAULT") if isinstance(entry, dict) else entry
        syllables = sum(sign in VOWELS for sign in phonemes or "")
        if syllables and re.fullmatch("[a-z]*[aeiouy][a-z]*(?:'[a-z]+)?", word):
            rows["all words"].append(english_syllables(word) - syllables)
            if len(word) <= 7:
                rows["up to 7 letters"].append(rows["all words"][-1])
    return {
        name: {"words": len(row), "equal": round(float(np.mean(np.equal(row, 0))), 3)} for name, row in rows.items()
    }


def measure() -> dict[str, Any]:
    """All errors of today's table."""
    rows = []
    for part in SUITES:
        songs = list(sung_songs(part))
        for case in CASES:
            for language in LANGUAGES:
                seconds = errors(songs, case, language)
                if not seconds.starts:
                    continue
                row: dict[str, Any] = {"songs": part, "case": case, "language": language, "lines": len(seconds.starts)}
                for name in ("starts", "ends", "words"):
                    middle, high = np.percentile(getattr(seconds, name), [50, 90])
                    row[name] = {"median": round(float(middle), 2), "p90": round(float(high), 2)}
                rows.append(row)
    return {"rule": RULE, "errors": rows, "syllables": dictionary_agreement()}


def markdown(results: dict[str, Any]) -> str:
    """The report."""
    return to_markdown(
        [
            Heading("Error of the timing rule", level=1),
            Text(
                coded(
                    f"Made by `benchmarks/lyric_timing.py`: the rule `{results['rule']}` beside the times at which"
                    " `rulebased` sang the words. Absolute differences in seconds, median / 90th percentile. Starts of"
                    " words are counted from the start of their line."
                )
            ),
            table(
                "",
                ("songs", "times asked for with", "language", "lines", "line starts", "line ends", "words in a line"),
                [
                    (
                        *(str(row[name]) for name in ("songs", "case", "language", "lines")),
                        *(
                            f"{row[name]['median']:.2f} / {row[name]['p90']:.2f}"
                            for name in ("starts", "ends", "words")
                        ),
                    )
                    for row in results["errors"]
                ],
            ),
            Heading("Syllables"),
            Text("Share of English words whose count by the rules is that of a pronouncing dictionary (misaki)."),
            table(
                "",
                ("words", "number", "equal"),
                [(name, str(row["words"]), f"{row['equal']:.1%}") for name, row in results["syllables"].items()],
            ),
        ]
    )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fit", action="store_true", help="look for better figures and print them")
    parser.add_argument("--to", type=Path, default=ROOT / "results/lyric_timing", help="folder for the two files")
    options = parser.parse_args()
    if options.fit:
        print(fit(list(sung_songs("fit"))).model_dump_json(indent=1))
        return
    results = measure()
    text = markdown(results)
    print(text)
    write_atomically(options.to / "errors.json", (json.dumps(results, indent=1) + "\n").encode())
    write_atomically(options.to / "README.md", text.encode())


if __name__ == "__main__":
    main()
