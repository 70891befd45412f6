"""Runs in the environment ``singmos``: SingMOS-Pro's predictor on windows of a voice.

Its own ``hubconf.py`` builds it. The wav2vec 2.0 that s3prl would fetch for its sizes (its weights are then replaced)
is put where s3prl keeps its downloads.
"""

from __future__ import annotations

import hashlib
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any

RATE = 16_000
WINDOW_SECONDS = 10
QUIET = 10 ** (-50 / 20)
"""Root mean square of a window below which nobody sings in it: 50 dB below full scale."""

ENCODER = "https://huggingface.co/s3prl/converted_ckpts/resolve/main/wav2vec_vox_new.pt"
"""The address by which s3prl knows the encoder's file."""


class Worker:
    """Rates files one by one."""

    def __init__(self, settings: dict[str, Any]) -> None:
        upstream, weights = settings["upstream"], settings["weights"]
        sys.dont_write_bytecode = True  # nothing is written into the checkout
        sys.path.insert(0, upstream)
        runpy.run_path(settings["cpu_imports"])["mend_cpu_imports"]()
        import s3prl.util.download  # type: ignore[import-not-found]
        import torch

        self._scratch = tempfile.TemporaryDirectory(prefix="songbench-singmos-")
        name = Path(ENCODER).name
        place = Path(self._scratch.name) / f"{hashlib.sha256(ENCODER.encode()).hexdigest()}.{name}"
        place.symlink_to(Path(weights["wav2vec2-large-ll60k"], name).resolve())
        s3prl.util.download.set_dir(self._scratch.name)
        import hubconf  # type: ignore[import-not-found]

        (state,) = Path(weights["singmos-pro"]).glob("*.pth")
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._model = hubconf.singmos_pro(pretrained=False, model_path=str(state)).to(self._device)

    def rate(self, file: str) -> dict[str, Any]:
        """The mean of the ratings of the windows in which somebody sings."""
        import librosa
        import numpy as np
        import torch

        wave, _ = librosa.load(file, sr=RATE, mono=True)
        length = WINDOW_SECONDS * RATE
        windows = [wave[start : start + length] for start in range(0, len(wave), length)]
        if len(windows) > 1 and len(windows[-1]) < RATE:
            windows.pop()  # less than a second is no phrase
        loud = [window for window in windows if np.sqrt(np.mean(np.square(window, dtype=np.float64))) >= QUIET]
        if not loud:
            return {"unheard": "the voice is silent"}
        ratings = []
        with torch.inference_mode():
            for window in loud:
                lengths = torch.tensor([len(window)], device=self._device)
                ratings.append(float(self._model(torch.from_numpy(window)[None].to(self._device), lengths)[0]))
        counts = {"windows": len(loud), "silent_windows": len(windows) - len(loud)}
        return {"values": {"singmos": sum(ratings) / len(ratings)}, "detail": counts}
