"""What decoding found in the sound files of suites, remembered as long as file and checks are what they were.

A suite of a thousand references takes minutes to decode, and every command that reads it has to know what is odd about
them. So that is kept in the user's cache folder, with the digest of each file: the next command asks for size, times
and inode of the files, and opens none that is as it was. What is broken is not kept, and found broken each time.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from songbench.domain import audio, audio_file, containers, file_kinds, mpeg, sound
from songbench.domain.hashing import bytes_digest, file_digest, note_file_digest
from songbench.domain.prompt import CutAsset, FileAsset
from songbench.domain.remark import Remark, remarks_from_json, remarks_to_json
from songbench.resources.stamped_index import StampedIndex, stamp_of

_KIND = "sound"


@dataclass(frozen=True)
class SoundCheck:
    """One thing to look at: a file, or a piece of one.

    Attributes:
        asset: a file, or a cut of one.
        excerpt: whether it is a piece of a song, which may begin and end anywhere.
    """

    asset: FileAsset | CutAsset
    excerpt: bool

    @property
    def path(self) -> Path:
        """Of the file."""
        file = self.asset.recording if isinstance(self.asset, CutAsset) else self.asset
        assert isinstance(file, FileAsset)
        return file.path

    @property
    def key(self) -> str:
        """Under which its outcome is kept."""
        cut = [self.asset.start, self.asset.seconds] if isinstance(self.asset, CutAsset) else None
        return json.dumps([str(self.path), cut, self.excerpt])


class SoundChecks:
    """The outcomes of checks, looked up together and kept together, used as a context.

    Args:
        checks: all that will be asked for.
        look: decodes what a check is about and says what is odd about it.
    """

    def __init__(self, checks: Iterable[SoundCheck], look: Callable[[SoundCheck], tuple[Remark, ...]]) -> None:
        self._index = StampedIndex.in_cache("sounds")
        self._look = look
        self._stamps = _stamps(checks)
        self._remarks: dict[str, tuple[Remark, ...]] = {}
        self._new: dict[str, tuple[int, bytes]] = {}

    def __enter__(self) -> SoundChecks:
        for key, content in self._index.find(_KIND, self._stamps).items():
            code, digest, remarks = json.loads(content)
            if code == _code():
                self._remarks[key] = remarks_from_json(remarks)
                note_file_digest(json.loads(key)[0], digest)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._new:
            self._index.add(_KIND, self._new)

    def remarks(self, check: SoundCheck) -> tuple[Remark, ...]:
        """What is odd about a file or a piece of it.

        Raises:
            InputError: it cannot be used.
        """
        key = check.key
        if key not in self._remarks:
            self._remarks[key] = self._look(check)
            if key in self._stamps:
                facts = [_code(), file_digest(check.path), remarks_to_json(self._remarks[key])]
                self._new[key] = self._stamps[key], json.dumps(facts).encode()
        return self._remarks[key]


def _stamps(checks: Iterable[SoundCheck]) -> dict[str, int]:
    stamps: dict[str, int] = {}
    now_ns = time.time_ns()
    for check in checks:
        try:
            stamp = stamp_of(check.path.stat(), now_ns)
        except OSError:
            continue  # whoever looks says so
        if stamp is not None:
            stamps[check.key] = stamp
    return stamps


@functools.cache
def _code() -> str:
    """What decides the outcome of a check: the modules that decode and look."""
    modules = (audio, audio_file, containers, file_kinds, mpeg, sound)
    return bytes_digest(b"".join(Path(str(module.__file__)).read_bytes() for module in modules))[:16]
