"""How a panel and a test know of each other: kind, codes, addresses. Kept in ``panel.json``, for the owner only.

They are no part of the protocol, which is published with the results: whoever knows a completion code can claim to
have finished.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, Field, model_validator

from listening_test.panel.visits import PanelVisit
from listening_test.private import write_private
from songbench.domain.checking import Schema, checked
from songbench.domain.errors import InputError

PANEL = "panel.json"
PROLIFIC_RETURN = "https://app.prolific.com/submissions/complete?cc="
"""Where Prolific takes participants back (docs.prolific.com, the study object)."""

PanelKind: TypeAlias = Literal["prolific", "code", "redirect"]
"""``prolific``; ``code``: each rater is shown a code of their own; ``redirect``: addresses of another panel."""
SessionEnd: TypeAlias = Literal["complete", "screened-out", "left"]
"""How a session ended: to the last page; a declared check was failed; without consent, or withdrawn."""
ENDS: tuple[SessionEnd, ...] = ("complete", "screened-out", "left")

_PLACES = ("participant", "study", "session", "code")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*(?::\d{1,5})?", re.IGNORECASE | re.ASCII)
_LONGEST_ADDRESS = 500


def _https(template: str) -> str:
    """An address that a rater may be sent to: https, a plain host, `_PLACES` in its query only."""
    parts = urlsplit(template)
    if parts.scheme != "https":
        raise ValueError("addresses must begin with https://")
    if not _HOST.fullmatch(parts.netloc) or len(template) > _LONGEST_ADDRESS:
        raise ValueError("expected https://, the name of a host, a path and a query")
    if re.search(r"[^\x21-\x7e]|[\\\"'<>]", template):
        raise ValueError("spaces, quotes and characters beyond ASCII must be percent-encoded")
    if "{" in parts.path + parts.fragment or "}" in parts.path + parts.fragment:
        raise ValueError("what is filled in may only stand behind the question mark")
    places = re.findall(r"\{([^{}]*)\}", parts.query)
    if unknown := [place for place in places if place not in _PLACES]:
        raise ValueError(f"{{{unknown[0]}}} cannot be filled in; there are {', '.join(_PLACES)}")
    if re.search(r"[{}]", re.sub(r"\{\w+\}", "", parts.query)):
        raise ValueError("a brace is not closed")
    return template


_Address: TypeAlias = Annotated[str, AfterValidator(_https)]
_Code: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
_Parameter: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,64}$")]


class PanelParameters(Schema):
    """What the ids are called in the panel's link; "" for an id that the panel does not give."""

    participant: _Parameter = ""
    study: _Parameter = ""
    session: _Parameter = ""


PROLIFIC_PARAMETERS = PanelParameters(participant="PROLIFIC_PID", study="STUDY_ID", session="SESSION_ID")


class Panel(Schema):
    """The settings of one test.

    Attributes:
        kind: of the panel.
        parameters: of its links.
        codes: ``prolific``: the code of each end.
        addresses: ``redirect``: where raters are sent at each end; ``{participant}``, ``{study}``, ``{session}`` and
            ``{code}`` are filled in.
    """

    kind: PanelKind
    parameters: PanelParameters = PanelParameters()
    codes: Mapping[SessionEnd, _Code] = Field(default_factory=dict)
    addresses: Mapping[SessionEnd, _Address] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Panel:
        required = {"prolific": self.codes, "redirect": self.addresses}.get(self.kind)
        if required is not None and "complete" not in required:
            raise ValueError(f"a panel of kind '{self.kind}' needs to know where a complete session leads")
        if self.codes and self.kind != "prolific":
            raise ValueError(f"a panel of kind '{self.kind}' has no fixed codes")
        if self.addresses and self.kind != "redirect":
            raise ValueError(f"a panel of kind '{self.kind}' has no addresses")
        if len(set(self.codes.values())) < len(self.codes):
            raise ValueError("the codes of the ends must differ")
        names = [name for name in self.parameters.model_dump().values() if name]
        if len(set(names)) < len(names):
            raise ValueError("the names of parameters must differ")
        if "invitation" in names:
            raise ValueError("'invitation' is the name of our own parameter")
        return self

    @property
    def screens_out(self) -> bool:
        """Whether the panel has an end of its own for raters who fail a declared check."""
        return "screened-out" in (self.codes or self.addresses)

    def destination(self, end: SessionEnd, visit: PanelVisit, code: str) -> dict[str, str]:
        """What a rater is told at the end.

        Args:
            end: how the session ended.
            visit: as the panel knows the rater.
            code: the rater's own completion code, "" for none.

        Returns:
            ``end``, ``url`` to go to and ``code`` to show, either may be "".
        """
        if self.kind == "prolific":
            fixed_code = self.codes.get(end, "")
            return {"end": end, "url": f"{PROLIFIC_RETURN}{fixed_code}" if fixed_code else "", "code": fixed_code}
        if self.kind == "redirect":
            values = {**vars(visit), "code": code}
            return {"end": end, "url": _filled(self.addresses.get(end, ""), values), "code": code}
        return {"end": end, "url": "", "code": code}

    def link(self, url: str) -> str:
        """The address to give to the panel, for a server that raters reach at `url`."""
        names = [name for name in self.parameters.model_dump().values() if name]
        filled_in = [f"{{{{%{name}%}}}}" if self.kind == "prolific" else f"<{name}>" for name in names]
        query = "&".join(f"{name}={value}" for name, value in zip(names, filled_in, strict=True))
        return f"{url}?{query}" if query else url


def _filled(template: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda place: quote(values[place[1]], safe=""), template)


def save_panel(folder: Path, panel: Panel | None) -> None:
    """Write the settings; None takes them away.

    Raises:
        OSError: when the folder cannot be written to.
    """
    path = folder / PANEL
    if panel is None:
        path.unlink(missing_ok=True)
        return
    text = json.dumps({"schema": 1, **panel.model_dump(mode="json")}, indent=1) + "\n"
    write_private(path, text.encode())


def load_panel(folder: Path) -> Panel | None:
    """The settings of a prepared test; None where it is not for a panel.

    Raises:
        InputError: when the file is damaged.
    """
    path = folder / PANEL
    if not path.exists():
        return None
    cure = "Write it anew: songbench listen panel FOLDER --kind …"
    try:
        value: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"The settings of the panel cannot be read ({error}).", file=str(path), cure=cure) from None
    if not isinstance(value, dict) or value.pop("schema", None) != 1:
        raise InputError("Expected schema 1.", file=str(path), cure=cure)
    return checked(Panel, value, file=str(path))
