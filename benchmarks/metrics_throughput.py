"""Speed of the metrics: FAD on MERT beside fadtk's own command, the cost of more songs, seconds per song of the rest.

    python benchmarks/metrics_throughput.py --out results/metrics_throughput
    python benchmarks/metrics_throughput.py --songs 8 --seconds 60 --rounds 5 --only fadtk

Where real weights are set up they are used, else random ones of the real size: the arithmetic is the same. Both sides
of the comparison get the same files and the same weights, and run from the start of a process to the distance, in
turns. The files are 24 kHz mono with 16 bits, so that both hear the same samples and the values can be compared (on
other files fadtk resamples first). fadtk runs in the setting that is best for it here: as many workers as there are
cores, one thread each; as shipped it starts 8 workers, of which each loads the model.

Besides seconds by the clock, the seconds of processor time are given, which say more on a machine with other work.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import soundfile

from metrics.fad import fad_mert
from metrics.features.mert import MERT_95M, RATE
from songbench.contracts import registry
from songbench.contracts.feature import Extractor, Feature
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import AudioFile
from songbench.domain.hashing import file_digest
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.song import Failure, Request, Song
from songbench.execution import weights
from songbench.execution.features import StoredFeatures
from songbench.execution.record import hardware
from songbench.execution.store import Store
from songbench.execution.weight_sources import PINS

HERE = Path(__file__).parent
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
PREPARATION = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": True, "sampling_rate": RATE}


# --- audio and weights


def music(path: Path, seconds: float, seed: int) -> Path:
    """A file of chords, a beat and noise."""
    rng = np.random.default_rng(seed)
    time_ = np.arange(round(seconds * RATE)) / RATE
    pitches = rng.uniform(80, 2000, 8)
    tones = sum(
        np.sin(2 * np.pi * pitch * time_) * (0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.1, 4) * time_))
        for pitch in pitches
    )
    beat = rng.standard_normal(time_.size) * np.exp(-12 * (time_ % rng.uniform(0.3, 0.8)))
    soundfile.write(path, 0.05 * tones + 0.2 * beat, RATE, subtype="PCM_16")
    return path


def mert_files(folder: Path) -> tuple[Path, bool]:
    """A folder with MERT's files, and whether they are the published ones."""
    if found := weights.path(MERT_95M):
        return found, True
    from songbench.execution.cpu_imports import mend_cpu_imports

    mend_cpu_imports()
    import torch
    from transformers import HubertConfig, HubertModel

    config = HubertConfig()  # of base size, as MERT-v1-95M
    torch.manual_seed(0)
    model = HubertModel(config)
    with torch.no_grad():
        for name, tensor in model.named_parameters():
            if "norm" in name or tensor.ndim > 1:
                tensor.add_(torch.randn_like(tensor), alpha=0.02)
    folder.mkdir(parents=True)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPARATION))
    return folder, False


def set_up(files: Path, scratch: Path) -> dict[str, str]:
    """Put MERT's files where songbench and fadtk look for them; the environment in which they do."""
    place = scratch / "weights" / weights.folder_of(MERT_95M).name
    hub = scratch / "hub" / "hub" / "models--m-a-p--MERT-v1-95M"
    snapshot = hub / "snapshots" / ("0" * 40)
    (hub / "refs").mkdir(parents=True)
    (hub / "refs" / "main").write_text("0" * 40)
    for folder in (place, snapshot):
        folder.mkdir(parents=True)
        for file in MERT_95M.files:
            (folder / file.name).symlink_to(files / file.name)
    config = json.loads((files / "config.json").read_text())
    (snapshot / "config.json").unlink()  # without the address of MERT's own code, which its settings make a HuBERT
    (snapshot / "config.json").write_text(
        json.dumps({**{k: v for k, v in config.items() if k != "auto_map"}, "model_type": "hubert"})
    )
    pins = {
        one.name: {"sha256": file_digest(place / one.name), "size": (place / one.name).stat().st_size}
        for one in MERT_95M.files
    }
    (place / PINS).write_text(json.dumps({"files": pins}))
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "SONGBENCH_WEIGHTS": str(scratch / "weights"),
        "HF_HOME": str(scratch / "hub"),
        "HF_HUB_OFFLINE": "1",
        "FADTK_CHECKPOINTS": str(scratch / "checkpoints"),
    }


