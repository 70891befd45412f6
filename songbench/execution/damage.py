"""Everything that a run's record names, read again and held against its digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from songbench.domain.errors import DamageError
from songbench.domain.hashing import bytes_digest
from songbench.execution.checksums import file_faults
from songbench.execution.features import decode_feature
from songbench.execution.store import Store
from songbench.execution.store_layout import KINDS, Blob, Kind, feature_place, record_place
from songbench.resources.files import is_scratch

DamageKind: TypeAlias = Literal["song", "score", "failure", "asset", "feature", "audio", "report", "left over"]

PAGE_FILES = ("report.html", "report/*.css", "report/*.js", "report/prompts/*.html", "report/pictures/*/*.webp")
"""What only the page of a report consists of, but for its songs."""
SONG_FILES = ("report/songs/**/*",)
"""The songs of a report: links to the store or copies of it, whose digests are there."""
TABLE_FILES = tuple(f"tables/*.{ending}" for ending in ("tex", "md", "csv", "json", "png", "svg", "pdf"))
"""The tables for papers, of which a run can have many."""
PUBLISHED_FILES = "published/*.csv"
"""Numbers from papers that a report shows."""
REPORT_FILES = (
    *("leaderboard.*", "scores.csv", "songs.csv", "songs.json", "validation.*"),
    *("figures/*.png", "figures/*.svg", "figures/*.pdf", *PAGE_FILES, *TABLE_FILES, PUBLISHED_FILES),
)
"""What only a report writes into a run's folder; `songbench.execution.checksums` lists it."""

_KIND_OF: Mapping[Kind, DamageKind] = {"songs": "song", "scores": "score", "failures": "failure", "assets": "asset"}


@dataclass(frozen=True)
class FileDamage:
    """Something of a run that is not as it was.

    Attributes:
        kind: of thing.
        name: which one, for people: ``rulebased/en-1/0``; the key where it has no name.
        place: its file, below the store's root or the run's folder.
        problem: to follow the place: ``is gone``.
    """

    kind: DamageKind
    name: str
    place: str
    problem: str


def stored_damage(record: Mapping[str, Any], store: Store) -> tuple[int, list[FileDamage]]:
    """Read everything a run stored.

    Returns:
        How many files were read, and what is wrong with them.
    """
    names = {key: name for part in ("songs", "scores") for name, key in record[part].items()}
    names |= {key: f"{prompt} {field}" for prompt, keys in record["assets"].items() for field, key in keys.items()}
    contents, damages = record["stored"], []
    for kind in KINDS:
        for key, digest in contents[kind].items():
            problem = _record_problem(store, kind, key, digest)
            if problem:
                damages.append(FileDamage(_KIND_OF[kind], names.get(key, key), record_place(kind, key), problem))
    for key, digest in contents["features"].items():
        problem = _feature_problem(store, key, digest)
        if problem:
            damages.append(FileDamage("feature", key[:12], feature_place(key), problem))
    for name in contents["blobs"]:
        problem = _blob_problem(store, Blob(name))
        if problem:
            damages.append(FileDamage("audio", name[:12], Blob(name).place, problem))
    return sum(map(len, contents.values())), damages


def _record_problem(store: Store, kind: Kind, key: str, digest: str) -> str:
    try:
        now = store.read(kind, key)[1]
    except DamageError as damage:
        superseded = kind == "failures" and (store.digest("songs", key) or store.digest("scores", key))
        return "was tried again since, with success" if superseded else damage.problem
    return "" if now == digest else "is another one now: altered, or made again after this run"


def _feature_problem(store: Store, key: str, digest: str) -> str:
    data = store.get_feature(key)
    if data is None:
        return "is gone"
    try:
        now = decode_feature(key, data)[1]
    except DamageError as damage:
        return damage.problem
    return "" if now == digest else "is another one now: altered, or made again after this run"


def _blob_problem(store: Store, blob: Blob) -> str:
    data = store.peek(blob.place)
    if data is None:
        return "is gone"
    return "" if bytes_digest(data) == blob.digest else "was altered or cut"


def folder_damage(folder: Path) -> Iterator[FileDamage]:
    """What is wrong with the files of a run's folder: tables, figures, results of listening tests, scratch files."""
    for fault in file_faults(folder, REPORT_FILES):
        yield FileDamage("report", fault.name, fault.name, fault.problem)
    for path in sorted(folder.rglob(".*.tmp")):
        if is_scratch(path):
            name = path.relative_to(folder).as_posix()
            yield FileDamage("left over", name, name, "was left by a killed process; the next run removes it")


def unknown_results(record: Mapping[str, Any], store: Store) -> int:
    """How many results are stored that the record does not hold yet: the run was killed, or another made them."""
    recorded_keys = {key for kind in KINDS for key in record["stored"][kind]}
    stored_keys = store.keys("songs") | store.keys("scores")
    return len(stored_keys.intersection([*record["songs"].values(), *record["scores"].values()]) - recorded_keys)


def discard_damage(damages: list[FileDamage], store: Store) -> int:
    """Remove the damaged files of a store, so that they are made again; returns how many were there."""
    removed = 0
    for damage in damages:
        if damage.kind not in ("report", "left over") and store.size(damage.place) is not None:
            store.remove(damage.place)
            removed += 1
    return removed
