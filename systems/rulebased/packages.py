"""The packages that rules and instruments stand on, and whether they are installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

from songbench.plugin import READY, Availability, unavailable

BAND: Mapping[str, str] = {
    "pyworld": "pyworld-prebuilt",
    "tinysoundfont": "tinysoundfont",
    "pretty_midi": "pretty_midi",
    "pyloudnorm": "pyloudnorm",
    "scipy": "scipy",
    "soxr": "soxr",
}
"""What a band needs: packages by the modules they bring."""

SINGER: Mapping[str, str] = {"espeakng_loader": "espeakng-loader", "pypinyin": "pypinyin"}
"""What the singer needs besides."""

_ALONE = ("tinysoundfont",)
"""To be installed without dependencies: it asks for pyaudio, to play live, which has no wheels for Linux."""


def availability_of(packages: Mapping[str, str]) -> Availability:
    """Ready when every package is installed; nothing is imported.

    Args:
        packages: by the modules they bring.
    """
    missing = [package for module, package in packages.items() if importlib.util.find_spec(module) is None]
    if not missing:
        return READY
    ordinary = [package for package in missing if package not in _ALONE]
    cures = [f"pip install {' '.join(ordinary)}"] * bool(ordinary)
    cures += [f"pip install --no-deps {package}" for package in missing if package in _ALONE]
    return unavailable(f"missing {', '.join(missing)}", " && ".join(cures))
