"""What the diffusion transformer of SongBloom reads: the models of the paper's table 4, trained on the same songs.

    OMP_NUM_THREADS=1 python benchmarks/songbloom_ablation.py
    python benchmarks/songbloom_ablation.py --device cuda --size tiny --autoencoder full_150s --data DATA \
        --steps 150000 --set compute.compiled=true --sing

Hidden vector, acoustic context and sketch (H + C + S), without the sketch (H + C), the hidden vector alone (H), no
sketch in the language model either; and patches of 8 frames in place of 16. Everything goes through the commands that
people type: ``songbench train tokenizer``, ``prepare`` and ``songbloom``, with the same songs, seeds and steps for each
model. The first line takes a few minutes of a CPU with models of a few hundred thousand weights on songs by rules: that
shows a direction at most. The second is the recipe for the paper's small model; DATA is from ``songbench train
prepare``. ``--sing`` has all models sing a suite and scores them (PER, FAD) in one run. Stopped and started again with
the same ``--work``, it goes on. ``--to`` gets ``ablation.json`` and ``ablation.md``.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from songbloom_loudness_autoencoder import loudness_autoencoder

from songbench import api
from songbench.domain.errors import InputError, SongbenchError
from songbench.execution.record import hardware
from songbench.resources.files import write_atomically
from systems.songbloom import loading
from systems.songbloom.checkpoint import load_checkpoint, save_checkpoint
from systems.songbloom.config import AutoencoderConfig, ModelConfig
from systems.songbloom.model import SongBloom
from systems.songbloom.presets import PRESETS, TABLE_4
from systems.songbloom.training.baselines import Baselines
from systems.songbloom.training.data.dataset import SongDataset
from systems.songbloom.training.data.rulebased_source import RulebasedSource
from systems.songbloom.training.data.songs import RenderedAudio
from systems.songbloom.training.objective import SongBloomObjective
from systems.songbloom.training.prepared_songs import PreparedSongs, crop_settings
from systems.songbloom.training.settings import CropChoice
from systems.songbloom.training.trained import freeze_untrained, trained_parameters
from systems.songbloom.training.validation import SongValidation

ROOT = Path(__file__).parents[1]
FULL = "H + C + S"
SIZES = {
    "small": (
        "laptop",
        "model.sizes.dim=64 model.sizes.heads=2 model.sizes.lm_layers=2 model.sizes.timestep_features=32 "
        "model.sizes.prompt_frames=25 model.sizes.lyrics_length=128 optimiser.warm_up=20",
    ),
    "laptop": ("laptop", ""),
    "tiny": ("tiny", ""),
}
"""Recipes of ``songbench train songbloom --config`` and what is otherwise."""

PAPER = {FULL: (9.44, 5.60), "H + C": (10.49, 5.16), "H": (11.35, 7.58), "no sketch": (109.76, 8.86)}
"""PER in per cent and FAD in the paper's table 4 (arXiv 2506.07634), of models of 16 + 8 layers."""

_TOKENIZER_SONGS = 8
_VALIDATION_SONGS = 8


def variants() -> dict[str, dict[str, Any]]:
    """Each model by what it has otherwise than the full one."""
    full = asdict(TABLE_4[FULL])
    table = {
        name: {key: value for key, value in asdict(model).items() if value != full[key]}
        for name, model in TABLE_4.items()
    }
    return {**table, f"{FULL}, patches of 8": {"patch": 8}}


