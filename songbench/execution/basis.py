"""What the result of a job rests on: the stored audio it was made from, and the features that were used for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from songbench.domain.errors import DamageError
from songbench.domain.hashing import Json
from songbench.domain.song import Song
from songbench.execution.features import StoredFeatures
from songbench.execution.intact_records import Basis, basis_to_json
from songbench.execution.store import Store


def asset_digests(store: Store, keys: Iterable[str]) -> dict[str, str]:
    """The digests of rendered or cut prompt audio and references, by key; of those that are there."""
    return {key: digest for key in keys if (digest := store.digest("assets", key))}


def score_basis(
    features: StoredFeatures, items: Iterable[Mapping[str, Any]], songs: Iterable[Song], unrelated: Iterable[Song] = ()
) -> dict[str, Json]:
    """What a score rests on.

    Args:
        features: those that the job used, and the store.
        items: what a planner said of the songs and references, with the keys of their assets and perhaps of the song.
        songs: the songs and references themselves.
        unrelated: songs of the same job that this score is not about.
    """
    store = features.store
    keys = [item["song"] for item in items if item.get("song")]
    assets = {key for item in items for key in item["assets"].values()}
    audio = {digest for song in songs for digest in _audio(song)}
    apart = {digest for song in unrelated for digest in _audio(song)} - audio
    return basis_to_json(
        Basis(
            assets=asset_digests(store, assets),
            songs={key: _digest(store, key) for key in keys},
            features=features.used_of(audio, apart),
        )
    )


def _digest(store: Store, key: str) -> str:
    digest = store.digest("songs", key)
    if digest is None:  # it was read a moment ago
        raise DamageError(f"songs {key}", "is gone")
    return digest


def _audio(song: Song) -> Iterable[str]:
    """The digests of all audio that a metric can ask a song for."""
    request = song.request
    sources = [song.source, *song.stems.values(), request.vocal, request.prompt_audio, request.reference]
    return [source.digest for source in sources if source is not None]
