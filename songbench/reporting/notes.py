"""Remarks that the numbers themselves call for, so that nobody has to be an expert to read a leaderboard with care."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from songbench.contracts.conflicts import conflicts_among
from songbench.reporting.board import Column, Leaderboard, Row
from songbench.reporting.facets import CONDITION
from songbench.reporting.limits import counted_reasons
from songbench.reporting.listening_results import ListeningResult
from songbench.reporting.wording import headline_columns, number, p_value, part

FEW_PROMPTS = 6
"""Below this many prompts the sign-flip test cannot reach 0.05, however large the difference."""


def board_notes(board: Leaderboard) -> list[str]:
    """Everything worth saying about this leaderboard, in a fixed order."""
    return [
        *_few_prompts(board),
        *_rough_intervals(board),
        *_incomplete(board),
        *_stand_ins(board),
        *_conflicts(board),
        *_floors(board),
        *_levels(board),
        *_leading_anchors(board),
        *_no_common_ground(board),
        *_turned_differences(board),
        *_constant_differences(board),
        *_unequal_sets(board),
    ]


def _few_prompts(board: Leaderboard) -> Iterator[str]:
    if board.prompts == 1:
        yield "A single prompt: there are no intervals and no comparisons, and nothing here holds for other prompts."
    elif board.prompts < FEW_PROMPTS:
        yield (
            f"Only {board.prompts} prompts: significance rests on differences being about normally distributed (the "
            f"sign-flip p cannot be below {2 / 2**board.prompts:g})."
        )


ENOUGH_PROMPTS = 20
"""From this many prompts on 95 % intervals hold the truth of skewed scores in at least 93 % of simulated sets."""
SKEWED_COVERAGE = {3: 83, 6: 90, 10: 93}
"""Below it, by prompts, in how many percent: of all designs in ``results/leaderboard_calibration.md`` the worst."""


def _rough_intervals(board: Leaderboard) -> Iterator[str]:
    cells = [
        row.cells[column.name] for row in board.rows for column in headline_columns(board) if column.kind == "song"
    ]
    fewest = min((cell.n_prompts for cell in cells if cell.low is not None), default=ENOUGH_PROMPTS)
    if fewest < ENOUGH_PROMPTS:
        simulated = max((count for count in SKEWED_COVERAGE if count <= fewest), default=min(SKEWED_COVERAGE))
        least = " at the least" if fewest < board.prompts else ""
        yield (
            f"Intervals rest on {fewest} prompts{least}, too few to see how skewed scores are. On {simulated} prompts "
            f"with skewed scores 95 % intervals held the truth in {SKEWED_COVERAGE[simulated]} % of simulated sets; "
            f"from {ENOUGH_PROMPTS} prompts on in 93 % or more."
        )


def _incomplete(board: Leaderboard) -> Iterator[str]:
    for row in board.rows:
        name = row.system.name
        if row.n_failed:
            causes = Counter(note.cause for note in board.failures if note.system == name and not note.metric)
            listed = "; ".join(f"{cause} (×{count})" for cause, count in causes.most_common(3))
            rest = " Its other numbers rest on the songs it made." if row.n_done else ""
            yield f"{name} failed to make {row.n_failed} of {row.n_asked} songs: {listed}.{rest}"
        if row.n_unsupported:
            reasons = counted_reasons(song for song in board.unsupported if song.system == name)
            rest = " Its numbers rest on the songs it made." if row.n_done else ""
            yield f"{name} made {row.n_done} of {row.n_asked} songs, {row.n_unsupported} unsupported: {reasons}.{rest}"
        if row.n_pending:
            yield f"{name}: {row.n_pending} of {row.n_asked} songs are not made yet; its numbers are provisional."


def _stand_ins(board: Leaderboard) -> Iterator[str]:
    """Models that stand in for those of papers, and methods without a model; facts of the signal are neither."""
    metrics = dict.fromkeys(column.metric for column in board.columns if column.kind != "panel")
    embedded = [metric for metric in metrics if metric.backend and not metric.reference]
    kinds = {
        "with stand-in backends": [metric.id for metric in embedded if metric.needs],
        "by methods of their own": [metric.id for metric in embedded if not metric.needs],
    }
    ways = [f"{way}: {', '.join(names)}" for way, names in kinds.items() if names]
    if ways:
        yield f"Measured {'; '.join(ways)}. Compare these numbers with each other, not with numbers in papers."


def _conflicts(board: Leaderboard) -> Iterator[str]:
    systems = [row.system for row in board.rows]
    for metric in dict.fromkeys(column.metric for column in board.columns):
        for conflict in conflicts_among(metric, systems):
            yield f"{metric.id} does not judge {', '.join(conflict.systems)} fairly: {conflict.why}."


def _floors(board: Leaderboard) -> Iterator[str]:
    """What a recogniser gets wrong by itself, told with every error rate that rests on one."""
    ceilings = [row for row in board.rows if row.system.ceiling]
    for column in headline_columns(board):
        if "words" not in (column.metric.hears if column.field.hears is None else column.field.hears):
            continue
        values = [(row.system.name, row.cells[column.name].value) for row in ceilings]
        floors = [f"{number(value, column.field)} for {name}" for name, value in values if value is not None]
        if floors:
            yield (
                f"{column.name} counts the recogniser's errors too: read it against {', '.join(floors)}, if the suite's"
                " references sing these words."
            )


LEVELS = {"chance": "by chance", "self": "for the prompt and the song it was cut from"}
"""What fields named ``HEADLINE_chance`` and ``HEADLINE_self`` tell: levels to read a figure by."""


def _levels(board: Leaderboard) -> Iterator[str]:
    rows = [row for row in board.rows if not row.system.sanity] or list(board.rows)
    for column in headline_columns(board):
        levels = []
        for ending, meaning in LEVELS.items():
            level = column.metric.column(f"{column.field.name}_{ending}")
            figures = [row.cells[level].value for row in rows if level in row.cells]
            values = sorted({number(value, column.field) for value in figures if value is not None}, key=float)
            if values:
                levels.append(f"{' to '.join(dict.fromkeys([values[0], values[-1]]))} {meaning}")
        if levels:
            yield f"{column.name}: read it beside {', '.join(levels)}."


def _leading_anchors(board: Leaderboard) -> Iterator[str]:
    """A column that something other than a song can win is to be distrusted; a ceiling's lead is as it should be."""
    for row in board.rows:
        leads = [lead for column in headline_columns(board) if column.ranked and (lead := _lead(board, column, row))]
        if row.system.sanity and leads and not row.system.ceiling:
            yield (
                f"Sanity system {row.system.name} ({row.system.summary.rstrip('.')}) is ahead of every competitor in "
                f"{'; '.join(leads)}. Something other than a good song is rewarded there: "
                f"read {'these columns' if leads[1:] else 'this column'} with care."
            )