def main() -> None:
    """Prepare, train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each model; the table has their means")
    parser.add_argument("--songs", type=int, default=24, help="songs by rules")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each")
    parser.add_argument("--codes", type=int, default=64, help="sketch tokens")
    parser.add_argument("--autoencoder", help="a checkpoint; default: a small one of random weights")
    parser.add_argument("--data", type=Path, help="songs prepared with --autoencoder, in place of songs by rules")
    parser.add_argument("--device", choices=("cpu", "cuda", "mps"), default="cpu")
    parser.add_argument("--set", action="append", default=[], help="further settings of the training (repeatable)")
    parser.add_argument("--sing", action="store_true", help="score songs of all models by PER and FAD, too")
    parser.add_argument("--suite", default="demo", help="with --sing: what is sung")
    parser.add_argument(
        "--metrics", default="per@whisper-base-separated,fad@musicnn", help="with --sing: what scores it"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "build/songbloom_ablation", help="data and models")
    parser.add_argument("--to", type=Path, default=ROOT / "results/songbloom_ablation", help="for the two files")
    options = parser.parse_args()
    if (options.sing or options.data) and not options.autoencoder:
        parser.error("--sing and --data need --autoencoder: random weights make no music, and data are of one's own")
    try:
        results = ablation(options)
    except SongbenchError as error:
        parser.exit(2, f"{error}\n")
    text = markdown(results)
    print(text)
    write_atomically(options.to / "ablation.json", (json.dumps(results, indent=1) + "\n").encode())
    write_atomically(options.to / "ablation.md", text.encode())


def ablation(options: argparse.Namespace) -> dict[str, Any]:
    """All trainings and what came of them."""
    options.work.mkdir(parents=True, exist_ok=True)
    autoencoder = options.autoencoder or str(random_autoencoder(options.work / "autoencoder"))
    data = options.data or prepared(options, autoencoder)
    rows, systems = [], []
    for name, sizes in variants().items():
        folders = []
        for seed in range(options.seeds):
            folder = options.work / f"{_slug(name)}-{seed}"
            train(
                options,
                data,
                autoencoder,
                folder,
                {**{f"model.sizes.{key}": sizes[key] for key in sizes}, "seed": seed},
            )
            folders.append(folder)
        rows.append({"model": name, "sizes": sizes, **measured(folders, options.steps)})
        systems.append(f"songbloom:{_slug(name)}={folders[0]}")
    run = sung(options, systems) if options.sing else None
    return {
        "settings": {
            "size": options.size,
            "steps": options.steps,
            "seeds": options.seeds,
            "set": options.set,
            "autoencoder": options.autoencoder or "loudness of random bands",
            "songs": str(options.data) if options.data else f"{options.songs} by rules of {options.seconds:g} s",
            "device": torch.cuda.get_device_name() if options.device == "cuda" else hardware()["cpu"],
            "torch": torch.__version__,
        },
        "songs": {split: len(SongDataset(data, split=split)) for split in ("train", "validation")},
        "models": rows,
        "without_learning": without_learning(data, options.work / f"{_slug(FULL)}-0"),
        "sung": run,
        "paper": {name: {"per": per, "fad": fad} for name, (per, fad) in PAPER.items()},
    }


def random_autoencoder(folder: Path) -> Path:
    """A checkpoint whose autoencoder and symbols are all that is needed of it."""
    if folder.is_dir():
        return folder
    sizes = AutoencoderConfig(channels=8, multiples=(1,) * 5, latent_channels=8)
    layers = {"dim": 32, "heads": 1, "lm_layers": 1, "dit_layers": 1, "timestep_features": 8, "prompt_frames": 1}
    small = replace(PRESETS["tiny"].model, latent_channels=8, sketch_vocabulary=2, **layers)
    model = SongBloom(replace(PRESETS["tiny"], name="loudness", model=small, autoencoder=sizes)).requires_grad_(False)
    examples = []
    for song in RulebasedSource(2, 10.0, seed=1).songs():
        rendered = song.audio() if song.audio else None
        if not isinstance(rendered, RenderedAudio):
            raise InputError(f"The song '{song.id}' has no audio.")
        examples.append(torch.from_numpy(rendered.source.load().samples))
    model.autoencoder = loudness_autoencoder(sizes, examples, torch.Generator().manual_seed(0))
    save_checkpoint(model, folder)
    return folder


def prepared(options: argparse.Namespace, autoencoder: str) -> Path:
    """Songs by rules, a third of them held out."""
    codes, data = options.work / "codes.safetensors", options.work / "data"
    rules = ["--seconds", str(options.seconds), "--device", options.device]
    if not codes.exists():
        songs = str(min(options.songs, _TOKENIZER_SONGS))
        command("tokenizer", "--rulebased", songs, *rules, "--codes", str(options.codes), "--out", str(codes))
    source = ["--rulebased", str(options.songs), *rules, "--validation", "0.33"]
    command("prepare", *source, "--tokenizer", str(codes), "--autoencoder", autoencoder, "--out", str(data))
    return data


def train(options: argparse.Namespace, data: Path, autoencoder: str, folder: Path, changes: Mapping[str, Any]) -> None:
    """One model; its folder is a checkpoint."""
    recipe, usual = SIZES[options.size]
    common = {
        "steps": options.steps,
        "compute.device": options.device,
        "validation.interval": options.steps,
        "validation.songs": _VALIDATION_SONGS,
    }
    settings = [
        *usual.split(),
        *(f"{key}={_text(value)}" for key, value in {**common, **changes}.items()),
        *options.set,
    ]
    words = [word for setting in settings for word in ("--set", setting)]
    place = ["--data", str(data), "--autoencoder", autoencoder, "--out", str(folder)]
    print(f"{folder.name}:", flush=True)
    command("songbloom", "--config", recipe, *place, *words)


def command(*words: str) -> None:
    """``songbench train`` with these words."""
    line = [sys.executable, "-m", "songbench", "train", *words]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    if subprocess.run(line, check=False, env=environment).returncode:
        raise InputError(f"It failed: songbench train {' '.join(words)}")


def measured(folders: Sequence[Path], steps: int) -> dict[str, Any]:
    """What the trainings of a model came to: means over seeds, and the velocity error of each."""
    runs = [_validation(folder / "log.jsonl", steps) for folder in folders]
    model = freeze_untrained(load_checkpoint(loading.find(folders[0]), torch.float32))
    weights = sum(parameter.numel() for parameter in trained_parameters(model).values())
    means = {name: fmean(run[name] for run in runs) for name in runs[0]}
    figures = {"cross_entropy": means.pop("sketch"), **means}
    return {"weights": weights, **figures, "velocity_by_seed": [run["velocity"] for run in runs]}


def _validation(log: Path, steps: int) -> dict[str, float]:
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    validations: list[dict[str, float]] = [
        line["validation"] for line in lines if "validation" in line and line["step"] == steps
    ]
    if not validations:
        raise InputError(f"'{log}' has no validation at step {steps}.", cure="Hold songs out: prepare more of them.")
    return validations[-1]


def without_learning(data: Path, checkpoint: Path) -> dict[str, float]:
    """Guesses from statistics of the training songs, see `Baselines`."""
    model = load_checkpoint(loading.find(checkpoint), torch.float32)
    crop = crop_settings(CropChoice(), model.config)
    train_songs, held_out = (PreparedSongs(SongDataset(data, split=split), crop) for split in ("train", "validation"))
    sizes: ModelConfig = model.config.model
    baselines = Baselines.of(train_songs.first(1000), sizes)
    return SongValidation(held_out.first(_VALIDATION_SONGS), SongBloomObjective(), baselines, 5).baseline(model)


def sung(options: argparse.Namespace, systems: Sequence[str]) -> list[dict[str, Any]]:
    """The leaderboard of a run of all models."""
    run = api.run(
        suite=options.suite,
        systems=systems,
        metrics=options.metrics.split(","),
        name="songbloom_ablation",
        store=options.work / "store",
        runs=options.work / "runs",
        overrides=["engine=inline", f"system.songbloom.device={options.device}"],
        replace=True,
    )
    rows: list[dict[str, Any]] = json.loads(run.leaderboard().to_frame().reset_index().to_json(orient="records"))
    return rows


# -- the page ----------------------------------------------------------------------------------------------------------


def markdown(results: Mapping[str, Any]) -> str:
    """Both tables and what they can show."""
    settings, rows, baseline = results["settings"], results["models"], results["without_learning"]
    bins = sorted(name for name in rows[0] if name.startswith("velocity_t"))
    seeds = settings["seeds"]
    lines = [
        "# Ablations of SongBloom",
        "",
        f"Made by `benchmarks/songbloom_ablation.py` (size {settings['size']}, {settings['steps']} steps,"
        f" {seeds} training(s) of each model) on {settings['device']}."
        f" Songs: {settings['songs']}, {results['songs']['train']} to train on and {results['songs']['validation']}"
        f" held out; autoencoder: {settings['autoencoder']}. All figures are of the first"
        f" {_VALIDATION_SONGS} songs held out, after the last step, with nothing dropped and the same noise for each"
        " model of the same patch.",
        "",
        "Cross entropy is in nats per sketch token. Velocity is the mean squared error of the diffusion transformer"
        " (times from 0, music, to 1, noise); it reads the true sketch here, not one that the model has sung.",
        "",
    ]
    head = [
        "model",
        "weights",
        "cross entropy",
        "accuracy, %",
        "velocity",
        *(name.removeprefix("velocity_t") for name in bins),
    ]
    if seeds > 1:
        head.append("velocity of each seed")
    lines += _row(head), _row(["---"] * len(head))
    for row in rows:
        sketch = row["sizes"].get("sketch", True)
        cells = [row["model"], f"{row['weights']:,}"]
        cells += [f"{row['cross_entropy']:.3f}", f"{100 * row['accuracy']:.1f}"] if sketch else ["none", "none"]
        cells += [f"{row[name]:.3f}" for name in ("velocity", *bins)]
        if seeds > 1:
            cells.append(", ".join(f"{value:.3f}" for value in row["velocity_by_seed"]))
        lines.append(_row(cells))
    guess = ["without learning", "0", f"{baseline['unigram']:.3f} (bigram {baseline['bigram']:.3f})", ""]
    guess += [f"{baseline[name]:.3f}" if name in baseline else "" for name in ("velocity", *bins)]
    lines.append(_row(guess + [""] * (seeds > 1)))
    return "\n".join([*lines, "", *_remarks(results), ""])


def _remarks(results: Mapping[str, Any]) -> list[str]:
    paper = "; ".join(f"{name} {per:.2f} and {fad:.2f}" for name, (per, fad) in PAPER.items())
    order = sorted((row["velocity"], row["model"]) for row in results["models"] if row["model"] in PAPER)
    agreement = "the same" if [name for _, name in order] == sorted(PAPER, key=lambda name: PAPER[name]) else "another"
    lines = [
        f"By velocity error, lowest first: {', '.join(f'{name} ({value:.3f})' for value, name in order)}. The paper's"
        f" PER (%) and FAD of its models of 16 + 8 layers: {paper}. Those are of finished songs and cannot be set"
        f" beside the figures above; the order by PER is {agreement}.",
        "",
        "What this can show is a direction. Without a sketch there are no tokens to be named, so cross entropy and"
        " accuracy would be of another question and are left out. Patches of 8 have times and noise of their own.",
    ]
    if results["settings"]["seeds"] == 1:
        lines += ["", "Each model was trained once; how much another seed would change is not measured here."]
    else:
        compared = [row for row in results["models"] if row["model"] in PAPER]
        spread = max(max(row["velocity_by_seed"]) - min(row["velocity_by_seed"]) for row in compared)
        difference = order[-1][0] - order[0][0]
        verdict = "cannot be told apart by it" if difference <= spread else "lie further apart than seeds do"
        lines += [
            "",
            f"Two seeds of one model differ in velocity by up to {spread:.3f}, the means of the four models by"
            f" {difference:.3f}: these models {verdict}.",
        ]
    entropies = [row["cross_entropy"] for row in results["models"] if row["sizes"].get("sketch", True)]
    if min(entropies) > results["without_learning"]["bigram"]:
        lines += [
            "",
            "No model names tokens of the songs held out as well as pair counts of the training songs do (bigram): they"
            " have learnt few songs by heart, and what the models make of them is not what they would make of many.",
        ]
    if results["sung"]:
        names = list(results["sung"][0])
        lines += ["", "Songs of all models in one run:", "", _row(names), _row(["---"] * len(names))]
        lines += [_row([str(row[name]) for name in names]) for row in results["sung"]]
    return lines


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    main()
