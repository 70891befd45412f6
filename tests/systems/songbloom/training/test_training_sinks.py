"""Figures and songs of a training in the places people look at."""

import json

import numpy as np
import pytest

from songbench.domain.audio import Audio
from songbench.domain.errors import UnavailableError
from systems.songbloom.training import sinks
from systems.songbloom.training.run_log import RunLog
from systems.songbloom.training.settings import LogSettings

SOUND = Audio(np.zeros((2, 4800), np.float32), 48_000)


def send(log):
    log.figures(10, "train", {"loss": 1.5})
    log.song(10, "p0", SOUND)
    log.close()


def test_tensorboard_gets_figures_and_sound(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    send(RunLog(tmp_path, sinks.sink_loggers(LogSettings(to=("tensorboard",)), tmp_path)))
    (events,) = (tmp_path / "training/logs").rglob("events.out*")
    accumulator = EventAccumulator(str(events.parent))
    accumulator.Reload()
    (scalar,) = accumulator.Scalars("train/loss")
    assert (scalar.step, scalar.value) == (10, 1.5)
    (audio,) = accumulator.Audio("songs/p0")
    assert (audio.step, audio.sample_rate) == (10, 48_000)


def test_weights_and_biases_gets_them_without_a_network(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    send(RunLog(tmp_path, sinks.sink_loggers(LogSettings(to=("wandb",)), tmp_path)))
    files = [path.suffix for path in (tmp_path / "training/logs/wandb").rglob("*") if path.is_file()]
    assert ".wandb" in files and ".wav" in files


def test_a_missing_package_is_named_with_its_cure(tmp_path, monkeypatch):
    real = sinks.importlib.util.find_spec
    monkeypatch.setattr(sinks.importlib.util, "find_spec", lambda name: None if name == "mlflow" else real(name))
    with pytest.raises(UnavailableError, match="pip install mlflow"):
        sinks.sink_loggers(LogSettings(to=("mlflow",)), tmp_path)


def test_the_log_forgets_steps_that_are_taken_again(tmp_path):
    log = RunLog(tmp_path)
    for step in (1, 2, 3):
        log.figures(step, "train", {"loss": step})
    with log.path.open("a") as handle:
        handle.write('{"step": 4, "tra')  # killed while it wrote
    log.go_on(2)
    assert [json.loads(line)["step"] for line in log.path.read_text().splitlines()] == [1, 2]


def test_processes_without_a_folder_write_nothing(tmp_path):
    send(RunLog(None))
    assert not list(tmp_path.iterdir())
