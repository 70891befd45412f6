"""JAM as a system."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from songbench.plugin import Layout, ScriptSystem
from systems.jam.card import card_of
from systems.jam.environment import CHECKOUT, ENVIRONMENT, HUB, WEIGHTS
from systems.jam.rendering import STYLE_SECONDS, JamCall, invocation

Guidance = Annotated[float, Field(ge=0, le=100)]


class Jam(ScriptSystem):
    """JAM 0.5.

    Args:
        variant: ``audio``: the style is the prompt audio instead of the text.
        steps: of the solver.
        style_guidance: how far each step is moved towards the style.
        lyrics_guidance: the same towards the words.
        timeout_s: how long one song may take, in seconds.
    """

    def __init__(
        self,
        variant: Literal["audio"] | None = None,
        steps: Annotated[int, Field(ge=2, le=1000)] = 50,
        style_guidance: Guidance = 4.7,
        lyrics_guidance: Guidance = 2.6,
        timeout_s: Annotated[float, Field(gt=0)] = 7200.0,
    ) -> None:
        call = JamCall(
            style="audio" if variant == "audio" else "text",
            steps=steps,
            style_guidance=style_guidance,
            lyrics_guidance=lyrics_guidance,
        )
        super().__init__(
            card=card_of(call.style),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            script="-m jam.infer",
            variables={"PYTHONPATH": "{upstream}/src:{upstream}/externals/DeepPhonemizer"},
            weights=(WEIGHTS, *HUB.values()),
            layout=Layout(hub=HUB, hub_folder="pretrained"),
            invoke=lambda request: invocation(request.prompt, call),
            settings={
                "style": call.style,
                "steps": steps,
                "style_guidance": style_guidance,
                "lyrics_guidance": lyrics_guidance,
            },
            check_arguments=("evaluation.output_dir={out}",),  # without a checkpoint it says so and ends
            prompt_most_s=STYLE_SECONDS,
            timeout_s=timeout_s,
        )
