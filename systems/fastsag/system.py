"""FastSAG as a system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from songbench.domain.hashing import Json
from songbench.domain.rendering import Rendering
from songbench.domain.song import Request
from songbench.plugin import Dependence, IsolatedSystem, Pitfall, SystemCard, VocalFile, WorkerInput
from systems.fastsag.environment import (
    BIGVGAN_LICENCE,
    CHECKOUT,
    CHECKPOINT,
    CHECKPOINT_FILE,
    ENCODER,
    ENCODER_REPOSITORY,
    ENVIRONMENT,
    LICENCE,
    VOCODERS,
)

LONGEST_SECONDS = 10.0

PITFALLS = (
    Pitfall(
        f"It hears the first {LONGEST_SECONDS:g} s of a vocal, and leaves the rest out.",
        "Longer vocals are unsupported, so that no number is that of a song of which most is missing.",
    ),
    Pitfall(
        "Its script writes the sum of the accompaniment and a vocal that went through the vocoder.",
        "Its networks are called in the same order, and the accompaniment is kept before the sum.",
    ),
    Pitfall(
        "At this commit its script takes BigVGAN for the wrapper of that name, and does not start.",
        "The wrapper is used, as in its training script.",
    ),
    Pitfall(
        "Its page says that it was made with the first BigVGAN and then moved to the second; the checkpoint holds"
        " the vocoder's weights, too.",
        "The first is built; a checkpoint that does not fit is an error, and the setting vocoder=v2 names the other.",
    ),
    Pitfall(
        "Its script wants the true accompaniment of each vocal, and shuffles the list of files.",
        "Neither is there: one vocal is given at a time.",
    ),
    Pitfall("Of a stereo file each channel becomes a song.", "The vocal is given as the mean of its channels."),
    Pitfall(
        "A function called zero_mean_unit_var_norm stretches the vocal from -0.8 to 0.8 instead; silence becomes NaN.",
        "It is used, as the network learnt with it; silent vocals are a failure that says so.",
    ),
    Pitfall("Loud samples wrap around when they become 16-bit integers.", "The file holds floats; nothing is rounded."),
    Pitfall("There is no option for the seed.", "All generators are seeded before each song."),
    Pitfall(
        "It writes 24 kHz mono: nothing above 12 kHz is there, which distances to full-band music punish.",
        "The rate is on the card and is kept.",
    ),
)


def render(request: Request) -> WorkerInput:
    """The vocal alone."""
    prompt = request.prompt
    return WorkerInput({}, Rendering(notes=("it takes no style",) if prompt.style or prompt.prompt_audio else ()))


class FastSag(IsolatedSystem):
    """FastSAG by its authors' own networks.

    Args:
        steps: of the diffusion.
        vocoder: ``v1``: BigVGAN as the checkpoint was made with, by its page; ``v2``: its successor.
        timeout_s: how long one song may take, in seconds, the first with the loading of the model.
    """

    def __init__(
        self,
        steps: Annotated[int, Field(ge=1, le=1000)] = 50,
        vocoder: Literal["v1", "v2"] = "v1",
        timeout_s: Annotated[float, Field(gt=0)] = 3600.0,
    ) -> None:
        self._vocoder = VOCODERS[vocoder]
        super().__init__(
            card=SystemCard(
                name="fastsag",
                version="1",
                summary="Diffusion of a mel spectrogram from what MERT hears in a vocal, ten seconds at a time.",
                licence=LICENCE,
                languages=(),
                conditions=("vocal",),
                vocals=False,
                max_seconds=LONGEST_SECONDS,
                sample_rate=24_000,
                citation="Chen et al., FastSAG: Towards Fast Non-Autoregressive Singing Accompaniment Generation,"
                " IJCAI 2024, arXiv 2405.07682",
                tracks=("v2a",),
                depends_on=(Dependence("mert", "conditioned on this very encoder"),),
                upstream=f"{CHECKOUT.repository}@{CHECKOUT.commit[:7]}",
                code_licence=f"{LICENCE}; BigVGAN: {BIGVGAN_LICENCE}",
                weights_licence=f"{LICENCE}; BigVGAN: {BIGVGAN_LICENCE}; MERT: CC BY-NC 4.0",
                style_rule="none",
                length_rule=f"the vocal's, {LONGEST_SECONDS:g} s at most",
                vocal_rule="left out",
                seed_rule="set by the worker",
                output="WAV, 24 kHz, mono, 32 bit float: nothing above 12 kHz",
                pitfalls=PITFALLS,
                verified=(
                    "A stand-in with the names and signatures of its modules, as they were read; never its networks,"
                    " and never the released checkpoint."
                ),
            ),
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            weights=(CHECKPOINT, self._vocoder, ENCODER),
            worker=Path(__file__).with_name("fastsag_worker.py"),
            settings={"steps": steps},
            render=render,
            vocal=VocalFile(rate=24_000, mono=True, most_s=LONGEST_SECONDS),
            timeout_s=timeout_s,
        )

    def worker_settings(self) -> Mapping[str, Json]:
        """Which weights are what, which changes no song: the vocoder's name is part of what every song's key holds."""
        return {
            "checkpoint": [CHECKPOINT.name, CHECKPOINT_FILE],
            "vocoder": self._vocoder.name,
            "encoder": ENCODER,
            "encoder_repository": ENCODER_REPOSITORY,
        }