# --- a FAD from start to finish


def song(path: Path, **request: Any) -> Song:
    """A song from a file."""
    prompt = Prompt(path.stem, parse_lyrics("[verse]\nla la la\n\n[chorus]\nla la"), style="pop, piano, calm")
    return Song(Request(prompt, 0, 0, **request), AudioFile(path))


def embed(paths: Sequence[Path], store: str) -> None:
    """What a worker does: the features of some songs."""
    metric = fad_mert()
    StoredFeatures(Store(store)).of(metric.embedding, [AudioFile(path) for path in paths])


def ours(reference: Path, evaluated: Path, store: Path) -> None:
    """FAD of two folders with one worker per core; prints the value."""
    songs, real = (sorted(folder.glob("*.wav")) for folder in (evaluated, reference))
    paths = [*songs, *real]
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        list(pool.map(embed, [paths[i::CORES] for i in range(CORES)], [str(store)] * CORES))
    found = fad_mert().score_set(list(map(song, songs)), list(map(song, real)), StoredFeatures(Store(str(store))))
    print(found.values["fad"] if not isinstance(found, Failure) else found)


def timed(command: Sequence[object], environment: dict[str, str]) -> tuple[float, float, str]:
    """Seconds by the clock and of processor time of a command and all it starts, and what it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    done = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stdout[-1000:]}\n{done.stderr[-3000:]}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def beside_fadtk(
    folders: Sequence[Path], environment: dict[str, str], rounds: int, scratch: Path
) -> Iterator[dict[str, Any]]:
    """Both commands in turns, each round from nothing; who is first changes from round to round."""
    reference, evaluated = folders
    for number in range(rounds):
        row: dict[str, Any] = {"round": number + 1}

        def run_ours(number: int = number, row: dict[str, Any] = row) -> None:
            command = [sys.executable, __file__, "--ours", reference, evaluated, scratch / f"store{number}"]
            seconds, cpu, said = timed(command, environment)
            row.update(songbench_seconds=seconds, songbench_cpu_seconds=cpu, songbench_fad=float(said.split()[-1]))

        def run_fadtk(number: int = number, row: dict[str, Any] = row) -> None:
            copies = []
            for folder in folders:
                copies.append(scratch / f"fadtk{number}" / folder.name)
                shutil.copytree(folder, copies[-1])
            result = scratch / f"fadtk{number}" / "fad.csv"
            command = [sys.executable, HERE / "fadtk_command.py", "MERT-v1-95M", *copies, result, "-w", CORES]
            seconds, cpu, _ = timed(command, environment)
            score = result.read_text().splitlines()[1].split(",")[3]
            row.update(fadtk_seconds=seconds, fadtk_cpu_seconds=cpu, fadtk_fad=float(score))

        for run in (run_ours, run_fadtk) if number % 2 == 0 else (run_fadtk, run_ours):
            run()
        row["ratio"] = row["fadtk_seconds"] / row["songbench_seconds"]
        row["cpu_ratio"] = row["fadtk_cpu_seconds"] / row["songbench_cpu_seconds"]
        row["difference"] = abs(row["songbench_fad"] / row["fadtk_fad"] - 1)
        print(json.dumps(row), flush=True)
        yield row


# --- more songs, many songs, other metrics


class Counting:
    """An extractor that counts the songs it hears."""

    def __init__(self, extractor: Extractor) -> None:
        self.inner, self.songs = extractor, 0
        self.name, self.identity = extractor.name, extractor.identity

    def extract(self, sources: Sequence[AudioFile]) -> Iterator[Feature | Failure]:
        """What the other gives."""
        self.songs += len(sources)
        return self.inner.extract(sources)


def after_more_songs(folders: Sequence[Path], more: int, seconds: float, scratch: Path) -> dict[str, Any]:
    """Score, add songs, score again: what that costs."""
    from dataclasses import replace

    reference, evaluated = (list(map(song, sorted(folder.glob("*.wav")))) for folder in folders)
    extractor = Counting(fad_mert().embedding)
    metric = replace(fad_mert(), embedding=extractor)
    features = StoredFeatures(Store(str(scratch / "store-more")))
    added = [song(music(scratch / f"more{i}.wav", seconds, 900 + i)) for i in range(more)]
    row: dict[str, Any] = {"songs": len(evaluated), "reference_songs": len(reference), "added": more}
    for name, songs in (("first", evaluated), ("again", evaluated), ("after_adding", [*evaluated, *added])):
        before = extractor.songs
        begin = time.process_time()
        metric.score_set(songs, reference, features)
        row |= {f"{name}_cpu_seconds": time.process_time() - begin, f"{name}_songs_heard": extractor.songs - before}
    print(json.dumps(row), flush=True)
    return row


def many_songs(prompts: int, dimensions: int = 768) -> dict[str, Any]:
    """FAD, FAD-infinity and all leave-one-out values of one system, once the features are there."""
    from metrics.distances import Moments
    from metrics.embedding_sets import EmbeddingSets

    rng = np.random.default_rng(0)
    mix = rng.standard_normal((dimensions, dimensions)) / 30

    def moments() -> Moments:
        return Moments.of(rng.standard_normal(dimensions) / 3 + rng.standard_normal((600, dimensions)) @ mix)

    sets = EmbeddingSets(
        [moments() for _ in range(prompts)], [moments() for _ in range(prompts)], [f"p{i}" for i in range(prompts)]
    )
    begin = time.process_time()
    fad_mert().compare(sets)
    row = {"prompts": prompts, "dimensions": dimensions, "cpu_seconds": time.process_time() - begin}
    print(json.dumps(row), flush=True)
    return row


class Fresh:
    """Features that are computed whenever they are asked for."""

    def of(self, extractor: Extractor, sources: Sequence[AudioFile]) -> list[Feature | Failure]:
        """The feature of each source."""
        return list(extractor.extract(sources))


def per_song(paths: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Seconds of processor time per song of every metric that is available, after a first song has loaded its model."""
    for name in registry.names(registry.METRICS):
        if not name.rpartition("@")[2]:
            continue
        metric = registry.build_metric(name)
        state = metric.availability()
        row: dict[str, Any] = {"metric": name, "weights": "published"}
        if not state.ready:
            yield {**row, "not_available": state.reason}
            continue
        try:
            row |= _metric_seconds(metric, paths)
        except Exception as error:  # one metric that cannot run must not hide the others
            row["failed"] = f"{type(error).__name__}: {error}"[:200]
        print(json.dumps(row), flush=True)
        yield row


