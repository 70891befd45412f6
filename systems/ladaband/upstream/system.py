"""The authors' LaDA-Band as a system."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from songbench.domain.rendering import StyleUse
from songbench.plugin import Dependence, Layout, Pitfall, ScriptSystem, SystemCard, VocalFile
from systems.ladaband.upstream.environment import (
    CHECKOUT,
    CHECKPOINT,
    CODE_LICENCE,
    ENVIRONMENT,
    HUB,
    LINKS,
    PRETRAINED,
    WEIGHTS,
    WEIGHTS_LICENCE,
)
from systems.ladaband.upstream.rendering import TRAINED_SECONDS, LadaBandCall, invocation

CONDITIONS: dict[StyleUse, tuple[str, ...]] = {
    "text": ("style text",),
    "audio": ("prompt audio",),
    "both": ("style text", "prompt audio"),
}

PITFALLS = (
    Pitfall(
        "It adds the vocal to what it saves, without a gain rule, unless told not to.",
        "It is told to save the accompaniment alone.",
    ),
    Pitfall("It saves MP3, and wants a segment's times.", "WAV and the whole vocal are asked for."),
    Pitfall(
        "The name of a vocal's file is mixed into the seed, so that renaming the file changes the song.",
        "The file is called by the prompt's id.",
    ),
    Pitfall(
        "A song's file has the first characters of the text in its name, in which a slash fails, and digits of the"
        " clock.",
        "Such slashes are given as hyphens, which is noted; each song has a folder of its own.",
    ),
    Pitfall(
        "A song that fails is logged, and the program ends with exit code 0.",
        "Success is judged by the file; the last error is the cause of the failure.",
    ),
    Pitfall(
        "A text that is not given is not left out: the vector of the empty text is heard.",
        "Songs with a clip alone say so.",
    ),
    Pitfall("Peaks beyond full scale are cut off in its 16 bits.", "They cannot be had back; the song may hold some."),
    Pitfall("What it writes is 40 ms longer than the vocal.", "It is cut to the vocal's length."),
    Pitfall(
        "The reference hears 48 kHz as if they were 24 kHz, an octave lower at half the speed.",
        "Left as it is, as the released weights were trained so.",
    ),
    Pitfall(
        "It learnt from vocals at -16 dB RMS, and takes them at any level.",
        "The vocal is given at its own level, as by its authors' commands.",
    ),
    Pitfall(
        f"It was trained with {TRAINED_SECONDS:g} s at most, takes any length in one piece, and needs memory with its"
        " square.",
        "Songs that are known to be longer say so; one for which there is no memory is a failure.",
    ),
    Pitfall("It asks the model hub for missing files.", "What was set up lies where it looks, without a network."),
)


class UpstreamLadaBand(ScriptSystem):
    """LaDA-Band by its authors' own program, for parity with ours on the released weights.

    Args:
        variant: ``audio``: a style clip instead of the text; ``both``: text and clip.
        sampling_steps: passes of the predictor.
        top_k: tokens that are drawn from.
        top_p: share of the probability that is drawn from.
        temperature: of the draw.
        mask_temperature: of the choice of the tokens that are masked again.
        remask_schedule: ``cosine``, ``linear``, ``sqrt``, ``square``, ``cubic`` or ``power:P``.
        remask_strategy: which tokens are masked again.
        timeout_s: how long one song may take, in seconds.
    """

    def __init__(
        self,
        variant: Literal["audio", "both"] | None = None,
        sampling_steps: Annotated[int, Field(ge=1, le=1000)] = 60,
        top_k: Annotated[int, Field(ge=1, le=16_384)] = 100,
        top_p: Annotated[float, Field(gt=0, le=1)] = 0.9,
        temperature: Annotated[float, Field(gt=0, le=10)] = 1.0,
        mask_temperature: Annotated[float, Field(ge=0, le=100)] = 10.5,
        remask_schedule: Annotated[str, Field(pattern=r"^(cosine|linear|sqrt|square|cubic|power:[0-9.]+)$")] = "cosine",
        remask_strategy: Literal["low_confidence", "random", "fixed_position", "one_shot"] = "low_confidence",
        timeout_s: Annotated[float, Field(gt=0)] = 7200.0,
    ) -> None:
        call = LadaBandCall(
            style=variant or "text",
            sampling_steps=sampling_steps,
            top_k=top_k,
            top_p=top_p,
            temperature=temperature,
            mask_temperature=mask_temperature,
            remask_schedule=remask_schedule,
            remask_strategy=remask_strategy,
        )
        super().__init__(
            card=SystemCard(
                name="ladaband_upstream" if variant is None else f"ladaband_upstream:{variant}",
                version="1",
                summary="LaDA-Band by its authors' own program, which ours is compared with.",
                licence=f"code: {CODE_LICENCE}; weights: {WEIGHTS_LICENCE}",
                languages=(),
                conditions=("vocal", *CONDITIONS[call.style]),
                vocals=False,
                sample_rate=48_000,
                citation="Wang et al., LaDA-Band: Language Diffusion Models for Vocal-to-Accompaniment Generation,"
                " 2026, arXiv 2604.11052",
                tracks=("v2a",),
                depends_on=(
                    Dependence("clamp3", "its text and its style clip are heard through this very encoder"),
                    Dependence("mert", "its style clip is heard through this very encoder"),
                    Dependence("muq", "its tokens are those of a codec that hears through MuQ"),
                    Dependence("songeval", "its training songs were chosen by this very scorer"),
                ),
                upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit[:7]}",
                code_licence=CODE_LICENCE,
                weights_licence=f"{WEIGHTS_LICENCE}; MuCodec, MuQ and MERT: CC BY-NC 4.0",
                style_rule="text, a clip of an accompaniment, or both",
                length_rule=f"the vocal's; trained with {TRAINED_SECONDS:g} s at most",
                vocal_rule="left out",
                seed_rule="honoured",
                output="WAV, 48 kHz, stereo, 16 bit",
                pitfalls=PITFALLS,
                verified=(
                    "A stand-in with the parser and the files of its program, as that was read; never the program"
                    " itself, and never with the released weights."
                ),
            ),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            script="codes/infer.py",
            variables={
                "LADA_PRETRAINED_ROOT": f"{{upstream}}/{PRETRAINED}",
                "LADA_CODE_ROOT": "{upstream}/codes",
                "HF_MODULES_CACHE": "{upstream}/modules",
            },
            weights=(CHECKPOINT, *WEIGHTS),
            layout=Layout(links=LINKS, hub=HUB, hub_folder=f"{PRETRAINED}/hub", cwd="codes"),
            invoke=lambda request: invocation(request, call),
            settings=vars(call),
            vocal=VocalFile(),
            timeout_s=timeout_s,
        )
