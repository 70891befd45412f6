"""A comparison for people: the answer, the table behind it, what could not be compared."""

from __future__ import annotations

from collections.abc import Sequence

from songbench.reporting import wording
from songbench.reporting.comparison.compare import RunComparison, SystemDifference
from songbench.reporting.document.blocks import (
    Block,
    Fragment,
    Heading,
    Listing,
    Phrase,
    Style,
    Table,
    TableColumn,
    TableRow,
    Text,
)
from songbench.statistics.detectable import MOST_PROMPTS

_STYLES: dict[str, Style] = {"better": "good", "worse": "bad", "open": "plain"}


def comparison_blocks(comparison: RunComparison) -> list[Block]:
    """Title, answer, table and notes."""
    pairs = list(dict.fromkeys((d.first, d.second) for d in comparison.differences))
    compared = [difference for difference in comparison.differences if difference.test]
    title = ", ".join(f"{first.label} against {second.label}" for first, second in pairs)
    gaps: dict[str, list[str]] = {}
    for difference in comparison.differences:
        names = gaps.setdefault(difference.reason, [])
        if not difference.test and difference.column.name not in names:
            names.append(difference.column.name)
    blocks: list[Block] = [Heading(f"Comparison: {title}", level=1), *map(Text, answers(comparison))]
    if compared:
        blocks.append(_table(compared, comparison, several=len(pairs) > 1))
    if lines := [f"{', '.join(names)}: {reason}" for reason, names in gaps.items() if names]:
        blocks += [Heading("Not compared"), Listing(tuple(lines))]
    if comparison.notes:
        blocks += [Heading("Notes"), Listing(comparison.notes)]
    return blocks


def answers(comparison: RunComparison) -> list[str]:
    """What was found and how sure it is: a sentence for each pair of systems."""
    pairs = list(dict.fromkeys((d.first, d.second) for d in comparison.differences))
    return [_answer([d for d in comparison.differences if (d.first, d.second) == pair]) for pair in pairs]


def _answer(differences: Sequence[SystemDifference]) -> str:
    first, second = differences[0].first.label, differences[0].second.label
    compared = [difference for difference in differences if difference.test]
    if not compared:
        return f"{second} cannot be compared with {first}: {differences[0].reason}."
    names = {
        verdict: [difference.column.name for difference in compared if difference.verdict == verdict]
        for verdict in ("better", "worse", "open")
    }
    prompts = max(difference.test.n for difference in compared if difference.test)
    if not names["better"] and not names["worse"]:
        many = "the only column" if len(compared) == 1 else f"any of {len(compared)} columns"
        return (
            f"No difference between {second} and {first} could be shown in {many}, on {prompts} prompts. That is not to"
            " say that there is none: see what could have been found."
        )
    parts = [f"{verdict} in {', '.join(names[verdict])}" for verdict in ("better", "worse") if names[verdict]]
    rest = f"; no difference could be shown in {', '.join(names['open'])}" if names["open"] else ""
    return f"{second} is {' and '.join(parts)} than {first}{rest} ({prompts} prompts)."


def _table(differences: Sequence[SystemDifference], comparison: RunComparison, *, several: bool) -> Table:
    first, second = differences[0].first, differences[0].second
    names = (first.run.name, second.run.name) if first.run.name != second.run.name else (first.system, second.system)
    correction = f"p is corrected by Holm's method over all {len(differences)} comparisons of this table."
    numbers = {difference.test.n for difference in differences if difference.test}
    uniform = len(numbers) == 1
    where = f"the {next(iter(numbers))} prompts that both have" if uniform else "the prompts that both have"
    notes = (
        f"Paired on {where}. Intervals: {100 * comparison.confidence:g} % of the difference, {names[1]}"
        f" minus {names[0]}. {correction}",
        "could find: the least true difference that four of five such comparisons would find significant. prompts"
        " needed: how many would find a difference as large as this one.",
    )
    heads = [
        *([TableColumn(name="system")] if several else []),
        TableColumn(name="column"),
        *(TableColumn(name=name, align="right") for name in names),
        TableColumn(name="difference"),
        TableColumn(name="verdict"),
        TableColumn(name="p", align="right"),
        *([] if uniform else [TableColumn(name="prompts", align="right")]),
        TableColumn(name="could find", align="right"),
        TableColumn(name="prompts needed", align="right"),
    ]
    rows = [TableRow(_cells(difference, several=several, prompts=not uniform)) for difference in differences]
    return Table(columns=tuple(heads), rows=tuple(rows), notes=notes, keys=2 if several else 1)


def _cells(difference: SystemDifference, *, several: bool, prompts: bool) -> tuple[Phrase, ...]:
    test, field = difference.test, difference.column.field
    assert test is not None and difference.first_value is not None and difference.second_value is not None
    change = f"{'+' if test.difference > 0 else ''}{wording.number(test.difference, field)}"
    interval = f"[{wording.number(test.low, field)}, {wording.number(test.high, field)}]"
    return (
        *([difference.second.system] if several else []),
        " ".join(part for part in (difference.column.name, wording.unit(difference.column)) if part),
        wording.number(difference.first_value, field),
        wording.number(difference.second_value, field),
        f"{change} {interval}",
        (Fragment(difference.verdict, _STYLES[difference.verdict]),),
        wording.p_value(difference.p_adjusted or 0.0),
        *([str(test.n)] if prompts else []),
        "" if difference.detectable is None else wording.number(difference.detectable, field),
        _prompts_needed(difference),
    )


def _prompts_needed(difference: SystemDifference) -> str:
    """Nothing where the difference is settled, or does not vary, which leaves nothing to go by."""
    if difference.significant or difference.detectable is None:
        return ""
    number = difference.prompts_needed
    return f"more than {MOST_PROMPTS:,}" if number is None else str(number)
