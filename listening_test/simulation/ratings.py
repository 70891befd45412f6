"""Collected answers of simulated raters without pages and audio: what calibration needs hundreds of.

The frames are those of `collected`; only what an analysis reads is filled in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from listening_test.collected import CHECKS, PAIRS, RATERS, RATINGS, CollectedAnswers, frame
from listening_test.protocol import Form, Protocol, load_protocol
from listening_test.simulation.population import Population
from listening_test.simulation.raters import SimulatedRaters, decided, on_scale
from songbench.statistics import Array, Codes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class SimulatedDesign:
    """The size of a test.

    Attributes:
        form: of the protocol.
        raters: how many.
        prompts: how many.
        systems: how many; their names are ``s0``, ``s1`` …
        pages: test pages per rater; songs (or pairs) in turn, so that all come equally often. Where a page holds
            several songs it holds all systems of one prompt.
        traps: per rater.
        repeats: test pages per rater that come again.
        anchors: per rater: pages with the anchor, where a page holds one song or one pair; otherwise how many anchors
            every page holds (0 or 1).
        scales: questions.
        scale_range: lowest and highest value; its points are whole numbers.
    """

    form: Form = "acr"
    raters: int = 12
    prompts: int = 20
    systems: int = 4
    pages: int = 24
    traps: int = 2
    repeats: int = 0
    anchors: int = 0
    scales: int = 1
    scale_range: tuple[float, float] = (1.0, 5.0)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the systems."""
        return tuple(f"s{number}" for number in range(self.systems))


ANCHOR = "lowpass-3500"


@lru_cache(maxsize=32)
def protocol_of(design: SimulatedDesign) -> Protocol:
    """A protocol for this design, with the default rules of screening and analysis."""
    points: dict[int, Any] = {}
    if design.form in ("acr", "ccr"):
        lowest, highest = map(int, design.scale_range)
        points = {value: str(value) for value in range(lowest, highest + 1)}
    scales = [{"id": f"Q{n}", "label": f"Question {n}", "points": points} for n in range(design.scales)]
    rules = load_protocol("preference").screening.model_dump() if design.form == "preference" else {}
    return Protocol.model_validate({"name": "simulated", "form": design.form, "scales": scales, "screening": rules})


def draw(
    design: SimulatedDesign, population: Population, seed: int, protocol: Protocol | None = None
) -> CollectedAnswers:
    """One simulated test.

    Args:
        design: its size.
        population: who answers; its effects name the systems of `SimulatedDesign.names`.
        seed: of everything; the same seed gives the same answers.
        protocol: with other rules; None: `protocol_of` the design.
    """
    protocol = protocol or protocol_of(design)
    panel = SimulatedRaters(
        population,
        raters=design.raters,
        items=design.prompts,
        songs=(*design.names, ANCHOR),
        scales=design.scales,
        seed=seed,
    )
    rows = _answered(design, panel, _visits(design, panel.rng))
    empty = frame([], [*(RATINGS if protocol.pairwise else PAIRS)])
    return CollectedAnswers(
        protocol=protocol,
        test="",
        run="simulated",
        systems=design.names,
        ratings=empty if protocol.pairwise else rows,
        pairs=rows if protocol.pairwise else empty,
        checks=_checks(design, panel),
        raters=_raters(design),
        song_counts={},
        failed={},
        simulated=True,
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class _Visits:
    """What is judged in which order: one row per rater and song, or per rater and pair; all shape (n,)."""

    rater: Codes
    page: Codes
    item: Codes
    first: Codes
    second: Codes
    repeat: Codes


def _visits(design: SimulatedDesign, rng: np.random.Generator) -> _Visits:
    plan = _songs_of_pages(design)
    turned = rng.permutation(design.raters)
    rows: list[tuple[int, ...]] = []
    pairwise = design.form in ("preference", "ccr")
    several = design.form in ("multistimulus", "mushra")
    for rater in range(design.raters):
        drawn_pages = [plan[(int(turned[rater]) * design.pages + page) % len(plan)] for page in range(design.pages)]
        pages = [drawn_pages[n] for n in rng.permutation(len(drawn_pages))]
        visits = [(item, first, second, 0) for item, first, second in pages]
        visits += [
            (item, second, first, 1) if pairwise else (item, first, second, 1)
            for item, first, second in pages[: design.repeats]
        ]
        if not several:
            for _ in range(design.anchors):
                place, item = int(rng.integers(1, len(visits))), int(rng.integers(design.prompts))
                song = int(rng.integers(design.systems))
                pair = (song, design.systems) if rng.random() < 0.5 else (design.systems, song)
                visits.insert(place, (item, *(pair if pairwise else (design.systems, -1)), 2))
        for page, (item, first, second, kind) in enumerate(visits):
            songs = [*range(design.systems + min(design.anchors, 1))] if several else [first]
            rows += [(rater, page, item, song, second, kind) for song in songs]
    table = np.array(rows, dtype=np.intp)
    rater, page, item, first, second, repeat = table.T
    return _Visits(rater=rater, page=page, item=item, first=first, second=second, repeat=repeat)


def _songs_of_pages(design: SimulatedDesign) -> list[tuple[int, int, int]]:
    """Every page there could be, such that any run of them is balanced over songs: (prompt, first, second or -1)."""
    if design.form in ("multistimulus", "mushra"):
        return [(item, -1, -1) for item in range(design.prompts)]
    if design.form in ("preference", "ccr"):
        pairs = list(combinations(range(design.systems), 2))
        ordered_pairs = [pair if side == 0 else pair[::-1] for side in (0, 1) for pair in pairs]
        return [
            ((block + n) % design.prompts, *pair)
            for block in range(design.prompts)
            for n, pair in enumerate(ordered_pairs)
        ]
    songs = range(design.systems)
    return [((block + song) % design.prompts, song, -1) for block in range(design.prompts) for song in songs]


def _answered(design: SimulatedDesign, panel: SimulatedRaters, visits: _Visits) -> pd.DataFrame:
    parts = [_answered_scale(design, panel, visits, scale) for scale in range(design.scales)]
    import pandas as pd

    columns = [*(PAIRS if design.form in ("preference", "ccr") else RATINGS)]
    return pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True).reindex(columns=columns)


