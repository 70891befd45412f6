r"""fadtk's own command where there is no network and torch is a CPU build; its code is run as it is.

    HF_HOME=CACHE HF_HUB_OFFLINE=1 FADTK_CHECKPOINTS=FOLDER \
        python benchmarks/fadtk_command.py MERT-v1-95M REFERENCE EVALUATED CSV -w 2

Three things around it are put in place before it starts, here and in the worker processes it spawns:

- torchaudio is made importable beside a CPU build of torch.
- fadtk asks torchaudio to read and write through its soundfile backend. Newer versions of torchaudio ignore that and
  need FFmpeg's libraries; soundfile is called directly instead.
- fadtk downloads the checkpoints of all its CLAP models as soon as it lists its models. It is told to look in
  FADTK_CHECKPOINTS, where files of these names (empty ones will do for other models) have to lie.
"""

import os
import sys
from pathlib import Path

import numpy as np
import soundfile
import torch

from songbench.resources.cpu_imports import mend_cpu_imports

CHECKPOINTS = ("630k-audioset-best.pt", "music_audioset_epoch_15_esc_90.14.pt", "CLAP_weights_2023.pth")


def load(path: str, **_: object) -> tuple[torch.Tensor, int]:
    """What torchaudio's soundfile backend gave: (channels, n) in float32, and the rate."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return torch.from_numpy(np.ascontiguousarray(samples.T)), rate


def save(path: str, samples: torch.Tensor, rate: int, *, encoding: str, bits_per_sample: int) -> None:
    """What torchaudio's soundfile backend wrote."""
    soundfile.write(path, samples.numpy().T, rate, subtype=f"{encoding}_{bits_per_sample}".replace("_S_", "_"))


def prepared() -> None:
    """Put everything in place."""
    mend_cpu_imports()
    import fadtk.model_loader
    import torchaudio

    torchaudio.load, torchaudio.save = load, save
    folder = Path(os.environ["FADTK_CHECKPOINTS"])
    checkpoints = folder / ".model-checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    for name in CHECKPOINTS:
        if not (checkpoints / name).exists():
            (checkpoints / name).touch()
    fadtk.model_loader.__file__ = str(folder / "model_loader.py")


prepared()

if __name__ == "__main__":
    from fadtk.__main__ import main

    sys.exit(main())
