"""What can be measured of how `rulebased` sounds, on a fixed set of songs: every style, English and Mandarin by turns.

    python benchmarks/rulebased_sound.py --out results/rulebased/after.json    # about ten minutes on one core
    python benchmarks/rulebased_sound.py --parts sound --styles pop,rock       # without the recogniser, two styles
    python benchmarks/rulebased_sound.py --parts words --out FILE              # the error rates alone, added to FILE
    python benchmarks/rulebased_sound.py --table results/rulebased/before.json results/rulebased/after.json

Styles are words, not names of genres, so that every version of the system can be asked for them. Figures of a song:

- ``pitch_spread``: standard deviation of the fundamental within a note, in cents around its own mean; median over the
  sung notes of at least 0.4 s, 60 ms off both ends. Fundamental of the vocal stem: pyworld's DIO and StoneMask, 16 kHz.
- ``chorus_over_verse``, ``…_band``, ``…_vocals``: mean loudness of the choruses less that of the verses in LU (ITU-R
  BS.1770 over a section's samples), of the mix, of its instruments, of the voice.
- ``last_over_first_chorus_band``: the same of the instruments in the last chorus and the first.
- ``side_mid``: energy of (left − right) over that of (left + right), in dB, of the mix; ``…_band`` of the instruments.
- ``chord_clash``: share of the sung notes' time, in percent, in which some pitched instrument sounds a semitone away
  in whatever octave, from the score (drums left out).
- ``longest_singing``: longest stretch of sung notes without a gap of 0.2 s between two of them, in seconds, from the
  score.
- ``audible_breaths``: share of the gaps of at least 0.4 s between sung notes of one section, in percent, in which some
  50 ms of the vocal stem lie 8 to 40 dB below the voice and hold no fundamental; not counted are the 60 ms after a
  note and the 150 ms before the next, where consonants lie.
- ``vocal_velocities``: how many velocities the sung notes of the score have; ``phrase_dynamics``: standard deviation of
  the level of the sung notes of a line, in dB, median over lines.
- ``repeat_similarity``: of two sections with one tag, the share of the instruments' notes (instrument, pitch, sixteenth
  within the section) that occur in both; mean over pairs, in percent. 100: the section is copied.
- ``times_real_time``: seconds of song per second of processor time, one thread, imports left out.

``per`` is the phoneme error rate of whisper-base in percent, micro average over the songs of
benchmarks/intelligibility.jsonl, of the vocal stem and of the mix, languages apart.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
import pretty_midi
import pyloudnorm
import pyworld
import soxr
from intelligibility import hear, micro

from metrics.per import compare
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song, TimedSection
from songbench.domain.suite import load_suite
from songbench.execution.keys import take_seed
from songbench.reporting.document.blocks import Table, table
from songbench.reporting.document.markdown import to_markdown
from songbench.reporting.document.terminal import print_document
from systems.rulebased.perform import warm_up
from systems.rulebased.system import RuleBased

STYLES = {
    "pop": ("bright pop, female voice", "流行, 女声"),
    "rock": ("driving rock, male voice", "摇滚, 男声"),
    "ballad": ("slow ballad, female voice", "抒情, 女声"),
    "folk": ("folk, male voice", "民谣, 男声"),
    "country": ("country, female voice", "乡村, 女声"),
    "blues": ("blues, male voice", "蓝调, 男声"),
    "soul": ("soul, female voice", "灵魂乐, 女声"),
    "jazz": ("jazz, male voice", "爵士, 男声"),
    "electronic": ("electronic dance, female voice", "电子舞曲, 女声"),
    "latin": ("latin, male voice", "拉丁, 男声"),
    "reggae": ("reggae, female voice", "雷鬼, 女声"),
    "guofeng": ("guofeng, male voice", "国风, 男声"),
}
"""The styles in English and Mandarin."""

LYRICS = {
    "en": """[intro] [intro] [intro] [intro]

[verse]
The ferry leaves the harbour with the lights still on
and half the town is waiting by the wall
You wrote your number on my hand and now it is gone
I never thought to copy it at all

[chorus]
Come back on the evening tide
I will leave the door open wide

[verse]
The winter put its shoulder to the window frame
and every night the kettle sang alone
I asked the man who sells the bread if he knew your name
he shook his head and gave me back my loan

[chorus]
Come back on the evening tide
I will leave the door open wide

[bridge]
And if you never come around
at least I learned to hear the sound

[chorus]
Come back on the evening tide
I will leave the door open wide

