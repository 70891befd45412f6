"""The first sentences of a report: what was found, how sure that is, and what must not be concluded. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from songbench.reporting import wording
from songbench.reporting.board import Column, Leaderboard, Row
from songbench.reporting.notes import ENOUGH_PROMPTS
from songbench.reporting.page.column_leads import ColumnLead, Margin, column_leads, competitors, margin_over

_NAMED = 3
"""Columns or systems that a sentence names; it counts the others."""


@dataclass(frozen=True)
class Conclusion:
    """What a report begins with.

    Attributes:
        sentence: what was found and how sure that is.
        limits: what a reader must not conclude, a sentence each.
    """

    sentence: str
    limits: tuple[str, ...] = ()


def answer(board: Leaderboard) -> Conclusion:
    """Say what a leaderboard shows, in plain words.

    Args:
        board: of any run: with no, one or several competitors, unfinished or failed.
    """
    return Conclusion(_sentence(board), tuple(_limits(board)))


# -- what was found ------------------------------------------------------------------------------------------------


def _sentence(board: Leaderboard) -> str:
    rows = competitors(board)
    if not any(row.n_done for row in board.rows):
        return _without_songs(board)
    if not rows:
        names = _list([row.system.name for row in board.rows])
        return f"Nothing competes in this run: {names} only anchor the scale, so there is no best system."
    scored = [row for row in rows if any(row.cells[column.name].value is not None for column in _ranked(board))]
    if not scored:
        return f"No competitor has a number yet: {_progress(rows)}."
    if len(scored) == 1:
        return _alone(board, scored[0], len(rows))
    return _ranking(board, column_leads(board))


def _without_songs(board: Leaderboard) -> str:
    total, pending = (sum(getattr(row, count) for row in board.rows) for count in ("n_asked", "n_pending"))
    failed, unsupported = (sum(getattr(row, count) for row in board.rows) for count in ("n_failed", "n_unsupported"))
    if not total:
        return "This run asks for no song, so there is nothing to report."
    causes = [f"{failed} failed"] if failed else []
    causes += [f"{unsupported} are unsupported"] if unsupported else []
    causes += [f"{pending} are still to be made"] if pending and causes else []
    why = f" ({', '.join(causes)})" if causes else ""
    return f"There is nothing to report{' yet' if pending else ''}: none of the {total} songs was made{why}."


def _alone(board: Leaderboard, row: Row, of: int) -> str:
    """One competitor has numbers: they can be held against the anchors of the scale only."""
    name = row.system.name
    only = f"{name} is the only competitor" if of == 1 else f"Of {of} competitors only {name} has numbers yet"
    sentence = f"{only}, so this run ranks nothing. "
    anchors = [anchor for anchor in board.rows if anchor.system.sanity]
    floors = [anchor for anchor in anchors if not anchor.system.ceiling]
    ceilings = [anchor for anchor in anchors if anchor.system.ceiling]
    parts = [*_significances(board, name, floors, 1), *_significances(board, name, ceilings, -1)]
    if not parts:
        return sentence + f"{_figures(board, row)}."
    return sentence + f"{_on_prompts(board)}, it is {', and '.join(parts)}."


def _significances(board: Leaderboard, name: str, anchors: Sequence[Row], sign: int) -> list[str]:
    """In how many headline columns a system is better (sign 1) or worse (-1) than anchors of the scale."""
    differing, undecided = [], []
    for anchor in anchors:
        margins = [
            margin
            for column in _ranked(board)
            if (margin := margin_over(board, column, name, anchor.system.name)) is not None
        ]
        number = sum(margin.significant and sign * margin.difference > 0 for margin in margins)
        only = "the only column" if len(margins) == 1 else ""
        if number:
            differing.append(f"{anchor.system.name} in {only or f'{number} of {len(margins)} columns'}")
        elif margins:
            undecided.append(f"{anchor.system.name} in {only or f'any of {len(margins)} columns'}")
    word = "better" if sign > 0 else "worse"
    parts = [f"significantly {word} than {_list(differing, most=len(differing))}"] if differing else []
    return parts + ([f"not significantly {word} than {_list(undecided, most=len(undecided))}"] if undecided else [])


def _ranking(board: Leaderboard, columns: Sequence[ColumnLead]) -> str:
    if not columns:
        return "No column holds numbers of two competitors, so nothing is ranked."
    on, total = _on_prompts(board), len(columns)
    ahead = _columns_ahead(columns)
    if not ahead:
        where = "the only headline column" if total == 1 else f"any of {total} headline columns"
        opening = f"{on}, no system is significantly better than every other one in {where}: which is best is open."
        return opening + _most(columns)
    (first, best), *rest = ahead.items()
    rivals = {margin.rival for lead in columns for margin in lead.margins} - {first}
    over = "every other competitor" if len(rivals) != 1 else min(rivals)
    if any(lead.competitors <= len(rivals) for leads in ahead.values() for lead in leads):
        over += " with a number there"
    parts = [f"{first} is significantly better than {over} in {_share(len(best), total)}: {_margins(best)}"]
    parts += [f"{name} is so in {len(best)}: {_margins(best)}" for name, best in rest]
    undecided = total - sum(map(len, ahead.values()))
    return f"{on}, {'; '.join(parts)}" + (f". In {undecided} it is open which is best." if undecided else ".")


def _columns_ahead(columns: Sequence[ColumnLead]) -> dict[str, list[ColumnLead]]:
    """For each system the columns in which it is significantly better than every other, the most of them first."""
    ahead: dict[str, list[ColumnLead]] = {}
    for lead in columns:
        if lead.certainty == "ahead":
            ahead.setdefault(lead.best[0], []).append(lead)
    return dict(sorted(ahead.items(), key=lambda pair: -len(pair[1])))


def _share(number: int, total: int) -> str:
    if total == 1:
        return "the only headline column"
    return f"all {total} headline columns" if number == total else f"{number} of {total} headline columns"


def _margins(columns: Sequence[ColumnLead]) -> str:
    return _list([f"{lead.column.name} ({_by(lead.column, lead.margins[0])})" for lead in columns])


def _by(column: Column, margin: Margin) -> str:
    """How far ahead, e.g. ``by 4.2 % over b``; the interval stands in the table below."""
    unit = f" {column.field.unit}" if column.field.unit else ""
    return f"by {wording.number(margin.difference, column.field)}{unit} over {margin.rival}"


def _most(columns: Sequence[ColumnLead]) -> str:
    """Who has most of the best numbers although nothing is decided."""
    best = Counter(lead.best[0] for lead in columns if lead.certainty == "open")
    if not best or len(columns) == 1:
        return ""
    count = max(best.values())
    names = [name for name, number in best.items() if number == count]
    have = "has the best number in" if len(names) == 1 else "each have the best number in"
    return f" {_list(names)} {have} {count} of them, which may be chance."


def _figures(board: Leaderboard, row: Row) -> str:
    columns = [column for column in _ranked(board) if row.cells[column.name].value is not None]
    parts = []
    for column in columns[:_NAMED]:
        cell = row.cells[column.name]
        unit = f" {column.field.unit}" if column.field.unit else ""
        figure = f"{wording.number(cell.value or 0.0, column.field)}{unit} {wording.interval(cell, column.field)}"
        parts.append(f"{figure.strip()} in {column.name}")
    return f"{_on_prompts(board)}, it has {_list(parts)}"


def _ranked(board: Leaderboard) -> list[Column]:
    return [column for column in wording.headline_columns(board) if column.ranked]


def _progress(rows: Sequence[Row]) -> str:
    return _list([f"{row.system.name} made {row.n_done} of {row.n_asked} songs" for row in rows])


def _on_prompts(board: Leaderboard) -> str:
    prompts = f"{board.prompts} prompt{'' if board.prompts == 1 else 's'}"
    takes = f" with {board.takes} takes each" if board.takes > 1 else ""
    return f"{'So far, on' if _unscored(board) else 'On'} {prompts}{takes}"


def _list(parts: Sequence[str], most: int = _NAMED) -> str:
    """``a, b and c``; what is beyond `most` is counted."""
    names = [*parts[:most], *([f"{len(parts) - most} more"] if len(parts) > most else [])]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# -- what must not be concluded ------------------------------------------------------------------------------------


def _limits(board: Leaderboard) -> Iterator[str]:
    rows = competitors(board)
    if not any(row.n_done for row in board.rows):
        return
    yield from _unfinished(board)
    yield from _few_prompts(board)
    if len(rows) > 1:
        if any(lead.certainty != "ahead" for lead in column_leads(board)):
            yield "Not significant does not mean equal: these songs are too few or too varied to tell there."
        yield "No single number orders the systems: each column measures something else, and none is a mean of others."
    if rows:
        yield f"All of it holds for the prompts of suite {board.suite} and the versions recorded here, not beyond."


def _unfinished(board: Leaderboard) -> Iterator[str]:
    pending = sum(row.n_pending for row in board.rows)
    if pending:
        of = sum(row.n_asked for row in board.rows)
        yield f"The run is not finished: {pending} of {of} songs are still to be made, so everything here may change."
    elif _unscored(board):
        yield "The run is not finished: some songs are not scored yet, so everything here may change."
    for row in competitors(board):
        if row.n_failed or row.n_unsupported:
            yield (
                f"{row.system.name} made {row.n_done} of {row.n_asked} songs; it is compared with others on the "
                "prompts that both have, and its own figures leave out what it did not make."
            )


def _unscored(board: Leaderboard) -> bool:
    return any(cell.n_pending for row in board.rows for cell in row.cells.values())


def _few_prompts(board: Leaderboard) -> Iterator[str]:
    if board.prompts == 1:
        yield "One prompt shows nothing about other prompts."
    elif board.prompts < ENOUGH_PROMPTS:
        yield (
            f"{board.prompts} prompts are few: a large difference may stay unnoticed, and intervals are rough below "
            f"{ENOUGH_PROMPTS}."
        )
