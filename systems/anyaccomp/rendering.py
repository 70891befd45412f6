"""A prompt as AnyAccomp takes it: a folder with the vocal, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from songbench.domain.rendering import Rendering
from songbench.domain.song import Request
from songbench.plugin import Invocation


@dataclass(frozen=True, kw_only=True)
class AnyAccompCall:
    """The settings of a call.

    Attributes:
        steps: of the solver.
        guidance: towards the melody.
        device: as torch calls it.
    """

    steps: int
    guidance: float
    device: str


def invocation(request: Request, call: AnyAccompCall) -> Invocation:
    """The call of ``infer_from_folder.py`` for a request: a folder of one file, so that the seed is that song's own."""
    prompt = request.prompt
    return Invocation(
        arguments=(
            "--input_folder={vocal_folder}",
            "--infer_dst={out}",
            f"--seed={request.seed % 2**32}",
            f"--n_timesteps={call.steps}",
            f"--cfg={call.guidance:g}",
            f"--device={call.device}",
        ),
        outputs={"mix": f"accompaniment/{prompt.id}.wav"},
        rendering=Rendering(notes=("it takes no style",) if prompt.style or prompt.prompt_audio else ()),
    )
