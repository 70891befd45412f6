"""Who answered, who counts, what exclusion changed, how well raters agree, which songs failed."""

from __future__ import annotations

from listening_test.analysis.results import RaterScreening, Reliability
from listening_test.reporting.facts import Changed, Report, exclusion_changes, figures
from listening_test.reporting.placement import Pictures
from listening_test.reporting.wording import (
    alpha_in_words,
    counted,
    decimals_of,
    joined,
    number,
    screening_rules,
)
from songbench.reporting.document.blocks import Block, Heading, Listing, TableRow, Text, table


def screening_blocks(report: Report, pictures: Pictures) -> list[Block]:
    """The declared rules, then every rater."""
    rules = screening_rules(report.data.protocol)
    text = (
        f"Declared before data. A rater is left out for any of: {'; '.join(rules)}."
        if rules
        else "No rule was declared."
    )
    warning = [Text(exclusion_in_words(report), strong=True)] if report.excluded and not report.included else []
    return [
        Heading(f"Raters{report.mark}"),
        Text(text),
        *warning,
        pictures.beside(_raters(report), "raters"),
        *_changes(report),
    ]


def _raters(report: Report) -> Block:
    facts = {str(row["rater"]): row for row in report.data.raters.to_dict("records")}
    rows = [_rater(rater, facts.get(rater.rater, {})) for rater in report.analysed.screening]
    columns = ("rater", "counts", "pages", "minutes", "why not")
    return table(f"Screening{report.mark}", columns, rows, "pages: answered of those asked, without practice.")


def _rater(rater: RaterScreening, facts: dict[object, object]) -> TableRow:
    pages = f"{facts['pages_answered']}/{facts['pages_asked']}" if "pages_asked" in facts else ""
    minutes = facts.get("minutes")
    duration = number(minutes, 0) if isinstance(minutes, float) and minutes == minutes else ""
    why = "; ".join(rater.reasons) or ("withdrawn" if facts.get("withdrawn") is True else "")
    cells = (rater.rater, "included" if rater.included else "excluded", pages, duration, why)
    return TableRow(cells, faint=not rater.included)


def _changes(report: Report) -> list[Block]:
    if not report.excluded:
        return [Text("Nobody was excluded, so results with and without exclusion are the same.")]
    changes = exclusion_changes(report.analysed)
    lines = [exclusion_in_words(report)]
    places = decimals_of(report.data.protocol)
    everyone = {scale.scale: figures(scale) for scale in report.analysed.everyone}
    included = {scale.scale: figures(scale) for scale in report.analysed.scales}
    rows = [
        (scale, system, number(included[scale].get(system), places), number(value, places))
        for scale, values in everyone.items()
        for system, value in values.items()
    ]
    title = f"What exclusion changed{report.mark}"
    block = table(title, ("scale", "system", "included raters", "everyone"), rows, only_files=True)
    lines = lines if report.included else []
    return [Listing((*lines, *(line for scale in changes if (line := _changed(scale, places))))), block]


def exclusion_in_words(report: Report) -> str:
    """One sentence: whether it matters who was left out."""
    if not report.excluded:
        return "Nobody was left out."
    if not report.included:
        return "No rater passed: there are no results with these rules, only those without any."
    changes = exclusion_changes(report.analysed)
    agree = all(change.same_order and change.same_pairs for change in changes)
    excluded = f"{counted(report.excluded, 'rater')} of {report.screened} left out"
    if agree:
        return f"{excluded}: results with and without them agree (same order, same significant pairs on every scale)."
    return f"{excluded}: results with and without them DIFFER; see below."


def _changed(change: Changed, places: int) -> str:
    parts = []
    if not change.same_order:
        parts.append("another order of systems")
    if not change.same_pairs:
        parts.append("other significant pairs")
    if change.largest:
        parts.append(f"largest change {number(change.largest[1], places)} ({change.largest[0]})")
    return f"{change.scale}: {', '.join(parts)}." if parts else ""


def reliability_blocks(report: Report) -> list[Block]:
    """How well the raters agree: a sentence per scale, then the figures."""
    scales = [scale.reliability for scale in report.ordered if scale.reliability]
    if not scales:
        return []
    places = decimals_of(report.data.protocol)
    rows = [
        (
            scale.scale,
            number(scale.alpha),
            number(scale.icc_single),
            number(scale.icc_average),
            number(scale.split_half),
            number(scale.repeat_deviation, places),
            number(scale.repeat_correlation),
            str(scale.repeats),
        )
        for scale in scales
    ]
    columns = ("scale", "alpha", "ICC(2,1)", "ICC(2,k)", "split half", "repeat difference", "repeat r", "repeats")
    blocks: list[Block] = [
        Heading(f"Reliability{report.mark}"),
        Listing(tuple(reliability_in_words(scale, report) for scale in scales)),
        table(f"Reliability{report.mark}", columns, rows, only_files=True),
    ]
    return blocks + _components(report, scales)


def reliability_in_words(scale: Reliability, report: Report) -> str:
    """One plain sentence about a scale."""
    if scale.alpha is None:
        return f"{scale.scale}: too few songs were heard by two raters or more to say how well raters agree."
    text = f"{scale.scale}: raters {alpha_in_words(scale.alpha)} (alpha {number(scale.alpha)})"
    if scale.repeats and scale.repeat_deviation is not None:
        low, high = report.data.protocol.range(scale.scale)
        share = scale.repeat_deviation / (high - low)
        text += f"; asked again, a rater moves by {number(scale.repeat_deviation)} ({100 * share:.0f} % of the scale)"
    return text + "."


def _components(report: Report, scales: list[Reliability]) -> list[Block]:
    places = decimals_of(report.data.protocol)
    rows = [
        (scale.scale, *(number(value, places) for value in vars(scale.components).values()))
        for scale in scales
        if scale.components
    ]
    columns = ("scale", "rater", "item", "rater × system", "item × system", "rest")
    note = "Standard deviations in points of the scale."
    title = f"Where the variance of answers comes from{report.mark}"
    return [table(title, columns, rows, note, only_files=True)] if rows else []


def failure_blocks(report: Report) -> list[Block]:
    """Songs that were not made, and how they count."""
    data = report.data
    failed = {name: count for name, count in data.failed.items() if count}
    if not failed:
        return []
    worst = data.protocol.items.failures == "worst"
    counts = "count as the worst answer of every scale" if worst else "are left out of the figures"
    rows = [
        (
            name,
            str(failed.get(name, 0)),
            str(data.song_counts.get(name, "")),
            _rate(failed.get(name, 0), data.song_counts.get(name)),
        )
        for name in data.systems
    ]
    title = f"Songs that were not made{report.mark}"
    return [
        Heading(title),
        Text(f"{joined(list(failed))} failed to make songs; these {counts}, as declared."),
        table(title, ("system", "failed", "asked", "rate"), rows),
    ]


def _rate(failed: int, requests: int | None) -> str:
    return f"{100 * failed / requests:.1f} %" if requests else ""
