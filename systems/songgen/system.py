"""SongGen as a system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from songbench.domain.hashing import Json
from songbench.plugin import IsolatedSystem
from systems.songgen.card import card_of
from systems.songgen.environment import CHECKOUT, CODEC, CODEC_TEACHER, DUAL, ENVIRONMENT, HUB, MERT, MIXED
from systems.songgen.rendering import render

SEPARATOR = "htdemucs-torch"


class SongGen(IsolatedSystem):
    """SongGen, voice and band as one track (Mixed Pro) or as two (Interleaving A-V).

    Args:
        variant: ``dual``: two tracks, which are given as stems; the mix is their sum.
        temperature: of the sampling; None: as the weights' own configuration says.
        top_k: how many tokens are drawn from; None: likewise.
        timeout_s: how long one song may take, in seconds, the first with the loading of the model.
    """

    def __init__(
        self,
        variant: Literal["dual"] | None = None,
        temperature: Annotated[float, Field(gt=0, le=10)] | None = None,
        top_k: Annotated[int, Field(ge=0)] | None = None,
        timeout_s: Annotated[float, Field(gt=0)] = 3600.0,
    ) -> None:
        tracks = variant == "dual"
        self._model = DUAL if tracks else MIXED
        super().__init__(
            card=card_of("songgen:dual" if tracks else "songgen", tracks=tracks),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            weights=(self._model, CODEC, CODEC_TEACHER, MERT, SEPARATOR),
            worker=Path(__file__).with_name("songgen_worker.py"),
            settings={"tracks": tracks, "temperature": temperature, "top_k": top_k},
            render=render,
            timeout_s=timeout_s,
        )

    def worker_settings(self) -> Mapping[str, Json]:
        """Which weights are what, which changes no song."""
        return {"model": self._model.name, "codec": CODEC.name, "separator": SEPARATOR, "hub": dict(HUB)}
