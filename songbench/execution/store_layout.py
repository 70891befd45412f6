"""Where what lies in a store.

Below the root::

    records/<kind>/<2 hex>/<key>.json     songs, assets, scores, failures: JSON, written last, so what exists is whole
    features/<2 hex>/<key>.npz            shared features
    blobs/<2 hex>/<sha256>.<suffix>       audio and MIDI, named by their content
    sessions, claims                      who works on this store, and on what (`songbench.execution.sessions`)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["songs", "assets", "scores", "failures"]
KINDS: tuple[Kind, ...] = ("assets", "songs", "scores", "failures")


@dataclass(frozen=True)
class Blob:
    """Bytes in the store, named by their content.

    Attributes:
        name: ``<sha256>.<suffix>``.
    """

    name: str

    @property
    def digest(self) -> str:
        """The sha256 of the bytes."""
        return self.name.partition(".")[0]

    @property
    def place(self) -> str:
        """Where it lies below the store's root."""
        return f"blobs/{self.name[:2]}/{self.name}"


def record_place(kind: Kind, key: str) -> str:
    """Where a record lies below the store's root."""
    return f"records/{kind}/{key[:2]}/{key}.json"


def feature_place(key: str) -> str:
    """Where a feature lies below the store's root."""
    return f"features/{key[:2]}/{key}.npz"


def record_of_place(place: str) -> tuple[Kind, str] | None:
    """The kind and key of the record that lies at a place; None for all other files."""
    folder, _, name = place.rpartition("/")
    key = name.removesuffix(".json")
    kind = next((kind for kind in KINDS if folder == f"records/{kind}/{key[:2]}"), None)
    return None if kind is None or not name.endswith(".json") else (kind, key)


def record_key(name: str) -> str | None:
    """The key of a record by the name of its file, or its place; None for other files."""
    return name.rsplit("/", 1)[-1][:-5] if name.endswith(".json") else None
