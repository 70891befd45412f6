"""The worker of SongGen: runs in its environment, where there is no songbench, on Python 3.9 and later."""

from __future__ import annotations

import importlib
import os
import pathlib
import random
import shutil
import sys
import tempfile
from typing import Any

CODEC_FOLDER = "songgen/xcodec_wrapper/xcodec_infer/ckpts/general_more"
"""Where the authors' code looks for the codec's weights, which is inside that code."""

LEAST_SECONDS = 0.1
"""Of a song: where nothing was generated, the model gives a single sample."""

FRAMES_PER_SECOND = 50


class Worker:
    """The model with all that its processor loads.

    Args:
        settings: ``upstream`` (the checkout), ``weights`` (folders by name), ``model``, ``codec``, ``separator`` (names
            of weights), ``hub`` (id on the model hub → name of weights), ``tracks``, ``temperature``, ``top_k``.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        # 1. a copy of the code, inside which the codec's weights have to lie, and a cache of what it would fetch
        self.root = pathlib.Path(tempfile.mkdtemp(dir=settings["scratch"]))
        weights = settings["weights"]
        shutil.copytree(pathlib.Path(settings["upstream"], "songgen"), self.root / "songgen")
        link_files(weights[settings["codec"]], self.root / CODEC_FOLDER)
        link_files(weights[settings["separator"]], self.root / "torch" / "hub" / "checkpoints")
        for repository, name in settings["hub"].items():
            add_to_cache(repository, weights[name], self.root / "hub")
        os.environ.update(
            HF_HUB_CACHE=str(self.root / "hub"),
            HF_MODULES_CACHE=str(self.root / "modules"),
            TORCH_HOME=str(self.root / "torch"),
            HF_HUB_OFFLINE="1",
            TRANSFORMERS_OFFLINE="1",
        )
        sys.path.insert(0, str(self.root))
        # 2. the model
        songgen: Any = importlib.import_module("songgen")
        import torch

        self.torch, self.tracks = torch, settings["tracks"]
        self.device = "cuda:0" if torch.cuda.is_available() else "cpu"
        mixed, dual = songgen.SongGenMixedForConditionalGeneration, songgen.SongGenDualTrackForConditionalGeneration
        kind = dual if self.tracks else mixed
        folder = weights[settings["model"]]
        self.model = kind.from_pretrained(folder, attn_implementation="sdpa").to(self.device)
        self.processor = songgen.SongGenProcessor(folder, self.device)
        self.sampling = {name: settings[name] for name in ("temperature", "top_k") if settings[name] is not None}

    def describe(self) -> dict[str, Any]:
        """Where it runs."""
        cuda = self.torch.cuda
        return {"device": f"{self.device} {cuda.get_device_name(0)}" if cuda.is_available() else "cpu"}

    def generate(self, request: dict[str, Any]) -> dict[str, Any]:
        """One song.

        Raises:
            RuntimeError: the model ended before it had begun.
        """
        import numpy
        import soundfile

        # 1. everything random follows from the seed
        seed = request["seed"]
        random.seed(seed)
        numpy.random.seed(seed % 2**32)
        self.torch.manual_seed(seed)
        cuda = self.torch.cuda
        if cuda.is_available():
            cuda.reset_peak_memory_stats()
        # 2. the tracks
        inputs = self.processor(text=request["style"], lyrics=request["lyrics"])
        generation = self.model.generate(**inputs, do_sample=True, **self.sampling)
        tracks = [samples_of(track) for track in (generation if self.tracks else (generation,))]
        length, rate = min(map(len, tracks)), self.model.config.sampling_rate
        if length < LEAST_SECONDS * rate:
            raise RuntimeError(f"the model gave {length} samples and ended")
        tracks = [track[:length] for track in tracks]
        # 3. the files
        folder = pathlib.Path(request["folder"])
        names = ("accompaniment", "vocals") if self.tracks else ()
        files = {"mix": sum(tracks), **{name: tracks[number] for number, name in enumerate(names)}}
        for name, samples in files.items():
            soundfile.write(str(folder / f"{name}.wav"), samples, rate, subtype="FLOAT")
        defaults = self.model.generation_config
        answer: dict[str, Any] = {
            "audio": "mix.wav",
            "stems": {name: f"{name}.wav" for name in names},
            "notes": self.notes(length / rate),
            "settings": {
                name: getattr(defaults, name, None) for name in ("temperature", "top_k", "top_p", "max_length")
            },
        }
        answer["settings"].update(self.sampling, do_sample=True)
        if cuda.is_available():
            answer["peak_gib"] = cuda.max_memory_allocated() / 2**30
        return answer

    def notes(self, seconds: float) -> list[str]:
        """Whether the model was stopped; a few frames are lost to the delay between its codebooks."""
        longest = self.model.generation_config.max_length / (FRAMES_PER_SECOND * (2 if self.tracks else 1))
        stopped = seconds >= longest - 0.5
        return [f"stopped at the limit of {longest:g} s, where words may be missing"] if stopped else []


def samples_of(tensor: Any) -> Any:
    """One track as a flat array."""
    return tensor.cpu().numpy().reshape(-1)


def link_files(source: str, target: pathlib.Path) -> None:
    """Links to all files of a folder."""
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(pathlib.Path(source).iterdir()):
        if not (target / file.name).exists():
            (target / file.name).symlink_to(file.resolve())


def add_to_cache(repository: str, folder: str, cache: pathlib.Path) -> None:
    """Lay weights out as the hub's own cache does, so that its loader takes them for what it once fetched."""
    place, revision = cache / ("models--" + repository.replace("/", "--")), "0" * 40
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(revision, encoding="utf-8")
    link_files(folder, place / "snapshots" / revision)
