"""What `rulebased_band` hears of vocals whose beats, key and chords are known: those of `rulebased`.

    python benchmarks/band_analysis.py                    # into results/band_analysis; eight minutes on one core
    python benchmarks/band_analysis.py --songs 6          # the first six songs only, printed and not written
    python benchmarks/band_analysis.py --vocals FOLDER    # keeps the sung vocals there, to measure again at once

The songs are the prompts of the suite core with an even index, each up to its second sung section; those with an odd
index were used to choose the figures of the analysis. Every vocal is heard three times: with the style text, which
names genre and tempo, with the genre alone, and with neither. Measured are

- ``tempo``: share of songs whose tempo is right within 1 %; ``multiples``: the same where half and double count, too;
- ``beats``: share of songs in which the median distance of the beats from the nearest true one is at most 70 ms;
  ``offset``: mean over these of the median signed distance in milliseconds (positive: late);
- ``key``: share of songs with the right tonic and mode; ``relative``: the same where the relative key counts, too;
- ``root`` and ``triad``: share of time with the right root, and the right root and third, from first to last chord;
  ``chance``: the root's share if every chord were the tonic;
- ``bars``: share of the bar lines within 100 ms of a true one.

Of every tenth song the band is played, too: its loudness, peak and processor seconds per second of vocal.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyloudnorm

from songbench.domain.audio import Audio
from songbench.domain.lyrics import Lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Request
from songbench.domain.suite import load_suite
from songbench.reporting.document.blocks import Heading, Text, coded, table
from songbench.reporting.document.markdown import to_markdown
from songbench.resources.files import write_atomically
from systems.rulebased.perform import perform
from systems.rulebased.style import parse_style
from systems.rulebased.system import RuleBased
from systems.rulebased.theory import NOTE_NAMES
from systems.rulebased_band.accompaniment import accompany, warm_up
from systems.rulebased_band.analysis import VocalAnalysis, analyse
from systems.rulebased_band.features import listen

ROOT = Path(__file__).parent.parent
SUITE = ROOT / "songbench/suites/core.jsonl"
SEED = 1000
SUNG_SECTIONS = 2
RATE = 16_000
CONDITIONS = ("style text", "genre", "vocal alone")
PLAYED = 10
"""Of so many songs the band of one is played."""

_CHORD = re.compile(r"([A-G][#b]?)(m(?!aj)|dim)?")


@dataclass(frozen=True, eq=False, kw_only=True)
class KnownVocal:
    """A vocal and the truth about it; chords as (name, start, end) in seconds."""

    prompt: Prompt
    audio: Audio
    bpm: float
    key: str
    chords: Sequence[tuple[str, float, float]]


def known_vocals(count: int | None, folder: Path | None) -> Iterator[KnownVocal]:
    """The vocals that are reported on, sung now or taken from the folder."""
    prompts = load_suite(SUITE).prompts
    for index in range(0, len(prompts), 2)[:count]:
        path = folder / f"{index:03d}.npz" if folder else None
        if path and path.exists():
            facts = np.load(path)
            chords = [tuple(chord) for chord in json.loads(str(facts["chords"]))]
            samples, bpm, key = facts["samples"], float(facts["bpm"]), str(facts["key"])
        else:
            samples, bpm, key, chords = _sung(prompts[index], SEED + index)
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
                np.savez(path, samples=samples, bpm=bpm, key=key, chords=json.dumps(chords))
        yield KnownVocal(prompt=prompts[index], audio=Audio(samples, RATE), bpm=bpm, key=key, chords=chords)


def _sung(prompt: Prompt, seed: int) -> tuple[Any, float, str, list[tuple[str, float, float]]]:
    sections, count = [], 0
    for section in prompt.lyrics.sections:
        sections.append(section)
        count += section.vocal
        if count == SUNG_SECTIONS:
            break
    recipe = RuleBased()._recipe(Request(prompt=prompt, take=0, seed=seed))
    song = perform(Lyrics(tuple(sections)), prompt.language, recipe)
    vocal = Audio(song.stems["vocals"], song.rate).mono().at(RATE)
    return vocal.samples, song.bpm, song.key, [(chord.name, chord.start, chord.end) for chord in song.chords]


def agreement(vocal: KnownVocal, analysis: VocalAnalysis) -> dict[str, float | None]:
    """All figures of one song but those of the sound."""
    grid, ratio = analysis.grid, analysis.grid.bpm / vocal.bpm
    beats = np.arange(0, analysis.features.seconds, grid.beat_seconds) + grid.first + grid.beat_seconds
    turns = beats * vocal.bpm / 60
    late = float(np.median(turns - np.round(turns))) * 60_000 / vocal.bpm
    tempo = abs(ratio - 1) <= 0.01
    met = tempo and abs(late) <= 70
    times = np.arange(vocal.chords[0][1], min(vocal.chords[-1][2], analysis.features.seconds), 0.05)
    lines = np.array([grid.seconds(bar.start) for bar in analysis.bars])
    names = [analysis.bars[index].chord.name for index in np.searchsorted(lines, times, side="right") - 1]
    starts = np.array([start for _, start, _ in vocal.chords])
    truth = [vocal.chords[index][0] for index in np.searchsorted(starts, times, side="right") - 1]
    pairs = [(_triad(name), _triad(true)) for name, true in zip(names, truth, strict=True)]
    tonic, mode = vocal.key.split()
    return {
        "tempo": float(tempo),
        "multiples": float(min(abs(ratio * factor - 1) for factor in (0.5, 1, 2)) <= 0.01),
        "beats": float(met),
        "offset": round(late, 1) if met else None,
        "key": float(analysis.key.name == vocal.key),
        "relative": float(analysis.key.name in (vocal.key, _relative(tonic, mode))),
        "root": round(float(np.mean([guess[0] == true[0] for guess, true in pairs])), 4),
        "triad": round(float(np.mean([guess == true for guess, true in pairs])), 4),
        "chance": round(float(np.mean([NOTE_NAMES.index(tonic) == true[0] for _, true in pairs])), 4),
        "bars": round(float(np.mean([np.abs(starts - line).min() <= 0.1 for line in lines[1:]])), 4),
    }


def _triad(name: str) -> tuple[int, str]:
    root, third = _CHORD.match(name).groups()
    return NOTE_NAMES.index(root), third or ""


def _relative(tonic: str, mode: str) -> str:
    step, other_mode = (9, "minor") if mode == "major" else (3, "major")
    return f"{NOTE_NAMES[(NOTE_NAMES.index(tonic) + step) % 12]} {other_mode}"


def sound(vocal: KnownVocal, genre: str, tempo: float | None) -> dict[str, float]:
    """Loudness (LUFS), highest sample and processor seconds per second of the band's part."""
    started = time.process_time()
    part = accompany(vocal.audio, genre, "full", SEED, tempo)
    seconds = time.process_time() - started
    return {
        "loudness": round(pyloudnorm.Meter(48_000).integrated_loudness(part.mix.T.astype(np.float64)), 2),
        "peak": round(float(np.abs(part.mix).max()), 4),
        "seconds_per_second": round(seconds / vocal.audio.seconds, 4),
    }


