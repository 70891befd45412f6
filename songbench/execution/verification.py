"""Does a run still stand? Its files are hashed, its record is held against the present, and songs are made again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from songbench.contracts.system import System
from songbench.domain.hashing import bytes_digest, content_key
from songbench.domain.song import Failure, Song
from songbench.execution.experiment import Experiment
from songbench.execution.jobs import request_from_json
from songbench.execution.plan import Planner
from songbench.execution.results import SongId
from songbench.execution.songs import blobs_of, encode_audio
from songbench.execution.store import Blob, Store


@dataclass(frozen=True)
class Verification:
    """What still holds of a run.

    Attributes:
        checked: blobs whose bytes were hashed.
        damaged: songs whose audio is gone or altered, as (song, problem).
        missing: songs of the record that are neither stored nor failed.
        changed: what is different now, as (what, then, now): code, packages, prompts, systems, metrics,
            weights, environments.
    """

    checked: int
    damaged: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    changed: tuple[tuple[str, str, str], ...]

    @property
    def whole(self) -> bool:
        """Whether everything recorded is stored and intact."""
        return not self.damaged and not self.missing


def verify(record: dict[str, Any], store: Store, now: dict[str, Any]) -> Verification:
    """Check a run's record against the store and against the present.

    Args:
        record: the run's record.
        store: its store.
        now: a record made now of the same experiment.
    """
    checked = 0
    damaged, missing = [], []
    failed = store.keys("failures")
    for name, key in record["songs"].items():
        song = store.get("songs", key)
        if song is None:
            if key not in failed:
                missing.append(name)
            continue
        blobs = blobs_of(song)
        checked += len(blobs)
        damaged += [(name, problem) for blob in blobs if (problem := _problem(store, blob))]
    return Verification(checked, tuple(damaged), tuple(missing), tuple(_changes(record, now)))


def _problem(store: Store, blob: Blob) -> str:
    if not store.has_blob(blob):
        return f"{blob.name} is gone"
    return "" if bytes_digest(store.read_blob(blob)) == blob.digest else f"{blob.name} was altered"


@dataclass(frozen=True)
class Remade:
    """A stored song that was made again.

    Attributes:
        name: which.
        verdict: ``same``: the same samples; ``different``; or why it could not be made.
    """

    name: SongId
    verdict: str


def make_again(experiment: Experiment, store: Store, count: int) -> list[Remade]:
    """Make some stored songs again, in this process, and compare the samples with the stored ones.

    Args:
        experiment: the run's.
        store: its store; nothing is written to it.
        count: how many songs of each system; which ones follows from their keys, so they are spread over prompts.
    """
    planner = Planner(experiment, store)
    made = store.keys("songs")
    found = []
    for entrant in experiment.entrants:
        own = [(key, name) for name, (who, _, key) in planner.songs.items() if who is entrant and key in made]
        for key, name in sorted(own, key=lambda pair: content_key("again", pair[0]))[:count]:
            found.append(Remade(name, _again(entrant.system, planner, store, key, name)))
    return found


def _again(system: System, planner: Planner, store: Store, key: str, name: SongId) -> str:
    record = store.get("songs", key)
    request = request_from_json(planner.song_data(planner.songs[name][1]), store)
    outcome: Song | Failure = next(iter(system.generate([request])))
    if isinstance(outcome, Failure) or record is None:
        return outcome.cause if isinstance(outcome, Failure) else "the record is gone"
    data, _ = encode_audio(outcome.audio)
    return "same" if bytes_digest(data) == Blob(record["audio"]).digest else "different"


def _changes(then: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str, str]]:
    changes = []
    for part in ("prompts", "systems", "metrics", "weights", "environments", "packages", "code", "hardware"):
        before, after = then.get(part, {}), now.get(part, {})
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                changes.append((f"{part}: {name}", _short(before.get(name)), _short(after.get(name))))
    return changes


def _short(value: object) -> str:
    text = "(none)" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
