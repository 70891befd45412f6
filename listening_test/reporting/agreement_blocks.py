"""Breakdowns and the comparison of metrics with people as blocks."""

from __future__ import annotations

from listening_test.reporting.agreement import FEW_SYSTEMS, MetricAgreement, ScaleAgreement
from listening_test.reporting.breakdown import ENOUGH, Breakdown, PartMean
from listening_test.reporting.ceiling import Ceiling
from listening_test.reporting.facts import Report
from listening_test.reporting.placement import Pictures
from listening_test.reporting.wording import decimals_of, estimated, number, p_value, percent
from songbench.reporting.document.blocks import Block, Heading, Listing, Table, TableRow, Text, table


def breakdown_blocks(report: Report) -> list[Block]:
    """One table per scale and property."""
    if not report.breakdowns:
        return []
    figure = "the share of comparisons won" if report.data.protocol.pairwise else "the mean"
    blocks: list[Block] = [
        Heading(f"Breakdown{report.mark}"),
        Text(
            f"Descriptive: {figure} with n answers, and from {ENOUGH} answers on an interval over raters and "
            "prompts (bootstrap). Nothing is tested here; parts differ in their prompts and raters."
        ),
    ]
    for breakdown in report.breakdowns:
        blocks += [_breakdown(report, breakdown, scale.scale) for scale in report.ordered]
    return blocks


def _breakdown(report: Report, breakdown: Breakdown, scale: str) -> Table:
    places = decimals_of(report.data.protocol)
    cells = {(mean.system, mean.part): mean for mean in breakdown.means if mean.scale == scale}
    systems = dict.fromkeys(system for system, _ in cells)
    rows = [(system, *(_part(cells.get((system, part)), places) for part in breakdown.parts)) for system in systems]
    title = f"{scale} by {breakdown.title}{report.mark}"
    return table(
        title,
        ("system", *breakdown.parts),
        rows,
        only_files=len(breakdown.parts) > 4 or scale != report.data.protocol.primary,
    )


def _part(mean: PartMean | None, places: int) -> str:
    return f"{estimated(mean.mean, places)} n={mean.n}" if mean and mean.n else ""


def agreement_blocks(report: Report, pictures: Pictures) -> list[Block]:
    """One table per scale: metrics beside the human ceiling."""
    title = Heading(f"Metrics and people{report.mark}")
    if not report.agreement:
        return [title, Text(f"Not compared: {report.no_agreement}")] if report.no_agreement else []
    blocks: list[Block] = [title, Text(_reading(report))]
    for scale in sorted(report.agreement, key=lambda scale: scale.scale != report.data.protocol.primary):
        blocks += [Text(_ceiling(scale.scale, scale.ceiling))]
        drawings = (f"agreement-{scale.scale}", f"songs-{scale.scale}")
        blocks += [pictures.beside(_main(report, scale), *drawings), _more(report, scale)]
        blocks += [_tests(report, scale)] if scale.comparisons else []
    conflicts = [
        f"{metric.column} cannot judge fairly: {'; '.join(metric.conflicts)}."
        for metric in report.agreement[0].metrics
        if metric.conflicts
    ]
    return [*blocks, *([Listing(tuple(conflicts))] if conflicts else [])]


def _reading(report: Report) -> str:
    few = (
        max(metric.n_systems for scale in report.agreement for metric in scale.metrics)
        if report.agreement[0].metrics
        else 0
    )
    text = (
        "Positive: metric and people agree, whichever way the metric runs; fields without a direction keep their sign. "
        f"Intervals ({100 * report.confidence:g} %) draw prompts with replacement. r: Pearson, over songs; inside: "
        "mean over systems; systems: over their means. pairs: how often the metric prefers what people prefer. †: the "
        "metric has a conflict with a system."
    )
    if few < FEW_SYSTEMS:
        text += f" With {few} systems the system level is DESCRIPTIVE: it says nothing about other systems."
    return text