def _metric_seconds(metric: Any, paths: Sequence[Path]) -> dict[str, Any]:
    if isinstance(metric, SongMetric):
        songs = [song(path, prompt_audio=AudioFile(paths[0])) for path in paths]
        list(metric.score(songs[:1], Fresh()))
        begin = time.process_time()
        verdicts = list(metric.score(songs[1:], Fresh()))
        took = (time.process_time() - begin) / len(verdicts)
        reason = getattr(verdicts[0], "reason", getattr(verdicts[0], "cause", None))
        return {"not_applicable": reason} if reason else {"cpu_seconds_per_song": took}
    took = 0.0
    for extractor in metric.extractors:
        list(extractor.extract([AudioFile(paths[0])]))
        begin = time.process_time()
        list(extractor.extract([AudioFile(path) for path in paths[1:]]))
        took += (time.process_time() - begin) / (len(paths) - 1)
    return {"cpu_seconds_per_song": took}


def clap_tower(seconds: float) -> dict[str, Any]:
    """LAION-CLAP's audio tower of the real size with random weights, on the windows of a song."""
    from songbench.execution.cpu_imports import mend_cpu_imports

    mend_cpu_imports()
    import torch
    from transformers import ClapAudioConfig, ClapAudioModelWithProjection

    from metrics.features.dense import pack_linears
    from metrics.features.laion_clap import WINDOW, AudioTower

    config = ClapAudioConfig(patch_embeds_hidden_size=128, hidden_size=1024, depths=[2, 2, 12, 2])
    model = ClapAudioModelWithProjection(config).eval()
    windows = list(np.random.default_rng(0).standard_normal((4, WINDOW), dtype=np.float32) / 10)
    took = {}
    for name in ("plain", "packed"):
        if name == "packed":
            pack_linears(model)
        tower = AudioTower(model, torch.device("cpu"))
        tower(windows[:1])
        begin = time.process_time()
        tower(windows)
        took[name] = (time.process_time() - begin) / len(windows)
    row = {
        "feature": "clap-laion-music",
        "weights": "random, real size",
        "cpu_seconds_per_window": took["packed"],
        "cpu_seconds_per_window_unpacked": took["plain"],
        "fad_windows_per_song": round(seconds),
        "score_windows_per_song": max(1, round(seconds / 10)),
    }
    print(json.dumps(row), flush=True)
    return row


