"""The source of other people's programs: where it is, whether it is ready, and which state it is."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from songbench.contracts.cards import READY, Availability, unavailable
from songbench.resources.checkouts.content import MARKER, code_digest, commit_at, read_marker

VARIABLE = "SONGBENCH_CHECKOUTS"
"""Names the folder of all checkouts."""


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A commit of a repository on GitHub, declared next to the adapter that drives its program.

    Register it by an entry point of the group ``songbench.checkouts`` under its name.

    Attributes:
        name: what ``songbench setup NAME`` calls it.
        summary: one sentence.
        repository: ``OWNER/REPO``.
        commit: 40 hex digits.
        licence: of the code.
        files: paths that must exist in it, such as the program that is run.
        submodules: whether the repository's submodules are needed, too.
        about: an estimate of the bytes it takes on disk.
        restricted: the licence forbids some uses; nothing is fetched without ``--accept-licence``.

    Raises:
        ValueError: for a repository or commit of another form, or when no file is named.
    """

    name: str
    summary: str
    repository: str
    commit: str
    licence: str
    files: tuple[str, ...]
    submodules: bool = False
    about: int = 0
    restricted: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repository):
            raise ValueError(f"the repository of the checkout '{self.name}' is no OWNER/REPO: '{self.repository}'")
        if not re.fullmatch(r"[0-9a-f]{40}", self.commit):
            raise ValueError(f"the commit of the checkout '{self.name}' is no 40 hex digits: '{self.commit}'")
        if not self.files:
            raise ValueError(f"the checkout '{self.name}' names no file by which it is known")

    @property
    def address(self) -> str:
        """Where git fetches it from."""
        return f"https://github.com/{self.repository}.git"


def checkouts_folder() -> Path:
    """Where checkouts are kept: ``SONGBENCH_CHECKOUTS``, else the user's cache folder."""
    import platformdirs

    return Path(os.environ.get(VARIABLE) or Path(platformdirs.user_cache_dir("songbench")) / "checkouts")


def folder_of(checkout: Checkout) -> Path:
    """Where it lies once it is set up; another commit lies elsewhere."""
    return checkouts_folder() / f"{checkout.name}-{checkout.commit[:12]}"


def note_of(checkout: Checkout) -> Path:
    """The file that holds the path of a user's own folder, given by ``songbench setup NAME --upstream PATH``."""
    return checkouts_folder() / f"{checkout.name}.json"


def override_variable(checkout: Checkout) -> str:
    """The environment variable that names another folder to use instead, e.g. ``SONGBENCH_UPSTREAM_DIFFRHYTHM``."""
    return "SONGBENCH_UPSTREAM_" + re.sub(r"[^A-Z0-9]", "_", checkout.name.upper())


def override_of(checkout: Checkout) -> str | None:
    """What the user's variable says, if it is set."""
    return os.environ.get(override_variable(checkout)) or None


def noted_folder(checkout: Checkout) -> Path | None:
    """The user's own folder that ``songbench setup NAME --upstream PATH`` has noted, if any."""
    try:
        return Path(json.loads(note_of(checkout).read_text(encoding="utf-8"))["path"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def users_folder(checkout: Checkout) -> Path | None:
    """The folder that the user says is to be used: by the variable, else as noted; it may be absent or incomplete."""
    override = override_of(checkout)
    return Path(override).expanduser().absolute() if override else noted_folder(checkout)


def path_of(checkout: Checkout) -> Path | None:
    """The folder with the source, or None when it is not here.

    The user's own folder counts when the files that the checkout names are in it.
    """
    if folder := users_folder(checkout):
        return None if missing_files(checkout, folder) else folder
    folder = folder_of(checkout)
    return folder if (folder / MARKER).is_file() else None


def missing_files(checkout: Checkout, folder: Path) -> list[str]:
    """Which of the files that a checkout names are not in a folder."""
    return [name for name in checkout.files if not (folder / name).exists()]


def availability(checkout: Checkout) -> Availability:
    """Ready when it is set up, or when the user names a folder of their own; else what is missing and the command."""
    if path_of(checkout):
        return READY
    accept = " --accept-licence" if checkout.restricted else ""
    if folder := users_folder(checkout):
        variable = override_variable(checkout)
        lacking = f"lacks {', '.join(missing_files(checkout, folder))}" if folder.is_dir() else "is no folder"
        if override_of(checkout):
            cure = f"correct {variable}, or unset it and run songbench setup {checkout.name}{accept}"
            return unavailable(f"{variable} names '{folder}', which {lacking}", cure)
        return unavailable(
            f"the source '{checkout.name}' was said to be in '{folder}', which {lacking}",
            f"songbench setup {checkout.name} --upstream PATH{accept}, or songbench setup {checkout.name} --remove",
        )
    return unavailable(
        f"the source '{checkout.name}' ({checkout.repository}, {checkout.licence}) is not here",
        f"songbench setup {checkout.name}{accept}",
    )


def fetch_commands(checkout: Checkout) -> list[str]:
    """What brings it into FOLDER on a machine with a network, for ``songbench setup --from FOLDER``."""
    if checkout.submodules:
        clone = f"FOLDER/{checkout.name}"
        return [
            f"git clone --recurse-submodules {checkout.address} {clone}",
            f"git -C {clone} checkout --recurse-submodules {checkout.commit}",
        ]
    archive = f"{checkout.address.removesuffix('.git')}/archive/{checkout.commit}.tar.gz"
    return [f"curl --fail --location --output FOLDER/{checkout.name}.tar.gz {archive}"]


def identity_of(checkout: Checkout) -> str:
    """What a song's key takes: the commit; of a user's own folder, what is in it, wherever it lies.

    Returns:
        The commit where the source was fetched at it (or is not here yet); else a digest of the code, with the commit
        that the folder says it is at.
    """
    if folder := users_folder(checkout):
        digest = code_digest(folder, checkout.files)[:12]
        return f"of your own, commit {commit_at(folder) or 'unknown'}, code {digest}"
    facts = read_marker(folder_of(checkout))
    return checkout.commit if facts.get("commit", checkout.commit) else f"a copy, code {str(facts['digest'])[:12]}"


def is_changed(checkout: Checkout) -> bool:
    """Whether the code was changed since it was set up; a user's own is theirs to change."""
    folder = path_of(checkout)
    if folder is None or users_folder(checkout):
        return False
    return code_digest(folder, checkout.files) != read_marker(folder).get("digest")
