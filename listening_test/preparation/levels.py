"""One loudness for all: measure, decide the common level, write the files."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from listening_test.preparation.clips import Recipe, Source
from listening_test.preparation.rendering import Rendered, Renderer
from listening_test.preparation.sound import Sound, encoded, factor, loudness, outline, true_peak
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


@dataclass(frozen=True)
class Made:
    """What was written for a recipe.

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
    renderer: Renderer, names: Mapping[Recipe, Sequence[str]], folder: Path, done: Callable[[int], None]
) -> tuple[dict[Recipe, Made], Level]:
    """Write every stimulus at one loudness.

    Files are first written at the loudness of the protocol. Where one of them would exceed the true-peak ceiling, the
    level that keeps the highest of them below it is taken for all, and all are written again from their originals.

    Args:
        renderer: of the sounds.
        names: per recipe, the ids of its stimuli; each gets a file of its own.
        folder: of the test.
        done: told how many recipes are done since the last call.

    Raises:
        InputError: for a song that cannot be used.
    """
    wanted, ceiling = renderer.protocol.listening.loudness, renderer.protocol.listening.true_peak
    made = _write(renderer, names, folder, wanted, done)
    excess = max((one.peak + one.gain_db for one in made.values()), default=-math.inf) - (ceiling - MARGIN_DB)
    if excess <= 0:
        return made, Level(wanted, wanted)
    done(-len(made))
    return _write(renderer, names, folder, wanted - excess, done), Level(wanted, wanted - excess)


def _write(
    renderer: Renderer,
    names: Mapping[Recipe, Sequence[str]],
    folder: Path,
    level: float,
    done: Callable[[int], None],
) -> dict[Recipe, Made]:
    by_source: dict[Source | None, list[Recipe]] = defaultdict(list)
    for recipe in names:
        by_source[recipe.source].append(recipe)
    work = partial(_write_source, renderer, names, folder, level)
    made: dict[Recipe, Made] = {}
    with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
        try:
            for found in pool.map(work, by_source.items()):
                made |= found
                done(len(found))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return made


def _write_source(
    renderer: Renderer,
    names: Mapping[Recipe, Sequence[str]],
    folder: Path,
    level: float,
    group: tuple[Source | None, list[Recipe]],
) -> dict[Recipe, Made]:
    source, recipes = group
    return {
        rendered.recipe: _write_one(renderer, rendered, names[rendered.recipe], folder, level)
        for rendered in renderer.render(source, recipes)
    }


def _write_one(renderer: Renderer, rendered: Rendered, names: Iterable[str], folder: Path, level: float) -> Made:
    listening, recipe = renderer.protocol.listening, rendered.recipe
    before = loudness(rendered.sound, listening.rate)
    silent = math.isinf(before)
    if silent and (recipe.source is None or recipe.source.system is None or recipe.sort == "style sample"):
        raise _silent(recipe)
    gain = 0.0 if silent else level - before
    sound: Sound = rendered.sound * np.float32(factor(gain))
    data = encoded(sound, listening.rate, listening.format)
    for name in names:
        path = folder / AUDIO / f"{name}.{listening.format}"
        write_private(path, data)
        os.utime(path, (CHANGED_AT, CHANGED_AT))
    return Made(
        seconds=round(sound.shape[1] / listening.rate, 4),
        start=round(rendered.start, 3),
        loudness=before,
        peak=true_peak(rendered.sound, listening.rate),
        gain_db=gain,
        peaks=FLAT if recipe.sort == "tones" else outline(sound),
        sha256=bytes_digest(data),
        notes=(*rendered.notes, "silent: not raised") if silent else rendered.notes,
    )


def _silent(recipe: Recipe) -> InputError:
    what = "style sample" if recipe.sort == "style sample" else "reference song"
    prompt = recipe.source.prompt if recipe.source else ""
    return InputError(
        f"The {what} of prompt '{prompt}' is silent.", cure="Mend the suite, or leave the prompt out (items.prompts)."
    )
