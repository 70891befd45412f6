"""Runs in the environment ``muq-scorers``: the model of MuQ-Eval, its variant A1, on windows of a song.

Settings: ``upstream`` with ``src/`` and ``configs/``, ``weights`` (MuQ, and the state of the whole model).
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

RATE = 24_000
WINDOW_SECONDS = 10
HEAD = "MI"
"""Musical impression; the other head, on agreement with the text, is given no text."""


class Worker:
    """Rates files one by one."""

    def __init__(self, settings: dict[str, Any]) -> None:
        upstream, weights = settings["upstream"], settings["weights"]
        sys.dont_write_bytecode = True  # nothing is written into the checkout
        sys.path.insert(0, upstream)
        runpy.run_path(settings["cpu_imports"])["mend_cpu_imports"]()
        import torch
        from omegaconf import OmegaConf
        from src.model import MusicQualityModel  # type: ignore[import-not-found]

        configs = [OmegaConf.load(Path(upstream, "configs", name)) for name in ("base.yaml", "A1_frozen_mlp.yaml")]
        config: Any = OmegaConf.merge(*configs)
        config.pop("defaults", None)
        config.model.encoder_id = weights["muq-large-msd-iter"]
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = MusicQualityModel(config)
        state = torch.load(Path(weights["muq-eval-a1"], "model_state_dict.pt"), "cpu", weights_only=True)
        self._model.load_state_dict(state)
        self._model.float().to(self._device).eval()

    def rate(self, file: str) -> dict[str, Any]:
        """The mean of the ratings of consecutive windows; the last one ends with the song."""
        import soundfile
        import torch
        import torchaudio

        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        wave = torchaudio.functional.resample(torch.from_numpy(samples.mean(axis=1)), rate, RATE)
        length = WINDOW_SECONDS * RATE
        starts = list(range(0, max(1, len(wave) - length + 1), length))
        if starts[-1] + length < len(wave):
            starts.append(len(wave) - length)
        ratings = []
        with torch.inference_mode():
            for start in starts:
                answer = self._model(wave[None, start : start + length].to(self._device))
                ratings.append(float(answer[HEAD][0]))
        return {"values": {"muq_eval": sum(ratings) / len(ratings)}, "detail": {"windows": len(ratings)}}
