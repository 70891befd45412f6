"""What a run can find, and where the variance of its scores lies: for whoever plans the next one."""

from __future__ import annotations

import statistics as plain_statistics
from collections.abc import Collection, Iterator

from songbench.reporting import wording
from songbench.reporting.board import Column, ColumnComparison, Leaderboard
from songbench.reporting.document.blocks import Block, Heading, Listing, Table, TableColumn, TableRow, Text
from songbench.statistics import VarianceParts
from songbench.statistics.detectable import MOST_PROMPTS, POWER


def precision_blocks(board: Leaderboard) -> list[Block]:
    """Both sections, each only where there is something to say."""
    return [*_power(board), *_variance(board)]


# -- what can be found ---------------------------------------------------------------------------------------------


def _power(board: Leaderboard) -> list[Block]:
    competitors = {row.system.name for row in board.rows if not row.system.sanity}
    pairs = {
        column.name: [
            pair
            for pair in board.comparisons
            if pair.column == column.name and {pair.first, pair.second} <= competitors and pair.detectable is not None
        ]
        for column in wording.headline_columns(board)
    }
    columns = [column for column in wording.headline_columns(board) if pairs[column.name]]
    if not columns:
        return []
    rows = [
        TableRow((column.name, pair.first, pair.second, str(pair.n_prompts), *_pair(pair, column)))
        for column in columns
        for pair in pairs[column.name]
    ]
    head = ("column", "first", "second", "prompts", "difference", "detectable", "prompts needed")
    return [
        Heading("What this run can find"),
        Text(
            f"A difference between two competitors that is in truth as large as this is found significant in "
            f"{100 * POWER:g} % of such runs; a smaller one is missed more often (paired t over prompts, at the level "
            "that Holm's correction leaves a pair as the others of its column stand)."
        ),
        Listing(tuple(_column(column, pairs[column.name]) for column in columns)),
        Table(
            title="What can be found: every pair of competitors",
            columns=tuple(TableColumn(name=name) for name in head),
            rows=tuple(rows),
            notes=(
                "prompts needed: for the same chance to find a difference that is in truth as large as it looks here, "
                "which is itself uncertain; an order of magnitude. Figures of whole sets also depend on the size.",
            ),
            folded=True,
        ),
    ]


def _column(column: Column, pairs: list[ColumnComparison]) -> str:
    """One line: what can be found in a column, and what its open differences would take."""
    detectable = sorted(pair.detectable for pair in pairs if pair.detectable is not None)
    numbers = dict.fromkeys(wording.number(value, column.field) for value in (detectable[0], detectable[-1]))
    unit = f" {column.field.unit}" if column.field.unit else ""
    middle = (
        f" (median {wording.number(plain_statistics.median(detectable), column.field)})" if len(detectable) > 2 else ""
    )
    text = f"{column.name}: {' to '.join(numbers)}{unit}{middle} on {_prompts(pairs)} prompts."
    undecided = [pair for pair in pairs if not pair.significant]
    if not undecided:
        return f"{text} Every observed difference is significant."
    nearest = min(undecided, key=lambda pair: pair.prompts_needed or MOST_PROMPTS + 1)
    return (
        f"{text} {len(undecided)} of {len(pairs)} observed differences {'is' if len(undecided) == 1 else 'are'} not "
        f"significant; the easiest to settle, {nearest.first} and {nearest.second}, would take "
        f"{_prompt_count(nearest)} prompts."
    )


def _prompts(pairs: list[ColumnComparison]) -> str:
    counts = sorted({pair.n_prompts for pair in pairs})
    return " to ".join(str(count) for count in dict.fromkeys([counts[0], counts[-1]]))


def _pair(pair: ColumnComparison, column: Column) -> Iterator[str]:
    yield wording.number(pair.difference, column.field)
    yield "" if pair.detectable is None else wording.number(pair.detectable, column.field)
    yield "significant" if pair.significant else _prompt_count(pair)


def _prompt_count(pair: ColumnComparison) -> str:
    return f"more than {MOST_PROMPTS:,}" if pair.prompts_needed is None else f"{pair.prompts_needed:,}"


# -- where the variance lies ---------------------------------------------------------------------------------------


def _variance(board: Leaderboard) -> list[Block]:
    split = board.variances
    columns = [column for column in wording.headline_columns(board) if column.name in split]
    if not columns:
        return []
    head = ("column", "prompt", "system × prompt", "take", "systems", "prompts", "twice the takes", "twice the prompts")
    rows = [(column.name, *_shares(split[column.name], board.takes)) for column in columns]
    filled = [place for place in range(len(head)) if any(row[place] for row in rows)]
    notes = ["By the method of moments, from the prompts on which all competitors were scored."]
    if any("*" in cell for row in rows for cell in row[1:]):
        notes.insert(0, "0 %*: the estimate is below 0, which says that the data show no such part.")
    heads = [head[place] for place in filled]
    if any(name.startswith("twice") for name in heads):
        notes.insert(0, "twice the takes, twice the prompts: what is left of the standard error of a difference.")
    return [
        Heading("Where the variance lies"),
        Text(f"Shares of the variance of the competitors' scores around each system's mean: {_meaning(heads)}."),
        Table(
            columns=tuple(TableColumn(name=head[place], align="right" if place else "left") for place in filled),
            rows=tuple(TableRow(tuple(row[place] for place in filled)) for row in rows),
            notes=(" ".join(notes),),
        ),
    ]


def _meaning(heads: Collection[str]) -> str:
    """What the shares that a table has are of."""
    if "system × prompt" in heads:
        text = (
            "how hard a prompt is for all of them (cancels in comparisons on the same prompts), what one system makes "
            "of one prompt (only more prompts help)"
        )
    else:
        text = "how hard a prompt is (cancels in comparisons on the same prompts)"
    return text + (", and between takes of one prompt (more takes help)" if "take" in heads else "")


def _shares(parts: VarianceParts, takes: int) -> tuple[str, ...]:
    shares = parts.shares()
    estimates = {"prompt": parts.prompt, "residual": parts.residual, "take": parts.take}
    texts = []
    for name, estimate in estimates.items():
        share = f"{100 * shares[name]:.0f} %" if name in shares else ""
        texts.append(f"{share}*" if share and estimate is not None and estimate < 0 else share)
    ratios = (parts.error_ratio(takes, more_takes=2), parts.error_ratio(takes, more_prompts=2))
    left = ["" if ratio is None else f"{100 * ratio:.0f} %" for ratio in ratios]
    return (*texts, str(parts.systems), str(parts.prompts), *left)
