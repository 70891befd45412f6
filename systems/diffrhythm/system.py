"""DiffRhythm 1.2 as a system."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from songbench.domain.errors import InputError
from songbench.plugin import Layout, ScriptSystem
from songbench.resources.upstream.espeak import ESPEAK_VARIABLES
from systems.diffrhythm.card import card_of
from systems.diffrhythm.environment import BASE, CHECKOUT, ENVIRONMENT, FULL, HUB, TEXT_MODEL, VAE
from systems.diffrhythm.rendering import DiffRhythmCall, invocation

MODELS = {"base": BASE, "full": FULL}
VARIANTS = ("base", "full", "base-audio", "full-audio")


class DiffRhythm(ScriptSystem):
    """DiffRhythm 1.2, base (95 s) or full (96 to 285 s).

    Args:
        variant: ``base``, ``full``, or one of them with ``-audio``: styled by the prompt audio, not the text.
        chunked: decode the latents in overlapping pieces, which saves memory; its authors' own scripts do.
        candidates: how many songs are made together, of which one is taken, whichever it is.
        timeout_s: how long one song may take, in seconds.

    Raises:
        InputError: an unknown variant.
    """

    def __init__(
        self,
        variant: Literal["base", "full", "base-audio", "full-audio"] | None = None,
        chunked: bool = True,
        candidates: Annotated[int, Field(ge=1, le=8)] = 1,
        timeout_s: Annotated[float, Field(gt=0)] = 7200.0,
    ) -> None:
        name = variant or "base"
        if name not in VARIANTS:
            raise InputError(f"DiffRhythm has no variant '{name}'.", field="variant", value=name, allowed=VARIANTS)
        model, _, style = name.partition("-")
        call = DiffRhythmCall(
            style="audio" if style else "text", full=model == "full", chunked=chunked, candidates=candidates
        )
        weights = MODELS[model]
        needs = (weights.name, VAE.name, TEXT_MODEL.name, "muq-mulan-large", "muq-large-msd-iter")
        hub = {repository: entry for repository, entry in HUB.items() if entry in needs}
        super().__init__(
            card=card_of("diffrhythm" if name == "base" else f"diffrhythm:{name}", full=call.full, style=call.style),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            script="infer/infer.py",
            variables={"PYTHONPATH": "{upstream}", **ESPEAK_VARIABLES},
            weights=needs,
            layout=Layout(hub=hub, hub_folder="pretrained"),
            invoke=lambda request: invocation(request.prompt, call),
            settings={"model": model, "style": call.style, "chunked": chunked, "candidates": candidates},
            prompt_least_s=10.0,
            timeout_s=timeout_s,
        )
