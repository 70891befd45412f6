"""Paths of a run as they were given, and where they lie seen from its folder, so that the run works from any other.

A path that was given relative to the working folder is noted relative to the run's folder: the command may be given
elsewhere later, and the whole project may move. An absolute path, and the address of a store, stay as they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from songbench.contracts import registry
from songbench.contracts.registry import SystemSpec


def noted_paths(config: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Every relative path of a configuration, as given, with the same seen from a folder."""
    relative = {path for path in _paths(config) if not Path(path).is_absolute()}
    return {path: Path(os.path.relpath(path, folder)).as_posix() for path in sorted(relative)}


def located(config: Mapping[str, Any], paths: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """A configuration with the noted paths seen from the present working folder.

    Args:
        config: as it was given once.
        paths: what `noted_paths` noted.
        folder: of the run, where it lies now.
    """

    def relocated(path: str) -> str:
        return os.path.relpath(folder / paths[path]) if path in paths else path

    def system(text: str) -> str:
        spec = SystemSpec.parse(text)
        return str(replace(spec, source=relocated(spec.source))) if spec.source else text

    suite = {**config["suite"], "source": relocated(str(config["suite"]["source"]))}
    return {
        **config,
        "suite": suite,
        "store": relocated(str(config["store"])),
        "systems": [system(text) for text in config["systems"]],
    }


def _paths(config: Mapping[str, Any]) -> Iterator[str]:
    if "://" not in str(config["store"]) and not str(config["store"]).startswith("memory:"):
        yield str(config["store"])
    if config["suite"]["source"] not in registry.names(registry.SUITES):
        yield str(config["suite"]["source"])
    for text in config["systems"]:
        source = SystemSpec.parse(text).source
        if source and Path(source).exists():
            yield source
