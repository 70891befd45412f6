"""The worker of MuseControlLite: runs in its environment, where there is no songbench, on a CUDA device.

The authors' own script has no options: its settings are a file of the code, and its seed is a number in it. Their
functions are called here in the script's order, with the song's seed.
"""

from __future__ import annotations

import importlib
import os
import pathlib
import random
import sys
import tempfile
from typing import Any

RATE, SAMPLES = 44_100, 2_097_152
"""What the model hears and makes, always: 47.55 s."""

CHECKPOINTS = "./checkpoints/"
"""Where the settings of the authors say that the adapters are."""

MASKS = tuple(f"{part}_mask_{end}_seconds" for part in ("audio", "musical_attribute") for end in ("start", "end"))
"""Settings by which a part of what is followed would be left out."""


class Worker:
    """The pipeline with the adapter for what is followed.

    Args:
        settings: ``upstream`` (the checkout), ``weights`` (folders by name), ``adapters``, ``base`` (names of weights),
            ``base_repository`` (its id on the model hub), ``condition_type``, ``sampling`` (by the authors' own names).

    Raises:
        RuntimeError: there is no CUDA device, which the authors' code names everywhere.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        # 1. nothing is fetched, and the checkout is only read
        weights = settings["weights"]
        cache = pathlib.Path(tempfile.mkdtemp(dir=settings["scratch"])) / "hub"
        add_to_cache(settings["base_repository"], weights[settings["base"]], cache)
        sys.dont_write_bytecode = True
        os.environ.update(HF_HUB_CACHE=str(cache), HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", MPLBACKEND="Agg")
        sys.path.insert(0, settings["upstream"])
        import torch

        if not torch.cuda.is_available():
            raise RuntimeError("there is no CUDA device, and the authors' code runs on nothing else")
        # 2. the settings: theirs, with ours over them
        config = importlib.import_module("config_inference").get_config()
        config.update(dict.fromkeys(MASKS, 0), **settings["sampling"], condition_type=settings["condition_type"])
        config.update(apadapter=True, no_text=False, show_result_and_plt=False)
        self.config = {name: located(value, weights[settings["adapters"]]) for name, value in config.items()}
        # 3. the networks
        self.code: Any = importlib.import_module("MuseControlLite_setup")
        self.torch, self.dtype = torch, torch.float16 if config["weight_dtype"] == "fp16" else torch.float32
        self.extractors, adapter = self.code.initialize_condition_extractors(self.config)
        self.pipeline = self.code.setup_MuseControlLite(self.config, self.dtype, adapter).to("cuda")

    def describe(self) -> dict[str, Any]:
        """Where it runs."""
        return {"device": f"cuda:0 {self.torch.cuda.get_device_name(0)}"}

    def generate(self, request: dict[str, Any]) -> dict[str, Any]:
        """One accompaniment of the model's own length."""
        import numpy
        import soundfile

        # 1. everything random follows from the seed
        seed, folder, cuda = request["seed"], request["folder"], self.torch.cuda
        random.seed(seed)
        numpy.random.seed(seed % 2**32)
        self.torch.manual_seed(seed)
        cuda.reset_peak_memory_stats()
        # 2. what is followed: the vocal, and silence up to the model's length, to which shorter curves are stretched
        samples, _ = soundfile.read(request["vocal"], dtype="float32", always_2d=True)
        condition = numpy.zeros((SAMPLES, 2), dtype="float32")
        condition[: len(samples)] = samples[:SAMPLES, :2]
        path = str(pathlib.Path(folder, "condition.wav"))
        soundfile.write(path, condition, RATE, subtype="FLOAT")
        config = dict(self.config)
        # 3. the accompaniment
        with self.torch.no_grad():
            curves, audio = self.code.process_musical_conditions(
                config, path, self.extractors, folder, 0, self.dtype, self.pipeline
            )
            waves = self.pipeline(
                extracted_condition=curves,
                extracted_condition_audio=audio,
                prompt=request["style"],
                negative_prompt=config["negative_text_prompt"],
                num_inference_steps=config["denoise_step"],
                guidance_scale_text=config["guidance_scale_text"],
                guidance_scale_con=config["guidance_scale_con"],
                guidance_scale_audio=config["guidance_scale_audio"],
                num_waveforms_per_prompt=1,
                audio_end_in_s=SAMPLES / RATE,
                generator=self.torch.Generator().manual_seed(seed),
            ).audios
        band = waves[0].T.float().cpu().numpy()
        soundfile.write(str(pathlib.Path(folder, "band.wav")), band, self.pipeline.vae.sampling_rate, subtype="FLOAT")
        return {"audio": "band.wav", "peak_gib": cuda.max_memory_allocated() / 2**30}


def located(value: Any, folder: str) -> Any:
    """A setting with the paths of adapters in that folder, whatever folder the authors name."""
    if isinstance(value, dict):
        return {name: located(entry, folder) for name, entry in value.items()}
    if isinstance(value, str) and value.startswith(CHECKPOINTS):
        return str(pathlib.Path(folder, value[len(CHECKPOINTS) :]))
    return value


def add_to_cache(repository: str, folder: str, cache: pathlib.Path) -> None:
    """Lay weights out as the hub's own cache does, so that its loader takes them for what it once fetched."""
    place, revision = cache / ("models--" + repository.replace("/", "--")), "0" * 40
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(revision, encoding="utf-8")
    snapshot = place / "snapshots" / revision
    snapshot.mkdir(parents=True)
    for child in sorted(pathlib.Path(folder).iterdir()):
        (snapshot / child.name).symlink_to(child.resolve(), target_is_directory=child.is_dir())
