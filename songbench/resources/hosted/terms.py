"""What a hosted system may spend, and what its songs cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from songbench.domain.checking import Number, Schema, Whole


class Terms(Schema):
    """The settings that every hosted system has beside its own; none of them can change a song.

    Attributes:
        max_songs: the most songs that a run may buy. Nothing is bought without it.
        price: what a song (or a minute, as `Price.unit` says) costs on the user's own terms, instead of the price that
            the card knows.
        address: of the service, for a proxy or another region.
        at_once: how many songs may be made at a time, for accounts that allow more or less than the ordinary one.
        interval_s: the least time between two orders.
        poll_s: the time between two questions about a task.
        timeout_s: how long a song may take. An order that takes longer is kept, and picked up by the next run.
    """

    max_songs: Annotated[Whole, Field(ge=0)] = 0
    price: Annotated[Number, Field(ge=0)] | None = None
    address: str | None = None
    at_once: Annotated[Whole, Field(ge=1, le=64)] | None = None
    interval_s: Annotated[Number, Field(ge=0, le=3600)] | None = None
    poll_s: Annotated[Number, Field(gt=0, le=600)] | None = None
    timeout_s: Annotated[Number, Field(gt=0)] = 900.0


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a service asks for a song.

    Attributes:
        amount: for one `unit`; None: nobody has said it here.
        unit: ``song``, or ``minute`` of the song.
        currency: by its code.
        source: where that is said, and when, e.g. ``example.com/pricing, June 2026``; without an amount: where to look.
    """

    amount: float | None = None
    unit: Literal["song", "minute"] = "song"
    currency: str = "USD"
    source: str = ""

    def cost(self, seconds: float | None) -> float | None:
        """Of one song, or None where it is not known.

        Args:
            seconds: how long it will be at most, or None where the service decides without a limit.
        """
        if self.amount is None or self.unit == "song":
            return self.amount
        return None if seconds is None else self.amount * seconds / 60

    def __str__(self) -> str:
        if self.amount is None:
            return "at a price that is not known here" + (f" (see {self.source})" if self.source else "")
        return f"{self.currency} {self.amount:g} a {self.unit}" + (f" ({self.source})" if self.source else "")