def measure(count: int | None, folder: Path | None) -> dict[str, Any]:
    """Every song under every condition, and the band's sound."""
    warm_up()
    songs = []
    for number, vocal in enumerate(known_vocals(count, folder)):
        prompt = vocal.prompt
        style = parse_style(f"{prompt.style} {prompt.tags.get('genre', '')}")
        features = listen(vocal.audio)
        expected = {"style text": (style.genre, style.bpm), "genre": (style.genre, None), "vocal alone": ("pop", None)}
        song: dict[str, Any] = {
            "id": prompt.id,
            "language": prompt.language,
            "genre": style.genre,
            "seconds": round(vocal.audio.seconds, 2),
            "heard": {name: agreement(vocal, analyse(features, *expected[name])) for name in CONDITIONS},
        }
        if number % PLAYED == 0:
            song["sound"] = sound(vocal, style.genre, style.bpm)
        songs.append(song)
        print(prompt.id, song["heard"]["style text"], flush=True)
    return {"songs": songs, "means": {name: _means(songs, name) for name in CONDITIONS}}


def _means(songs: Sequence[Mapping[str, Any]], condition: str) -> dict[str, float]:
    rows = [song["heard"][condition] for song in songs]
    values = {name: [row[name] for row in rows if row[name] is not None] for name in rows[0]}
    return {name: round(float(np.mean(numbers)), 4) for name, numbers in values.items() if numbers}


def markdown(results: Mapping[str, Any]) -> str:
    """The report."""
    songs, means = results["songs"], results["means"]
    played = [song["sound"] for song in songs if "sound" in song]
    shares = ("tempo", "multiples", "beats", "key", "relative", "root", "triad", "chance", "bars")
    groups = [
        (f"{field} {name}", [song for song in songs if song[field] == name])
        for field in ("language", "genre")
        for name, _ in groupby(sorted(song[field] for song in songs))
    ]
    heading = ("songs", "number", "offset, ms", *(f"{name}, %" for name in shares))

    def row(label: str, number: int, figures: Mapping[str, float]) -> tuple[str, ...]:
        offset = f"{figures['offset']:+.1f}" if "offset" in figures else ""
        return (label, str(number), offset, *(f"{100 * figures[name]:.0f}" for name in shares))

    return to_markdown(
        [
            Heading("What rulebased_band hears", level=1),
            Text(
                coded(
                    "Made by `benchmarks/band_analysis.py`, which says what each column means, on vocals of"
                    f" `rulebased`: prompts of `core` with an even index up to their second sung section, {len(songs)}"
                    " songs. The figures of the analysis were chosen on prompts with an odd index. Both systems know"
                    " the same genres and stock progressions, and the singer keeps strict time: on human singing all"
                    " of this will be lower by an amount that is not known."
                )
            ),
            table("", heading, [row(name, len(songs), means[name]) for name in CONDITIONS]),
            Heading("With the style text, by language and genre"),
            table("", heading, [row(name, len(group), _means(group, "style text")) for name, group in groups]),
            Heading("The band's sound"),
            Text(
                f"Of {len(played)} songs, least to greatest: loudness {_range(played, 'loudness', 1)} LUFS, peak"
                f" {_range(played, 'peak', 2)} of full scale, {_range(played, 'seconds_per_second', 3)} processor"
                " seconds per second of vocal."
            ),
        ]
    )


def _range(rows: Sequence[Mapping[str, float]], name: str, decimals: int) -> str:
    numbers = [row[name] for row in rows]
    return f"{min(numbers):.{decimals}f} to {max(numbers):.{decimals}f}"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, help="only the first ones; nothing is written")
    parser.add_argument("--vocals", type=Path, help="folder in which the sung vocals are kept")
    parser.add_argument("--to", type=Path, default=ROOT / "results/band_analysis", help="folder for the two files")
    options = parser.parse_args()
    results = measure(options.songs, options.vocals)
    text = markdown(results)
    print(text)
    if options.songs is None:
        write_atomically(options.to / "band_analysis.json", (json.dumps(results, indent=1) + "\n").encode())
        write_atomically(options.to / "README.md", text.encode())


if __name__ == "__main__":
    main()
