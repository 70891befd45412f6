"""HeartMuLa 3B as a system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated, Literal

from pydantic import Field

from songbench.domain.errors import InputError
from songbench.domain.song import Failure, Request, Song
from songbench.plugin import Layout, ScriptSystem
from songbench.resources.weights import Weights
from systems.heartmula.card import card_of
from systems.heartmula.environment import CHECKOUT, CODEC, ENVIRONMENT, GENERAL, HAPPY_NEW_YEAR, RL
from systems.heartmula.rendering import Sampling, invoke

Precision = Literal["float32", "float16", "bfloat16"]

USUAL = "happy-new-year"
RELEASES: Mapping[str, Weights] = {USUAL: HAPPY_NEW_YEAR, "rl": RL}


class HeartMuLa(ScriptSystem):
    """Songs of HeartMuLa 3B; settings have the names and defaults of its authors' program.

    Args:
        variant: the release: ``happy-new-year`` (February 2026) or ``rl`` (January 2026).
        max_seconds: where a song is cut that has not ended by itself.
        topk: candidates for each token.
        temperature: of the choice.
        cfg_scale: guidance; exactly 1: none.
        mula_dtype: precision of the language model.
        codec_dtype: precision of the codec; its authors advise against less than float32.
        mula_device: of the language model, e.g. ``cuda:0`` or ``cpu``.
        codec_device: of the codec.
        lazy_load: load each model when its turn comes, for less device memory; both on one device.

    Raises:
        InputError: an unknown release, or settings that mean nothing together.
    """

    def __init__(
        self,
        variant: str | None = None,
        max_seconds: Annotated[float, Field(ge=1, le=480)] = 240.0,
        topk: Annotated[int, Field(ge=1)] = 50,
        temperature: Annotated[float, Field(gt=0, le=10)] = 1.0,
        cfg_scale: Annotated[float, Field(ge=1, le=20)] = 1.5,
        mula_dtype: Precision = "bfloat16",
        codec_dtype: Precision = "float32",
        mula_device: str = "cuda",
        codec_device: str = "cuda",
        lazy_load: bool = False,
    ) -> None:
        release = USUAL if variant is None else variant
        if release not in RELEASES:
            raise InputError(f"HeartMuLa has no release '{release}'.", value=release, allowed=tuple(RELEASES))
        if lazy_load and mula_device != codec_device:
            raise InputError("lazy_load is for both models on one device.", field="lazy_load")
        model = RELEASES[release]
        self._sampling = Sampling(
            max_seconds=max_seconds,
            topk=topk,
            temperature=temperature,
            cfg_scale=cfg_scale,
            mula_dtype=mula_dtype,
            codec_dtype=codec_dtype,
        )
        placing = (
            *("--mula_device", mula_device, "--codec_device", codec_device),
            *("--lazy_load", str(lazy_load).lower()),
        )
        super().__init__(
            card=card_of("" if release == USUAL else release, model.summary, max_seconds),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            weights=(GENERAL, model, CODEC),
            layout=Layout(
                links={"ckpt": GENERAL.name, "ckpt/HeartMuLa-oss-3B": model.name, "ckpt/HeartCodec-oss": CODEC.name}
            ),
            script="examples/run_music_generation.py",
            variables={"PYTHONPATH": "{upstream}/src"},
            invoke=partial(invoke, sampling=self._sampling, placing=placing),
            settings=asdict(self._sampling),
        )

    def generate(self, requests: Sequence[Request]) -> Iterator[Song | Failure]:
        """The songs, in order; one as long as the limit is noted as cut."""
        for outcome in super().generate(requests):
            yield self._with_note(outcome) if isinstance(outcome, Song) else outcome

    def _with_note(self, song: Song) -> Song:
        limit = self._sampling.longest_seconds
        if song.audio.seconds < limit - 1e-3:
            return song
        notes = (*song.record.notes, f"as long as its limit of {limit:g} s, so it was cut there")
        return replace(song, record=replace(song.record, notes=notes))
