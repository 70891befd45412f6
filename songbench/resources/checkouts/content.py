"""What lies in a folder of source: its commit, and a digest of the code."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from songbench.domain.hashing import content_key, file_digest

CODE = (".py", ".pyi", ".yaml", ".yml", ".json", ".toml", ".cfg", ".ini", ".sh")
"""Ends of the names of files that decide what a program does, beside those that its adapter names."""

MARKER = ".songbench-checkout.json"
"""Written last, so that a checkout that has it is whole; hidden, as it is no code."""

_COMMIT = re.compile(r"[0-9a-f]{40}")


def commit_at(folder: Path) -> str | None:
    """The commit that a folder was set up at, or that a work tree of git is at; None where it says nothing of it.

    Read without git. Files may have been changed since: `code_digest` tells.
    """
    if facts := read_marker(folder):
        return facts.get("commit")
    try:
        git = _git_folder(folder / ".git")
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        reference = head.removeprefix("ref: ")
        if reference == head:  # detached
            return head if _COMMIT.fullmatch(head) else None
        common = git / "commondir"  # a further work tree of one repository
        shared = git / common.read_text(encoding="utf-8").strip() if common.is_file() else git
        loose = shared / reference
        if loose.is_file():
            return loose.read_text(encoding="utf-8").strip()
        rows = (shared / "packed-refs").read_text(encoding="utf-8").splitlines()
        return next((row[:40] for row in rows if row[41:] == reference), None)
    except (OSError, ValueError):
        return None


def _git_folder(place: Path) -> Path:
    """The repository of a work tree, whose ``.git`` may be a file that says where it is."""
    if place.is_dir():
        return place
    return place.parent / place.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")


def read_marker(folder: Path) -> dict[str, Any]:
    """What was noted when a checkout was set up; empty where it was not."""
    try:
        facts: dict[str, Any] = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return facts


def code_digest(folder: Path, files: Iterable[str]) -> str:
    """The sha256 (64 hex digits) of the code in a folder and of where in it each file lies.

    Code is what ends in `CODE`, wherever it lies; hidden folders, caches and virtual environments are left out. Weights
    and songs that lie there, too, do not count.

    Args:
        folder: with the code.
        files: names of files that count whatever they end in, relative to the folder.
    """
    paths = {folder / name for name in files}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _is_foreign(Path(place, name))]
        paths |= {Path(place, name) for name in names if name.endswith(CODE) and not name.startswith(".")}
    present = sorted(path for path in paths if path.is_file())
    facts = tuple((path.stat().st_size, path.stat().st_mtime_ns) for path in present)
    return _digest(folder, tuple(present), facts)


@functools.lru_cache(maxsize=64)
def _digest(folder: Path, paths: tuple[Path, ...], facts: tuple[tuple[int, int], ...]) -> str:
    """The digest, read again only when a file's size or time of change differs."""
    return content_key(*((path.relative_to(folder).as_posix(), file_digest(path)) for path in paths))


def _is_foreign(folder: Path) -> bool:
    """Hidden, a cache, or an environment of Python's or conda's."""
    is_environment = (folder / "pyvenv.cfg").is_file() or (folder / "conda-meta").is_dir()
    return folder.name.startswith(".") or folder.name == "__pycache__" or is_environment