# --- report


def markdown(result: dict[str, Any]) -> str:
    """The results for people."""
    machine, setting = result["machine"], result["setting"]
    lines = [
        "# Throughput of the metrics",
        "",
        f"Written by `benchmarks/metrics_throughput.py` on {machine['cpu']}, {CORES} cores,"
        f" {machine['memory_gib']} GiB; torch {setting['torch']}, one thread per process.",
        f"MERT's weights: {setting['mert_weights']}.",
        "",
    ]
    if rows := result.get("fadtk"):
        clock, cpu = ([row[name] for row in rows] for name in ("ratio", "cpu_ratio"))
        lines += [
            "## FAD on MERT-v1-95M, layer 12, beside fadtk 1.1.0's own command",
            "",
            f"{setting['songs']} songs and as many reference songs of {setting['seconds']:g} s, from the start of a"
            f" process to the distance, {CORES} workers with one thread each on both sides, in turns. Seconds by the"
            " clock depend on what else the machine does at that moment, processor time hardly does.",
            "",
            "| round | songbench s | fadtk s | ratio | songbench CPU s | fadtk CPU s | CPU ratio | songbench | fadtk |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for row in rows:
            lines.append(
                f"| {row['round']} | {row['songbench_seconds']:.1f} | {row['fadtk_seconds']:.1f} | {row['ratio']:.2f}"
                f" | {row['songbench_cpu_seconds']:.1f} | {row['fadtk_cpu_seconds']:.1f} | {row['cpu_ratio']:.2f}"
                f" | {row['songbench_fad']:.6f} | {row['fadtk_fad']:.6f} |"
            )
        lines += [
            "",
            f"songbench is {median(clock):.2f} times as fast (median; {min(clock):.2f} to {max(clock):.2f}), and takes"
            f" {median(cpu):.2f} times less processor time ({min(cpu):.2f} to {max(cpu):.2f}). The values differ by"
            f" {max(row['difference'] for row in rows):.1e} at most (relative).",
            "",
        ]
    if row := result.get("more"):
        lines += [
            "## Scoring again after adding songs",
            "",
            "| | songs heard | CPU s |",
            "|---|---|---|",
            *(
                f"| {what} | {row[f'{name}_songs_heard']} | {row[f'{name}_cpu_seconds']:.1f} |"
                for name, what in (
                    ("first", f"{row['songs']} songs, {row['reference_songs']} references"),
                    ("again", "the same again"),
                    ("after_adding", f"with {row['added']} songs more"),
                )
            ),
            "",
        ]
    if row := result.get("many"):
        lines += [
            "## The distance itself",
            "",
            f"FAD, fad_inf and both without each of {row['prompts']} prompts, {row['dimensions']} dimensions, features"
            f" at hand: {row['cpu_seconds']:.0f} s of processor time per system.",
            "",
        ]
    if rows := result.get("per_song"):
        lines += [
            f"## Seconds of processor time per song of {setting['seconds']:g} s",
            "",
            "| metric | CPU s per song |",
            "|---|---|",
        ]
        for row in rows:
            said = row.get("not_available") or row.get("not_applicable") or row.get("failed")
            if row["metric"] == "fad@mert-v1-95m" and "not_available" in row and (heard := result.get("more")):
                said = f"{heard['after_adding_cpu_seconds'] / heard['added']:.2f} ({setting['mert_weights']})"
            lines.append(f"| `{row['metric']}` | {said or format(row['cpu_seconds_per_song'], '.2f')} |")
        lines.append("")
    if row := result.get("clap"):
        lines += [
            f"LAION-CLAP with random weights of the real size takes {row['cpu_seconds_per_window']:.2f} s per window of"
            f" 10 s ({row['cpu_seconds_per_window_unpacked']:.2f} s without packed products): a song of"
            f" {setting['seconds']:g} s has {row['fad_windows_per_song']} windows for fad and kad (hop 1 s) and"
            f" {row['score_windows_per_song']} for clap (hop 10 s).",
            "",
        ]
    return "\n".join(lines)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=4, help="evaluated songs; there are as many reference songs")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--more", type=int, default=10, help="songs added before scoring again")
    parser.add_argument("--prompts", type=int, default=100, help="prompts for the cost of the distance itself")
    parser.add_argument("--only", nargs="*", default=["fadtk", "more", "many", "per_song", "clap"])
    parser.add_argument("--out", type=Path, help="folder for throughput.json and README.md")
    parser.add_argument(
        "--ours", nargs=3, type=Path, metavar=("REFERENCE", "EVALUATED", "STORE"), help=argparse.SUPPRESS
    )
    asked = parser.parse_args()
    if asked.ours:
        ours(*asked.ours)
        return
    import torch

    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        files, published = mert_files(scratch / "mert")
        environment = set_up(files, scratch)
        folders = [scratch / side for side in ("reference", "evaluated")]
        for number, folder in enumerate(folders):
            folder.mkdir()
            for i in range(asked.songs):
                music(folder / f"{i}.wav", asked.seconds, 100 * number + i)
        result: dict[str, Any] = {
            "machine": hardware(),
            "setting": {
                "songs": asked.songs,
                "seconds": asked.seconds,
                "torch": torch.__version__,
                "mert_weights": "the published ones" if published else "random, of the real size (95 million numbers)",
            },
        }
        measures: dict[str, Callable[[], Any]] = {
            "fadtk": lambda: list(beside_fadtk(folders, environment, asked.rounds, scratch)),
            "more": lambda: after_more_songs(folders, asked.more, asked.seconds, scratch),
            "many": lambda: many_songs(asked.prompts),
            "per_song": lambda: list(per_song(sorted(folders[1].glob("*.wav"))[:3])),
            "clap": lambda: clap_tower(asked.seconds),
        }
        for part, measure in measures.items():
            if part in asked.only:
                # metrics other than MERT's have their weights where the user's are
                kept = os.environ.get("SONGBENCH_WEIGHTS")
                if part == "more":
                    os.environ["SONGBENCH_WEIGHTS"] = environment["SONGBENCH_WEIGHTS"]
                result[part] = measure()
                if part == "more":
                    os.environ.pop("SONGBENCH_WEIGHTS") if kept is None else os.environ.update(SONGBENCH_WEIGHTS=kept)
                if asked.out:
                    asked.out.mkdir(parents=True, exist_ok=True)
                    (asked.out / "throughput.json").write_text(json.dumps(result, indent=1) + "\n")
                    (asked.out / "README.md").write_text(markdown(result))


if __name__ == "__main__":
    main()
