"""What the link of a panel says about the rater who follows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

LONGEST = 128
_IDENTIFIER = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.~-]{{0,{LONGEST - 1}}}", re.ASCII)
"""Letters and digits as every panel's ids have them: nothing that a page, a spreadsheet or an address could act on."""


@dataclass(frozen=True, kw_only=True)
class PanelVisit:
    """A rater as the panel knows them.

    Attributes:
        participant: the panel's id of the person; "" where the panel gives none.
        study: the panel's id of the study, or "".
        session: the panel's id of this submission, or "".
    """

    participant: str = ""
    study: str = ""
    session: str = ""


def read_visit(fields: object) -> PanelVisit:
    """The ids in a rater's link; whatever has not the form of one is left out.

    Args:
        fields: ``participant``, ``study``, ``session``, as the browser sends them; nothing of it is trusted.
    """
    values: Mapping[object, object] = fields if isinstance(fields, Mapping) else {}
    names = ("participant", "study", "session")
    return PanelVisit(**{name: _identifier(values.get(name)) for name in names})


def _identifier(value: object) -> str:
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else ""
