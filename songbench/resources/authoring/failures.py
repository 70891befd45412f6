"""An exception as data."""

from __future__ import annotations

import traceback

from songbench.domain.errors import StoreError, UnavailableError, cause_of
from songbench.domain.song import Failure, Request

NOT_OF_ONE_SONG = (StoreError, UnavailableError)
"""Exceptions that concern the whole run, not the song at hand: they are handed on."""

DETAIL_CHARACTERS = 20_000
"""How much of the end of a traceback is kept."""


def failure_of(error: Exception, stage: str, request: Request | None = None) -> Failure:
    """What a `Failure` says of an exception.

    Args:
        error: with its traceback.
        stage: ``generate``, ``score`` or ``feature``.
        request: the one that could not be answered, of a system.

    Returns:
        The type and text of the exception as cause, one line of at most 300 characters; the traceback as detail.
    """
    detail = "".join(traceback.format_exception(error))[-DETAIL_CHARACTERS:]
    return Failure(stage, cause_of(error), detail, request=request)
