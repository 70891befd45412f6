"""Muse as a songbench system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from songbench.domain.errors import UnavailableError
from songbench.domain.hashing import Json
from songbench.plugin import READY, Availability, IsolatedSystem
from songbench.resources import checkouts, environments
from songbench.resources.upstream import script_worker
from systems.muse.card import CARD
from systems.muse.environment import (
    ASSETS,
    CHECKOUT,
    CODEC,
    CODEC_CHECKOUT,
    CODEC_ENVIRONMENT,
    ENVIRONMENT,
    MODEL,
    VOCODER,
)
from systems.muse.rendering import render


class Muse(IsolatedSystem):
    """Full songs from lyrics and a style text: Muse's own program for the tokens, MuCodec's own decoder for the sound.

    Args:
        repetition_penalty: of the language model, which its authors set to 1.1 and its program requires.
        timeout_s: how long one song may take, in seconds.
    """

    def __init__(
        self,
        repetition_penalty: Annotated[float, Field(ge=1, le=2)] = 1.1,
        timeout_s: Annotated[float, Field(gt=0)] = 7200.0,
    ) -> None:
        """Choose; nothing is loaded."""
        super().__init__(
            card=CARD,
            environment=ENVIRONMENT,
            worker=Path(__file__).with_name("muse_worker.py"),
            weights=(MODEL, CODEC, VOCODER),
            settings={"repetition_penalty": repetition_penalty},
            render=render,
            upstream=CHECKOUT,
            timeout_s=timeout_s,
        )

    @property
    def parameters(self) -> Mapping[str, Json]:
        """Those of every such system, and the codec's environment and code."""
        codec = [environments.identity_of(CODEC_ENVIRONMENT), checkouts.identity_of(CODEC_CHECKOUT)]
        return {**super().parameters, "codec": codec}

    def availability(self) -> Availability:
        """Whether both environments, both checkouts and the weights are here."""
        states = (
            super().availability(),
            environments.availability(CODEC_ENVIRONMENT),
            checkouts.availability(CODEC_CHECKOUT),
        )
        return next((state for state in states if not state.ready), READY)

    def worker_settings(self) -> Mapping[str, Json]:
        """Where the codec is, and the tools that run other people's programs.

        Raises:
            UnavailableError: its environment or code is not here.
        """
        python, code = environments.python_of(CODEC_ENVIRONMENT), checkouts.path_of(CODEC_CHECKOUT)
        if python is None or code is None:
            state = self.availability()
            raise UnavailableError(f"{state.reason}. To get it: {state.cure}")
        return {
            "codec": str(code),
            "codec_python": str(python),
            "tools": str(Path(script_worker.__file__).parent),
            "assets": dict(ASSETS),
            "model": MODEL.name,
        }
