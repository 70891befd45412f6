"""The results of each scale as blocks: main tables, declared tests, place on the page."""

from __future__ import annotations

from listening_test.analysis.results import Position, ScaleAnalysis
from listening_test.reporting.facts import Report
from listening_test.reporting.placement import Pictures
from listening_test.reporting.wording import (
    counted,
    decimals_of,
    interval,
    number,
    p_value,
    percent,
    ranks,
    strength_of,
)
from songbench.reporting.document.blocks import Block, Heading, Listing, Table, TableRow, Text, table


def result_blocks(report: Report, pictures: Pictures) -> list[Block]:
    """One main table per scale, the primary one first, each with its figures and what belongs to it."""
    blocks: list[Block] = [Heading(f"Results{report.mark}"), Text(_reading(report))]
    for scale in report.ordered:
        numbers = _strengths(report, scale) if scale.strengths else _means(report, scale)
        names = (f"{kind}-{scale.scale}" for kind in ("means", "strengths", "answers"))
        blocks.append(pictures.beside(numbers, *names))
        remarks = _remarks(report, scale)
        blocks += [Listing(tuple(remarks))] if remarks else []
    return blocks


def comparison_blocks(report: Report, pictures: Pictures) -> list[Block]:
    """The declared tests and every pair."""
    blocks: list[Block] = [Heading(f"Comparisons{report.mark}"), Text(_reading_pairs(report))]
    for scale in report.ordered:
        if scale.differences:
            blocks += [_differences(report, scale), _checks(report, scale)]
        if scale.outcomes:
            blocks.append(pictures.beside(_outcomes(report, scale), f"preferences-{scale.scale}"))
    return blocks if len(blocks) > 2 else []


def _reading(report: Report) -> str:
    share = f"{100 * report.confidence:g} %"
    if report.data.protocol.pairwise:
        return (
            f"strength: {strength_of(report.data.protocol)}, 0 is the mean of the systems, with its {share} interval "
            "over raters and prompts. Systems that share a letter do not differ significantly. rank: what the "
            "significant differences allow. won: share of the comparisons won, ties half, without both bad."
        )
    return (
        f"mean: over raters and items, both taken as drawn at random, with its {share} interval. Systems that share a "
        "letter do not differ significantly. rank: what the significant differences allow. n: answers / raters / "
        "songs. Anchors and references are faint and do not compete."
    )


def _title(report: Report, scale: str) -> str:
    label = report.data.protocol.scale(scale).label.get("en", "")
    low, high = report.data.protocol.range(scale)
    primary = ", primary" if scale == report.data.protocol.primary and len(report.analysed.scales) > 1 else ""
    question = f": {label}" if label and label != scale else ""
    span = "" if report.data.protocol.form == "preference" else f" ({low:g} to {high:g}{primary})"
    return f"{scale}{question}{span}{report.mark}"


def _means(report: Report, scale: ScaleAnalysis) -> Table:
    places = decimals_of(report.data.protocol)
    rows = [
        TableRow(
            (
                row.system,
                interval(row.mean, row.low, row.high, places),
                row.group,
                ranks(row.rank),
                number(row.sd, places),
                f"{row.n} / {row.n_raters} / {row.n_items}",
                str(row.not_applicable or ""),
            ),
            faint=not row.competitor,
        )
        for row in scale.means
    ]
    return table(
        _title(report, scale.scale), ("system", "mean", "group", "rank", "SD of answers", "n", "not applicable"), rows
    )


def _strengths(report: Report, scale: ScaleAnalysis) -> Table:
    rows = [
        TableRow(
            (
                row.system,
                interval(row.strength, row.low, row.high),
                row.group,
                ranks(row.rank),
                percent(row.win_rate),
                percent(row.both_bad) if report.data.protocol.form == "preference" else "",
                f"{row.n} / {row.n_raters} / {row.n_items}",
            ),
            faint=not row.competitor,
        )
        for row in scale.strengths
    ]
    columns = ("system", "strength", "group", "rank", "won", "both bad", "n")
    return table(_title(report, scale.scale), columns, rows)


def _remarks(report: Report, scale: ScaleAnalysis) -> list[str]:
    place = [_position(report, scale.position)] if scale.position else []
    return [*place, *scale.notes]


def _position(report: Report, position: Position) -> str:
    if not report.places_known:
        return "These results do not say which song stood where, so a preference for the place cannot be looked at."
    if position.first_share is None:
        return "Too few decisions to say whether the place on the page matters."
    share = f"Slot A won {100 * position.first_share:.0f} % of {counted(position.n, 'decision')}"
    if position.low is None or position.high is None:
        return f"{share}; too few for an interval."
    bounds = f"[{100 * position.low:.0f}, {100 * position.high:.0f}] %"
    fair = position.low <= 0.5 <= position.high
    return f"{share} {bounds}: " + ("no sign that the place matters." if fair else "the place on the page matters.")


def _reading_pairs(report: Report) -> str:
    level = 1 - report.confidence
    return (
        f"Significant (*): p after Holm's correction over the declared pairs of a scale below {level:.2g}. A "
        "dash: not declared, or too few raters or items."
    )


def _differences(report: Report, scale: ScaleAnalysis) -> Table:
    places = decimals_of(report.data.protocol)
    margin = report.data.protocol.analysis.margin
    rows = [
        (
            pair.first,
            pair.second,
            interval(pair.difference, pair.low, pair.high, places),
            p_value(pair.p),
            p_value(pair.p_adjusted) + ("*" if pair.significant else ""),
            p_value(pair.p_equal) if margin is not None else "",
            number(pair.wins, 2),
            f"{pair.n_raters} / {pair.n_items}",
        )
        for pair in scale.differences
    ]
    equal = f"p equal: that the difference lies within ±{margin:g} (TOST). " if margin is not None else ""
    note = f"{equal}wins: probability that the first is rated higher, ties half. n: raters / items that both have."
    columns = ("first", "second", "difference", "p", "p (Holm)", "p equal", "wins", "n")
    return table(f"{scale.scale}: declared differences{report.mark}", columns, rows, note)


def _checks(report: Report, scale: ScaleAnalysis) -> Table:
    rows = [
        (pair.first, pair.second, p_value(pair.p), p_value(pair.p_flip), p_value(pair.p_wilcoxon), number(pair.effect))
        for pair in scale.differences
    ]
    note = "Sign flips and Wilcoxon compare means per item and take the raters as fixed. d_z: Cohen's, per item."
    columns = ("first", "second", "p (declared)", "p (sign flip)", "p (Wilcoxon)", "d_z")
    return table(f"{scale.scale}: the same by other tests{report.mark}", columns, rows, note, only_files=True)


def _outcomes(report: Report, scale: ScaleAnalysis) -> Table:
    ccr = report.data.protocol.form == "ccr"
    rows = [
        (
            pair.first,
            pair.second,
            str(pair.first_wins),
            str(pair.second_wins),
            str(pair.ties),
            "" if ccr else str(pair.both_bad),
            interval(pair.mean, pair.low, pair.high) if ccr else "",
            p_value(pair.p),
            p_value(pair.p_adjusted) + ("*" if pair.significant else ""),
        )
        for pair in scale.outcomes
    ]
    columns = ("first", "second", "first better", "second better", "ties", "both bad", "mean", "p", "p (Holm)")
    return table(f"{scale.scale}: pairs{report.mark}", columns, rows)
