"""Places that show the figures of a training: TensorBoard, Weights & Biases and MLflow, by Lightning's loggers.

Each is a package of its own that need not be there. ``log.jsonl`` in the folder of the training is always written.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from songbench.domain.errors import UnavailableError
from systems.songbloom.training.settings import LogSettings

if TYPE_CHECKING:
    from songbench.domain.audio import Audio


def require_fabric() -> None:
    """Refuse to train without Lightning Fabric.

    Raises:
        UnavailableError: with the command that installs it.
    """
    _require("lightning_fabric", "Training", "'songbench[training]'")


def sink_loggers(settings: LogSettings, folder: Path) -> list[Any]:
    """A logger for each place the settings name.

    Args:
        settings: which, and what the run is called there.
        folder: of the training; event files lie in its ``training/logs``.

    Raises:
        UnavailableError: its package is not installed.
    """
    name, place = settings.name or folder.resolve().name, folder / "training" / "logs"
    return [_SINKS[sink](settings, name, place) for sink in dict.fromkeys(settings.to)]


def _tensorboard(settings: LogSettings, name: str, place: Path) -> Any:
    _require("tensorboard", "TensorBoard", "tensorboard")
    from lightning_fabric.loggers.tensorboard import TensorBoardLogger

    return TensorBoardLogger(str(place), name="", version="")


def _wandb(settings: LogSettings, name: str, place: Path) -> Any:
    _require("wandb", "Weights & Biases", "wandb")
    place.mkdir(parents=True, exist_ok=True)
    # As in an export: nothing is sent unless WANDB_MODE says so. wandb itself reads the variable once per process.
    mode = os.environ.get("WANDB_MODE") or "offline"
    return _lightning().WandbLogger(
        name=name, project=settings.project, save_dir=str(place), id=_run_id(place), mode=mode
    )


def _mlflow(settings: LogSettings, name: str, place: Path) -> Any:
    _require("mlflow", "MLflow", "mlflow")
    return _lightning().MLFlowLogger(
        experiment_name=settings.project, run_name=name, save_dir=str(place / "mlflow"), run_id=None
    )


_SINKS = {"tensorboard": _tensorboard, "wandb": _wandb, "mlflow": _mlflow}


def _lightning() -> Any:
    """Lightning's own loggers; on a CPU build of torch its imports need mending first."""
    from songbench.resources.cpu_imports import mend_cpu_imports

    mend_cpu_imports()
    import pytorch_lightning.loggers

    return pytorch_lightning.loggers


def _run_id(place: Path) -> str:
    """The same for a training that goes on, so that its figures join those from before."""
    import hashlib

    return hashlib.sha256(str(place.resolve()).encode()).hexdigest()[:12]


def log_audio(loggers: list[Any], name: str, audio: Audio, step: int) -> None:
    """Send a song to every place that takes sound.

    Args:
        loggers: from `sink_loggers`.
        name: of the song.
        audio: full scale is ±1; what is beyond is cut off.
        step: of the training.
    """
    import numpy as np

    samples = np.clip(audio.samples, -1, 1)
    for logger in loggers:
        match type(logger).__name__:
            case "TensorBoardLogger":
                logger.experiment.add_audio(name, samples.mean(axis=0)[None], step, sample_rate=audio.rate)
            case "WandbLogger":
                import wandb

                sound = wandb.Audio(samples.T, sample_rate=audio.rate, caption=f"step {step}")
                logger.experiment.log({name: sound, "trainer/global_step": step})
            case "MLFlowLogger":
                import io

                import soundfile

                buffer = io.BytesIO()
                soundfile.write(buffer, samples.T, audio.rate, format="FLAC")
                _log_mlflow_file(logger, f"{name}_{step:08d}.flac", buffer.getvalue())


def _log_mlflow_file(logger: Any, name: str, content: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name.replace("/", "_")
        path.write_bytes(content)
        logger.experiment.log_artifact(logger.run_id, str(path), "songs")


def _require(module: str, purpose: str, package: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise UnavailableError(f"{purpose} needs the package {package}. To get it: pip install {package}")
