"""Scores of sound files of which there is no suite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

from songbench.api.loaded_run import Run
from songbench.api.options import Location, checked_options
from songbench.api.running import run


@checked_options
def score_files(
    files: Location | Sequence[Location],
    *,
    metrics: Sequence[str] | None = None,
    lyrics: Location | Mapping[str, str] | None = None,
    vocals: Location | Mapping[str, Location] | None = None,
    references: Location | Mapping[str, Location] | None = None,
    style: str | None = None,
    language: str | None = None,
    name: str | None = None,
    store: Location | None = None,
    runs: Location | None = None,
    workers: int | None = None,
    overrides: Sequence[str] | None = None,
    retry_failed: bool = False,
    replace: bool = False,
) -> Run:
    """Score finished audio without a suite, by every metric that allows it.

    Args:
        files: a folder of sound files, or their paths.
        metrics: ids, bare names for all their backends, or presets; None: every embedded metric, with `vocals` the
            preset ``v2a``.
        lyrics: what is sung: a folder of ``NAME.txt``, or texts by the names of the files without suffix; in any form
            of a suite. None: metrics that compare with the lyrics are not applicable.
        vocals: the files are accompaniments (track ``v2a``), and these the vocals they were made for: a folder of
            ``NAME.wav``, paths by the names of the files without suffix, or one file that is the vocal of all. Lengths
            are compared with the vocal's, and metrics mix both by a fixed rule where they hear the mix.
        references: the true accompaniments of these vocals, likewise; a file without one has no number where something
            is compared with the truth. Only with `vocals`.
        style: of all files, in words, for metrics that compare with it.
        language: of the lyrics; None: detected from their words.
        name: of the run and its folder; default: ``files-FOLDER``.
        store: where results live, a folder or any fsspec URL.
        runs: the folder of run folders.
        workers: worker processes, 1 to 1,024.
        overrides: any other setting, as after ``--set``.
        retry_failed: try again what is stored as failed.
        replace: start the run of this name anew, as after files came or went; nothing stored is lost.

    Returns:
        A run like any other, with one system, called like the folder: ``.scores`` has a row for each file and field,
        ``.songs`` the ids that stand for the files.

    Raises:
        InputError: there is no sound file, one cannot be read, a vocal is missing, there are true accompaniments and no
            vocals, or the run of this name is about other files.

    Example::

        scores = songbench.score_files("downloads", metrics=["audio"]).scores
        bands = songbench.score_files("bands", vocals="vocals", references="truth", metrics=["v2a"]).scores
    """
    from songbench.execution.loose_files import audio_of, lyrics_of, sound_files, write_file_suite
    from songbench.execution.run_folders import RUNS

    listed = [files] if isinstance(files, str | PathLike) else files
    places = [Path(str(place)) for place in listed]
    paths = list(dict.fromkeys(path for place in places for path in sound_files(place)))
    label = _label(places)
    name = name or f"files-{label}"
    if isinstance(lyrics, Mapping):
        texts = {path: lyrics[path.stem] for path in paths if path.stem in lyrics}
    else:
        texts = lyrics_of(paths, Path(str(lyrics))) if lyrics is not None else {}
    suite, manifest = write_file_suite(
        paths,
        Path(str(runs or RUNS)) / name,
        name,
        lyrics=texts,
        style=style or "",
        language=language,
        vocals=None if vocals is None else audio_of(paths, _paths(vocals), "vocals"),
        references=None if references is None else audio_of(paths, _paths(references), "references"),
    )
    return run(
        suite=suite,
        systems=[f"imported:{label}={manifest}"],
        metrics=metrics,
        name=name,
        store=store,
        runs=runs,
        workers=workers,
        overrides=overrides,
        retry_failed=retry_failed,
        replace=replace,
    )


def _paths(place: Location | Mapping[str, Location]) -> Path | dict[str, Path]:
    if isinstance(place, Mapping):
        return {name: Path(str(path)) for name, path in place.items()}
    return Path(str(place))


def _label(places: Sequence[Path]) -> str:
    """What the files are called together: their folder, or ``files``."""
    from songbench.execution.loose_files import identifiers

    if len(places) > 1:
        return "files"
    place = places[0].absolute()
    return identifiers([place if place.is_dir() else place.parent])[0]
