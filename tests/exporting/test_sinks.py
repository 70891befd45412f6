"""Experiment trackers: what they are told, by their own packages in their local modes, and sinks of other packages."""

import importlib.util
import json
import math
import os
import struct
import time
from pathlib import Path

import pytest

from songbench.contracts import registry
from songbench.contracts.registry import PluginError
from songbench.domain.errors import InputError, UnavailableError
from songbench.execution.results import SongId
from songbench.exporting.formats import check_target
from songbench.exporting.sinks import sink_report
from songbench.reporting import listening_results


def needs(package):
    return pytest.mark.skipif(importlib.util.find_spec(package) is None, reason=f"{package} is not installed")


@pytest.fixture
def no_configuration(monkeypatch):
    """As if the user had configured no tracker."""
    for name in [name for name in os.environ if name.startswith(("WANDB_", "MLFLOW_"))]:
        monkeypatch.delenv(name)


def value_of(run, system, column):
    return next(row for row in run.board.rows if row.system.name == system).cells[column].value


def test_what_is_told_of_each_system(export):
    report = sink_report(export(), audio=1)
    assert (report.run, report.suite) == ("small", "small")
    probe, noise = report.systems
    assert probe.config["system"] == "probe" and probe.config["suite_version"] == "1" and probe.config["seed"] == 0
    assert probe.config["parameters.gain"] == 0.1 and probe.config["metric.level@probe"] == "1"
    figures = {figure.column: figure for figure in noise.figures}
    assert figures["level@probe"].n == 3 and figures["level@probe"].low <= figures["level@probe"].value
    assert set(figures["level@probe"].numbers) == {f"level@probe{part}" for part in ("", "/low", "/high", "/n")}
    assert list(noise.examples) == [SongId("noise", "rain", 0)]
    assert set(noise.scores["system"]) == {"noise"} and len(noise.songs) == 3
    assert set(report.leaderboard["system"]) == {"probe", "noise"}


def test_of_some_prompts_no_listening_test_is_told_as_its_figures_are_of_all(export, monkeypatch):
    folders = []
    monkeypatch.setattr(listening_results, "load_listening_results", lambda folder: folders.append(folder.name) or ())
    sink_report(export(prompts=["rain"]))
    assert folders == []
    sink_report(export())
    assert folders == ["small"]


# -- sinks of other packages -------------------------------------------------------------------------------------------


def test_a_sink_of_another_package_is_told(export, tmp_path):
    target = check_target("ledger", out=tmp_path, settings=["stars=2"])
    assert target.write(export(), audio=0, force=False) == [str(tmp_path / "ledger.txt")]
    assert "**small noise level@probe 3\n" in (tmp_path / "ledger.txt").read_text()
    with pytest.raises(PluginError, match=r"sink 'ledger' .songbench-probe 1.0. failed .ZeroDivisionError: bad luck"):
        check_target("ledger", out=tmp_path, settings=["stars=13"]).write(export(), audio=0, force=False)


@pytest.mark.parametrize(
    ("name", "settings", "error", "message"),
    [
        ("ledgr", [], InputError, "Did you mean 'ledger'"),
        ("ledger", ["star=1"], InputError, "Did you mean 'stars'"),
        ("ledger", ["stars=many"], InputError, "stars"),
        ("broken-sink", [], PluginError, "cannot be loaded"),
    ],
)
def test_what_is_wrong_is_refused_before_a_run_is_read(tmp_path, name, settings, error, message):
    with pytest.raises(error, match=message):
        check_target(name, out=tmp_path, settings=settings)


@pytest.mark.parametrize(
    ("plugin", "message"), [(dict, "is not a Sink"), (lambda: 1 / 0, "cannot be built .ZeroDivisionError")]
)
def test_what_is_no_sink_is_named(tmp_path, monkeypatch, plugin, message):
    monkeypatch.setattr(registry, "load", lambda group, name: plugin)
    with pytest.raises(PluginError, match=message):
        check_target("ledger", out=tmp_path)


def test_a_package_that_is_not_installed_is_named_with_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for name in ("wandb", "mlflow", "tensorboard"):
        with pytest.raises(UnavailableError, match=f"{name} is not installed. To get it: pip install {name}"):
            check_target(name, out=tmp_path)


