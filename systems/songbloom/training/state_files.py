"""States of a training on disk: whole or not there, the latest few of them."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import torch
from safetensors import SafetensorError

from songbench.domain.errors import InputError, StoreWriteError
from songbench.resources.files import whole_file

_NAME = re.compile(r"state_(\d{8,})\.pt")


class StateFiles:
    """The states in a folder.

    Args:
        folder: made with the first state.
        keep: how many.
    """

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder, self.keep = folder, keep

    def save(self, step: int, state: Mapping[str, Any]) -> Path:
        """Write a state; earlier ones are removed once it is whole.

        Raises:
            StoreWriteError: there is no room; the earlier states are still there.
        """
        path = self.folder / f"state_{step:08d}.pt"
        with explained_writing(path, self._remainder(step)):
            with whole_file(path) as handle:
                _write(state, handle)
            for old in self._paths()[: -self.keep]:
                old.unlink(missing_ok=True)
        return path

    def latest(self) -> dict[str, Any] | None:
        """The state of the most steps; None where there is none.

        Raises:
            InputError: it cannot be read.
        """
        paths = self._paths()
        if not paths:
            return None
        try:
            state: dict[str, Any] = torch.load(paths[-1], map_location="cpu", weights_only=True, mmap=True)
        except Exception as error:  # a zip, a pickle or the disk can be at fault, each with errors of its own
            raise InputError(
                f"The state cannot be read: {str(error).splitlines()[0][:150]}.",
                file=str(paths[-1]),
                cure="Remove the file: the training goes on from the state before it, or anew.",
            ) from error
        return state

    def _paths(self) -> list[Path]:
        paths = [path for path in self.folder.glob("state_*.pt") if _NAME.fullmatch(path.name)]
        return sorted(paths, key=_step)

    def _remainder(self, step: int) -> str:
        earlier = [number for number in map(_step, self._paths()) if number < step]
        return f"the state of step {earlier[-1]} is kept" if earlier else "there was no state before it"


def _write(state: Mapping[str, Any], handle: BinaryIO) -> None:
    """Save with torch, which says nothing sensible of a disk that is full.

    Raises:
        OSError: what the disk said.
    """
    stream = _ErrorKeeper(handle)
    try:
        torch.save(dict(state), cast(BinaryIO, stream))
    except RuntimeError as error:
        if stream.error is None:
            raise
        raise stream.error from error


class _ErrorKeeper(io.RawIOBase):
    """Passes bytes on to a file and keeps the first error of that."""

    def __init__(self, handle: BinaryIO) -> None:
        self.handle = handle
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        try:
            return self.handle.write(data)
        except OSError as error:
            self.error = self.error or error
            raise


def _step(path: Path) -> int:
    return int(path.stem.removeprefix("state_"))


@contextmanager
def explained_writing(path: Path, remainder: str) -> Iterator[None]:
    """Turn a full disk into a sentence that says what is left and how to go on.

    Args:
        path: what is written.
        remainder: what is left of the training if it cannot be.

    Raises:
        StoreWriteError: instead of whatever was raised.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0].rstrip(".")[:200]
        raise StoreWriteError(
            f"'{path}' cannot be written ({reason}). Nothing but it is lost: {remainder}. Make room on the disk and"
            " give the same command again."
        ) from error
