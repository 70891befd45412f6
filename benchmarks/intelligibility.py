"""How well the recogniser behind PER hears the rule-based singer.

PER alone cannot tell a bad singer from a deaf recogniser. Here the same lines are spoken and sung by one synthesiser:
speech is the recogniser's floor, the vocal stem adds singing, the mix adds the band. The stem against the lyrics of
another prompt shows what PER reads when no word is right. English and Mandarin are never averaged.

Run: python benchmarks/intelligibility.py [--suite FILE] [--takes N] [--heard speech,vocals,wrong,mix] [--out FOLDER]
Needs: songbench setup whisper-base
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import rich

from metrics.features.transcript import Transcript, whisper_language
from metrics.per import compare, whisper_base_mix
from songbench.contracts.feature import Feature
from songbench.domain.audio import Audio, AudioSource, MemoryAudio
from songbench.domain.errors import SongbenchError
from songbench.domain.prompt import Prompt
from songbench.domain.score import Scores
from songbench.domain.song import Failure, Request, Song
from songbench.domain.suite import load_suite
from songbench.execution.keys import take_seed
from songbench.reporting.document.blocks import Heading, Table, Text, table
from songbench.reporting.document.markdown import to_markdown
from songbench.reporting.document.terminal import print_document
from songbench.suites import DEMO
from systems.rulebased.speech import speak
from systems.rulebased.style import parse_style
from systems.rulebased.system import RuleBased

CONDITIONS = {
    "speech": "plain speech of the same lines",
    "vocals": "sung vocal stem",
    "wrong": "sung vocal stem against another prompt's lyrics",
    "mix": "full mix",
}
PARTS = ("per", "sub", "del", "ins", "wer", "coverage")


def hear(source: AudioSource, language: str) -> Feature:
    """The transcript of a source.

    Raises:
        SongbenchError: it cannot be made.
    """
    (outcome,) = Transcript(whisper_language(language)).extract([source])
    if isinstance(outcome, Failure):
        raise SongbenchError(outcome.cause)
    return outcome


def spoken(prompt: Prompt) -> AudioSource:
    """The prompt's lines, spoken by the voice its style asks for."""
    samples, rate = speak(prompt.lyrics.lines, prompt.language, parse_style(prompt.style).singer or "female")
    return MemoryAudio(Audio(samples[None], rate))


def sung(prompts: Sequence[Prompt], takes: int, seed: int) -> Iterable[Song]:
    """All songs the singer makes.

    Raises:
        SongbenchError: a song cannot be made.
    """
    requests = [
        Request(prompt=prompt, take=take, seed=take_seed(seed, prompt, take))
        for prompt in prompts
        for take in range(takes)
    ]
    for outcome in RuleBased().generate(requests):
        if isinstance(outcome, Failure):
            raise SongbenchError(f"{outcome.request.prompt.id if outcome.request else '?'}: {outcome.cause}")
        yield outcome


def judge(song: Song, prompts: Sequence[Prompt], speech: Scores, mix: bool) -> dict[str, Scores]:
    """The scores of one song in each condition that applies.

    Args:
        song: as sung.
        prompts: the prompts in the same language.
        speech: the scores of its lines as spoken.
        mix: whether the mix is heard, too.
    """
    prompt = song.prompt
    vocals = hear(song.stems["vocals"], prompt.language).data
    scores = {"speech": speech, "vocals": compare(prompt.lyrics.lines, vocals)}
    if mix:
        scores["mix"] = compare(prompt.lyrics.lines, hear(song.source, prompt.language).data)
    if len(prompts) > 1:
        stranger = prompts[(prompts.index(prompt) + 1) % len(prompts)]
        scores["wrong"] = compare(stranger.lyrics.lines, vocals)
    return scores


def micro(scores: Sequence[Scores]) -> dict[str, float]:
    """The weighted mean of each part, in percent: errors of all songs over tokens of all songs."""
    return {
        part: sum(score.values[part] * score.weights[part] for score in scores)
        / sum(score.weights[part] for score in scores)
        for part in PARTS
    }


def measure(prompts: Sequence[Prompt], takes: int, seed: int, conditions: Sequence[str]) -> list[dict[str, object]]:
    """One row per language and condition: its rates, and how many songs and phonemes they rest on."""
    rows: list[dict[str, object]] = []
    for language in dict.fromkeys(prompt.language for prompt in prompts):
        prompts_in_language = [prompt for prompt in prompts if prompt.language == language]
        speech = {p.id: compare(p.lyrics.lines, hear(spoken(p), language).data) for p in prompts_in_language}
        judged = [
            judge(song, prompts_in_language, speech[song.prompt.id], "mix" in conditions)
            for song in sung(prompts_in_language, takes, seed)
        ]
        for condition in conditions:
            scores = [scores[condition] for scores in judged if condition in scores]
            if scores:
                counts = {"songs": len(scores), "phonemes": int(sum(score.weights["per"] for score in scores))}
                rows.append({"language": language, "condition": condition, **counts, **micro(scores)})
    return rows


def rate_table(rows: Sequence[dict[str, object]]) -> Table:
    """The rates in percent; lower is better but for coverage."""
    columns = ("language", "heard", "songs", "phonemes", *(f"{part} %" for part in PARTS))
    return table("", columns, [_cells(row) for row in rows])


def _cells(row: dict[str, object]) -> tuple[str, ...]:
    condition = CONDITIONS[str(row["condition"])]
    return (
        *(str(row["language"]), condition, str(row["songs"]), str(row["phonemes"])),
        *(f"{row[part]:.1f}" for part in PARTS),
    )


def markdown(rows: Sequence[dict[str, object]], about: dict[str, object]) -> str:
    """The rows as a Markdown page."""
    facts = ", ".join(f"{name} {value}" for name, value in about.items())
    title = Heading("Intelligibility of the rule-based singer", level=1)
    return to_markdown([title, rate_table(rows), Text(f"Micro averages. {facts}.")])


def main() -> None:
    """Measure, print, and write when asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--suite", type=Path, default=DEMO, help="a suite file (default: the demo suite)")
    parser.add_argument("--takes", type=int, default=1, help="songs per prompt")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for intelligibility.json and intelligibility.md")
    conditions = ",".join(CONDITIONS)
    parser.add_argument("--heard", default=conditions, help=f"comma-separated conditions (default: {conditions})")
    options = parser.parse_args()
    selection = options.heard.split(",")
    if unknown := set(selection) - set(CONDITIONS):
        parser.error(f"--heard {', '.join(sorted(unknown))}: expected some of {conditions}")
    ready = whisper_base_mix().availability()
    if not ready.ready:
        raise SystemExit(f"{ready.reason}: {ready.cure}")
    suite = load_suite(options.suite)
    started = time.perf_counter()
    rows = measure(suite.prompts, options.takes, options.seed, selection)
    about: dict[str, object] = {"suite": suite.name, "version": suite.version, "takes": options.takes}
    about |= {"seed": options.seed, "recogniser": f"whisper-base {Transcript.compute_type}"}
    print_document([rate_table(rows)])
    rich.print(f"{time.perf_counter() - started:.0f} s")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"about": about, "rows": rows}, indent=2, ensure_ascii=False) + "\n"
        (options.out / "intelligibility.json").write_text(text, encoding="utf-8")
        (options.out / "intelligibility.md").write_text(markdown(rows, about), encoding="utf-8")


if __name__ == "__main__":
    main()
