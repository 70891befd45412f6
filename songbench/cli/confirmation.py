"""Asking before something is removed."""

from __future__ import annotations

import sys

import typer


def confirmed(question: str) -> bool:
    """Whether the user says yes.

    Raises:
        InputError: when nobody can answer.
    """
    from songbench.domain.errors import InputError

    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        if sys.stdin.isatty():
            raise
        raise InputError("Nobody answers here.", cure="--yes removes without asking.") from None