def _lead(board: Leaderboard, column: Column, row: Row) -> str:
    """What to say of a row that is better than all competitors; "" when it is not."""
    value = row.cells[column.name].value
    competitors = [(r.cells[column.name].value, r.system.name) for r in board.rows if not r.system.sanity]
    scored = [(figure, name) for figure, name in competitors if figure is not None]
    if value is None or not scored:
        return ""
    sign = 1 if column.field.direction == "higher" else -1
    top, name = max(scored, key=lambda figure: sign * figure[0])
    if sign * value <= sign * top or number(value, column.field) == number(top, column.field):
        return ""  # a lead that the table cannot show is not worth a remark
    context = [
        f"{companion.field.name} {number(figure, companion.field)}"
        for companion in headline_columns(board)
        if companion.metric == column.metric
        and not companion.ranked
        and (figure := row.cells[companion.name].value) is not None
    ]
    text = number(value, column.field) + (f" with {', '.join(context[:2])}" if context else "")
    return f"{column.name} ({text}; best competitor {name}: {number(top, column.field)})"


def _no_common_ground(board: Leaderboard) -> Iterator[str]:
    for column in board.columns:
        cells = [row.cells[column.name] for row in board.rows if not row.system.sanity]
        scored = [cell for cell in cells if cell.value is not None]
        if column.ranked and len(scored) > 1 and not any(cell.best for cell in scored):
            yield f"{column.name}: no competitor covers every song the others were scored on, so none is marked best."


def _turned_differences(board: Leaderboard) -> Iterator[str]:
    """Figures on different songs can differ the other way than the systems do on the songs they share."""
    columns = {column.name: column for column in headline_columns(board) if column.kind != "panel"}
    cells = {row.system.name: row.cells for row in board.rows}
    for pair in board.comparisons:
        if pair.column not in columns or not pair.significant:
            continue
        first, second = (cells[name][pair.column].value for name in (pair.first, pair.second))
        if first is not None and second is not None and (first - second) * pair.difference < 0:
            field = columns[pair.column].field
            sign = "+" if pair.difference > 0 else ""
            yield (
                f"{pair.column}: on the {pair.n_prompts} prompts that both were scored on, {pair.first} differs from "
                f"{pair.second} by {sign}{number(pair.difference, field)}, the other way than their figures, which "
                "rest on different songs."
            )


