"""Collected answers of made-up raters about made-up systems, and a run whose metrics see the same songs."""

import numpy as np

from listening_test.collected import CHECKS, PAIRS, RATERS, RATINGS, CollectedAnswers, frame
from listening_test.protocol import load_protocol
from songbench.contracts.cards import READY, Field, MetricCard, ModelFamily, SystemCard
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import Scores
from songbench.domain.suite import Suite
from songbench.execution.results import MetricResults, RunResults, SongId

SYSTEMS = {"songbloom": 0.8, "yue_7b": 0.3, "我的模型": 0.1, "rulebased": -0.9}
PRESETS = {
    "acr": "levo",
    "preference": "preference",
    "ccr": "ccr",
    "multistimulus": "multistimulus",
    "mushra": "mushra",
}
POINTS = {n: str(n) for n in range(1, 6)}
TWO_SCALES = [{"id": name, "label": name.title(), "points": POINTS} for name in ("OVL", "MEL")]
EVIL = "<script>alert('x')</script> & | * _ \\ $ 100%"


def song_quality(prompts=10, seed=1):
    """How good each song is: (system, prompt) → number around 0."""
    rng = np.random.default_rng(seed)
    return {(s, f"p{p:02d}"): level + rng.normal(0, 0.45) for s, level in SYSTEMS.items() for p in range(prompts)}


