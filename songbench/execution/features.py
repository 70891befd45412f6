"""The shared, stored features: asked for by metrics, computed once per audio content."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence

from songbench.contracts.feature import Extractor, Feature
from songbench.domain.audio import AudioSource
from songbench.domain.song import Failure
from songbench.execution.keys import feature_key
from songbench.execution.store import Store

_DATA = "__data__"


class StoredFeatures:
    """Implements `songbench.contracts.feature.Features` on a store.

    Failures are handed on but not stored: the metric that asked reports them, and a later run may do better.

    Args:
        store: where features live.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def of(self, extractor: Extractor, sources: Sequence[AudioSource]) -> list[Feature | Failure]:
        """The feature of each source, in order; equal audio is extracted once."""
        keys = [feature_key(extractor.name, extractor.identity, source.digest) for source in sources]
        found: dict[str, Feature | Failure] = {}
        missing: dict[str, AudioSource] = {}
        for key, source in zip(keys, sources, strict=True):
            if key in found or key in missing:
                continue
            data = self.store.get_feature(key)
            if data is None:
                missing[key] = source
            else:
                found[key] = decode_feature(data)
        if missing:
            results = extractor.extract(list(missing.values()))
            for key, result in zip(missing, results, strict=True):
                found[key] = self._keep(key, result)
        return [found[key] for key in keys]

    def _keep(self, key: str, result: Feature | Failure) -> Feature | Failure:
        if isinstance(result, Failure):
            return result
        data = encode_feature(result)
        self.store.put_feature(key, data)
        return decode_feature(data)  # the same types whether computed or read


def encode_feature(feature: Feature) -> bytes:
    """A compressed npz holding the arrays and the JSON."""
    import numpy as np

    buffer = io.BytesIO()
    text = json.dumps(dict(feature.data), ensure_ascii=False, sort_keys=True)
    np.savez_compressed(buffer, allow_pickle=False, **{_DATA: np.array(text), **feature.arrays})
    return buffer.getvalue()


def decode_feature(data: bytes) -> Feature:
    """Read `encode_feature`'s bytes."""
    import numpy as np

    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files if name != _DATA}
        return Feature(arrays, json.loads(str(archive[_DATA])))
