"""Results of listening tests beside the metrics: a small file per test, and the columns that a leaderboard makes of it.

The file of a test, ``RUN/listening/NAME.json``, says per scale and system what raters answered, with the test's own
intervals, letters and ranks: those treat raters and prompts as drawn at random, and a bootstrap over prompts alone
would ignore the raters. Nothing here computes a statistic.

The format (JSON, schema 1)::

    {"schema": 1, "test": "songbloom", "form": "acr", "run": "demo", "simulated": false, "raters": 12,
     "confidence": 0.95, "protocol_digest": "…", "test_digest": "…", "answered": "2026-01-31", "notes": ["…"],
     "scales": [{"id": "MUS-V", "description": "…", "unit": "points", "direction": "higher", "low": 1, "high": 5,
       "decimals": 2,
       "systems": {"NAME": {"value": 3.9, "low": 3.6, "high": 4.2, "n_ratings": 96, "n_raters": 12, "n_items": 8,
                            "group": "a", "rank": [1, 2],
                            "songs": [{"prompt": "…", "take": 0, "value": 4.1, "n": 12}]}},
       "comparisons": [{"first": "…", "second": "…", "n_prompts": 8, "difference": 0.4, "low": 0.1, "high": 0.7,
                        "p": 0.01, "p_flip": 0.02, "p_adjusted": 0.02, "significant": true}]}]}

``value``, ``low``, ``high``, ``rank`` and ``p_flip`` may be null.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, get_args

from songbench.contracts.cards import Direction, Field, MetricCard, SystemCard
from songbench.domain.errors import InputError
from songbench.reporting.board import Cell, Column, ColumnComparison, Point
from songbench.reporting.estimates import Comparison, Estimate, best_systems
from songbench.reporting.report_files import LISTENING

SCHEMA = 1
SIMULATED = "simulated"
_T = TypeVar("_T")


@dataclass(frozen=True)
class RatedSong:
    """The mean answer about one song.

    Attributes:
        prompt: the id of its prompt.
        take: its number.
        value: in units of the scale.
        n: answers.
    """

    prompt: str
    take: int
    value: float
    n: int


@dataclass(frozen=True, kw_only=True)
class RatedSystem(Estimate):
    """One system on one scale.

    Attributes:
        n_ratings: answers.
        n_raters: who gave them.
        n_items: songs they are about.
        group: letters; systems that share one do not differ significantly.
        rank: best and worst rank, or None.
        songs: mean answers per song; empty for tests that compare pairs.
    """

    n_ratings: int
    n_raters: int
    n_items: int
    group: str = ""
    rank: tuple[int, int] | None = None
    songs: tuple[RatedSong, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RatedScale:
    """One question.

    Attributes:
        id: the name in tables.
        description: one sentence.
        unit: e.g. ``points``.
        direction: which end is better.
        low: the lowest possible answer, or None.
        high: the highest, or None.
        decimals: how many to print.
        systems: by name.
        comparisons: the declared pairs.
    """

    id: str
    description: str
    unit: str
    direction: Direction
    low: float | None
    high: float | None
    decimals: int
    systems: Mapping[str, RatedSystem]
    comparisons: tuple[Comparison, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ListeningResult:
    """A listening test's results for a leaderboard.

    Attributes:
        test: its name.
        form: how raters answered, e.g. ``acr``.
        run: the run it was made from.
        simulated: whether a program answered.
        raters: who counted.
        confidence: of its intervals.
        protocol_digest: what was declared before data.
        test_digest: of protocol, assignment and audio.
        answered: the date of the last answer, ``YYYY-MM-DD``; "" where unknown.
        scales: in the order of the protocol.
        notes: what a reader must know.
    """

    test: str
    form: str
    run: str
    simulated: bool
    raters: int
    confidence: float
    protocol_digest: str
    test_digest: str
    answered: str
    scales: tuple[RatedScale, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """What its columns are called by; a simulated test says so wherever it is named."""
        return f"{self.test} ({SIMULATED})" if self.simulated else self.test

    @property
    def file(self) -> str:
        """The name of its file; a simulated test never replaces a real one."""
        return f"{self.test}.{SIMULATED}.json" if self.simulated else f"{self.test}.json"

    @property
    def card(self) -> MetricCard:
        """The raters as the measuring instrument they are: people are the backend, named by their test."""
        source = (
            "answers of a program that simulates raters" if self.simulated else "answers of people who listened blind"
        )
        return MetricCard(
            name="listening",
            backend=self.name,
            version=self.protocol_digest[:12],
            fields=tuple(_field(scale) for scale in self.scales),
            summary=f"{source[0].upper()}{source[1:]} ({self.form}, {self.raters} raters)",
            limits="holds for raters and prompts like these; intervals are over raters and prompts together",
            citation=f"protocol {self.protocol_digest[:12]}, test {self.test_digest[:12] or 'imported'}",
            reference=not self.simulated,
        )


def write_listening_result(result: ListeningResult, run_folder: Path) -> Path:
    """Write a result where the leaderboard of its run finds it.

    Returns:
        The file.
    """
    from songbench.resources.files import write_atomically

    path = run_folder / LISTENING / result.file
    text = json.dumps({"schema": SCHEMA, **asdict(result)}, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())
    return path


def load_listening_results(run_folder: Path) -> tuple[ListeningResult, ...]:
    """Every result of a run, by file name.

    Raises:
        InputError: naming the file that is no such result, or two files of the same test.
    """
    results: dict[str, ListeningResult] = {}
    for path in sorted((run_folder / LISTENING).glob("*.json")):
        result = load_listening_result(path)
        if result.name in results:
            raise InputError(
                f"Another file here holds the test '{result.name}' too.", file=str(path), cure="Remove one of them."
            )
        results[result.name] = result
    return tuple(results.values())


def load_listening_result(path: Path) -> ListeningResult:
    """Read a result.

    Raises:
        InputError: naming the file and what is wrong with it.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            raise ValueError(f"expected a JSON object with schema {SCHEMA}")
        return _result(value)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        fault = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(
            f"This is not the result of a listening test ({fault}).",
            file=str(path),
            cure="Write it again (songbench listen report FOLDER), or remove the file.",
        ) from None


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a number JSON can hold")


