"""espeak-ng from the package ``espeakng-loader``, for programs that call it through ``phonemizer``."""

from __future__ import annotations

from collections.abc import Mapping

ESPEAK_VARIABLES: Mapping[str, str] = {
    "PHONEMIZER_ESPEAK_LIBRARY": "{site}/espeakng_loader/libespeak-ng.so",
    "ESPEAK_DATA_PATH": "{site}/espeakng_loader/espeak-ng-data",
}
"""Environment variables of a `ScriptSystem` whose environment has that package: nothing has to be installed by hand."""
