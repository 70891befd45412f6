"""DiffRhythm 2 as a songbench system."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from pydantic import Field

from songbench.domain.errors import InputError
from songbench.plugin import Layout, ScriptSystem
from systems.diffrhythm2.card import card_of
from systems.diffrhythm2.environment import CHECKOUT, ENVIRONMENT, HUB, MODEL, SHARED
from systems.diffrhythm2.rendering import (
    MOST_SECONDS,
    PROMPT_RATE,
    PROMPT_SECONDS,
    SCRIPT,
    VARIABLES,
    DiffRhythm2Call,
    Style,
    invoke,
)


class DiffRhythm2(ScriptSystem):
    """Full songs from lyrics and a style in words or sound, by its authors' own program.

    Args:
        variant: ``audio`` for a style in sound; None: in words.
        style: the same as a setting; None: as the variant says.
        cfg_strength: guidance.
        steps: of the solver, for each block.
        max_secs: the longest song in seconds; it ends earlier by itself.
        fake_stereo: write the second channel that the program makes out of the first.
        timeout_s: how long one song may take, in seconds.

    Raises:
        InputError: an unknown variant.
    """

    def __init__(
        self,
        variant: str | None = None,
        style: Style | None = None,
        cfg_strength: Annotated[float, Field(ge=0, le=20)] = 2.0,
        steps: Annotated[int, Field(ge=2, le=1000)] = 16,
        max_secs: Annotated[float, Field(ge=1, le=MOST_SECONDS)] = MOST_SECONDS,
        fake_stereo: bool = True,
        timeout_s: Annotated[float, Field(gt=0)] = 7200.0,
    ) -> None:
        """Choose; nothing is loaded."""
        if variant not in (None, "audio"):
            raise InputError(
                f"DiffRhythm 2 has no variant '{variant}'.", field="variant", value=variant, allowed=("audio",)
            )
        call = DiffRhythm2Call(
            style=style or ("audio" if variant else "text"),
            cfg_strength=cfg_strength,
            steps=steps,
            max_secs=max_secs,
            fake_stereo=fake_stereo,
        )
        super().__init__(
            card=card_of(f"diffrhythm2:{variant}" if variant else "diffrhythm2", call.style),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            script=SCRIPT,
            variables=VARIABLES,
            weights=(MODEL, *SHARED),
            layout=Layout(links={"ckpt": MODEL.name}, hub=HUB, hub_folder="ckpt"),
            invoke=lambda request: invoke(request, call),
            settings=asdict(call),
            prompt_rate=PROMPT_RATE,
            prompt_most_s=PROMPT_SECONDS,
            timeout_s=timeout_s,
        )
