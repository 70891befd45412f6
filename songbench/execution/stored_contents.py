"""Everything stored that the results of a run rest on, with the digest of its content: the heart of the run record."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from songbench.contracts.metric import SetMetric
from songbench.domain.errors import DamageError
from songbench.execution.features import decode_feature
from songbench.execution.intact_records import Basis
from songbench.execution.plan import Planner
from songbench.execution.store_layout import KINDS, Kind


def score_keys(planner: Planner) -> dict[str, str]:
    """The key of every score that is asked for, by ``METRIC/SYSTEM/PROMPT/TAKE``; of sets by ``METRIC/SYSTEM``."""
    keys: dict[str, str] = {}
    for metric in planner.experiment.ready_metrics:
        if isinstance(metric.plugin, SetMetric):
            keys |= {f"{metric.id}/{system}": key for system, key in planner.set_keys(metric).items()}
        else:
            song_keys = planner.song_score_keys(metric)
            keys |= {f"{metric.id}/{'/'.join(map(str, name))}": key for name, key in song_keys.items()}
    return keys


def stored_contents(planner: Planner) -> dict[str, dict[str, Any]]:
    """What is stored for an experiment.

    Returns:
        Per kind of record the digest by key; ``features``: the digest by key; ``blobs``: the size in bytes by name,
        which holds their digest already.
    """
    songs = [key for *_, key in planner.songs.values()]
    scores = list(score_keys(planner).values())
    keys_of: dict[Kind, list[str]] = {
        "assets": [key for keys in planner.asset_keys.values() for key in keys.values()],
        "songs": songs,
        "scores": scores,
        "failures": [*songs, *scores],
    }
    contents: dict[str, dict[str, Any]] = {kind: {} for kind in (*KINDS, "features", "blobs")}
    bases: dict[bytes, Basis] = {}  # by their texts: the scores of a song mostly rest on the same
    for kind in KINDS:
        for key, record in planner.records.find_all(kind, keys_of[kind]).items():
            contents[kind][key] = record.digest
            if record.basis_json not in bases:
                bases[record.basis_json] = record.basis
    for basis in bases.values():
        _add(contents, basis)
    for key in _prepared_features(planner) - contents["features"].keys():
        data = planner.store.get_feature(key)
        with suppress(DamageError):
            contents["features"] |= {key: decode_feature(key, data)[1]} if data is not None else {}
    return contents


def _prepared_features(planner: Planner) -> set[str]:
    """What was extracted for set metrics beforehand: most of it is in the basis of their scores, but not all."""
    metrics = [metric for metric in planner.experiment.ready_metrics if isinstance(metric.plugin, SetMetric)]
    return {key for metric in metrics for key in planner.feature_keys(metric)}


def _add(contents: dict[str, dict[str, Any]], basis: Basis) -> None:
    contents["features"] |= {key: digest for key, (digest, _) in basis.get("features", {}).items()}
    contents["blobs"] |= basis.get("blobs", {})
