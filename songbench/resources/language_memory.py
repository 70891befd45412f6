"""Languages of lyrics that were detected before.

The detector and its dictionary take longer to load than the rest of a short command, and what they say of a text is
always the same. It is kept in the user's cache folder, a line per text, under the digest of the text and of everything
that decides the answer; a line that is cut or altered is as none.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

from songbench.domain import english, language, text
from songbench.domain.language import Detection, detect_language

FILE = "languages.txt"
MOST_BYTES = 4_000_000
"""Of the file, some ten thousand texts; beyond, it begins anew."""
_DATA = {"py3langid": "data/model.npz.xz", "misaki": "data/us_gold.json"}
"""By package, what the detector and the dictionary are loaded from."""
_SIGNS = 32
"""Of a digest, in hexadecimal."""


class LanguageMemory:
    """Detects languages, each text once on a machine.

    Args:
        folder: where the file lies; default: the user's cache folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        if folder is None:
            import platformdirs

            folder = Path(platformdirs.user_cache_dir("songbench"))
        self._path = folder / FILE

    def detect(self, lines: Iterable[str]) -> Detection:
        """What `songbench.domain.language.detect_language` says of the same lines."""
        lines = tuple(lines)
        key = _digest(json.dumps([_rules(), *lines]).encode())
        detection = self._recall(key)
        if detection is None:
            detection = detect_language(lines)
            self._keep(key, detection)
        return detection

    @cached_property
    def _rows(self) -> dict[bytes, bytes]:
        """The lines of the file by their keys, not decoded yet."""
        try:
            rows = self._path.read_bytes().splitlines()
        except OSError:
            return {}
        return {row[:_SIGNS]: row for row in rows}

    def _recall(self, key: str) -> Detection | None:
        row = self._rows.get(key.encode())
        if row is None or row != _row(key, row[2 * (_SIGNS + 1) :]):
            return None
        return Detection(*json.loads(row[2 * (_SIGNS + 1) :]))

    def _keep(self, key: str, detection: Detection) -> None:
        """Add a line. Where that cannot be done the text is looked at again next time."""
        answer = json.dumps([detection.language, detection.confidence, detection.reason]).encode()
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size > MOST_BYTES:
                self._path.unlink()
            with open(self._path, "ab", buffering=0) as handle:  # one write: processes do not mix their lines
                handle.write(_row(key, answer) + b"\n")


def _row(key: str, answer: bytes) -> bytes:
    return b" ".join([key.encode(), _digest(key.encode() + answer).encode(), answer])


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_SIGNS]


@cache
def _rules() -> Sequence[object]:
    """What decides an answer beside the text: the code, and the files that the detector and the dictionary are."""
    sources = [_digest(Path(str(module.__file__)).read_bytes()) for module in (language, english, text)]
    return [*sources, unicodedata.unidata_version, *(_state_of(package, file) for package, file in _DATA.items())]


def _state_of(package: str, file: str) -> Sequence[object]:
    """Size and time of change of a file in a package, which is not imported for it."""
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        with suppress(OSError):
            state = (Path(folder) / file).stat()
            return [state.st_size, state.st_mtime_ns]
    return []
