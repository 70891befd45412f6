"""Compiled numba functions, kept from run to run in a folder that no two running processes share.

numba keeps what it compiled beside the package it belongs to, in an index and a file per signature, and writes one
after the other. Two processes that compile the same function at once can leave an index whose entry for float32 names
the code for float64. Nothing notices: librosa's `onset_detect` then reads beyond its array and ends the interpreter, or
gives other numbers, in every process from then on, until somebody removes the files. So each process takes a folder for
itself alone, of its environment, its versions and its processor, and hands it back when it ends, however that happens.
A new folder begins as a copy of what ``songbench setup`` has compiled.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO

VARIABLE = "NUMBA_CACHE_DIR"
_MOST = 512
_SEED = "seed"
_LIBROSA = (
    "import librosa; librosa.feature.melspectrogram; librosa.onset.onset_detect; librosa.beat.beat_track;"
    " librosa.resample"
)
_locks: list[IO[str]] = []


def take_numba_cache() -> Path | None:
    """Give this process a cache folder of its own, unless it has one or the user has named one.

    To be called before anything imports numba; programs that this process starts inherit the folder.

    Returns:
        The folder, or None where numba decides: the user's own, no place to write, or numba is imported already.
    """
    if _locks:
        return Path(_locks[0].name).with_suffix("")
    base = _base()
    if has_own_cache() or "numba" in sys.modules:
        return None
    try:
        base.mkdir(parents=True, exist_ok=True)
        folder = next(folder for number in range(_MOST) if _lock(folder := base / str(number)))
        if not folder.exists() and (base / _SEED).is_dir():
            _copy_seed(base, folder)
    except (OSError, StopIteration):
        return None
    os.environ[VARIABLE] = str(folder)
    return folder


def has_own_cache() -> bool:
    """Whether the user has named a folder, which is theirs to share or not."""
    folder = os.environ.get(VARIABLE)
    return bool(folder) and _base() not in Path(str(folder)).parents


def is_compiled() -> bool:
    """Whether `compile_librosa` has done its work for this environment and processor."""
    return (_base() / _SEED).is_dir()


def compile_librosa() -> bool:
    """Compile what librosa compiles when it is imported, once for all processes; takes about 20 seconds.

    Returns:
        Whether that went well; where it did not, each process compiles for itself.
    """
    base = _base()
    try:
        base.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=base) as place:
            folder = Path(place, _SEED)
            variables = {**os.environ, VARIABLE: str(folder)}
            subprocess.run([sys.executable, "-c", _LIBROSA], env=variables, check=True, capture_output=True)
            folder.rename(base / _SEED)
    except (OSError, subprocess.CalledProcessError):
        return is_compiled()  # another process may have been first
    return True


def _copy_seed(base: Path, folder: Path) -> None:
    """Whole or not at all: numba believes whatever it finds."""
    with tempfile.TemporaryDirectory(dir=base) as place:
        copy = Path(place, _SEED)
        shutil.copytree(base / _SEED, copy)
        copy.rename(folder)


def _base() -> Path:
    import platformdirs

    facts = [sys.prefix, *(f"{name} {_version(name)}" for name in ("numba", "llvmlite", "librosa")), _processor()]
    key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    return Path(platformdirs.user_cache_dir("songbench")) / "numba" / key


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _processor() -> str:
    """Model and abilities of the processor, as one text."""
    try:
        rows = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return " ".join(sorted({row for row in rows if row.startswith(("model name", "flags", "Features"))}))


def _lock(folder: Path) -> bool:
    """Take a folder, if nobody has it; the operating system gives it back when this process ends."""
    import fcntl

    handle = open(folder.with_suffix(".lock"), "w", encoding="utf-8")  # noqa: SIM115  (held as long as the process lives)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return False
    _locks.append(handle)
    return True
