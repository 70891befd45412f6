"""The songs of a suite: recordings of its prompts that were made elsewhere, or its rendered reference songs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import entry_points
from itertools import count
from pathlib import Path

from songbench.domain.audio import AudioFile
from songbench.domain.errors import InputError
from songbench.domain.prompt import FileAsset, Prompt, RenderAsset
from songbench.domain.suite import Suite, load_suite
from systems.imported.files import Files, Folder, Take
from systems.imported.manifest import Manifest, manifest_in
from systems.songbloom.training.data.records import LeftOut
from systems.songbloom.training.data.rendering import rendered_song
from systems.songbloom.training.data.sidecars import read_sidecar
from systems.songbloom.training.data.songs import SourceSong

GROUP = "songbench.suites"


def suite_path(source: str) -> Path | None:
    """The file of a registered suite; None where there is no suite of this name."""
    entries = entry_points(group=GROUP, name=source)
    return Path(next(iter(entries)).load()) if entries else None


class SuiteSource:
    """The songs of a suite's prompts.

    Args:
        path: of the suite file.
        audio: recordings of its prompts in the layout of the system `imported`: a folder or a manifest. None: reference
            songs are taken that a system renders from the prompts' own lyrics, with the times it knows.
        references: reference songs in files sing the lyrics of their prompts, too; nothing says so in a suite, where a
            reference is any complete song of the style.

    Raises:
        InputError: the suite or the manifest cannot be read, or the suite is of another track.
    """

    def __init__(self, path: Path, *, audio: Path | None = None, references: bool = False) -> None:
        self.suite: Suite = load_suite(path)
        if self.suite.track != "song":
            raise InputError(f"Songs are needed, but this suite is of track '{self.suite.track}'.", file=str(path))
        self._files = _files(audio) if audio else None
        self._references = references
        self.faults: list[LeftOut] = []

    def songs(self) -> Sequence[SourceSong]:
        """See `systems.songbloom.training.data.songs.TrainingSongs.songs`."""
        self.faults = []
        return [song for prompt in self.suite.prompts for song in self._of(prompt)]

    def _of(self, prompt: Prompt) -> Iterator[SourceSong]:
        try:
            if self._files is not None:
                yield from self._recordings(prompt, self._files)
            elif isinstance(prompt.reference, RenderAsset):
                yield rendered_song(prompt, prompt.reference)
            elif isinstance(prompt.reference, FileAsset) and self._references:
                yield self._recording(prompt, prompt.id, prompt.reference.path)
            else:
                raise InputError(
                    "Its reference is a recording, of which nothing says that it sings these lyrics."
                    if prompt.reference
                    else "It has no reference song.",
                    cure="Give recordings of the prompts with --audio, or say --references where the references are.",
                )
        except InputError as error:
            self.faults.append(LeftOut(prompt.id, str(error)))

    def _recordings(self, prompt: Prompt, files: Files) -> Iterator[SourceSong]:
        for number in count():
            file = files.of(Take(prompt.id, number))
            if file is None:
                if number == 0:
                    raise InputError("There is no recording of it.")
                return
            yield self._recording(prompt, f"{prompt.id}_s{number}" if number else prompt.id, file.path)

    def _recording(self, prompt: Prompt, name: str, path: Path) -> SourceSong:
        source = AudioFile(path)
        facts = read_sidecar(path)
        if not path.is_file():
            raise InputError("There is no such audio file.", file=str(path))
        return SourceSong(
            id=name,
            identity=source.digest,
            lyrics=prompt.lyrics,
            audio=lambda: source,
            language=prompt.language,
            sections=facts.sections,
            words=facts.words,
        )


def _files(place: Path) -> Files:
    if place.is_dir():
        manifest = manifest_in(place)
        return Manifest(manifest) if manifest else Folder(place)
    if not place.is_file():
        raise InputError("There is no such folder or manifest.", file=str(place), field="--audio")
    return Manifest(place)
