"""Which state of the authors' code is used, as what goes wrong in silence changed with it."""

from __future__ import annotations

from dataclasses import dataclass

from songbench.resources import checkouts
from systems.acestep15.environment import CHECKOUT


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A state of the code.

    Attributes:
        commit: of it, "" where the user's own folder does not say.
        later: whether it is later than the pinned one: songs are brought to a level of -1 dBFS, silent ones are saved
            like any other, lengths are no longer taken from reference audio or cut to the device's memory.
        xl: whether it knows the models of 4 B parameters.
    """

    commit: str
    later: bool = False
    xl: bool = False


PINNED = Revision(commit=CHECKOUT.commit)


def present_revision() -> Revision:
    """That of the folder in use, seen from the code itself; the pinned one where it is not here yet."""
    folder = checkouts.path_of(CHECKOUT)
    if folder is None:
        return PINNED

    def holds(file: str, word: str) -> bool:
        path = folder / file
        return path.is_file() and word in path.read_text(encoding="utf-8", errors="replace")

    return Revision(
        commit=checkouts.commit_at(folder) or ("" if checkouts.override_of(CHECKOUT) else CHECKOUT.commit),
        later=holds("acestep/inference.py", "enable_normalization"),
        xl=holds("acestep/model_downloader.py", "acestep-v15-xl-"),
    )
