"""The report for programs: JSON with everything, tidy CSV tables with a data dictionary."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from listening_test.collected import CHECKS, PAIRS, RATERS, RATINGS
from listening_test.reporting.answer import answer
from listening_test.reporting.content import facts
from listening_test.reporting.facts import Report, exclusion_changes
from listening_test.reporting.songs import song_means
from listening_test.reporting.wording import SIMULATED
from songbench.reporting.document.blocks import Block, Fragment, Heading, Listing, Text, coded
from songbench.reporting.document.markdown import to_markdown

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "songbench.listening-report/1"
PEOPLE = "people"
NO_PARQUET = "No .parquet files: parquet needs pyarrow, which is not installed."
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_json(report: Report) -> str:
    """Everything but single answers, which are in the tables; sorted keys, no NaN."""
    value = {
        "schema": SCHEMA,
        "simulated": report.simulated,
        "answered_by": SIMULATED if report.simulated else PEOPLE,
        "answer": answer(report),
        "facts": dict(facts(report)),
        "protocol": report.data.protocol.to_json(),
        "protocol_digest": report.data.protocol.digest(),
        "test_digest": report.data.test,
        "run": report.data.run,
        "systems": list(report.data.systems),
        "asked": report.data.song_counts,
        "failed": report.data.failed,
        "raters": {
            "all": report.screened,
            "included": len(report.included),
            "withdrawn": report.withdrawn,
        },
        "screening": report.analysed.screening,
        "exclusion": exclusion_changes(report.analysed),
        "scales": report.analysed.scales,
        "everyone": report.analysed.everyone,
        "breakdowns": report.breakdowns,
        "agreement": report.agreement,
        "no_agreement": report.no_agreement,
        "versions": report.versions,
        "notes": report.all_notes,
    }
    return json.dumps(_plain(value), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: getattr(value, one.name) for one in dataclasses.fields(value) if one.repr}
        return _plain(parts)
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(part) for part in value]
    if isinstance(value, float):
        return float(f"{value:.10g}") if math.isfinite(value) else None
    return value if isinstance(value, bool | int | str | None) else str(value)


def tables(report: Report) -> dict[str, pd.DataFrame]:
    """Every table by the name of its file; empty ones are left out."""
    data, included = report.data, set(report.included)
    raters = data.raters.assign(
        included=data.raters["rater"].isin(included),
        reasons=data.raters["rater"].map(
            {rater.rater: "; ".join(rater.reasons) for rater in report.analysed.screening}
        ),
    )
    frames = {
        "ratings": data.ratings.assign(included=data.ratings["rater"].isin(included)),
        "pairs": data.pairs.assign(included=data.pairs["rater"].isin(included)),
        "checks": data.checks.assign(included=data.checks["rater"].isin(included)),
        "raters": raters,
        "songs": _songs(report),
        "results": _rows(report, _results(report)),
        "comparisons": _rows(report, _comparisons(report)),
        "agreement": _rows(report, _agreement(report)),
    }
    source = SIMULATED if report.simulated else PEOPLE
    return {name: frame.assign(answered_by=source) for name, frame in frames.items() if len(frame)}


def _songs(report: Report) -> pd.DataFrame:
    import pandas as pd

    parts = [song_means(report.counted_data, one.scale).assign(scale=one.scale) for one in report.analysed.scales]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _rows(report: Report, rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows))


def _results(report: Report) -> Iterator[dict[str, object]]:
    for raters, scales in (("included", report.analysed.scales), ("everyone", report.analysed.everyone)):
        for scale in scales:
            for figure in (*scale.means, *scale.strengths):
                row = {"raters": raters, **vars(figure)}
                rank = row.pop("rank")
                best, worst = rank if isinstance(rank, tuple) else (None, None)
                yield row | {"rank_best": best, "rank_worst": worst}


def _comparisons(report: Report) -> Iterator[dict[str, object]]:
    for raters, scales in (("included", report.analysed.scales), ("everyone", report.analysed.everyone)):
        for scale in scales:
            for pair in (*scale.differences, *scale.outcomes):
                yield {"raters": raters, **vars(pair)}


def _agreement(report: Report) -> Iterator[dict[str, object]]:
    for scale in report.agreement:
        for metric in scale.metrics:
            flat: dict[str, object] = {"scale": scale.scale}
            for name, value in _plain(metric).items():
                flat |= _flat(name, value)
            yield flat | {f"ceiling_{name}": value for name, value in vars(scale.ceiling).items()}


def _flat(name: str, value: object) -> dict[str, object]:
    """Nested figures as columns, ``items_pearson_low``; lists in one cell."""
    if isinstance(value, Mapping):
        return {key: part for inner, one in value.items() for key, part in _flat(f"{name}_{inner}", one).items()}
    return {name: "; ".join(map(str, value)) if isinstance(value, list) else value}


def to_csv(frame: pd.DataFrame) -> str:
    """The table; what raters typed cannot start a formula in a spreadsheet."""
    safe = frame.copy()
    for name in ("comment", "device"):
        if name in safe:
            safe[name] = [f"'{text}" if str(text).startswith(_FORMULA) else text for text in safe[name]]
    return str(safe.to_csv(index=False, lineterminator="\n"))


def parquet_possible() -> bool:
    """Whether pandas can write parquet here."""
    return importlib.util.find_spec("pyarrow") is not None


def dictionary(report: Report, names: Sequence[str], frames: Mapping[str, pd.DataFrame]) -> str:
    """The README of the folder: which file holds what, and what each column means."""
    parquet = "The same as .parquet." if parquet_possible() else NO_PARQUET
    blocks: list[Block] = [
        Heading(f"Tables of the listening test {report.name}{report.mark}", level=1),
        Text(
            f"One CSV file per table, UTF-8, one row per observation. {parquet} A comment or device text that begins"
            " like a formula has an apostrophe before it."
        ),
    ]
    for name in names:
        meanings = {**_COLUMNS.get(name, {}), **_ADDED}
        lines = [(Fragment(str(column), "code"), *_meaning(str(column), meanings)) for column in frames[name].columns]
        blocks += [Heading(f"{name}.csv"), Text(coded(_ABOUT[name])), Listing(tuple(lines))]
    return to_markdown(blocks)


def _meaning(column: str, meanings: Mapping[str, str]) -> tuple[Fragment, ...]:
    """What follows the name of a column."""
    if column in meanings:
        return (Fragment(f": {meanings[column]}"),)
    for prefix, meaning in _PREFIXES.items():
        if column.startswith(prefix):
            return (Fragment(f": {meaning} '{column.removeprefix(prefix)}'"),)
    for suffix, meaning in _SUFFIXES.items():
        if column.endswith(suffix):
            return (Fragment(f": {meaning} of "), Fragment(column.removesuffix(suffix), "code"))
    return (Fragment(": as in report.json"),)


_ABOUT = {
    "ratings": "Every rating of a single song, anchors and repetitions included (see `kind` and `role`).",
    "pairs": "Every comparison of two songs.",
    "checks": "Every trap and every trial of the headphone check.",
    "raters": "Every rater.",
    "songs": "The mean answer about each song, included raters, first answers only.",
    "results": "The figures of every system and scale, for the included raters and for everyone.",
    "comparisons": "Every pair of systems, for the included raters and for everyone.",
    "agreement": "Every field of every metric beside the raters.",
}
_ADDED = {
    "included": "whether the rater counts in the main analysis",
    "reasons": "which declared rules the rater failed",
    "answered_by": f"{PEOPLE}, or {SIMULATED} where a program answered",
}
_FIGURES = {
    "raters": "included or everyone",
    "system": "name; of an anchor or reference: what it is",
    "scale": "id of the question",
    "mean": "over raters and items",
    "strength": "Bradley-Terry log-strength, the mean over systems is 0",
    "low": "lower end of the interval",
    "high": "upper end of the interval",
    "sd": "standard deviation of the answers",
    "n": "answers",
    "n_raters": "raters",
    "n_items": "songs (prompt and take)",
    "not_applicable": "answers that say the question does not apply",
    "group": "systems that share a letter do not differ significantly",
    "competitor": "False for anchors and references",
    "rank_best": "best rank that the intervals allow",
    "rank_worst": "worst rank that the intervals allow",
    "win_rate": "share of comparisons won, ties half, without both bad",
    "both_bad": "comparisons in which neither was good: a share in results, a number in comparisons",
}
_PAIRWISE = {
    **_FIGURES,
    "first": "a system",
    "second": "another",
    "difference": "first minus second",
    "p": "of the declared test",
    "p_adjusted": "after Holm over the declared pairs of the scale",
    "significant": "whether p_adjusted is below 1 - confidence",
    "p_equal": "TOST: that the difference lies within the declared margin",
    "p_flip": "sign-flip test of per-item means",
    "p_wilcoxon": "Wilcoxon signed rank of per-item means",
    "effect": "Cohen's d_z per item",
    "wins": "probability that the first is rated higher, ties half",
    "first_wins": "how often the first was better",
    "second_wins": "how often the second was better",
    "ties": "no difference",
    "mean": "ccr: mean answer for the first against the second",
}
_SONGS = {
    **{name: RATINGS[name] for name in ("system", "prompt", "take", "scale")},
    "value": "mean of the answers",
    "sd": "their standard deviation",
    "n": "answers",
}
_AGREEMENT = {
    "scale": "id of the question",
    "column": "the metric's column in the leaderboard",
    "direction": "which end of the metric is better",
    "headline": "whether it has a column in printed tables",
    "conflicts": "systems it cannot judge fairly",
    "n_songs": "songs with a rating and a score",
    "n_prompts": "their prompts",
    "n_systems": "systems with both",
    "n_pairs": "pairs of songs that people decided",
    "n_ties": "pairs that they did not",
    "ceiling_n": "songs rated twice or more, or pairs of decisions",
}
_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "ratings": RATINGS,
    "pairs": PAIRS,
    "checks": CHECKS,
    "raters": RATERS,
    "songs": _SONGS,
    "results": _FIGURES,
    "comparisons": _PAIRWISE,
    "agreement": _AGREEMENT,
}
_PREFIXES = {
    "tag_": "tag of the prompt:",
    "background_": "the rater's answer to the question",
    "ceiling_": "what people reach:",
    "error_": "after a non-decreasing mapping of third order (ITU-T P.1401):",
}
_SUFFIXES = {"_value": "figure", "_low": "lower end of the interval", "_high": "upper end of the interval"}