def _result(value: Mapping[str, Any]) -> ListeningResult:
    result = _from_fields(
        ListeningResult, value, scales=lambda rows: tuple(map(_scale, rows)), notes=lambda rows: tuple(map(str, rows))
    )
    if not isinstance(result.simulated, bool) or not 0 < result.confidence < 1 or not result.scales:
        raise ValueError("'simulated', 'confidence' or 'scales' is impossible")
    return result


def _scale(value: Mapping[str, Any]) -> RatedScale:
    scale = _from_fields(
        RatedScale,
        value,
        systems=lambda rows: {str(name): _figure(row) for name, row in rows.items()},
        comparisons=lambda rows: tuple(_from_fields(Comparison, row) for row in rows),
    )
    if scale.direction not in get_args(Direction):
        raise ValueError(f"direction '{scale.direction}' of scale {scale.id}")
    return scale


def _figure(value: Mapping[str, Any]) -> RatedSystem:
    figure = _from_fields(
        RatedSystem,
        value,
        songs=lambda rows: tuple(_from_fields(RatedSong, row) for row in rows),
        rank=lambda pair: None if pair is None else (int(pair[0]), int(pair[1])),
    )
    for number in (figure.value, figure.low, figure.high):
        if isinstance(number, bool) or not isinstance(number, int | float | None):
            raise ValueError(f"'{number}' is not a number")
    return figure


def _from_fields(of: Callable[..., _T], value: Mapping[str, Any], **convert: Callable[[Any], Any]) -> _T:
    """A dataclass from its fields by name; what is not a field is left out, so that later versions can add."""
    names = [member.name for member in fields(of)]  # type: ignore[arg-type]
    return of(**{name: convert[name](value[name]) if name in convert else value[name] for name in names})


def _field(scale: RatedScale) -> Field:
    return Field(
        scale.id,
        unit=scale.unit,
        direction=scale.direction,
        low=scale.low,
        high=scale.high,
        decimals=scale.decimals,
        description=scale.description.rstrip("."),
    )


def rated_columns(result: ListeningResult) -> list[tuple[RatedScale, Column]]:
    """The scales of a test with their columns, ``SCALE@TEST``."""
    card = result.card
    return [
        (scale, Column(card.column(scale.id), card, measure, "panel"))
        for scale, measure in zip(result.scales, card.fields, strict=True)
    ]


def rated_cells(
    scale: RatedScale, column: Column, systems: Sequence[SystemCard], requests: Mapping[str, int]
) -> dict[str, Cell]:
    """One cell per system of the run, whether the raters heard it or not.

    Args:
        scale: of the test.
        column: made of it.
        systems: of the run.
        requests: how many songs were asked of each.
    """
    best = _best(scale, systems)
    return {
        card.name: _cell(scale.systems[card.name], card.name in best)
        if card.name in scale.systems
        else Cell(
            n_possible=requests[card.name],
            n_not_applicable=requests[card.name],
            reason=f"{requests[card.name]} not applicable ({_NOT_HEARD})",
            not_applicable=(_NOT_HEARD,),
        )
        for card in systems
    }


_NOT_HEARD = "not in this listening test"


def _cell(figure: RatedSystem, best: bool) -> Cell:
    prompts = {song.prompt for song in figure.songs}
    scored = figure.n_items if figure.value is not None else 0
    return Cell(
        value=figure.value,
        low=figure.low,
        high=figure.high,
        n=scored,
        n_possible=figure.n_items,
        n_prompts=len(prompts) or scored,
        n_not_applicable=figure.n_items - scored,
        group=figure.group,
        rank=figure.rank,
        best=best,
        points=tuple(Point(song.prompt, song.take, song.value, float(song.n)) for song in figure.songs),
        n_raters=figure.n_raters,
        n_ratings=figure.n_ratings,
    )


def _best(scale: RatedScale, systems: Sequence[SystemCard]) -> set[str]:
    """The best competitors among those heard on as many songs as any other."""
    figures = {
        card.name: scale.systems[card.name] for card in systems if not card.sanity and card.name in scale.systems
    }
    values = {name: figure.value for name, figure in figures.items() if figure.value is not None}
    most = max((figures[name].n_items for name in values), default=0)
    complete = [name for name in values if figures[name].n_items == most]
    return best_systems(values, complete, direction=scale.direction, decimals=scale.decimals)


def rated_comparisons(scale: RatedScale, column: Column, systems: Sequence[SystemCard]) -> list[ColumnComparison]:
    """The test's own comparisons of systems that are in the run."""
    names = {card.name for card in systems}
    return [
        ColumnComparison(column=column.name, **vars(pair))
        for pair in scale.comparisons
        if pair.first in names and pair.second in names
    ]