[outro] [outro] [outro] [outro]
""",
    "zh": """[intro] [intro] [intro] [intro]

[verse]
码头的灯还亮着，船已经慢慢走远
半个城市的人都站在风里面
你把号码写在我的手心
现在只剩下一条模糊的线

[chorus]
等潮水回来的时候请你也回来
我为你把门一直开着

[verse]
冬天用肩膀推着我的旧窗台
每个晚上水壶自己唱着歌
我问卖面包的人有没有听说你的消息
他摇摇头把零钱还给我

[chorus]
等潮水回来的时候请你也回来
我为你把门一直开着

[bridge]
如果你再也不出现
至少我学会了听海

[chorus]
等潮水回来的时候请你也回来
我为你把门一直开着

[outro] [outro] [outro] [outro]
""",
}
SEED = 14
WORDS = Path(__file__).with_name("intelligibility.jsonl")
TAKES = 2
LEAST_NOTE, LEAST_GAP, BREATH_GAP = 0.4, 0.2, 0.4

UNITS = {
    "pitch_spread": "cents",
    "chorus_over_verse": "LU",
    "chorus_over_verse_band": "LU",
    "chorus_over_verse_vocals": "LU",
    "last_over_first_chorus_band": "LU",
    "side_mid": "dB",
    "side_mid_band": "dB",
    "chord_clash": "%",
    "longest_singing": "s",
    "audible_breaths": "%",
    "vocal_velocities": "",
    "phrase_dynamics": "dB",
    "repeat_similarity": "%",
    "times_real_time": "x",
}
AIMS = {
    "pitch_spread": "20 to 60",
    "chorus_over_verse": "3 to 5",
    "side_mid": "-12 to -8",
    "chord_clash": "at most 4",
    "longest_singing": "at most about 6",
    "times_real_time": "at least 10",
    "per": "at most 3 more than before",
}

Array = npt.NDArray[np.float64]
Note = tuple[float, float, int, int]
"""Start and end in seconds, pitch, velocity."""


def prompts(styles: Sequence[str]) -> Iterator[Prompt]:
    """A prompt per style: the first in English, the second in Mandarin, and so on through `STYLES`."""
    for number, style in enumerate(STYLES):
        if style in styles:
            language = list(LYRICS)[number % 2]
            lyrics = parse_lyrics(LYRICS[language])
            yield Prompt(id=f"{language}-{style}", lyrics=lyrics, language=language, style=STYLES[style][number % 2])


def songs(suite: Iterable[Prompt], takes: int = 1) -> Iterator[tuple[Song, float]]:
    """Each take of each prompt, and the seconds of processor time it took.

    Raises:
        SystemExit: a song cannot be made.
    """
    system = RuleBased()
    for prompt in suite:
        for take in range(takes):
            request = Request(prompt=prompt, take=take, seed=take_seed(SEED, prompt, take))
            started = time.process_time()
            (outcome,) = system.generate([request])
            if isinstance(outcome, Failure):
                raise SystemExit(f"{prompt.id}: {outcome.cause}")
            yield outcome, time.process_time() - started


class Recording:
    """A song taken apart: samples (2, n) of mix, band and voice, the notes of its score, its sections."""

    def __init__(self, song: Song) -> None:
        audio = song.source.load()
        self.rate, self.mix = audio.rate, np.asarray(audio.samples, dtype=np.float64)
        self.vocals = np.asarray(song.stems["vocals"].load().samples, dtype=np.float64)
        self.band = self.mix - self.vocals
        self.sections: tuple[TimedSection, ...] = song.sections
        score = pretty_midi.PrettyMIDI(io.BytesIO(song.midi or b""))
        self.beat = 60.0 / score.get_tempo_changes()[1][0]
        self.notes: dict[str, list[Note]] = {}
        for track in score.instruments:
            notes = [(note.start, note.end, note.pitch, note.velocity) for note in track.notes]
            self.notes[f"drums {track.name}" if track.is_drum else track.name] = notes
        self.sung = sorted(self.notes.pop("vocals"))
        mono = soxr.resample(self.vocals.mean(axis=0), self.rate, 16_000)
        estimate, times = pyworld.dio(mono, 16_000, f0_floor=65.0, f0_ceil=800.0, frame_period=5.0)
        self.pitch: Array = pyworld.stonemask(mono, estimate, times, 16_000)

    def tagged(self, tag: str) -> list[TimedSection]:
        """The sections of a tag."""
        return [section for section in self.sections if section.tag == tag]

    def loudness(self, samples: Array, section: TimedSection) -> float:
        """LUFS of some samples, (2, n), within a section."""
        part = samples[:, round(section.start * self.rate) : round(section.end * self.rate)]
        return float(pyloudnorm.Meter(self.rate).integrated_loudness(part.T))

    def level(self, start: float, end: float) -> float:
        """Level of the voice between two times, in dB."""
        part = self.vocals[:, round(start * self.rate) : round(end * self.rate)]
        return float(10 * np.log10(np.mean(part**2) + 1e-12))


def pitch_spread(recording: Recording) -> float:
    """See the module."""
    spreads = []
    for start, end, _, _ in recording.sung:
        inside = recording.pitch[round((start + 0.06) / 0.005) : round((end - 0.06) / 0.005)]
        inside = inside[inside > 0]
        if end - start >= LEAST_NOTE and len(inside) >= 40:
            spreads.append(float(np.std(1200 * np.log2(inside))))
    return float(np.median(spreads))


def chorus_over_verse(recording: Recording, samples: Array) -> float:
    """See the module."""
    chorus, verse = (
        np.mean([recording.loudness(samples, section) for section in recording.tagged(tag)])
        for tag in ("chorus", "verse")
    )
    return float(chorus - verse)


def side_mid(samples: Array) -> float:
    """See the module."""
    left, right = samples
    return float(10 * np.log10(np.sum((left - right) ** 2) / np.sum((left + right) ** 2)))


def chord_clash(recording: Recording) -> float:
    """See the module."""
    step = 0.01
    count = round(recording.mix.shape[1] / recording.rate / step) + 1
    sounding = np.zeros((12, count), dtype=bool)
    for name, notes in recording.notes.items():
        for start, end, pitch, _ in notes if not name.startswith("drums ") else ():
            sounding[pitch % 12, round(start / step) : round(end / step)] = True
    clashes = total = 0
    for start, end, pitch, _ in recording.sung:
        part = slice(round(start / step), round(end / step))
        clashes += int(np.sum(sounding[(pitch + 1) % 12, part] | sounding[(pitch - 1) % 12, part]))
        total += part.stop - part.start
    return 100 * clashes / total


def longest_singing(recording: Recording) -> float:
    """See the module."""
    first, longest = recording.sung[0][0], 0.0
    for note, following in pairwise([*recording.sung, (float("inf"), 0.0, 0, 0)]):
        longest = max(longest, note[1] - first)
        if following[0] - note[1] >= LEAST_GAP:
            first = following[0]
    return longest


def audible_breaths(recording: Recording) -> float:
    """See the module."""
    voice = recording.level(0.0, recording.mix.shape[1] / recording.rate)
    breaths, gaps = 0, 0
    edges = [section.start for section in recording.sections]
    for note, following in pairwise(recording.sung):
        start, end = note[1], following[0]
        if end - start < BREATH_GAP or any(start <= edge <= end for edge in edges):
            continue
        gaps += 1
        for at in np.arange(start + 0.06, end - 0.2, 0.01):
            unvoiced = not recording.pitch[round(at / 0.005) : round((at + 0.05) / 0.005)].any()
            if unvoiced and -40 <= recording.level(at, at + 0.05) - voice <= -8:
                breaths += 1
                break
    return 100 * breaths / max(1, gaps)


def phrase_dynamics(recording: Recording) -> float:
    """See the module."""
    lines: list[list[float]] = [[]]
    for note, following in pairwise([*recording.sung, (float("inf"), 0.0, 0, 0)]):
        lines[-1].append(recording.level(note[0], note[1]))
        if following[0] - note[1] >= LEAST_GAP:
            lines.append([])
    return float(np.median([np.std(levels) for levels in lines if len(levels) >= 4]))


def repeat_similarity(recording: Recording) -> float:
    """See the module."""

    def score_notes(section: TimedSection) -> set[tuple[str, int, int]]:
        return {
            (name, pitch, round((start - section.start) / recording.beat * 4))
            for name, notes in recording.notes.items()
            for start, _, pitch, _ in notes
            if section.start - 0.05 <= start < section.end - 0.05
        }

    shares = []
    for tag in ("verse", "chorus"):
        for first, second in combinations(map(score_notes, recording.tagged(tag)), 2):
            shares.append(len(first & second) / len(first | second))
    return float(100 * np.mean(shares))


def figures(song: Song, seconds: float) -> dict[str, float]:
    """All figures, by name, of a song that took some seconds to make."""
    recording = Recording(song)
    choruses = recording.tagged("chorus")
    last, first = (recording.loudness(recording.band, choruses[index]) for index in (-1, 0))
    return {
        "pitch_spread": pitch_spread(recording),
        "chorus_over_verse": chorus_over_verse(recording, recording.mix),
        "chorus_over_verse_band": chorus_over_verse(recording, recording.band),
        "chorus_over_verse_vocals": chorus_over_verse(recording, recording.vocals),
        "last_over_first_chorus_band": last - first,
        "side_mid": side_mid(recording.mix),
        "side_mid_band": side_mid(recording.band),
        "chord_clash": chord_clash(recording),
        "longest_singing": longest_singing(recording),
        "audible_breaths": audible_breaths(recording),
        "vocal_velocities": float(len({velocity for *_, velocity in recording.sung})),
        "phrase_dynamics": phrase_dynamics(recording),
        "repeat_similarity": repeat_similarity(recording),
        "times_real_time": recording.mix.shape[1] / recording.rate / seconds,
    }


def phoneme_errors() -> dict[str, float]:
    """Error rate per language and what is heard, in percent."""
    rates = {}
    suite = load_suite(WORDS)
    for language in LYRICS:
        scores: dict[str, list[Any]] = {"stem": [], "mix": []}
        for song, _ in songs([prompt for prompt in suite.prompts if prompt.language == language], TAKES):
            for part, source in (("stem", song.stems["vocals"]), ("mix", song.source)):
                scores[part].append(compare(song.prompt.lyrics.lines, hear(source, language).data))
        rates |= {f"{language} {part}": micro(listed)["per"] for part, listed in scores.items()}
        print(rates, flush=True)
    return rates


def summary(rows: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Mean, least and greatest of each figure over the songs."""
    return {
        name: {
            "mean": round(float(np.mean([row[name] for row in rows.values()])), 2),
            "least": round(min(row[name] for row in rows.values()), 2),
            "greatest": round(max(row[name] for row in rows.values()), 2),
        }
        for name in UNITS
    }


