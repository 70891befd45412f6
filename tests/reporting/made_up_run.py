"""A made-up run with everything that can happen in one: gaps of every kind, set metrics, sanity systems, Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from songbench.contracts.cards import READY, Field, MetricCard, SystemCard, unavailable
from songbench.contracts.metric import Verdict
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure
from songbench.domain.suite import Suite
from songbench.execution.results import MetricResults, RunResults, SongId, SongState
from songbench.reporting.board import Leaderboard
from songbench.reporting.leaderboard import build_leaderboard

PER = MetricCard(
    name="per",
    backend="whisper-base-stem",
    version="1",
    fields=(
        Field(
            "per",
            unit="%",
            direction="lower",
            low=0,
            high=None,
            decimals=1,
            description="Phoneme errors per phoneme of the lyrics",
        ),
    ),
    summary="How much of the lyrics is sung.",
    limits="a recogniser's mistakes count as the singer's.",
    needs=("whisper-base",),
)
SIMILARITY = MetricCard(
    name="similarity",
    backend="musicnn",
    version="1",
    fields=(
        Field(
            "similarity",
            unit="",
            direction="higher",
            low=-1,
            high=1,
            decimals=3,
            description="Cosine of song and prompt audio",
        ),
        Field(
            "copied",
            unit="",
            direction="none",
            low=0,
            high=1,
            decimals=2,
            description="Share of the prompt found in the song",
        ),
    ),
    summary="How alike song and prompt audio are.",
    limits="copying is rewarded.",
    needs=("musicnn",),
)
FAD = MetricCard(
    name="fad",
    backend="musicnn",
    version="2",
    fields=(Field("fad", unit="", direction="lower", low=0, high=None, decimals=2, description="Fréchet distance"),),
    summary="Distance to real songs.",
    needs=("musicnn",),
)
AUDIO = MetricCard(
    name="audio",
    backend="",
    version="1",
    fields=(
        Field("lufs", unit="LUFS", direction="none", low=None, high=None, decimals=1, description="Loudness"),
        Field(
            "clipped",
            unit="%",
            direction="lower",
            low=0,
            high=100,
            decimals=3,
            description="Clipped samples",
            headline=False,
        ),
    ),
    summary="Plain facts.",
)
RTF = MetricCard(
    name="rtf",
    backend="",
    version="1",
    fields=(
        Field("rtf", unit="", direction="lower", low=0, high=None, decimals=3),
        Field("peak_gib", unit="GiB", direction="lower", low=0, high=None, decimals=1),
    ),
    summary="Speed.",
)
MCC = MetricCard(
    name="mcc",
    backend="muq-mulan",
    version="1",
    fields=(Field("mcc", unit="", direction="higher", low=-1, high=1, decimals=3),),
    summary="Style.",
    reference=True,
)

QUALITY = {"songbloom": 0.9, "yue_7b": 0.75, "我的模型": 0.72, "rulebased": 0.5}
SANITY = {"silence": 0.0, "noise": 0.02, "copy_prompt": 0.3, "reference": 1.0}


def make_prompts(count: int) -> tuple[Prompt, ...]:
    return tuple(
        Prompt(id=f"p{number:02d}", lyrics=parse_lyrics("[verse]\nla la la\n")) for number in range(1, count + 1)
    )


def make_suite(count: int = 8, notes: Sequence[str] = ("Prompts are synthetic.",)) -> Suite:
    return Suite(
        name="demo",
        version="1",
        prompts=make_prompts(count),
        description="Made up.",
        licence="CC0-1.0",
        notes=tuple(notes),
    )


def simple_run(
    values: Mapping[str, Sequence[Verdict | float | None]],
    field: Field | None = None,
    *,
    sanity: Sequence[str] = (),
    unmade: Mapping[tuple[str, str], SongState] | None = None,
) -> RunResults:
    """One song metric ``m@b``, one take.

    Args:
        values: for each system a verdict, or the plain value, per prompt p01, p02 …; None: not scored yet.
        field: ``m``, higher is better, unless given.
        sanity: the systems that are sanity systems.
        unmade: the songs (system, prompt) that are pending or failed.
    """
    card = MetricCard(
        name="m",
        backend="b",
        version="1",
        fields=(field or Field("m", unit="", direction="higher"),),
        summary="Made up.",
    )
    suite = make_suite(max(map(len, values.values())), ())
    songs: dict[SongId, SongState] = {}
    verdicts: dict[SongId, Verdict] = {}
    for system, row in values.items():
        for prompt, verdict in zip(suite.prompts, row, strict=True):
            song = SongId(system, prompt.id, 0)
            songs[song] = (unmade or {}).get((system, prompt.id), "done")
            if verdict is not None:
                number = isinstance(verdict, int | float)
                verdicts[song] = Scores(values={card.fields[0].name: verdict}) if number else verdict
    systems = tuple(
        SystemCard(name=system, version="1", summary="Made up.", licence="MIT", sanity=system in sanity)
        for system in values
    )
    return RunResults(
        suite=suite,
        takes=1,
        systems=systems,
        songs=songs,
        metrics=(MetricResults(card=card, availability=READY, songs=verdicts, sets={}),),
    )


def set_run(sets: Mapping[str, Verdict], field: Field, songs: Mapping[SongId, SongState]) -> RunResults:
    """One set metric ``m@b``."""
    card = MetricCard(name="m", backend="b", version="1", fields=(field,), summary="Made up.")
    prompts = {song.prompt for song in songs}
    systems = tuple(
        SystemCard(name=name, version="1", summary="Made up.", licence="MIT")
        for name in dict.fromkeys(song.system for song in songs)
    )
    return RunResults(
        suite=make_suite(len(prompts), ()),
        takes=1,
        systems=systems,
        songs=songs,
        metrics=(MetricResults(card=card, availability=READY, songs={}, sets=sets, of_sets=True),),
    )


def simple_board(*args, **keywords) -> Leaderboard:
    return build_leaderboard(simple_run(*args, **keywords), replicates=200)


def _cards() -> tuple[SystemCard, ...]:
    summaries = {"copy_prompt": "repeats the prompt audio.", "reference": "plays the prompt's reference song."}
    order = ["silence", "songbloom", "yue_7b", "noise", "我的模型", "rulebased", "copy_prompt", "reference"]
    return tuple(
        SystemCard(
            name=name, version="1.0", summary=summaries.get(name, f"{name}."), licence="MIT", sanity=name in SANITY
        )
        for name in order
    )


def _song_scores(name: str, prompt: int, rng: np.random.Generator) -> dict[str, Verdict]:
    quality = (QUALITY | SANITY)[name]
    hard = (prompt - 4) / 40
    per = 100 * float(np.clip(1 - quality + hard + rng.normal(0, 0.06), 0, 1.4))
    alike = 0.97 if name == "copy_prompt" else 0.2 + 0.6 * quality + hard / 2
    generated = name in QUALITY
    scores: dict[str, Verdict] = {
        "per": Scores(values={"per": per}, weights={"per": float(rng.integers(80, 300))}),
        "similarity": Scores(
            values={"similarity": alike + rng.normal(0, 0.02), "copied": 1.0 if name == "copy_prompt" else 0.0}
        ),
        "audio": Scores(values={"lufs": -14 + rng.normal(0, 2), "clipped": max(0.0, rng.normal(0, 0.02))}),
        "rtf": Scores(values={"rtf": 0.4 / quality + rng.gamma(2, 0.05), "peak_gib": 4 + 20 * quality})
        if generated
        else NotApplicable("nothing was generated"),
    }
    if name == "silence":
        scores["audio"] = NotApplicable("silent")
        scores["similarity"] = NotApplicable("silent")
    return scores


def full_run(prompts: int = 8, takes: int = 2) -> RunResults:
    rng = np.random.default_rng(5)
    suite = make_suite(prompts)
    songs, verdicts = {}, {name: {} for name in ("per", "similarity", "audio", "rtf")}
    for card in _cards():
        for number, prompt in enumerate(suite.prompts):
            for take in range(takes):
                song = SongId(card.name, prompt.id, take)
                songs[song] = "done"
                scores = _song_scores(card.name, number, rng)
                if card.name == "yue_7b" and number in (2, 5) and take == 0:
                    songs[song] = Failure("generate", "time-out after 600 s")
                elif card.name == "我的模型" and number == prompts - 1:
                    songs[song] = "pending"
                else:
                    for metric, verdict in scores.items():
                        verdicts[metric][song] = verdict
    for take in range(takes):
        verdicts["per"][SongId("rulebased", "p03", take)] = Failure(
            "feature", "stem separation ran out of memory\nhelp"
        )
        verdicts["per"][SongId("rulebased", "p04", take)] = NotApplicable("no vocals")
    sets: dict[str, Verdict] = {}
    for card in _cards():
        value = 12 * (1.05 - (QUALITY | SANITY)[card.name])
        songs_done = {song.prompt for song, state in songs.items() if song.system == card.name and state == "done"}
        without = {prompt: {"fad": value + rng.normal(0, 0.1)} for prompt in sorted(songs_done)}
        count = sum(song.system == card.name and state == "done" for song, state in songs.items())
        sets[card.name] = Scores(values={"fad": value}, n=count, leave_one_out=without)
    sets["silence"] = Failure("score", "the embeddings do not vary")
    return RunResults(
        suite=suite,
        takes=takes,
        systems=_cards(),
        songs=songs,
        metrics=(
            MetricResults(card=PER, availability=READY, songs=verdicts["per"], sets={}),
            MetricResults(card=SIMILARITY, availability=READY, songs=verdicts["similarity"], sets={}),
            MetricResults(card=FAD, availability=READY, songs={}, sets=sets, of_sets=True),
            MetricResults(card=AUDIO, availability=READY, songs=verdicts["audio"], sets={}),
            MetricResults(card=RTF, availability=READY, songs=verdicts["rtf"], sets={}),
            MetricResults(
                card=MCC,
                availability=unavailable("The weights are not here.", "songbench setup muq-mulan"),
                songs={},
                sets={},
            ),
        ),
    )