def test_trackers_with_local_files_need_a_folder(no_configuration, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    for name in ("mlflow", "tensorboard"):
        with pytest.raises(InputError, match=f"--to {name} --out FOLDER"):
            check_target(name, out=None)
    assert check_target("mlflow", out=None, settings=["tracking_uri='http://localhost:1'"])
    assert check_target("wandb", out=None)


# -- TensorBoard -------------------------------------------------------------------------------------------------------


@needs("tensorboard")
def test_tensorboard_reads_figures_songs_and_sound(export, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run, target = export(), check_target("tensorboard", out=tmp_path)
    target.write(run, audio=1, force=False)
    assert target.write(run, audio=1, force=False) == [f"{tmp_path / 'small'} (tensorboard --logdir {tmp_path})"]
    assert len(list(tmp_path.rglob("events*"))) == 2, "one of each system, whatever was there"
    events = EventAccumulator(str(tmp_path / "small/noise"))
    events.Reload()
    (figure,) = events.Scalars("level@probe")
    assert math.isclose(figure.value, value_of(run, "noise", "level@probe"), rel_tol=1e-6)
    assert events.Scalars("level@probe/n")[0].value == 3
    songs = events.Scalars("songs/level@probe")
    assert [event.step for event in songs] == [0, 1, 2]
    (sound,) = events.Audio("examples/rain")
    assert sound.encoded_audio_string.startswith(b"RIFF") and sound.sample_rate == 48000
    (config,) = events.Tensors("config")
    assert b"| suite | small |" in config.tensor_proto.string_val[0]


# -- Weights & Biases --------------------------------------------------------------------------------------------------


@needs("wandb")
def test_wandb_writes_what_it_is_told_and_sends_nothing(export, tmp_path, no_configuration, monkeypatch):
    monkeypatch.setenv("WANDB_BASE_URL", "http://localhost:1")  # whatever would be sent would fail
    run = export(systems=["noise"])
    (line,) = check_target("wandb", out=tmp_path, settings=["project=songs", "tags=[a]"]).write(
        run, audio=1, force=False
    )
    assert line.startswith("noise: ") and line.endswith("('wandb sync' sends it)")
    (folder,) = (tmp_path / "wandb").glob("offline-run-*")
    end = time.monotonic() + 20
    while not (content := read_wandb(next(folder.glob("*.wandb"))))[1].get("level@probe") and time.monotonic() < end:
        time.sleep(0.05)  # its own process writes the file
    config, summary = content
    assert config["suite"] == "small" and config["system"] == "noise"
    assert summary["level@probe"] == value_of(run, "noise", "level@probe") and summary["level@probe/n"] == 3
    (table,) = folder.glob("files/media/table/scores*.json")
    assert len(json.loads(table.read_text())["data"]) == len(run.scores)
    assert len(list(folder.glob("files/media/audio/*.wav"))) == 1


def read_wandb(path: Path):
    """Config and summary of an offline run: a log of records in blocks of 32 KiB, each with a head of seven bytes."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, parts, config, summary = path.read_bytes(), 7, b"", {}, {}
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + 7])
        parts += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record = Record.FromString(parts)
            parts = b""
            config |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
            for item in record.summary.update:
                summary[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
    return config, summary


# -- MLflow ------------------------------------------------------------------------------------------------------------


@needs("mlflow")
@pytest.mark.slow
def test_mlflow_keeps_what_it_is_told_in_a_database(export, tmp_path, no_configuration):
    from mlflow.tracking import MlflowClient

    run = export()
    check_target("mlflow", out=tmp_path / "flow", settings=["experiment=songs"]).write(run, audio=1, force=False)
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'flow/mlflow.db'}")
    experiment = client.get_experiment_by_name("songs")
    runs = {entry.info.run_name: entry for entry in client.search_runs([experiment.experiment_id])}
    assert set(runs) == {"probe", "noise"}
    data = runs["noise"].data
    assert data.metrics["level:probe"] == value_of(run, "noise", "level@probe") and data.metrics["level:probe/n"] == 3
    assert data.params["suite"] == "small" and data.tags["songbench.column.level:probe"] == "level@probe"
    files = {path.name for path in (tmp_path / "flow/artifacts").rglob("*.*")}
    assert {"scores.csv", "songs.csv", "rain.take0.flac"} <= files
    assert runs["noise"].info.status == "FINISHED"