def comparison(measured: Sequence[tuple[str, Mapping[str, Any]]]) -> Table:
    """A row per figure, a column per measurement: the mean over the songs, and the range."""
    rows = []
    for name, unit in UNITS.items():
        cells = []
        for _, result in measured:
            values = result["summary"][name]
            cells.append(f"{values['mean']:.1f} ({values['least']:.1f} to {values['greatest']:.1f})")
        rows.append([name.replace("_", " "), unit, *cells, AIMS.get(name, "")])
    for case in measured[0][1].get("per", {}):
        rates = [f"{result['per'][case]:.1f}" if "per" in result else "" for _, result in measured]
        rows.append([f"per, {case}", "%", *rates, AIMS["per"]])
    return table("", ["figure", "unit", *(name for name, _ in measured), "aim"], rows)


def measure_sound(styles: Sequence[str]) -> dict[str, Any]:
    """The figures of each song and their summary."""
    warm_up()
    rows = {}
    for song, seconds in songs(prompts(styles)):
        rows[song.prompt.id] = figures(song, seconds)
        print(song.prompt.id, {name: round(value, 1) for name, value in rows[song.prompt.id].items()}, flush=True)
    rounded = {name: {key: round(value, 2) for key, value in row.items()} for name, row in rows.items()}
    return {"version": RuleBased.card.version, "seed": SEED, "summary": summary(rows), "songs": rounded}


def main() -> None:
    """Measure, or compare measurements."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--styles", default=",".join(STYLES), help="comma-separated")
    parser.add_argument("--parts", default="sound,words", help="sound, words or both")
    parser.add_argument("--out", type=Path, help="a JSON file; parts that it holds and that are not measured stay")
    parser.add_argument("--table", nargs="+", type=Path, help="files to print side by side as Markdown")
    options = parser.parse_args()
    if options.table:
        print(to_markdown([comparison([(path.stem, json.loads(path.read_text())) for path in options.table])]))
        return
    result = json.loads(options.out.read_text()) if options.out and options.out.exists() else {}
    if "sound" in options.parts.split(","):
        result |= measure_sound(options.styles.split(","))
        print_document([comparison([("now", result)])])
    if "words" in options.parts.split(","):
        result["per"] = {case: round(rate, 2) for case, rate in phoneme_errors().items()}
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
