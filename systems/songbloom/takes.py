"""Which takes ``songbench sing`` makes; apart from the command, whose help all other help shows a line of."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from songbench.domain.checking import Schema, Whole

MOST_TAKES = 1000


class TakeNumbers(Schema):
    """The options of the command line.

    Attributes:
        takes: how many.
        seed: of the first; each of the others has the next one.
    """

    takes: Annotated[Whole, Field(alias="--takes", ge=1, le=MOST_TAKES)]
    seed: Annotated[Whole, Field(alias="--seed", ge=0, lt=2**63 - MOST_TAKES)]
