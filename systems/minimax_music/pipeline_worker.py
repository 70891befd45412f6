"""The worker of MiniMax Music 3: runs in its environment, where there is no songbench."""

import importlib
import os
import pathlib
from typing import Any

FILE = "song.wav"
SPARE_S = 0.05
"""How much shorter than the bound a song may be that was cut there: a frame lasts 40 ms."""


class Worker:
    """The pipeline with its parts loaded.

    Args:
        settings: ``weights`` (one folder), ``precision``, ``steps``, ``max_seconds``.

    Raises:
        RuntimeError: a part of the weights is missing.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        os.environ["HF_HUB_OFFLINE"] = "1"  # before anything of the hub is imported
        torch, diffusers = importlib.import_module("torch"), importlib.import_module("diffusers")
        (folder,) = settings["weights"].values()
        self.settings, self.torch = settings, torch
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.pipeline = diffusers.ModularPipeline.from_pretrained(folder)
        # the index of the folder names the hub's repository as the place of every part
        self.pipeline.load_components(pretrained_model_name_or_path=folder, dtype=getattr(torch, settings["precision"]))
        missing = [name for name in self.pipeline.component_names if getattr(self.pipeline, name, None) is None]
        if missing:
            raise RuntimeError(f"of the weights could not be loaded: {', '.join(missing)}")
        self.pipeline.to(self.device)

    def describe(self) -> dict[str, Any]:
        """Where the model is."""
        name = f" {self.torch.cuda.get_device_name(0)}" if self.device == "cuda" else ""
        return {"device": f"{self.device}{':0' if name else ''}{name}"}

    def generate(self, request: dict[str, Any]) -> dict[str, Any]:
        """One song."""
        soundfile = importlib.import_module("soundfile")
        torch, bound_s = self.torch, self.settings["max_seconds"]
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        audio = self.pipeline(
            prompt=request["style"],
            lyrics=request["lyrics"],
            audio_duration=bound_s,
            num_inference_steps=self.settings["steps"],
            generator=torch.Generator("cpu").manual_seed(request["seed"]),
            output="audios",
        )[0]
        rate = int(self.pipeline.sampling_rate)
        soundfile.write(pathlib.Path(request["folder"], FILE), audio.T, rate, subtype="FLOAT")
        answer: dict[str, Any] = {"audio": FILE}
        if audio.shape[-1] >= (bound_s - SPARE_S) * rate:
            answer["notes"] = [f"cut at the bound of {bound_s:g} s"]
        if self.device == "cuda":
            answer["peak_gib"] = torch.cuda.max_memory_allocated() / 2**30
        return answer