def _ceiling(scale: str, ceiling: Ceiling) -> str:
    if ceiling.accuracy is not None:
        return f"{scale}: two people who decide about the same pair of songs agree in {percent(ceiling.accuracy)}."
    if ceiling.split_half is None and ceiling.one_rater is None:
        return f"{scale}: too few songs were rated twice to say how well people agree with people."
    return (
        f"{scale}, people: one rater with the mean of the others r = {number(ceiling.one_rater)}; two halves of the "
        f"raters r = {number(ceiling.split_half)} (Spearman-Brown), so a perfect predictor would reach r = "
        f"{number(ceiling.perfect)}."
    )


def _main(report: Report, scale: ScaleAgreement) -> Table:
    rated = any(metric.error is not None for metric in scale.metrics)
    rows = [
        TableRow(
            (
                metric.column + ("†" if metric.conflicts else ""),
                estimated(metric.items.pearson) if rated else "",
                estimated(metric.within) if rated else "",
                estimated(metric.systems.pearson),
                _accuracy(metric),
                f"{metric.n_songs or '–'} / {metric.n_prompts or '–'} / {metric.n_systems}",
            ),
            faint=metric.direction == "none",
        )
        for metric in scale.metrics
        if metric.headline
    ]
    columns = ("metric", "r", "r inside", "r systems", "pairs", "n")
    note = "n: songs / prompts / systems. Faint: fields without a direction."
    title = f"{scale.scale}: agreement of metrics with people{report.mark}"
    return table(title, columns, rows, note, only_files=scale.scale != report.data.protocol.primary)


def _accuracy(metric: MetricAgreement) -> str:
    figure = metric.accuracy
    if figure.value is None:
        return ""
    bounds = f" [{100 * figure.low:.0f}, {100 * figure.high:.0f}]" if figure.low is not None and figure.high else ""
    return f"{100 * figure.value:.0f}{bounds} %"


def _more(report: Report, scale: ScaleAgreement) -> Table:
    rated = any(metric.error is not None for metric in scale.metrics)
    rows = [_details(metric, rated) for metric in scale.metrics]
    columns = (
        *("metric", "rho", "tau-b", "rho systems", "tau-b systems", "pairs with ties"),
        *("decided / tied", "RMSE", "RMSE*", "outliers", "n repeated"),
    )
    note = (
        "RMSE after a non-decreasing mapping of third order (ITU-T P.1401), in points of the scale. RMSE*: only what "
        "exceeds the 95 % interval of the human mean. outliers: share of songs beyond it; both over songs rated twice "
        "or more."
    )
    return table(
        f"{scale.scale}: all figures of every field{report.mark}", columns, rows, note if rated else "", only_files=True
    )


def _details(metric: MetricAgreement, rated: bool) -> tuple[str, ...]:
    error = metric.error
    return (
        metric.column,
        estimated(metric.items.spearman) if rated else "",
        estimated(metric.items.kendall) if rated else "",
        estimated(metric.systems.spearman),
        estimated(metric.systems.kendall),
        estimated(metric.accuracy_with_ties),
        f"{metric.n_pairs} / {metric.n_ties}",
        number(error.rmse) if error else "",
        number(error.rmse_star) if error else "",
        percent(error.outliers) if error else "",
        str(error.n_repeated) if error else "",
    )


def _tests(report: Report, scale: ScaleAgreement) -> Table:
    rows = [
        (
            pair.first,
            pair.second,
            number(pair.r_first),
            number(pair.r_second),
            number(pair.r_between),
            number(pair.t),
            p_value(pair.p),
            p_value(pair.p_adjusted),
            str(pair.n),
        )
        for pair in scale.comparisons
    ]
    columns = ("first", "second", "r first", "r second", "r between", "t", "p", "p (Holm)", "songs")
    note = (
        "Williams' t (Steiger 1980). It takes songs as independent, although songs of one prompt resemble each other."
    )
    return table(f"{scale.scale}: whether two metrics differ{report.mark}", columns, rows, note, only_files=True)
