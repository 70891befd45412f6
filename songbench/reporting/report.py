"""Everything a run reports, as a folder of files that replace those of an earlier report one by one, each at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from songbench.contracts import registry
from songbench.contracts.registry import PluginError
from songbench.domain.errors import SongbenchError
from songbench.execution.checksums import write_listed
from songbench.execution.damage import TABLE_FILES
from songbench.execution.record import RECORD
from songbench.reporting import export, formats
from songbench.reporting.board import Leaderboard
from songbench.reporting.facets import CONDITION
from songbench.reporting.figures.files import DEFAULT_FORMATS, FORMATS, check_formats
from songbench.reporting.figures.gallery import pictures_of
from songbench.reporting.file_names import safe_names
from songbench.reporting.page.build import page_files
from songbench.reporting.page.material import PARTS, PageMaterial
from songbench.reporting.page.prompt_page import PICTURES
from songbench.reporting.page.song_files import AudioMode, ReportAudio, write_song_files
from songbench.reporting.published import FOLDER as PUBLISHED
from songbench.reporting.published import Published, published_to_csv, remembered
from songbench.reporting.report_basis import remember_basis, report_basis, unchanged_files
from songbench.reporting.report_files import LISTENING, OWNED
from songbench.reporting.songs import songs_to_json

_UNNAMED = {CONDITION: "no song"}


def write_report(
    board: Leaderboard,
    folder: str | Path,
    published: Sequence[Published] | None = None,
    *,
    figures: Sequence[str] = DEFAULT_FORMATS,
    other_parts: Sequence[Leaderboard] = (),
    material: PageMaterial | None = None,
    audio: AudioMode = "none",
    remembered_basis: bool = False,
) -> list[Path]:
    """Write ``leaderboard.NAME`` in every format, ``scores.csv``, ``songs.*``, ``figures/*`` and their list.

    Of a leaderboard with a facet there is also ``leaderboard.VALUE.NAME`` for each of its parts, without figures.
    With material there is also the page, ``report.html`` and ``report/``, whose songs are in no list: they are the
    store's. What an earlier report wrote and this one does not is removed; formats of figures that it was asked for
    stay.

    Args:
        board: the leaderboard.
        folder: created when absent.
        published: numbers from papers, shown apart and remembered in ``published/``; None: those that an earlier report
            in the folder was given.
        figures: their formats, of `songbench.reporting.figures.files.FORMATS`; PNG is written in any case, as
            ``leaderboard.md`` shows it.
        other_parts: the same leaderboard by other facets, whose parts are written as well.
        material: what the page is made of; None: there is no page.
        audio: how songs come into the page.
        remembered_basis: whether a file beside the report says what it was made from; then one that is there already,
            made from the same and whole, stays as it is (`songbench.reporting.report_basis`).

    Returns:
        The files, in the order written; the same leaderboard gives the same bytes.

    Raises:
        InputError: a figure cannot have that format.
        StoreWriteError: when they cannot be written.
        PluginError: when a format of another package is broken; the other files are written all the same.
        SongbenchError: when songbench's own formats are not found, because it changed since it was installed.
    """
    check_formats(figures)
    names = registry.names(registry.REPORTS)
    if not names:
        raise SongbenchError("songbench was installed before it had report formats. Install it again: pip install -e .")
    folder = Path(folder)
    endings = [ending for ending in FORMATS if ending in figures or _has_figures(folder, ending)]
    published = remembered(folder) if published is None else tuple(published)
    # 1. songs first, as pages say which of them are there
    songs = write_song_files(
        folder / PARTS, material.songs if material else {}, material.assets if material else {},
        audio if material else "none",
    )  # fmt: skip
    # 2. a report that would be the same stays
    basis = _basis(board, other_parts, published, endings, material, songs) if remembered_basis else None
    if basis is not None and (paths := unchanged_files(folder, basis, OWNED)) is not None:
        return paths
    # 3. all its files
    pictures = pictures_of(board, endings)
    for table in other_parts:
        pictures += pictures_of(table, endings, without={picture.name for picture in pictures})
    reports = {"": formats.LeaderboardReport(board=board, published=published, pictures=pictures)}
    boards = {table.facet or "": table for table in (board, *other_parts)}
    for (facet, value), name in part_names(boards.values(), names).items():
        reports[f"{name}."] = formats.LeaderboardReport(board=boards[facet].tables[value])
    contents: dict[str, bytes] = {}
    faults: list[PluginError] = []
    for part, report in reports.items():
        for name in names:
            try:
                contents[f"leaderboard.{part}{name}"] = formats.render(name, report)
            except PluginError as fault:
                faults.append(fault)
    contents["scores.csv"] = export.scores_to_csv(board).encode()
    contents["songs.csv"] = export.songs_to_csv(board).encode()
    contents["songs.json"] = songs_to_json(board.songs).encode()
    contents |= {f"{PUBLISHED}/{numbers.name}.csv": published_to_csv(numbers).encode() for numbers in published}
    for picture in pictures:
        contents |= {f"figures/{picture.name}.{ending}": image for ending, image in picture.files.items()}
    page: Iterable[tuple[str, bytes]] = ()
    if material is not None:
        page = page_files(material, pictures, songs, beside=[*contents, *[RECORD] * bool(material.record)])
    inputs = sorted(path for pattern in (f"{LISTENING}/*.json", *TABLE_FILES) for path in folder.glob(pattern))
    paths = write_listed(folder, chain(contents.items(), page), owned=OWNED, inputs=inputs)
    if faults:
        raise faults[0]
    file_names = [path.relative_to(folder).as_posix() for path in paths]
    if basis is not None and not songs.faults and _all_seen(file_names, material):
        remember_basis(folder, basis, file_names)
    return paths


def _basis(
    board: Leaderboard,
    other_parts: Sequence[Leaderboard],
    published: Sequence[Published],
    endings: Sequence[str],
    material: PageMaterial | None,
    audio: ReportAudio,
) -> str | None:
    """Of everything that `write_report` makes files of; None where it cannot be told."""
    page: tuple[object, ...] = ()
    aligners: Iterable[object] = ()
    if material is not None:
        aligners = material.aligners.values()
        songs = [
            (name, song.source.digest, {stem: source.digest for stem, source in song.stems.items()}, song.words,
             song.sections, song.record, song.remarks)
            for name, song in material.songs.items()
        ]  # fmt: skip
        assets = {
            prompt: {name: source.digest for name, source in sources.items()}
            for prompt, sources in material.assets.items()
        }
        page = (material.name, material.results, songs, assets, list(material.aligners), material.record)
        page += (material.published, material.listening_results)
    return report_basis((board, other_parts, published, endings, page, audio), aligners)


def _all_seen(names: Iterable[str], material: PageMaterial | None) -> bool:
    """Whether every song could be decoded for its picture; one that could not may be repaired until the next report."""
    pictures = sum(name.startswith(f"{PARTS}/{PICTURES}/") for name in names)
    return material is None or pictures == len(material.songs)


def part_names(boards: Iterable[Leaderboard], formats: Iterable[str]) -> dict[tuple[str, str], str]:
    """What stands for each part of leaderboards in the names of its files, by facet and value.

    Args:
        boards: each by a facet of its own.
        formats: endings of the files of the whole, which no file of a part may have, as ``leaderboard.tar.gz``.
    """
    beginnings = {ending.rpartition(".")[0] for ending in formats} - {""}
    parts = {f"{board.facet}={value}": (board.facet or "", value) for board in boards for value in board.tables}
    texts = {key: value or _UNNAMED.get(facet, "none") for key, (facet, value) in parts.items()}
    return {parts[key]: name for key, name in safe_names(texts, beginnings).items()}


def _has_figures(folder: Path, ending: str) -> bool:
    """Whether an earlier report has figures of a format."""
    return any((folder / "figures").glob(f"*.{ending}"))
