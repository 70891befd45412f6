"""Does a run still stand? Its files are read again, its record is held against the present, songs are made again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songbench.contracts.system import System
from songbench.domain.hashing import bytes_digest, content_key
from songbench.domain.song import Failure, Song
from songbench.execution.damage import FileDamage, folder_damage, stored_damage, unknown_results
from songbench.execution.experiment import Experiment
from songbench.execution.jobs import request_from_json
from songbench.execution.plan import Planner
from songbench.execution.results import SongId
from songbench.execution.songs import encode_audio
from songbench.execution.store import Store
from songbench.execution.store_layout import Blob


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What still holds of a run.

    Attributes:
        checked: stored files that were read again.
        damaged: what is not as it was.
        missing: songs that the run asked for and that were neither made nor failed when its record was written.
        unknown: results that are stored for the run but not in its record.
        changed: what is different now, as (what, then, now): code, packages, prompts, systems, metrics,
            weights, environments, sources.
        obstacle: why the run cannot be rebuilt here, so that nothing can be said of what changed; "" when it can.
    """

    checked: int
    damaged: tuple[FileDamage, ...]
    missing: tuple[str, ...] = ()
    unknown: int = 0
    changed: tuple[tuple[str, str, str], ...] = ()
    obstacle: str = ""

    @property
    def intact(self) -> bool:
        """Whether everything recorded is stored and intact."""
        return not self.damaged and not self.missing and not self.unknown


def verify(record: dict[str, Any], folder: Path, store: Store, now: dict[str, Any] | str) -> Verification:
    """Check a run's record against the store, the run's folder and the present.

    Args:
        record: the run's record.
        folder: the run's folder.
        store: its store.
        now: a record made now of the same experiment, or why there is none.
    """
    checked, damaged = stored_damage(record, store)
    settled = {**record["stored"]["songs"], **record["stored"]["failures"]}
    return Verification(
        checked=checked,
        damaged=(*damaged, *folder_damage(folder)),
        missing=tuple(name for name, key in record["songs"].items() if key not in settled),
        unknown=unknown_results(record, store),
        changed=() if isinstance(now, str) else tuple(_changes(record, now)),
        obstacle=now if isinstance(now, str) else "",
    )


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
    stored_keys = store.keys("songs")
    remade = []
    for system in experiment.systems:
        songs = [(key, name) for name, _, key in planner.songs_by_system[system.name] if key in stored_keys]
        for key, name in sorted(songs, key=lambda pair: content_key("again", pair[0]))[:count]:
            remade.append(Remade(name, _again(system.plugin, planner, store, key, name)))
    return remade


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
    for part in ("prompts", "systems", "metrics", "weights", "environments", "sources", "packages", "code", "hardware"):
        before, after = then.get(part, {}), now.get(part, {})
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                changes.append((f"{part}: {name}", _short(before.get(name)), _short(after.get(name))))
    return changes


def _short(value: object) -> str:
    text = "(none)" if value is None else str(value)
    return text if len(text) <= 60 else text[:57] + "…"
