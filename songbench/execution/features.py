"""The shared, stored features: asked for by metrics, computed once per audio content."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from songbench.contracts.feature import Extractor, Feature
from songbench.domain.audio import AudioSource
from songbench.domain.errors import DamageError
from songbench.domain.hashing import canonical_json
from songbench.domain.song import Failure
from songbench.execution.keys import feature_key
from songbench.execution.npz import read_npz
from songbench.execution.plain import ContractError, short_repr
from songbench.execution.store import Store
from songbench.execution.store_layout import feature_place

_DATA, _DIGEST = "__data__", "__digest__"
_END = object()
# A damaged archive makes the readers of zip, of deflate, of arrays and of JSON fail in every way they have.
_UNREADABLE = (
    *(ValueError, LookupError, OSError, EOFError, RuntimeError, TypeError, AttributeError, SyntaxError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)


@dataclass(frozen=True)
class Use:
    """A stored feature that a job used.

    Attributes:
        audio: the digest of the audio it was derived from.
        digest: of what it says.
        size: of its file, in bytes.
    """

    audio: str
    digest: str
    size: int


class StoredFeatures:
    """Implements `songbench.contracts.feature.Features` on a store.

    Failures are handed on but not stored: the metric that asked reports them, and a later run may do better. So is a
    feature that is damaged: it is extracted again.

    Args:
        store: where features live.

    Attributes:
        uses: every feature that was handed out since this was last emptied, by key.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.uses: dict[str, Use] = {}

    def of(self, extractor: Extractor, sources: Sequence[AudioSource]) -> list[Feature | Failure]:
        """The feature of each source, in order; equal audio is extracted once."""
        keys = [feature_key(extractor.name, extractor.identity, source.digest) for source in sources]
        features: dict[str, Feature | Failure] = {}
        missing: dict[str, AudioSource] = {}
        for key, source in zip(keys, sources, strict=True):
            if key in features or key in missing:
                continue
            feature = self._read(key, source)
            if feature is None:
                missing[key] = source
            else:
                features[key] = feature
        if missing:
            features |= self._extracted(extractor, missing)
        return [features[key] for key in keys]

    def _extracted(self, extractor: Extractor, missing: Mapping[str, AudioSource]) -> dict[str, Feature | Failure]:
        """Extract and store, each as soon as it is there.

        Raises:
            ContractError: when there are more results than sources or fewer, or something else than results. Nobody
                knows then which belongs to which, so none of them stays in the store.
        """
        name = f"the extractor '{extractor.name}' ({type(extractor).__module__})"
        features: dict[str, Feature | Failure] = {}
        results = iter(extractor.extract(list(missing.values())))
        try:
            for key, source in missing.items():
                features[key] = self._keep(key, source, next(results, None), name)
            if next(results, _END) is not _END:
                raise ContractError(f"got from {name} more than {len(missing)} results for as many sounds")
        except ContractError:
            for key in features:
                self.store.remove(feature_place(key))
                self.uses.pop(key, None)
            raise
        return features

    def used_of(self, audio: Collection[str], unrelated: Collection[str]) -> dict[str, tuple[str, int]]:
        """Digest and size of the used features that concern some audio.

        Args:
            audio: its digests.
            unrelated: digests of audio that is certainly not meant. What was derived from audio that is in neither,
                such as separated vocals, may concern it and counts.
        """
        return {
            key: (use.digest, use.size)
            for key, use in self.uses.items()
            if use.audio in audio or use.audio not in unrelated
        }

    def _read(self, key: str, source: AudioSource) -> Feature | None:
        data = self.store.get_feature(key)
        if data is None:
            return None
        try:
            feature, digest = decode_feature(key, data)
        except DamageError:
            return None
        self.uses[key] = Use(source.digest, digest, len(data))
        return feature

    def _keep(self, key: str, source: AudioSource, result: object, name: str) -> Feature | Failure:
        if isinstance(result, Failure):
            return result
        if not isinstance(result, Feature):
            problem = "too few results" if result is None else f"{short_repr(result)} instead of a Feature or a Failure"
            raise ContractError(f"got from {name} {problem}")
        earlier = self._read(key, source)  # of another worker with the same audio, meanwhile: one key, one content
        if earlier is not None:
            return earlier
        data = encode_feature(key, result)
        self.store.put_feature(key, data)
        feature, digest = decode_feature(key, data)  # the same types whether computed or read
        self.uses[key] = Use(source.digest, digest, len(data))
        return feature


def encode_feature(key: str, feature: Feature) -> bytes:
    """A compressed npz holding the arrays, the JSON and the digest of both."""
    import numpy as np

    buffer = io.BytesIO()
    text = json.dumps(dict(feature.data), ensure_ascii=False, sort_keys=True)
    read = Feature({name: np.asarray(array) for name, array in feature.arrays.items()}, json.loads(text))
    members = {_DATA: np.array(text), _DIGEST: np.array(feature_digest(key, read)), **read.arrays}
    np.savez_compressed(buffer, allow_pickle=False, **members)
    return buffer.getvalue()


def decode_feature(key: str, data: bytes) -> tuple[Feature, str]:
    """Read `encode_feature`'s bytes.

    Returns:
        The feature and its digest.

    Raises:
        DamageError: when they are cut, unreadable or say something else than was stored.
    """
    place = feature_place(key)
    try:
        arrays = read_npz(data)
        text, recorded = str(arrays.pop(_DATA)), str(arrays.pop(_DIGEST))
        feature = Feature(arrays, json.loads(text))
        digest = feature_digest(key, feature)
    except _UNREADABLE:
        raise DamageError(place, "is cut or unreadable" if data else "is empty") from None
    if recorded != digest:
        raise DamageError(place, "was altered")
    return feature, digest


def feature_digest(key: str, feature: Feature) -> str:
    """What a feature says, as one number: also of where it lies, so that two features cannot change places."""
    import numpy as np

    digest = hashlib.sha256(canonical_json(["feature", key, json.dumps(feature.data, sort_keys=True)]).encode())
    for name, array in sorted(feature.arrays.items()):
        digest.update(canonical_json([name, array.dtype.str, list(array.shape)]).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
