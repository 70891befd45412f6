"""AnyAccomp as a system."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from songbench.plugin import Layout, Pitfall, ScriptSystem, SystemCard, VocalFile
from systems.anyaccomp.environment import CHECKOUT, CODE_LICENCE, ENVIRONMENT, WEIGHTS, WEIGHTS_LICENCE
from systems.anyaccomp.rendering import AnyAccompCall, invocation

PITFALLS = (
    Pitfall(
        "The seed is set once for a whole folder, in the order of the file system, so that songs depend on each other.",
        "Each song has a process and a folder of its own.",
    ),
    Pitfall(
        "A file that fails is printed and passed over, exit code 0.",
        "Success is judged by the file; what was printed is the cause of the failure.",
    ),
    Pitfall(
        "By the command of its page the weights land one folder deeper than where the program looks.",
        "They are put where it looks.",
    ),
    Pitfall("Of an MP3 it writes an MP3 again.", "It is given WAV."),
    Pitfall(
        "Beside the accompaniment it writes a mix of its own, the plain sum with the vocal.",
        "The accompaniment alone is taken; mixes follow one rule for all systems.",
    ),
    Pitfall(
        "It writes 24 kHz mono: nothing above 12 kHz is there, which distances to full-band music punish.",
        "The rate is on the card and is kept.",
    ),
    Pitfall("There is no way to ask for a style, a key or a tempo.", "The record says that it took no style."),
    Pitfall(
        "Its attention grows with the square of the length, and nothing limits that.",
        "A song for which there is no memory is a failure.",
    ),
    Pitfall(
        "It is compared in papers after a training of its own with 3.7 B parameters, which was not released.",
        "This is the release, and its numbers are not those.",
    ),
)


class AnyAccomp(ScriptSystem):
    """AnyAccomp by its authors' own program.

    Args:
        steps: of the solver.
        guidance: towards the melody.
        device: ``cuda`` or ``cpu``.
        timeout_s: how long one song may take, in seconds.
    """

    def __init__(
        self,
        steps: Annotated[int, Field(ge=1, le=1000)] = 50,
        guidance: Annotated[float, Field(ge=0, le=100)] = 3.0,
        device: Literal["cuda", "cpu"] = "cuda",
        timeout_s: Annotated[float, Field(gt=0)] = 7200.0,
    ) -> None:
        call = AnyAccompCall(steps=steps, guidance=guidance, device=device)
        super().__init__(
            card=SystemCard(
                name="anyaccomp",
                version="1",
                summary="Flow matching from the quantised chromagram of a vocal or a solo instrument.",
                licence=f"code: {CODE_LICENCE}; weights: {WEIGHTS_LICENCE}",
                languages=(),
                conditions=("vocal",),
                vocals=False,
                sample_rate=24_000,
                citation="Zhang et al., AnyAccomp: Generalizable Accompaniment Generation via Quantized Melodic"
                " Bottleneck, 2025, arXiv 2509.14052",
                tracks=("v2a",),
                upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit[:7]}",
                code_licence=CODE_LICENCE,
                weights_licence=WEIGHTS_LICENCE,
                style_rule="none",
                length_rule="the vocal's, whatever that is",
                vocal_rule="left out",
                seed_rule="honoured",
                output="WAV, 24 kHz, mono, 16 bit: nothing above 12 kHz",
                pitfalls=PITFALLS,
                verified=(
                    "Its unmodified program with its own networks at their released sizes and random weights, on a CPU"
                    " by newer versions of torch and Python; the tests use a stand-in. Never with the released weights."
                ),
            ),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            script="infer_from_folder.py",
            weights=(WEIGHTS,),
            layout=Layout(links={"pretrained": WEIGHTS.name}),
            invoke=lambda request: invocation(request, call),
            settings={"steps": steps, "guidance": guidance},
            vocal=VocalFile(),
            timeout_s=timeout_s,
        )