def make_answers(form="acr", *, raters=12, prompts=10, seed=1, simulated=False, name="arena", careless=1, **overrides):
    """A whole test: every rater hears every system of half the prompts; the last `careless` raters answer alike."""
    rng = np.random.default_rng(seed)
    scales = {"scales": TWO_SCALES} if form == "acr" else {}
    protocol = load_protocol(PRESETS[form], {"name": name, **scales, **overrides})
    quality = song_quality(prompts, seed)
    rows = []
    scales = [scale.id for scale in protocol.scales]
    ids = [f"{'simulated-' if simulated else 'r'}{n:02d}" for n in range(raters)]
    low, high = protocol.range(scales[0])
    for n, rater in enumerate(ids):
        strict, order = rng.normal(0, 0.4), 0
        for p in range(prompts):
            if (p + n) % 2:
                continue
            prompt = f"p{p:02d}"
            facts = {
                "rater": rater, "prompt": prompt, "take": 0, "excerpt": 0, "repeats": "", "seconds": 20.0,
                "answered": 1.7e9 + 60 * order, "comment": EVIL if order == 0 else "", "kind": "test",
                "language": "zh" if n % 3 == 0 else "en", "prompt_language": "zh" if p % 2 else "en",
                "tag_genre": ("folk", "rock")[p // 2 % 2],
            }  # fmt: skip
            if protocol.pairwise:
                names = list(SYSTEMS)
                for i in range(len(names)):
                    order += 1
                    first, second = names[i], names[(i + 1 + p % 3) % 4]
                    if first != second:
                        pair = facts | {"page": order, "order": order, "trial": f"{prompt}-{first}-{second}"}
                        for scale in scales:
                            gap = quality[second, prompt] - quality[first, prompt] + rng.normal(0, 0.8)
                            rows.append(pair | {"scale": scale} | _compared(form, gap, first, second))
                continue
            for system in [*SYSTEMS, "lowpass-3500"]:
                order += form == "acr"
                for scale in scales:
                    felt = quality.get((system, prompt), -2.0) + strict + rng.normal(0, 0.6)
                    value = float(np.clip(round((low + high) / 2 + felt * (high - low) / 4), low, high))
                    if n >= raters - careless:
                        value = (low + high) // 2
                    rows.append(
                        facts
                        | {
                            "page": order,
                            "order": order,
                            "trial": f"{prompt}-{system if form == 'acr' else ''}",
                            "scale": scale,
                            "value": value,
                            "answer": f"{value:g}",
                            "stimulus": f"{prompt}{system}",
                            "role": "system" if system in SYSTEMS else "anchor",
                            "system": system,
                            "slot": "A",
                            "heard": 20.0,
                            "duration": 25.0,
                        }
                    )
            order += form != "acr"
    people = [
        {
            "rater": rater, "seat": n, "language": "en", "started": 1.7e9, "finished": 1.7e9 + 900, "minutes": 15.0,
            "pages_asked": 20, "pages_answered": 20, "withdrawn": False, "device": "=HYPERLINK(1)",
            "background_training": "none",
        }
        for n, rater in enumerate(ids)
    ]  # fmt: skip
    checks = [{"rater": r, "check": "trap", "page": 3, "expected": "2", "given": "2", "correct": True} for r in ids]
    pairwise = protocol.pairwise
    return CollectedAnswers(
        protocol=protocol,
        test="ab" * 32,
        run="demo",
        systems=tuple(SYSTEMS),
        ratings=frame([] if pairwise else rows, [*RATINGS, "tag_genre"]),
        pairs=frame(rows if pairwise else [], [*PAIRS, "tag_genre"]),
        checks=frame(checks, [*CHECKS]),
        raters=frame(people, [*RATERS, "background_training"]),
        song_counts=dict.fromkeys(SYSTEMS, prompts),
        failed={**dict.fromkeys(SYSTEMS, 0), "yue_7b": 2},
        simulated=simulated,
        notes=(f"A note with {EVIL}.",),
    )


def _compared(form, gap, first, second):
    common = {"first": first, "second": second, "heard_first": 9.0, "heard_second": 9.0}
    common |= {"duration_first": 20.0, "duration_second": 20.0}
    if form == "ccr":
        value = float(np.clip(round(gap), -3, 3))
        outcome = "tie" if not value else "second" if value > 0 else "first"
        return common | {
            "value": value, "answer": f"{value:g}", "outcome": outcome
        }  # fmt: skip
    outcome = "tie" if abs(gap) < 0.25 else "second" if gap > 0 else "first"
    if abs(gap) > 2.6:
        outcome = "both_bad"
    value = {"tie": 0.0, "first": -1.0, "second": 1.0}.get(outcome, float("nan"))
    answer = {"tie": "tie", "first": "A", "second": "B"}.get(outcome, "both_bad")
    return common | {"value": value, "answer": answer, "outcome": outcome}


def make_run(prompts=10, seed=1, systems=tuple(SYSTEMS)):
    """A run with four metrics: a good one (lower is better), a poor one, a field without a direction, a set metric."""
    rng, quality = np.random.default_rng(seed + 7), song_quality(prompts, seed)
    per = MetricCard(
        name="per",
        backend="whisper-base-stem",
        version="1",
        fields=(Field("per", unit="%", direction="lower", low=0, high=None, decimals=1),),
        summary="Errors.",
        models=(ModelFamily("muq"),),
    )
    similar = MetricCard(
        name="similarity",
        backend="musicnn",
        version="1",
        fields=(
            Field("similarity", unit="", direction="higher", low=-1, high=1, decimals=3),
            Field("copied", unit="", direction="none", low=0, high=1, decimals=2, headline=False),
        ),
        summary="Alike.",
    )
    level = MetricCard(
        name="audio",
        backend="",
        version="1",
        fields=(Field("lufs", unit="LUFS", direction="none", low=None, high=None, decimals=1),),
        summary="Facts.",
    )
    fad = MetricCard(
        name="fad",
        backend="musicnn",
        version="1",
        fields=(Field("fad", unit="", direction="lower", low=0, high=None, decimals=2),),
        summary="Distance.",
    )
    songs = {SongId(s, p, 0): "done" for (s, p) in quality if s in systems}
    verdicts = {
        "per": {
            k: Scores(values={"per": 60 - 20 * quality[k[:2]] + rng.normal(0, 4)}, weights={"per": 100.0})
            for k in songs
        },
        "similarity": {k: Scores(values={"similarity": rng.uniform(0, 1), "copied": 0.0}) for k in songs},
        "audio": {k: Scores(values={"lufs": -14 + rng.normal()}) for k in songs},
    }
    sets = {name: Scores(values={"fad": 8 - 3 * SYSTEMS[name]}, n=prompts) for name in systems}
    names = sorted({k.prompt for k in songs})
    suite = Suite(
        name="demo",
        version="1",
        prompts=tuple(Prompt(id=p, lyrics=parse_lyrics("[verse]\nla la la\n")) for p in names),
        description="Made up.",
        licence="CC0-1.0",
        notes=(),
    )
    cards = tuple(SystemCard(name=name, version="1", summary="Made up.", licence="MIT") for name in systems)
    metrics = (
        MetricResults(card=per, availability=READY, songs=verdicts["per"], sets={}),
        MetricResults(card=similar, availability=READY, songs=verdicts["similarity"], sets={}),
        MetricResults(card=level, availability=READY, songs=verdicts["audio"], sets={}),
        MetricResults(card=fad, availability=READY, songs={}, sets=sets, of_sets=True),
    )
    return RunResults(suite=suite, takes=1, systems=cards, songs=songs, metrics=metrics)
