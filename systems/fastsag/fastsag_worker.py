"""The worker of FastSAG: runs in its environment, where there is no songbench, on Python 3.9.

The authors' own script gives mixes alone, wants the true accompaniment of each vocal, and does not start at the pinned
commit, as it takes BigVGAN itself for its wrapper. So their networks are called here in the script's order, and what
comes out of the vocoder is kept before the vocal would be added.
"""

from __future__ import annotations

import importlib
import os
import pathlib
import random
import sys
import tempfile
from typing import Any

RATE, SECONDS = 24_000, 10
SHAPE = (1, 64, 100, 64, 0.05, 20.0, 1000)
"""Of the network, as in the authors' script: speakers, their width, mel bands, width, noise (2), position scale."""

LEVEL = 0.9
"""By which the script scales what the vocoder gives."""


class Worker:
    """The network with its vocoder and the encoder that it hears through.

    Args:
        settings: ``upstream`` (the checkout), ``weights`` (folders by name), ``checkpoint`` (name of weights and file),
            ``vocoder``, ``encoder`` (names of weights), ``encoder_repository`` (its id on the model hub), ``steps``.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        # 1. nothing is fetched, and the checkout is only read
        weights, upstream = settings["weights"], pathlib.Path(settings["upstream"])
        cache = pathlib.Path(tempfile.mkdtemp(dir=settings["scratch"])) / "hub"
        add_to_cache(settings["encoder_repository"], weights[settings["encoder"]], cache)
        sys.dont_write_bytecode = True
        os.environ.update(HF_HUB_CACHE=str(cache), HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", MPLBACKEND="Agg")
        sys.path[:0] = [str(upstream / "sde_diffusion"), str(upstream), str(upstream / "BigVGAN")]
        # 2. the networks
        import torch

        self.torch, self.steps = torch, settings["steps"]
        self.device = "cuda:0" if torch.cuda.is_available() else "cpu"
        encoder = importlib.import_module("hubert_kmeans.model").create_hubert_kmeans_from_config(
            kmeans_path=None, device="cpu"
        )
        vocoder = importlib.import_module("BigVGAN.bigvgan_wrapper").BigVGANWrapper(weights[settings["vocoder"]])
        model = importlib.import_module("fastsag").FastSAG(*SHAPE, vocoder=vocoder, wav2vec=encoder, mix_type="wavenet")
        name, file = settings["checkpoint"]
        state = torch.load(pathlib.Path(weights[name], file), map_location="cpu", weights_only=True)
        model.load_state_dict(state, strict=True)
        self.model = model.to(self.device).eval()
        self.scaling = importlib.import_module("utils_d")

    def describe(self) -> dict[str, Any]:
        """Where it runs."""
        cuda = self.torch.cuda
        return {"device": f"{self.device} {cuda.get_device_name(0)}" if cuda.is_available() else "cpu"}

    def generate(self, request: dict[str, Any]) -> dict[str, Any]:
        """The accompaniment of ten seconds; a shorter vocal is followed by silence."""
        import numpy
        import soundfile

        # 1. everything random follows from the seed
        seed, cuda = request["seed"], self.torch.cuda
        random.seed(seed)
        numpy.random.seed(seed % 2**32)
        self.torch.manual_seed(seed)
        if cuda.is_available():
            cuda.reset_peak_memory_stats()
        # 2. the vocal, at the level that the network knows
        samples, _ = soundfile.read(request["vocal"], dtype="float32")
        clip = numpy.zeros(RATE * SECONDS, dtype="float32")
        clip[: len(samples)] = samples[: len(clip)]
        wave = self.scaling.zero_mean_unit_var_norm(self.torch.from_numpy(clip)[None].to(self.device))
        # 3. the accompaniment, without the vocal
        model = self.model
        with self.torch.no_grad():
            inputs = {
                "wav": wave,
                "mel": self.scaling.norm_spec(model.vocoder.get_mel(wave)),
                "semantic": model.wav2vec(wave, return_embed=True),
            }
            _, mel, _ = model(inputs, n_timesteps=self.steps, y=None, use_cfg=False, use_x_mel=False)
            sound = model.vocoder.recon_wav(self.scaling.denorm_spec(mel), to_int=False)
        band = LEVEL * sound.float().cpu().numpy().reshape(-1)
        soundfile.write(str(pathlib.Path(request["folder"], "band.wav")), band, RATE, subtype="FLOAT")
        peak = {"peak_gib": cuda.max_memory_allocated() / 2**30} if cuda.is_available() else {}
        return {"audio": "band.wav", **peak}


def add_to_cache(repository: str, folder: str, cache: pathlib.Path) -> None:
    """Lay weights out as the hub's own cache does, so that its loader takes them for what it once fetched."""
    place, revision = cache / ("models--" + repository.replace("/", "--")), "0" * 40
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(revision, encoding="utf-8")
    snapshot = place / "snapshots" / revision
    snapshot.mkdir(parents=True)
    for file in sorted(pathlib.Path(folder).iterdir()):
        (snapshot / file.name).symlink_to(file.resolve())
