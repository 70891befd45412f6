"""Who answered, who counts, what exclusion changed, how well raters agree, which songs failed."""

from __future__ import annotations

from listening_test.analysis.results import RaterScreening, Reliability
from listening_test.reporting.facts import Changed, Report, exclusion_changes, figures
from listening_test.reporting.wording import (
    alpha_in_words,
    counted,
    decimals_of,
    joined,
    number,
    screening_rules,
)
from songbench.reporting.document.blocks import Block, Heading, Listing, TableRow, Text, table


def screening_blocks(report: Report) -> list[Block]:
    """The declared rules, then every rater."""
    rules = screening_rules(report.data.protocol)
    told = (
        f"Declared before data. A rater is left out for any of: {'; '.join(rules)}."
        if rules
        else "No rule was declared."
    )
    nobody = [Text(exclusion_in_words(report), strong=True)] if report.excluded and not report.included else []
    return [Heading(f"Raters{report.mark}"), Text(told), *nobody, _raters(report), *_changes(report)]


def _raters(report: Report) -> Block:
    facts = {str(row["rater"]): row for row in report.data.raters.to_dict("records")}
    rows = [_rater(one, facts.get(one.rater, {})) for one in report.analysed.screening]
    columns = ("rater", "counts", "pages", "minutes", "why not")
    return table(f"Screening{report.mark}", columns, rows, "pages: answered of those asked, without practice.")


def _rater(one: RaterScreening, facts: dict[object, object]) -> TableRow:
    pages = f"{facts['pages_answered']}/{facts['pages_asked']}" if "pages_asked" in facts else ""
    minutes = facts.get("minutes")
    told = number(minutes, 0) if isinstance(minutes, float) and minutes == minutes else ""
    why = "; ".join(one.reasons) or ("withdrawn" if facts.get("withdrawn") is True else "")
    cells = (one.rater, "included" if one.included else "excluded", pages, told, why)
    return TableRow(cells, faint=not one.included)


def _changes(report: Report) -> list[Block]:
    if not report.excluded:
        return [Text("Nobody was excluded, so results with and without exclusion are the same.")]
    changes = exclusion_changes(report.analysed)
    lines = [exclusion_in_words(report)]
    places = decimals_of(report.data.protocol)
    everyone = {one.scale: figures(one) for one in report.analysed.everyone}
    mine = {one.scale: figures(one) for one in report.analysed.scales}
    rows = [
        (scale, system, number(mine[scale].get(system), places), number(value, places))
        for scale, all_of_them in everyone.items()
        for system, value in all_of_them.items()
    ]
    title = f"What exclusion changed{report.mark}"
    block = table(title, ("scale", "system", "included raters", "everyone"), rows, only_files=True)
    lines = lines if report.included else []
    return [Listing((*lines, *(told for one in changes if (told := _changed(one, places))))), block]


def exclusion_in_words(report: Report) -> str:
    """One sentence: whether it matters who was left out."""
    if not report.excluded:
        return "Nobody was left out."
    if not report.included:
        return "No rater passed: there are no results with these rules, only those without any."
    changes = exclusion_changes(report.analysed)
    agree = all(one.same_order and one.same_pairs for one in changes)
    who = f"{counted(report.excluded, 'rater')} of {report.screened} left out"
    if agree:
        return f"{who}: results with and without them agree (same order, same significant pairs on every scale)."
    return f"{who}: results with and without them DIFFER; see below."


def _changed(one: Changed, places: int) -> str:
    parts = []
    if not one.same_order:
        parts.append("another order of systems")
    if not one.same_pairs:
        parts.append("other significant pairs")
    if one.largest:
        parts.append(f"largest change {number(one.largest[1], places)} ({one.largest[0]})")
    return f"{one.scale}: {', '.join(parts)}." if parts else ""


def reliability_blocks(report: Report) -> list[Block]:
    """How well the raters agree: a sentence per scale, then the figures."""
    known = [one.reliability for one in report.ordered if one.reliability]
    if not known:
        return []
    places = decimals_of(report.data.protocol)
    rows = [
        (
            one.scale,
            number(one.alpha),
            number(one.icc_single),
            number(one.icc_average),
            number(one.split_half),
            number(one.repeat_deviation, places),
            number(one.repeat_correlation),
            str(one.repeats),
        )
        for one in known
    ]
    columns = ("scale", "alpha", "ICC(2,1)", "ICC(2,k)", "split half", "repeat difference", "repeat r", "repeats")
    blocks: list[Block] = [
        Heading(f"Reliability{report.mark}"),
        Listing(tuple(reliability_in_words(one, report) for one in known)),
        table(f"Reliability{report.mark}", columns, rows, only_files=True),
    ]
    return blocks + _components(report, known)


def reliability_in_words(one: Reliability, report: Report) -> str:
    """One plain sentence about a scale."""
    if one.alpha is None:
        return f"{one.scale}: too few songs were heard by two raters or more to say how well raters agree."
    told = f"{one.scale}: raters {alpha_in_words(one.alpha)} (alpha {number(one.alpha)})"
    if one.repeats and one.repeat_deviation is not None:
        low, high = report.data.protocol.range(one.scale)
        share = one.repeat_deviation / (high - low)
        told += f"; asked again, a rater moves by {number(one.repeat_deviation)} ({100 * share:.0f} % of the scale)"
    return told + "."


def _components(report: Report, known: list[Reliability]) -> list[Block]:
    places = decimals_of(report.data.protocol)
    rows = [
        (one.scale, *(number(value, places) for value in vars(one.components).values()))
        for one in known
        if one.components
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


def _rate(failed: int, asked: int | None) -> str:
    return f"{100 * failed / asked:.1f} %" if asked else ""
