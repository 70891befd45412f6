"""ACE-Step v1 3.5B as a system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from songbench.domain.hashing import Json
from songbench.plugin import IsolatedSystem
from systems.acestep.card import CARD
from systems.acestep.environment import CHECKOUT, ENVIRONMENT, WEIGHTS
from systems.acestep.rendering import render

Share = Annotated[float, Field(ge=0, le=1)]
Scale = Annotated[float, Field(ge=0, le=100)]


class AceStep(IsolatedSystem):
    """Songs of ACE-Step v1; settings have the names and defaults of its authors' pipeline.

    Args:
        infer_step: diffusion steps.
        guidance_scale: strength of the guidance by lyrics and style together.
        scheduler_type: solver.
        cfg_type: form of the guidance.
        omega_scale: weight of the solver's correction.
        guidance_interval: part of the steps, around the middle, that are guided.
        guidance_interval_decay: how far guidance falls in that part.
        min_guidance_scale: what it falls to.
        use_erg_tag: weaken the attention of the text encoder for the negative style.
        use_erg_lyric: the same of the lyric encoder.
        use_erg_diffusion: the same of the diffusion transformer.
        guidance_scale_text: separate guidance by the style; 0: none.
        guidance_scale_lyric: separate guidance by the lyrics; 0: none.
        dtype: precision; on Apple's devices the pipeline always takes float32.
        overlapped_decode: decode songs of more than 48 s in overlapping pieces, for less memory.
        cpu_offload: keep parts of the model that are not at work in main memory, for less device memory.
        torch_compile: compile the model; slower to start.
        device_id: number of the CUDA device.
    """

    def __init__(
        self,
        infer_step: Annotated[int, Field(ge=1, le=1000)] = 60,
        guidance_scale: Scale = 15.0,
        scheduler_type: Literal["euler", "heun", "pingpong"] = "euler",
        cfg_type: Literal["cfg", "apg", "cfg_star"] = "apg",
        omega_scale: Scale = 10.0,
        guidance_interval: Share = 0.5,
        guidance_interval_decay: Share = 0.0,
        min_guidance_scale: Scale = 3.0,
        use_erg_tag: bool = True,
        use_erg_lyric: bool = True,
        use_erg_diffusion: bool = True,
        guidance_scale_text: Scale = 0.0,
        guidance_scale_lyric: Scale = 0.0,
        dtype: Literal["bfloat16", "float32"] = "bfloat16",
        overlapped_decode: bool = False,
        cpu_offload: bool = False,
        torch_compile: bool = False,
        device_id: Annotated[int, Field(ge=0)] = 0,
    ) -> None:
        self._placing: Mapping[str, Json] = {
            "cpu_offload": cpu_offload,
            "torch_compile": torch_compile,
            "device_id": device_id,
        }
        super().__init__(
            card=CARD,
            environment=ENVIRONMENT,
            upstream=CHECKOUT,
            weights=(WEIGHTS,),
            worker=Path(__file__).with_name("acestep_worker.py"),
            settings={
                "dtype": dtype,
                "overlapped_decode": overlapped_decode,
                "sampling": {
                    "infer_step": infer_step,
                    "guidance_scale": guidance_scale,
                    "scheduler_type": scheduler_type,
                    "cfg_type": cfg_type,
                    "omega_scale": omega_scale,
                    "guidance_interval": guidance_interval,
                    "guidance_interval_decay": guidance_interval_decay,
                    "min_guidance_scale": min_guidance_scale,
                    "use_erg_tag": use_erg_tag,
                    "use_erg_lyric": use_erg_lyric,
                    "use_erg_diffusion": use_erg_diffusion,
                    "guidance_scale_text": guidance_scale_text,
                    "guidance_scale_lyric": guidance_scale_lyric,
                },
            },
            render=render,
        )

    def worker_settings(self) -> Mapping[str, Json]:
        """Where the model is placed, which changes no song."""
        return self._placing