def _answered_scale(design: SimulatedDesign, panel: SimulatedRaters, visits: _Visits, scale: int) -> dict[str, Any]:
    which = np.full(len(visits.rater), scale, dtype=np.intp)
    progress = visits.page / max(int(visits.page.max()), 1)
    first = panel.opinions(visits.rater, visits.item, visits.first, which, progress)
    names = np.array([*design.names, ANCHOR])
    shared = _shared(design, visits, scale)
    if design.form not in ("preference", "ccr"):
        values = _with_careless(panel, visits, first, design.scale_range)
        anchor = visits.first == design.systems
        return shared | {
            "value": values,
            "answer": [f"{value:g}" for value in values],
            "stimulus": [f"{a}-{b}" for a, b in zip(visits.item, names[visits.first], strict=True)],
            "role": np.where(anchor, "anchor", "system"),
            "system": names[visits.first],
            "slot": "A",
        }
    second = panel.opinions(visits.rater, visits.item, visits.second, which, progress)
    values = _compared(panel, visits, first, second, design.form)
    return shared | {
        "value": values,
        "answer": [f"{value:g}" for value in values],
        "first": names[visits.first],
        "second": names[visits.second],
        "outcome": np.select(
            [np.isnan(values), values == 0, values > 0], ["both_bad", "tie", "second"], default="first"
        ),
    }


def _shared(design: SimulatedDesign, visits: _Visits, scale: int) -> dict[str, Any]:
    songs = [
        f"t{i}-{min(a, b)}-{max(a, b)}" if b >= 0 else f"t{i}-{a}"
        for i, a, b in zip(visits.item, visits.first, visits.second, strict=True)
    ]
    if design.form in ("multistimulus", "mushra"):
        songs = [f"t{i}" for i in visits.item]
    repeated = visits.repeat == 1
    return {
        "rater": [f"r{n:03d}" for n in visits.rater],
        "page": visits.page,
        "order": visits.page + 1,
        "trial": [f"{song}-again" if again else song for song, again in zip(songs, repeated, strict=True)],
        "kind": np.array(["test", "repeat", "anchor"])[visits.repeat],
        "repeats": [song if again else "" for song, again in zip(songs, repeated, strict=True)],
        "prompt": [f"p{n:03d}" for n in visits.item],
        "take": 0,
        "excerpt": 0,
        "scale": f"Q{scale}",
        "seconds": 30.0,
        "prompt_language": "en",
    }


def _with_careless(panel: SimulatedRaters, visits: _Visits, opinions: Array, scale_range: tuple[float, float]) -> Array:
    """Answers on the scale, careless raters' among them; shape (n,) as the opinions."""
    result = opinions.copy()
    for rater in range(len(panel.kinds)):
        own_rows = visits.rater == rater
        result[own_rows] = panel.answered(rater, np.arange(int(own_rows.sum())), opinions[own_rows], scale_range)
    return on_scale(result, scale_range)


def _compared(panel: SimulatedRaters, visits: _Visits, first: Array, second: Array, form: str) -> Array:
    """Answers about pairs; NaN for "both bad". All arrays have shape (n,)."""
    population = panel.population
    ahead = second - first - population.position
    if form == "ccr":
        return _with_careless(panel, visits, ahead, (-3.0, 3.0))
    values = _with_careless(panel, visits, decided(ahead, population.tie), (-1.0, 1.0))
    if population.both_bad is None:
        return values
    return np.where(np.maximum(first, second) < population.both_bad, np.nan, values)


def _checks(design: SimulatedDesign, panel: SimulatedRaters) -> pd.DataFrame:
    """Careless raters who do not listen are right on a trap by chance alone; the others miss one now and then."""
    choices = 4 if design.form == "preference" else round(design.scale_range[1] - design.scale_range[0]) + 1
    chance = {"multistimulus": 0.06, "mushra": 0.06}.get(design.form, (1 / choices) ** design.scales)
    rows = []
    for rater, kind in enumerate(panel.kinds):
        right = 1 - panel.population.slip if kind in ("attentive", "inverted") else chance
        for trap in range(design.traps):
            correct = bool(panel.rng.random() < right)
            rows.append({"rater": f"r{rater:03d}", "check": "trap", "page": trap, "correct": correct})
    return frame(rows, [*CHECKS])


def _raters(design: SimulatedDesign) -> pd.DataFrame:
    count = design.pages + design.traps + design.repeats
    rows = [
        {"rater": f"r{n:03d}", "seat": n, "pages_asked": count, "pages_answered": count, "withdrawn": False}
        for n in range(design.raters)
    ]
    return frame(rows, [*RATERS])


def careless_of(design: SimulatedDesign, population: Population, seed: int) -> dict[str, str]:
    """What each rater of `draw` with the same arguments is: ``attentive`` or a kind of careless."""
    rng = np.random.default_rng([seed, 1])
    kinds: Sequence[str] = population.kinds_of(design.raters, rng)
    return {f"r{n:03d}": kind for n, kind in enumerate(kinds)}
