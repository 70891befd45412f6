"""Reading the files that come with a checkpoint: its YAML, and the vocabulary and autoencoder files that this names.

The released files are read as they are, with their interpolations; what their values mean is in
`systems.songbloom.config`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from songbench.domain.errors import InputError
from systems.checkpoints.config_section import ConfigSection
from systems.songbloom.config import AutoencoderConfig, DecodingConfig, ModelConfig, SongBloomConfig, longest_seconds
from systems.songbloom.text.vocabulary import Vocabulary


def companion(name: str, folders: Sequence[Path]) -> Path:
    """The file a configuration names, in the first of `folders` that has it (the first folder if none has)."""
    places = [folder / Path(name).name for folder in folders]
    return next((place for place in places if place.is_file()), places[0])


def read_config(path: Path, folders: Sequence[Path] = ()) -> SongBloomConfig:
    """Read a checkpoint's YAML file and the files it names (vocabulary, autoencoder).

    Args:
        path: the YAML file.
        folders: where to look for the named files when they do not lie beside it.

    Raises:
        InputError: a file is missing, malformed or describes a model this implementation does not know.
    """
    folders = (path.parent, *folders)
    try:
        root = _sections(path, folders, "max_dur", "vae", "model", "inference")
        model = root.value("model", dict)
        vae = root.section("vae")
        longest = root.value("max_dur", float)
        autoencoder = read_autoencoder_config(companion(vae.value("vae_cfg", str), folders))
        inference = root.value("inference", dict)
        return SongBloomConfig(
            name=path.stem,
            model=ModelConfig.from_upstream(model),
            autoencoder=autoencoder,
            decoding=DecodingConfig.from_upstream(inference, longest_seconds(longest)),
            trained_seconds=longest,
        )
    except InputError as error:
        raise error.located(file=str(path)) from None


def named_autoencoder(path: Path, folders: Sequence[Path] = ()) -> Path | None:
    """Where the autoencoder's weights lie by what a checkpoint's YAML file says, whether they are there or not.

    Args:
        path: the YAML file.
        folders: as for `read_config`.

    Returns:
        None when it names no file of their own.

    Raises:
        InputError: the YAML file is missing or malformed.
    """
    folders = (path.parent, *folders)
    try:
        vae = _sections(path, folders, "vae").section("vae")
        name = vae.value("vae_ckpt", str, "")
    except InputError as error:
        raise error.located(file=str(path)) from None
    return companion(name, folders) if name else None


def _sections(path: Path, folders: Sequence[Path], *names: str) -> ConfigSection:
    """Some sections of a YAML file; others (training data and the like) may use resolvers that mean nothing here."""
    decoded = _decoded(path, yaml.safe_load)
    return ConfigSection(_resolve({name: decoded[name] for name in names if name in decoded}, decoded, folders), "")


def read_autoencoder_config(path: Path) -> AutoencoderConfig:
    """Read the autoencoder's JSON file.

    Raises:
        InputError: it is missing, malformed or of another kind.
    """
    try:
        return AutoencoderConfig.from_upstream(_decoded(path, json.loads))
    except InputError as error:
        raise error.located(file=str(path)) from None


def _decoded(path: Path, decode: Any) -> dict[str, Any]:
    try:
        decoded = decode(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            "This file of the checkpoint is missing.",
            file=str(path),
            cure="Put it beside the checkpoint; 'songbench setup songbloom' fetches all of them.",
        ) from None
    except OSError as error:
        raise InputError(f"It cannot be read: {error.strerror}.", file=str(path)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise InputError(f"It is not YAML: {problem}.", file=str(path), line=mark.line + 1 if mark else None) from None
    except json.JSONDecodeError as error:
        raise InputError(f"It is not JSON: {error.msg}.", file=str(path), line=error.lineno) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"It cannot be read: {error}.", file=str(path)) from None
    if not isinstance(decoded, dict):
        raise InputError("It holds no settings.", file=str(path))
    return decoded


_INTERPOLATION = re.compile(r"^\$\{(?:(?P<resolver>\w+):)?(?P<value>.*)\}$")


def _resolve(value: Any, root: Mapping[str, Any], folders: Sequence[Path], via: tuple[str, ...] = ()) -> Any:
    """Replace the interpolations of the released YAML files: other values, paths, YAML files to load.

    Args:
        value: what may hold some.
        root: the whole file.
        folders: where named files may lie.
        via: the interpolations that led here, so that a circle is noticed.
    """
    if isinstance(value, dict):
        return {key: _resolve(inner, root, folders, via) for key, inner in value.items()}
    if isinstance(value, list):
        return [_resolve(member, root, folders, via) for member in value]
    match = _INTERPOLATION.match(value) if isinstance(value, str) else None
    if not match:
        return value
    if value in via:
        raise InputError(f"'{value}' points to itself.")
    via = (*via, value)
    inner = match["value"]
    if match["resolver"] is None:
        target: Any = root
        for part in inner.split("."):
            if not isinstance(target, Mapping) or part not in target:
                raise InputError(f"'{value}' points to nothing in this file.", cure=f"Write the value of {inner}.")
            target = target[part]
        return _resolve(target, root, folders, via)
    if match["resolver"] == "dynamic_path":
        return str(companion(inner, folders))
    if match["resolver"] == "load_yaml":
        name = _resolve(inner, root, folders, via)
        return list(Vocabulary.from_yaml(companion(str(name), folders)).symbols)
    raise InputError(
        f"'{value}' uses an unknown resolver.", value=match["resolver"], allowed=("dynamic_path", "load_yaml")
    )
