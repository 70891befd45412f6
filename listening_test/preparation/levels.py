"""One loudness and one size per second for all: measure, decide the common level, write the files."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from listening_test.preparation.clips import ClipRecipe, SongSource
from listening_test.preparation.disguise import SHORTEST_TAIL, common_rate, disguise, dithered, filled, lengthened
from listening_test.preparation.rendering import Rendered, Renderer
from listening_test.preparation.sound import encoded, factor, loudness, outline, true_peak
from listening_test.prepared import AUDIO
from listening_test.private import write_private
from songbench.domain.errors import InputError
from songbench.domain.hashing import bytes_digest

CHANGED_AT = 946_684_800
"""The time of change of every file, 2000-01-01: times would tell the order in which files were made."""
MARGIN_DB = 0.05
"""Kept below the ceiling for the rounding to 16 bits."""
AT_ONCE = 4
"""Songs in memory at the same time, at most."""
FLAT = (100,) * 200
"""The outline of the tones of the headphone check: their own would show the quiet one."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What was written for a stimulus.

    Attributes:
        seconds: its length.
        start: where in the song it begins, in seconds.
        loudness: before, in LUFS; minus infinity for silence.
        peak: true peak before, in dBTP.
        gain_db: what it was raised by.
        peaks: see `sound.outline`.
        sha256: of the file.
        notes: what a reader should know.
    """

    seconds: float
    start: float
    loudness: float
    peak: float
    gain_db: float
    peaks: tuple[int, ...]
    sha256: str
    notes: tuple[str, ...]

    @property
    def silent(self) -> bool:
        """Whether it has no loudness."""
        return math.isinf(self.loudness)


@dataclass(frozen=True)
class Level:
    """The loudness of all stimuli.

    Attributes:
        wanted: by the protocol, in LUFS.
        given: at which they are; lower where a true peak would have been too high.
    """

    wanted: float
    given: float


def write_audio(
    renderer: Renderer,
    names: Mapping[ClipRecipe, Sequence[str]],
    models: Mapping[str, str],
    folder: Path,
    done: Callable[[int], None],
) -> tuple[dict[str, Made], Level]:
    """Write every stimulus at one loudness, FLAC at one number of bytes per second.

    Files are first written at the loudness of the protocol. Where one of them would exceed the true-peak ceiling, the
    level that keeps the highest of them below it is taken for all, and all are written again from their originals.

    Args:
        renderer: of the sounds.
        names: per recipe, the ids of its stimuli; each gets a file of its own, see `disguise`.
        models: by id, the stimulus that it stands for in another language; it is made as long.
        folder: of the test.
        done: told how many recipes are done since the last call.

    Returns:
        What was made, by id; and the loudness.

    Raises:
        InputError: for a song that cannot be used.
    """
    wanted, ceiling = renderer.protocol.listening.loudness, renderer.protocol.listening.true_peak
    made = _write(renderer, names, models, folder, wanted, done)
    excess = max((one.peak + one.gain_db for one in made.values()), default=-math.inf) - (ceiling - MARGIN_DB)
    level = Level(wanted, wanted - max(excess, 0.0))
    if level.given < level.wanted:
        done(-len(names))
        made = _write(renderer, names, models, folder, level.given, done)
    if renderer.protocol.listening.format == "flac":
        made = _fill(folder, made)
    return made, level


def _write(
    renderer: Renderer,
    names: Mapping[ClipRecipe, Sequence[str]],
    models: Mapping[str, str],
    folder: Path,
    level: float,
    done: Callable[[int], None],
) -> dict[str, Made]:
    by_source: dict[SongSource | None, list[ClipRecipe]] = defaultdict(list)
    for recipe in names:
        by_source[recipe.source].append(recipe)
    work = partial(_write_source, renderer, names, models, folder, level)
    made: dict[str, Made] = {}
    with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
        try:
            for recipes, found in zip(by_source.values(), pool.map(work, by_source.items()), strict=True):
                made |= found
                done(len(recipes))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return made


def _write_source(
    renderer: Renderer,
    names: Mapping[ClipRecipe, Sequence[str]],
    models: Mapping[str, str],
    folder: Path,
    level: float,
    group: tuple[SongSource | None, list[ClipRecipe]],
) -> dict[str, Made]:
    source, recipes = group
    made: dict[str, Made] = {}
    for rendered in renderer.render(source, recipes):
        made |= _write_copies(
            renderer, rendered, {name: models.get(name, name) for name in names[rendered.recipe]}, folder, level
        )
    return made


def _write_copies(
    renderer: Renderer, rendered: Rendered, names: Mapping[str, str], folder: Path, level: float
) -> dict[str, Made]:
    """The stimuli of one recipe: the same to the ear, different in every byte."""
    listening, recipe = renderer.protocol.listening, rendered.recipe
    before = loudness(lengthened(rendered.sound, listening.rate, SHORTEST_TAIL), listening.rate)
    silent = math.isinf(before)
    if silent and (recipe.source is None or recipe.source.system is None or recipe.sort == "style sample"):
        raise _silent(recipe)
    peak = true_peak(rendered.sound, listening.rate)
    made = {}
    for name, model in names.items():
        own = disguise(name, renderer.protocol.seed, as_long_as=model)
        gain = 0.0 if silent else level - before + own.gain_db
        sound = lengthened(rendered.sound * np.float32(factor(gain)), listening.rate, own.tail)
        data = encoded(dithered(sound, listening.rate, own), listening.rate, listening.format)
        _save(_path(folder, name, listening.format), data)
        made[name] = Made(
            seconds=round(sound.shape[1] / listening.rate, 4),
            start=round(rendered.start, 3),
            loudness=before,
            peak=peak,
            gain_db=gain,
            peaks=FLAT if recipe.sort == "tones" else outline(sound),
            sha256=bytes_digest(data),
            notes=(*rendered.notes, "silent: not raised") if silent else rendered.notes,
        )
    return made


def _fill(folder: Path, made: Mapping[str, Made]) -> dict[str, Made]:
    """Fill all files up to the same number of bytes per second."""
    paths = {name: _path(folder, name, "flac") for name in made}
    rate = common_rate((paths[name].stat().st_size, one.seconds) for name, one in made.items())
    result = {}
    for name, one in made.items():
        data = filled(paths[name].read_bytes(), one.seconds, rate)
        _save(paths[name], data)
        result[name] = replace(one, sha256=bytes_digest(data))
    return result


def _path(folder: Path, name: str, kind: str) -> Path:
    return folder / AUDIO / f"{name}.{kind}"


def _save(path: Path, data: bytes) -> None:
    write_private(path, data)
    os.utime(path, (CHANGED_AT, CHANGED_AT))


def _silent(recipe: ClipRecipe) -> InputError:
    what = "style sample" if recipe.sort == "style sample" else "reference song"
    prompt = recipe.source.prompt if recipe.source else ""
    return InputError(
        f"The {what} of prompt '{prompt}' is silent.", cure="Mend the suite, or leave the prompt out (items.prompts)."
    )
