"""What a report was made from, remembered beside it: a report whose basis is as it was is not made again.

The basis is everything that a report's files follow from: its data, the code that lays them out, the packages that
draw, the fonts. Only its digest is kept, with that of the list of files (`songbench.execution.checksums`), against
which every file is checked again: one that was altered, lost or added has the report made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from songbench.contracts import registry
from songbench.domain.hashing import bytes_digest
from songbench.execution.checksums import SUMS, file_faults
from songbench.reporting.data_digest import DataError, add_data
from songbench.resources.files import write_atomically

BASIS = ".report_basis.json"
"""The file beside a report."""
_SCHEMA = "songbench.report-basis/2"
_ENDINGS = (".py", ".css", ".js")
_PACKAGES = ("matplotlib", "numpy", "scipy", "pillow", "soundfile")


def report_basis(data: object, plugins: Iterable[object] = ()) -> str | None:
    """The digest of what a report follows from.

    Args:
        data: everything it shows.
        plugins: what else computes something for it.

    Returns:
        64 hex digits; None where something cannot be told: data that cannot be written out, formats of other packages,
        code without files, a machine whose fonts matplotlib has not listed yet.
    """
    formats = [registry.package_of(registry.REPORTS, name) for name in registry.names(registry.REPORTS)]
    packages = {"songbench", *(type(plugin).__module__.partition(".")[0] for plugin in plugins)}
    codes = [_code(name) for name in sorted(packages)]
    fonts = _fonts()
    if not fonts or "" in codes or any(name.partition(" ")[0] != "songbench" for name in formats):
        return None
    digest = hashlib.sha256()
    surroundings = [sys.version, formats, codes, fonts, [(name, _version(name)) for name in _PACKAGES]]
    digest.update(repr(surroundings).encode())
    try:
        add_data(digest.update, data)
    except DataError:
        return None
    return digest.hexdigest()


@cache
def _code(package: str) -> str:
    """The digest of a package's modules; "" where there are no files."""
    module = sys.modules.get(package)
    file = getattr(module, "__file__", None)
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]
    if not folders:
        return bytes_digest(Path(file).read_bytes()) if file else ""
    texts = [
        (path.relative_to(folder).as_posix(), bytes_digest(path.read_bytes()))
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix in _ENDINGS
    ]
    return bytes_digest(repr(texts).encode()) if texts else ""


def _fonts() -> list[str]:
    """Digests of matplotlib's lists of fonts, without loading matplotlib, which draws in no font that is not there."""
    loaded = sys.modules.get("matplotlib")
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    places = [Path(caches) / "matplotlib", Path.home() / ".matplotlib"]
    if folder := loaded.get_cachedir() if loaded else os.environ.get("MPLCONFIGDIR"):
        places = [Path(folder)]
    return [bytes_digest(path.read_bytes()) for place in places for path in sorted(place.glob("fontlist-*.json"))]


def _version(package: str) -> str:
    with suppress(PackageNotFoundError):
        return version(package)
    return ""


# -- beside the report ---------------------------------------------------------------------------------------------


def remember_basis(folder: Path, basis: str, names: Sequence[str]) -> None:
    """Note what the report in a folder was made from.

    Args:
        folder: of the report, complete with its list of files.
        basis: of `report_basis`.
        names: its files, in order.
    """
    facts = {"schema": _SCHEMA, "basis": basis, "list": _list_digest(folder), "files": list(names)}
    with suppress(OSError):  # then the next report is made anew
        write_atomically(folder / BASIS, (json.dumps(facts, ensure_ascii=False) + "\n").encode())


def unchanged_files(folder: Path, basis: str, owned: Iterable[str]) -> list[Path] | None:
    """The files of the report in a folder, if it was made from this and every file is as it was written.

    Args:
        folder: of the report.
        basis: of `report_basis`.
        owned: patterns of files that only a report writes there.
    """
    try:
        facts = json.loads((folder / BASIS).read_bytes())
        if (facts["schema"], facts["basis"], facts["list"]) != (_SCHEMA, basis, _list_digest(folder)):
            return None
        paths = [folder / name for name in facts["files"]]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return None if file_faults(folder, owned) else paths


def _list_digest(folder: Path) -> str:
    return bytes_digest((folder / SUMS).read_bytes())