def _constant_differences(board: Leaderboard) -> Iterator[str]:
    """Differences that are the same on every prompt and yet not significant: t is undefined, sign flips are too few."""
    columns = {column.name: column for column in headline_columns(board) if column.kind != "panel"}
    pairs: dict[tuple[int, str], dict[str, list[str]]] = {}
    for pair in board.comparisons:
        if pair.column not in columns or pair.significant or pair.low is None or pair.low != pair.high:
            continue
        size = number(abs(pair.difference), columns[pair.column].field)
        if float(size) and pair.p_flip is not None:
            of_columns = pairs.setdefault((pair.n_prompts, p_value(pair.p_flip)), {})
            of_columns.setdefault(pair.column, []).append(f"{pair.first} and {pair.second} ({size})")
    for (prompts, p), of_columns in pairs.items():
        listed = "; ".join(f"{column}: {', '.join(names)}" for column, names in of_columns.items())
        yield (
            f"Differences that are the same on all {prompts} prompts have no spread to be tested by, only their signs, "
            f"whose p is {p} here and is not below {board.level:g} once it is corrected for the number of pairs. So no "
            f"letter parts these, however far apart they are: {listed}."
        )


def _unequal_sets(board: Leaderboard) -> Iterator[str]:
    for column in board.columns:
        counts = {row.system.name: row.cells[column.name].n for row in board.rows if row.cells[column.name].n}
        if column.kind == "set" and len(set(counts.values())) > 1:
            sizes = ", ".join(f"{name} {n}" for name, n in counts.items())
            yield f"{column.name} rests on sets of different sizes ({sizes}), and such figures depend on the size."


def part_notes(facet: str, parts: int) -> list[str]:
    """What a reader of one part of a run must know: that there are more.

    Args:
        facet: by which the run is told apart.
        parts: how many there are.
    """
    if parts < 2:
        return []
    return [
        f"One of {parts} parts by {facet}, each tested by itself: who looks through all of them finds differences by "
        "chance more often than in one table. What still holds after the correction over all parts is p (Holm, all "
        "parts). That a difference is significant in one part and not in another does not show that the parts differ."
    ]


def facet_notes(board: Leaderboard) -> list[str]:
    """The parts of a leaderboard: how large they are, and which of their differences outlast all having been looked at.

    Args:
        board: the leaderboard of the whole run; without a facet there is nothing to say.
    """
    if board.facet is None or not board.tables:
        return []
    parts = {part(board.facet, value): table for value, table in board.tables.items()}
    sizes = ", ".join(f"{name} ({_extent(board.facet, table)})" for name, table in parts.items())
    notes = [f"{_count(len(parts), 'part')}: {sizes}."]
    small = [name for name, table in parts.items() if table.prompts < FEW_PROMPTS]
    if small:
        notes.append(
            f"Fewer than {FEW_PROMPTS} prompts: {', '.join(small)}. Only very large differences can be seen there, "
            "and only if differences are about normally distributed."
        )
    if len(parts) > 1:
        notes.append(_over_parts(parts, board.level))
    return notes


def _extent(facet: str, table: Leaderboard) -> str:
    number = sum(not row.system.sanity for row in table.rows) if facet == CONDITION else table.prompts
    return _count(number, "competitor" if facet == CONDITION else "prompt")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _over_parts(parts: Mapping[str, Leaderboard], level: float) -> str:
    headlines = {name: {column.name for column in headline_columns(table)} for name, table in parts.items()}
    significant = [
        (name, pair)
        for name, table in parts.items()
        for pair in table.comparisons
        if pair.column in headlines[name] and pair.significant and pair.p_over_parts is not None
    ]
    if not significant:
        return "Each part is tested by itself; none has a significant difference in a column that is shown."
    lasting = sum(pair.p_over_parts is not None and pair.p_over_parts < level for _, pair in significant)
    return (
        f"Each part is tested by itself. Together they have {_count(len(significant), 'significant difference')} in "
        f"the columns that are shown, of which {lasting} outlast{'s' if lasting == 1 else ''} Holm's correction over "
        "all parts. Go by the latter where parts are looked through for differences."
    )


def listening_notes(listening_results: Sequence[ListeningResult], in_run: Collection[str]) -> list[str]:
    """What a reader of a leaderboard must know of its listening tests.

    Args:
        listening_results: of the tests.
        in_run: the names of all systems of the run.
    """
    notes = []
    for result in listening_results:
        if result.simulated:
            notes.append(
                f"SIMULATED: the columns @{result.name} were answered by a program, not by people. They say nothing "
                "about the songs."
            )
        date = f", last answer {result.answered}" if result.answered else ""
        notes.append(
            f"Columns @{result.name}: listening test, {result.form}, {result.raters} raters after screening{date}, "
            f"protocol {result.protocol_digest[:12]}. Intervals, letters and ranks are the test's own, over raters and "
            f"songs ({100 * result.confidence:g} %)."
        )
        strangers = sorted({name for scale in result.scales for name in scale.systems} - set(in_run))
        if strangers:
            notes.append(
                f"The listening test {result.name} also heard {', '.join(strangers)}, which are not in this run."
            )
        notes += [f"Listening test {result.name}: {note}" for note in result.notes]
    return notes
