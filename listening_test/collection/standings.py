"""Where raters are, as the database has it: one look for any number of them, so that answers can be taken together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from listening_test.collection.database import PageRow, PanelVisitRow, RaterRow
from listening_test.collection.tokens import is_token, token_hash


@dataclass(kw_only=True)
class RaterStanding:
    """One rater; changed along with the rows, so that it holds for a second answer of the same transaction.

    Attributes:
        rater: the row.
        visit: of a rater whom a panel sent, else None.
        answered: how many pages are, which is the number of the current one: none can be left out.
        page_row: of the current page, None where it was not shown yet.
    """

    rater: RaterRow
    visit: PanelVisitRow | None
    answered: int
    page_row: PageRow | None


def standings(session: Session, tokens: Iterable[object], *, panel: bool, lock: bool) -> dict[str, RaterStanding]:
    """Whose tokens they are; tokens of nobody are not among the keys.

    Args:
        session: of a transaction.
        tokens: as they came; nothing of them is trusted.
        panel: whether a panel sends raters.
        lock: whether these raters' other answers wait until the transaction ends; in the same order everywhere, so
            that two servers never wait for each other.
    """
    by_hash = {token_hash(token): token for token in tokens if isinstance(token, str) and is_token(token)}
    query = select(RaterRow).where(RaterRow.token_hash.in_(by_hash)).order_by(RaterRow.id)
    raters = session.scalars(query.with_for_update() if lock else query).all()
    if not raters:
        return {}
    names = [rater.id for rater in raters]
    counts = select(PageRow.rater, func.count(PageRow.answered)).where(PageRow.rater.in_(names))
    answered = {row[0]: row[1] for row in session.execute(counts.group_by(PageRow.rater))}
    open_pages = select(PageRow).where(PageRow.rater.in_(names), PageRow.answered.is_(None))
    page_rows = {(row.rater, row.page): row for row in session.scalars(open_pages)}
    visits = {}
    if panel:
        panel_visits = select(PanelVisitRow).where(PanelVisitRow.rater.in_(names))
        visits = {row.rater: row for row in session.scalars(panel_visits)}
    return {
        by_hash[rater.token_hash]: RaterStanding(
            rater=rater,
            visit=visits.get(rater.id),
            answered=(count := answered.get(rater.id, 0)),
            page_row=page_rows.get((rater.id, count)),
        )
        for rater in raters
    }
