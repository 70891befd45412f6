"""Which seat a new rater takes."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from listening_test.collection.database import PanelVisitRow, RaterRow


def emptiest_seat(session: Session, test: str, seats: int, *, active_since: float, came_since: float) -> int:
    """The seat that the fewest raters have finished or are still at; the first of several.

    Args:
        session: of a transaction that holds the lock on the test.
        test: the digest.
        seats: how many there are.
        active_since: a rater who has not finished counts only with an answer later than this, in seconds since 1970.
        came_since: who has not answered anything yet, not even the consent, counts only when they came later than this.
    """
    occupied = select(RaterRow.seat, func.count()).where(
        RaterRow.test == test,
        RaterRow.withdrawn.is_(None),
        RaterRow.id.not_in(select(PanelVisitRow.rater).where(PanelVisitRow.end == "screened-out")),
        or_(
            RaterRow.finished.is_not(None),
            and_(RaterRow.active > RaterRow.started, RaterRow.active >= active_since),
            RaterRow.started >= came_since,
        ),
    )
    counts = {row.seat: row[1] for row in session.execute(occupied.group_by(RaterRow.seat))}
    return min(range(seats), key=lambda seat: (counts.get(seat, 0), seat))


def next_round(session: Session, test: str, seat: int) -> int:
    """How often this seat was given before, to whomever."""
    last = session.scalar(select(func.max(RaterRow.round)).where(RaterRow.test == test, RaterRow.seat == seat))
    return 0 if last is None else last + 1
