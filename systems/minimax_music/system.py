"""MiniMax Music 3 as a system."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from songbench.plugin import IsolatedSystem
from systems.minimax_music.card import CARD, LONGEST_SECONDS
from systems.minimax_music.environment import ENVIRONMENT, WEIGHTS
from systems.minimax_music.rendering import render


class MiniMaxMusic(IsolatedSystem):
    """Songs of MiniMax Music 3 from its published weights.

    Args:
        steps: of the flow-matching decoder, for each of its windows.
        precision: of all parts.
        max_seconds: where a song is cut that has not ended by itself.
    """

    def __init__(
        self,
        steps: Annotated[int, Field(ge=1, le=1000)] = 30,
        precision: Literal["bfloat16", "float32"] = "bfloat16",
        max_seconds: Annotated[float, Field(ge=1, le=360)] = LONGEST_SECONDS,
    ) -> None:
        super().__init__(
            card=CARD,
            environment=ENVIRONMENT,
            worker=Path(__file__).with_name("pipeline_worker.py"),
            weights=(WEIGHTS,),
            settings={"steps": steps, "precision": precision, "max_seconds": max_seconds},
            render=render,
        )
