"""A feature extractor from a function of one audio source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from songbench.contracts.feature import Feature
from songbench.domain.audio import AudioSource
from songbench.domain.hashing import Json
from songbench.domain.song import Failure
from songbench.resources.authoring.factory import defaults_of
from songbench.resources.authoring.failures import NOT_OF_ONE_SONG, failure_of


@dataclass(frozen=True)
class FunctionExtractor:
    """An `Extractor` that calls a function for each source. Calling it with settings gives another one.

    Attributes:
        name: of the feature.
        version: changes whenever the function gives something else.
        function: as it was written, for calling it directly.
        settings: every keyword the function is called with; with name and version, part of the feature's key.
    """

    name: str
    version: str
    function: Callable[..., object]
    settings: Mapping[str, Json]

    def __call__(self, **settings: Json) -> FunctionExtractor:
        """The same extractor with other settings.

        Raises:
            TypeError: the function has no such setting.
        """
        if unknown := [name for name in settings if name not in self.settings]:
            allowed = ", ".join(self.settings) or "none"
            raise TypeError(f"{self.function.__name__} has no setting '{unknown[0]}'; it has {allowed}")
        return FunctionExtractor(self.name, self.version, self.function, {**self.settings, **settings})

    @property
    def identity(self) -> Mapping[str, Json]:
        """The version and all settings."""
        return {"version": self.version, **self.settings}

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
        """One result per source, in order; an exception of the function is a `Failure` of that source alone.

        Raises:
            StoreError: the store can no longer be used.
            UnavailableError: something that every source needs is not here.
        """
        for source in sources:
            try:
                yield _feature(self.function(source, **self.settings))
            except NOT_OF_ONE_SONG:
                raise
            except Exception as error:
                yield failure_of(error, "feature")


def extractor(name: str, *, version: str) -> Callable[[Callable[..., object]], FunctionExtractor]:
    """Make an extractor of a function of one `AudioSource`.

    The function returns a mapping of names to numbers, texts and other JSON, and to numpy arrays of numbers; or a
    `Feature`. Its keyword-only parameters, all with defaults, are its settings. The features are stored: the function
    runs once per audio, settings and version.

    Args:
        name: of the feature, e.g. ``spectral centroid``.
        version: raise it whenever the function gives something else for the same audio.

    Raises:
        TypeError: the function takes more than a source and settings, or a setting is called ``version``.
    """

    def decorate(function: Callable[..., object]) -> FunctionExtractor:
        settings: dict[str, Any] = defaults_of(function, "source")
        if "version" in settings:
            raise TypeError(f"'version' cannot be a setting of {function.__name__}: it is the extractor's own")
        return FunctionExtractor(name, version, function, settings)

    return decorate


def _feature(result: object) -> Feature | Failure:
    import numpy as np

    if isinstance(result, Feature | Failure):
        return result
    if not isinstance(result, Mapping):
        raise TypeError(f"an extractor's function returns a mapping or a Feature, not {type(result).__name__}")
    arrays = {name: value for name, value in result.items() if isinstance(value, np.ndarray)}
    numbers = {name: value.item() for name, value in result.items() if isinstance(value, np.generic)}
    data = {name: value for name, value in result.items() if name not in arrays and name not in numbers}
    return Feature(arrays, {**data, **numbers})
