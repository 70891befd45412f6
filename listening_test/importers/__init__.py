"""Other tools' result files as collected ratings: format readers, nothing else.

- ``webmushra:FILE.csv``: results of webMUSHRA (``mushra.csv``, ``lms.csv``, ``lss.csv``, ``paired_comparison.csv``).
- ``musicarena:FILE``: battles of Music Arena: its logs, or its published data; JSON, JSON Lines or a folder of JSON.
- ``p808:FILE.csv``: answers of the P.808 toolkit (ACR), as downloaded from the crowd's marketplace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from listening_test.importers.options import DEFAULTS, Options
from songbench.domain.errors import InputError

if TYPE_CHECKING:  # help of all commands imports this package for its options
    from listening_test.importers.build import ImportedRatings
    from listening_test.protocol import Protocol

Reader: TypeAlias = "Callable[[Path, Protocol | None, Options], ImportedRatings]"
_OPTION_OF = {"rater_columns": "webmushra", "include_rejected": "p808"}


def _readers() -> Mapping[str, Reader]:
    from listening_test.importers.music_arena import read_music_arena
    from listening_test.importers.p808 import read_p808
    from listening_test.importers.webmushra import read_webmushra

    return {"webmushra": read_webmushra, "musicarena": read_music_arena, "p808": read_p808}


def read_import(source: str, protocol: Protocol | None = None, options: Options = DEFAULTS) -> ImportedRatings:
    """Read ``FORMAT:FILE``.

    Args:
        source: e.g. ``webmushra:results/mushra.csv``.
        protocol: scales, screening and analysis to use; None: what the file itself allows to be known.
        options: what only whoever asks can say.

    Raises:
        InputError: for an unknown format, an option of another format, a file that cannot be read, or anything in it
            that is not of this format; naming file and line.
    """
    name, colon, file = source.partition(":")
    readers = _readers()
    if name not in readers or not colon or not file:
        raise InputError(
            f"'{source}' names no format and file.",
            field="--import",
            value=name,
            allowed=readers,
            cure="Example: --import webmushra:results/mushra.csv",
        )
    for option, format_name in _OPTION_OF.items():
        if getattr(options, option) and name != format_name:
            raise InputError(f"This is for {format_name} only.", field=f"--{option.replace('_', '-')}")
    path = Path(file)
    if not path.exists():
        raise InputError("No such file.", file=str(path), field="--import")
    return readers[name](path, protocol, options)
