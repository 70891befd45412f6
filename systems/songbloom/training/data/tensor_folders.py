"""Songs as the fork Misty-Star/SongBloom prepares them: a folder per song with latents, sketch tokens and symbols.

``x_latent.pt`` [C, T], ``x_sketch.pt`` [T], ``lyrics.txt`` (symbols in SongBloom's one line), ``prompt_wav.flac`` and
``meta.json`` with ``structure_duration`` [[tag, start, end], …] in seconds. Folders without ``meta.json`` are
unfinished there, and skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from songbench.domain.audio import AudioFile
from songbench.domain.errors import InputError
from songbench.domain.hashing import file_digest
from songbench.domain.reading import decode_json, read_text
from songbench.domain.song import TimedSection
from systems.songbloom.text.vocabulary import STRUCTURE_TAGS
from systems.songbloom.training.data.records import LeftOut
from systems.songbloom.training.data.songs import GivenTensors, SourceSong, SymbolSection

META = "meta.json"
_SECTION_END = " , "


def is_tensor_folder(folder: Path) -> bool:
    """Whether a folder holds songs in this layout."""
    return any(folder.glob(f"*/{META}"))


class TensorFolderSource:
    """The songs of a folder of such folders.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[LeftOut] = []

    def songs(self) -> Sequence[SourceSong]:
        """See `systems.songbloom.training.data.songs.TrainingSongs.songs`; named by their folders."""
        self.faults = []
        songs = []
        for meta in sorted(self.folder.glob(f"*/{META}")):
            try:
                songs.append(_song(meta.parent))
            except InputError as error:
                self.faults.append(LeftOut(meta.parent.name, str(error)))
        return songs


def _song(folder: Path) -> SourceSong:
    latents, sketch, prompt = (folder / name for name in ("x_latent.pt", "x_sketch.pt", "prompt_wav.flac"))
    for path in (latents, sketch):
        if not path.is_file():
            raise InputError("There is no such file.", file=str(path))
    lyrics = symbol_sections(read_text(folder / "lyrics.txt", "lyrics"), str(folder / "lyrics.txt"))
    sections = _section_times(folder / META)
    return SourceSong(
        id=folder.name,
        identity=file_digest(latents),
        lyrics=lyrics,
        audio=None,
        sections=sections,
        prompt=AudioFile(prompt) if prompt.is_file() else None,
        tensors=GivenTensors(sketch=sketch, latents=latents),
    )


def symbol_sections(line: str, file: str) -> tuple[SymbolSection, ...]:
    """Lyrics that are symbols already, by section.

    Args:
        line: symbols between single spaces, sections parted by a comma between spaces.
        file: named in errors.

    Raises:
        InputError: a section does not begin with a tag.
    """
    sections = []
    for number, part in enumerate(line.strip().split(_SECTION_END), 1):
        symbol = part.strip().split(" ")[0]
        if symbol not in STRUCTURE_TAGS:
            raise InputError(
                f"Section {number} of the symbols begins with '{symbol[:20]}', not with a tag such as [verse].",
                file=file,
            )
        sections.append(SymbolSection(symbol.strip("[]"), part.strip()))
    return tuple(sections)


def _section_times(meta: Path) -> tuple[TimedSection, ...] | None:
    value = decode_json(read_text(meta, "notes of a song"), file=str(meta))
    rows = value.get("structure_duration") if isinstance(value, dict) else None
    if rows is None:
        return None
    try:
        return tuple(TimedSection(str(tag).strip("[]"), float(start), float(end)) for tag, start, end in rows)
    except (TypeError, ValueError):
        raise InputError("Expected [[tag, start, end], …].", file=str(meta), field="structure_duration") from None
