"""Speed of the metrics: FAD on MERT beside fadtk's own command, the cost of more songs, seconds per song of the rest.

    python benchmarks/metrics_throughput.py --out results/metrics_throughput
    python benchmarks/metrics_throughput.py --songs 8 --seconds 60 --rounds 5 --only fadtk
    python benchmarks/metrics_throughput.py --only per-song transcription --out results/metrics_throughput

With ``--only`` what else the folder of ``--out`` holds stays as it is. Where real weights are set up they are used,
else random ones of the real size (`random_weights`): the arithmetic is the same.

Both sides of the comparison with fadtk get the same files and the same weights, and run from the start of a process to
the distance, in turns. The files are 24 kHz mono with 16 bits, so that both hear the same samples and the values can be
compared (on other files fadtk resamples first). fadtk runs in the setting that is best for it here: as many workers as
there are cores, one thread each; as shipped it starts 8 workers, of which each loads the model.

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
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import soundfile
from random_weights import StandIns, mert, whisper_large_v3

from metrics.embedding_sets import EmbeddingExtractor
from metrics.fad import fad_mert
from metrics.features import models
from metrics.features.demucs_stems import HTDEMUCS_TORCH, DemucsStems
from metrics.features.mert import MERT_95M, RATE
from metrics.features.transcript import WHISPER_BASE
from songbench.contracts import registry
from songbench.contracts.feature import Extractor, Feature
from songbench.contracts.metric import SongMetric
from songbench.domain.audio import AudioFile, AudioSource
from songbench.domain.hashing import file_digest
from songbench.domain.lyrics import parse_lyrics
from songbench.domain.prompt import Prompt
from songbench.domain.score import Scores
from songbench.domain.song import Failure, Request, Song
from songbench.execution.features import StoredFeatures
from songbench.execution.record import hardware
from songbench.execution.store import Store
from songbench.reporting.document.blocks import Block, Fragment, Heading, Table, TableCell, Text, coded, table
from songbench.reporting.document.markdown import to_markdown
from songbench.resources import needs, weights
from songbench.resources.sources import PINS
from songbench.resources.weights import Weights

HERE = Path(__file__).parent
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
PARTS = ("fadtk", "more", "many", "per_song", "clap", "transcription")
RANDOM = "random, of the real size"
SONGS = 2
"""How many songs each metric is measured on."""

TOKENS = 64
"""That Whisper is made to say about 30 s of a song, some 45 words."""


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
    if path := weights.path(MERT_95M):
        return path, True
    folder.mkdir(parents=True)
    mert(folder)
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
        file.name: {"sha256": file_digest(place / file.name), "size": (place / file.name).stat().st_size}
        for file in MERT_95M.files
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
    prompt = Prompt(id=path.stem, lyrics=parse_lyrics("[verse]\nla la la\n\n[chorus]\nla la"), style="pop, piano, calm")
    return Song(request=Request(prompt=prompt, take=0, seed=0, **request), source=AudioFile(path))


def embed(paths: Sequence[Path], store: str) -> None:
    """What a worker does: the features of some songs."""
    metric = fad_mert()
    StoredFeatures(Store(store)).of(metric.embedding, [AudioFile(path) for path in paths])


def print_own_fad(reference: Path, evaluated: Path, store: Path) -> None:
    """FAD of two folders with one worker per core; prints the value."""
    songs, real = (sorted(folder.glob("*.wav")) for folder in (evaluated, reference))
    paths = [*songs, *real]
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        list(pool.map(embed, [paths[i::CORES] for i in range(CORES)], [str(store)] * CORES))
    outcome = fad_mert().score_set(list(map(song, songs)), list(map(song, real)), StoredFeatures(Store(str(store))))
    print(outcome.values["fad"] if isinstance(outcome, Scores) else outcome)


def timed(command: Sequence[object], environment: dict[str, str]) -> tuple[float, float, str]:
    """Seconds by the clock and of processor time of a command and all it starts, and what it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    process = subprocess.run(list(map(str, command)), env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"{command} failed:\n{process.stdout[-1000:]}\n{process.stderr[-3000:]}")
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, process.stdout


def beside_fadtk(
    folders: Sequence[Path], environment: dict[str, str], rounds: int, scratch: Path
) -> Iterator[dict[str, Any]]:
    """Both commands in turns, each round from nothing; who is first changes from round to round."""
    reference, evaluated = folders
    for number in range(rounds):
        row: dict[str, Any] = {"round": number + 1}

        def run_ours(number: int = number, row: dict[str, Any] = row) -> None:
            command = [sys.executable, __file__, "--ours", reference, evaluated, scratch / f"store{number}"]
            seconds, cpu, output = timed(command, environment)
            row.update(songbench_seconds=seconds, songbench_cpu_seconds=cpu, songbench_fad=float(output.split()[-1]))

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

    def __init__(self, extractor: EmbeddingExtractor) -> None:
        self.inner, self.songs = extractor, 0
        self.name, self.identity, self.availability = extractor.name, extractor.identity, extractor.availability

    def extract(self, sources: Sequence[AudioSource]) -> Iterator[Feature | Failure]:
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
    from metrics.embedding_sets import EmbeddingSets
    from metrics.functional.frechet_distance import Moments

    rng = np.random.default_rng(0)
    mix = rng.standard_normal((dimensions, dimensions)) / 30

    def moments() -> Moments:
        return Moments.of(rng.standard_normal(dimensions) / 3 + rng.standard_normal((600, dimensions)) @ mix)

    sets = EmbeddingSets(
        songs=[moments() for _ in range(prompts)],
        reference=[moments() for _ in range(prompts)],
        prompts=[f"p{i}" for i in range(prompts)],
    )
    begin = time.process_time()
    fad_mert().compare(sets)
    row = {"prompts": prompts, "dimensions": dimensions, "cpu_seconds": time.process_time() - begin}
    print(json.dumps(row), flush=True)
    return row


class Clock:
    """Seconds of processor time by what they went to; of tasks within tasks a moment counts for the innermost."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._tasks: list[str] = []
        self._since = time.process_time()

    @contextmanager
    def on(self, task: str) -> Iterator[None]:
        """Everything inside counts for this task."""
        self._charge()
        self._tasks.append(task)
        try:
            yield
        finally:
            self._charge()
            self._tasks.pop()

    def _charge(self) -> None:
        now = time.process_time()
        if self._tasks:
            self.seconds[self._tasks[-1]] = self.seconds.get(self._tasks[-1], 0.0) + now - self._since
        self._since = now


class Kept:
    """Features that are computed once per audio, as in a run; notes what each extractor takes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._features: dict[tuple[str, str, str], Feature | Failure] = {}

    def of(self, extractor: Extractor, sources: Sequence[AudioSource]) -> list[Feature | Failure]:
        """The feature of each source."""
        keys = [(extractor.name, json.dumps(dict(extractor.identity)), source.digest) for source in sources]
        new = {key: source for key, source in zip(keys, sources, strict=True) if key not in self._features}
        with self._clock.on(extractor.name):
            self._features.update(zip(new, extractor.extract(list(new.values())), strict=True))
        return [self._features[key] for key in keys]


def per_song(paths: Sequence[Path], clip: Path, scratch: Path) -> Iterator[dict[str, Any]]:
    """Seconds of processor time per song of every metric, with random weights where there are no others.

    Args:
        paths: the songs.
        clip: prompt audio of all of them, and what is heard first, so that nothing is done for the first time later.
        scratch: folder for random weights.
    """
    stand_ins = StandIns(scratch)
    metrics = {name: registry.build_metric(name) for name in registry.names(registry.METRICS)}
    with mock.patch.object(weights, "path", stand_ins.path):
        for number, (name, metric) in enumerate(metrics.items()):
            required = [need for need in needs.of_card(metric.card.needs) if isinstance(need, Weights)]
            absent = [need for need in required if not stand_ins.published(need)]
            for need in absent:
                stand_ins.stand_in(need)
            row: dict[str, Any] = {"metric": name}
            later = [need for other in list(metrics.values())[number + 1 :] for need in other.card.needs]
            state = metric.availability()
            if state.ready:
                row["weights"] = RANDOM if absent else "published" if required else "none"
                try:
                    row |= _metric_seconds(metric, paths, clip)
                except Exception as error:  # one metric that cannot run must not hide the others
                    row["failed"] = f"{type(error).__name__}: {error}"[:200]
            else:
                row["not_available"] = state.reason
            stand_ins.keep_only(later)
            print(json.dumps(row), flush=True)
            yield row


def _metric_seconds(metric: Any, paths: Sequence[Path], clip: Path) -> dict[str, Any]:
    clock = Clock()
    features = Kept(clock)
    load = models.resident

    def timed_load(name: Hashable, build: Callable[[], Any]) -> Any:
        def timed() -> Any:
            with clock.on("loading"):
                return build()

        return load(name, timed)

    songs = [song(path, prompt_audio=AudioFile(clip)) for path in (clip, *paths)]
    with mock.patch.object(models, "resident", timed_load):
        for part in (songs[:1], songs[1:]):
            loading = clock.seconds.pop("loading", 0.0)  # each model once; where there are several, it recurs
            clock.seconds.clear()
            with clock.on("metric"):
                if isinstance(metric, SongMetric):
                    verdicts: list[Any] = list(metric.score(part, features))
                else:
                    verdicts = [features.of(one, [song.source for song in part]) for one in metric.extractors]
    if reason := getattr(verdicts[0], "reason", None):
        return {"not_applicable": reason}
    if failures := [one for one in verdicts if isinstance(one, Failure)]:
        return {"failed": failures[0].cause[:200]}
    clock.seconds.pop("loading", 0.0)
    per_song = {task: seconds / len(paths) for task, seconds in clock.seconds.items()}
    return {
        "cpu_seconds_per_song": sum(per_song.values()),
        "feature_cpu_seconds_per_song": {task: took for task, took in per_song.items() if task != "metric"},
        "loading_cpu_seconds": loading,
    }


def transcription(paths: Sequence[Path], clip: Path, scratch: Path) -> dict[str, Any]:
    """What `per@whisperx-large-v3` is made of, part by part, as random weights say nothing that ends like a sentence.

    Voice out of the mix (HTDemucs), the speech detector (its real weights come with its package), and of each piece of
    up to 30 s the encoder and `TOKENS` tokens with beam 5 of Whisper large-v3.
    """
    stand_ins = StandIns(scratch)
    if not (published := stand_ins.published(HTDEMUCS_TORCH)):
        stand_ins.stand_in(HTDEMUCS_TORCH)
    with mock.patch.object(weights, "path", stand_ins.path):
        separation = DemucsStems()
        list(separation.extract([AudioFile(clip)]))
        begin = time.process_time()
        list(separation.extract([AudioFile(path) for path in paths]))
        row: dict[str, Any] = {
            "htdemucs": "published" if published else RANDOM,
            "separation_cpu_seconds_per_song": (time.process_time() - begin) / len(paths),
        }
    stand_ins.keep_only([])
    row |= _detector(paths) | _whisper(scratch / "whisper")
    print(json.dumps(row), flush=True)
    return row


def _detector(paths: Sequence[Path]) -> dict[str, float]:
    from metrics.features.whisperx_transcript import RATE as HEARD
    from metrics.features.whisperx_transcript import _detected, load_pipeline

    if (folder := weights.path(WHISPER_BASE)) is None:  # any Whisper will do to load the detector beside it
        raise SystemExit(weights.availability(WHISPER_BASE).reason)
    pipeline = load_pipeline(folder)
    songs = [AudioFile(path).load().mono().at(HEARD).samples[0] for path in paths]
    _detected(songs[0], pipeline)
    begin = time.process_time()
    for samples in songs:
        _detected(samples, pipeline)
    return {"detector_cpu_seconds_per_song": (time.process_time() - begin) / len(songs)}


def _whisper(folder: Path) -> dict[str, Any]:
    import ctranslate2

    folder.mkdir()
    whisper_large_v3(folder)
    model = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="float32", intra_threads=1)
    shutil.rmtree(folder)
    begin = time.process_time()
    spectrogram = np.random.default_rng(0).standard_normal((1, 128, 3000), dtype=np.float32)
    encoded = model.encode(ctranslate2.StorageView.from_array(spectrogram))
    encoder = time.process_time() - begin
    prompt, end_of_text = [50258, 50259, 50360, 50364], 50257  # transcribe English without times
    begin = time.process_time()
    # CTranslate2 lets Whisper say half of the greatest length, as OpenAI's code does.
    (generated,) = model.generate(encoded, [prompt], beam_size=5, max_length=2 * TOKENS, suppress_tokens=[end_of_text])
    return {
        "whisper": f"large-v3, {RANDOM}",
        "encoder_cpu_seconds_per_piece": encoder,
        "tokens": len(generated.sequences_ids[0]),
        "decoder_cpu_seconds": time.process_time() - begin,
    }


def clap_tower(seconds: float) -> dict[str, Any]:
    """LAION-CLAP's audio tower of the real size with random weights, on the windows of a song."""
    from songbench.resources.cpu_imports import mend_cpu_imports

    mend_cpu_imports()
    import torch
    from transformers import ClapAudioConfig, ClapAudioModelWithProjection

    from metrics.features.dense import pack_linears
    from metrics.features.laion_clap import WINDOW, AudioTower

    config = ClapAudioConfig(patch_embeds_hidden_size=128, hidden_size=1024, depths=[2, 2, 12, 2])
    model = ClapAudioModelWithProjection(config).eval()
    windows = list(np.random.default_rng(0).standard_normal((4, WINDOW), dtype=np.float32) / 10)
    seconds_by_mode = {}
    for name in ("plain", "packed"):
        if name == "packed":
            pack_linears(model)
        tower = AudioTower(model, torch.device("cpu"))
        tower(windows[:1])
        begin = time.process_time()
        tower(windows)
        seconds_by_mode[name] = (time.process_time() - begin) / len(windows)
    row = {
        "feature": "clap-laion-music",
        "weights": "random, real size",
        "cpu_seconds_per_window": seconds_by_mode["packed"],
        "cpu_seconds_per_window_unpacked": seconds_by_mode["plain"],
        "fad_windows_per_song": round(seconds),
        "score_windows_per_song": max(1, round(seconds / 10)),
    }
    print(json.dumps(row), flush=True)
    return row


# --- report


def markdown(result: dict[str, Any], machines: Mapping[str, Any] | None = None) -> str:
    """The results for people.

    Args:
        result: what was measured here.
        machines: ``machines.json`` beside the results: what the processor here is called, and how FAD on MERT compared
            with fadtk on others.
    """
    machine, setting = result["machine"], result["setting"]
    blocks: list[Block] = [
        Heading("Throughput of the metrics", level=1),
        Text(
            coded(
                f"Written by `benchmarks/metrics_throughput.py` on {machine['cpu']}, {CORES} cores,"
                f" {machine['memory_gib']} GiB; torch {setting['torch']}, one thread per process. MERT's weights:"
                f" {setting['mert_weights']}."
            )
        ),
    ]
    if rows := result.get("fadtk"):
        blocks += _fadtk_blocks(rows, setting)
        if machines:
            blocks += _machine_blocks(rows, machines)
    if row := result.get("more"):
        blocks += [Heading("Scoring again after adding songs"), _repetition_table(row)]
    if row := result.get("many"):
        blocks += [
            Heading("The distance itself"),
            Text(
                f"FAD, fad_inf and both without each of {row['prompts']} prompts, {row['dimensions']} dimensions,"
                f" features at hand: {row['cpu_seconds']:.0f} s of processor time per system."
            ),
        ]
    if result.get("per_song"):
        blocks += [
            Heading(f"Seconds of processor time per song of {setting['seconds']:g} s"),
            Text(
                f"Means of {SONGS} songs on one thread, without loading models. Prompt audio and the clips that give"
                " the level of chance were heard before, as many songs share them. The texts of that level are read"
                " once a job; here they count for these songs alone. With random weights the arithmetic is that of"
                " the published ones. Nobody sings in these songs, so Whisper base has little to write down."
            ),
            table(
                "",
                ("metric", "CPU s per song", "of which features", "weights"),
                [_per_song_cells(row, result) for row in result["per_song"]],
            ),
        ]
    if row := result.get("transcription"):
        blocks.append(
            Text(
                coded(
                    f"Of `per@whisperx-large-v3`, HTDemucs (weights: {row['htdemucs']}) takes"
                    f" {row['separation_cpu_seconds_per_song']:.1f} s, the speech detector"
                    f" {row['detector_cpu_seconds_per_song']:.1f} s, and Whisper ({row['whisper']}, float32)"
                    f" {row['encoder_cpu_seconds_per_piece']:.1f} s to hear a piece of up to 30 s and"
                    f" {row['decoder_cpu_seconds']:.1f} s to say {row['tokens']} tokens with beam 5. Random weights do"
                    " not come to an end by themselves, so the number of tokens was set; what is heard of real songs"
                    " differs in length."
                )
            )
        )
    if row := result.get("clap"):
        blocks.append(
            Text(
                f"LAION-CLAP with random weights of the real size takes {row['cpu_seconds_per_window']:.2f} s per"
                f" window of 10 s ({row['cpu_seconds_per_window_unpacked']:.2f} s without packed products): a song of"
                f" {setting['seconds']:g} s has {row['fad_windows_per_song']} windows for fad and kad (hop 1 s) and"
                f" {row['score_windows_per_song']} for clap (hop 10 s)."
            )
        )
    return to_markdown(blocks)


def _fadtk_blocks(rows: Sequence[Mapping[str, Any]], setting: Mapping[str, Any]) -> list[Block]:
    """Ours beside fadtk's command, round by round."""
    clock, cpu = ([row[name] for row in rows] for name in ("ratio", "cpu_ratio"))
    heads = ("round", "songbench s", "fadtk s", "ratio", "songbench CPU s", "fadtk CPU s", "CPU ratio")
    cells = [
        (
            *(str(row["round"]), f"{row['songbench_seconds']:.1f}", f"{row['fadtk_seconds']:.1f}"),
            *(f"{row['ratio']:.2f}", f"{row['songbench_cpu_seconds']:.1f}", f"{row['fadtk_cpu_seconds']:.1f}"),
            *(f"{row['cpu_ratio']:.2f}", f"{row['songbench_fad']:.6f}", f"{row['fadtk_fad']:.6f}"),
        )
        for row in rows
    ]
    return [
        Heading("FAD on MERT-v1-95M, layer 12, beside fadtk 1.1.0's own command"),
        Text(
            f"{setting['songs']} songs and as many reference songs of {setting['seconds']:g} s, from the start of a"
            f" process to the distance, {CORES} workers with one thread each on both sides, in turns. Seconds by the"
            " clock depend on what else the machine does at that moment, processor time hardly does."
        ),
        table("", (*heads, "songbench", "fadtk"), cells),
        Text(
            f"songbench is {median(clock):.2f} times as fast (median; {min(clock):.2f} to {max(clock):.2f}), and takes"
            f" {median(cpu):.2f} times less processor time ({min(cpu):.2f} to {max(cpu):.2f}). The values differ by"
            f" {max(row['difference'] for row in rows):.1e} at most (relative)."
        ),
    ]


def _machine_blocks(rows: Sequence[Mapping[str, Any]], machines: Mapping[str, Any]) -> list[Block]:
    """How many times as fast as fadtk on each machine: the ratio depends on the processor."""
    ratios = [row["ratio"] for row in rows]
    summary = {"ratio": median(ratios), "smallest_ratio": min(ratios), "largest_ratio": max(ratios)}
    cells = [
        (
            row["cpu"],
            f"{row['ratio']:.2f}",
            f"{row['smallest_ratio']:.2f} to {row['largest_ratio']:.2f}",
            row.get("note", "the run above"),
        )
        for row in ({"cpu": machines["here"], **summary}, *machines["others"])
    ]
    explanation = "What packed products save depends on how well the processor's other matrix products go:"
    return [Text(explanation), table("", ("processor", "times as fast", "rounds", "from"), cells)]


def _repetition_table(row: Mapping[str, Any]) -> Table:
    rounds = (
        ("first", f"{row['songs']} songs, {row['reference_songs']} references"),
        ("again", "the same again"),
        ("after_adding", f"with {row['added']} songs more"),
    )
    cells = [(label, str(row[f"{name}_songs_heard"]), f"{row[f'{name}_cpu_seconds']:.1f}") for name, label in rounds]
    return table("", ("", "songs heard", "CPU s"), cells)


def _per_song_cells(row: Mapping[str, Any], result: Mapping[str, Any]) -> tuple[TableCell, ...]:
    name, weights_used = row["metric"], row.get("weights")
    seconds, features = row.get("cpu_seconds_per_song"), dict(row.get("feature_cpu_seconds_per_song", {}))
    if "not_available" in row and (timings := result.get("transcription")) and name.startswith("per@whisperx-large-v3"):
        features = {} if name.endswith("-mix") else {"stems": timings["separation_cpu_seconds_per_song"]}
        steps = ("detector_cpu_seconds_per_song", "encoder_cpu_seconds_per_piece", "decoder_cpu_seconds")
        features["whisperx transcript"] = sum(timings[part] for part in steps)
        seconds, weights_used = sum(features.values()), f"{RANDOM}; sum of parts, {timings['tokens']} tokens"
    elif "not_available" in row and (timings := result.get("clap")) and name.endswith("@clap-laion-music"):
        features = {"clap-laion-music": timings["fad_windows_per_song"] * timings["cpu_seconds_per_window"]}
        seconds, weights_used = sum(features.values()), f"{RANDOM}; {timings['fad_windows_per_song']} windows"
    elif "not_available" in row and (timings := result.get("clap")) and name == "clap@laion-music":
        features = {"clap-laion-music": timings["score_windows_per_song"] * timings["cpu_seconds_per_window"]}
        seconds, weights_used = (
            sum(features.values()),
            f"{RANDOM}; {timings['score_windows_per_song']} windows, no text",
        )
    metric = (Fragment(name, "code"),)
    if seconds is None:
        cause = row.get("not_available") or row.get("not_applicable") or row.get("failed")
        return metric, str(cause), "", ""
    parts = ", ".join(f"{feature} {took:.2f}" for feature, took in features.items())
    return metric, f"{seconds:.2f}", parts, weights_used or ""


def _part(name: str) -> str:
    part = name.replace("-", "_")
    if part not in PARTS:
        raise argparse.ArgumentTypeError(f"there is no part '{name}', only {', '.join(PARTS)}")
    return part


def _merged(out: Path | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """What the folder holds already, to which measurements are added.

    Raises:
        SystemExit: when that was measured on other songs or another machine.
    """
    if out is None or not (out / "throughput.json").exists():
        return dict(new)
    earlier: dict[str, Any] = json.loads((out / "throughput.json").read_text())
    for part in ("machine", "setting"):
        if differ := [name for name, value in new[part].items() if earlier[part].get(name) != value]:
            raise SystemExit(f"{out} was measured with another {', '.join(differ)}; choose another folder for --out")
    return earlier


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=4, help="evaluated songs; there are as many reference songs")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--more", type=int, default=10, help="songs added before scoring again")
    parser.add_argument("--prompts", type=int, default=100, help="prompts for the cost of the distance itself")
    parser.add_argument("--only", nargs="*", default=PARTS, type=_part, help=f"of {', '.join(PARTS)}")
    parser.add_argument("--out", type=Path, help="folder for throughput.json and README.md")
    parser.add_argument(
        "--ours", nargs=3, type=Path, metavar=("REFERENCE", "EVALUATED", "STORE"), help=argparse.SUPPRESS
    )
    options = parser.parse_args()
    if options.ours:
        print_own_fad(*options.ours)
        return
    import torch

    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        files, published = mert_files(scratch / "mert")
        environment = set_up(files, scratch)
        folders = [scratch / side for side in ("reference", "evaluated")]
        for number, folder in enumerate(folders):
            folder.mkdir()
            for i in range(options.songs):
                music(folder / f"{i}.wav", options.seconds, 100 * number + i)
        machine = hardware()
        del machine["platform"]
        setting = {
            "songs": options.songs,
            "seconds": options.seconds,
            "torch": torch.__version__,
            "mert_weights": "the published ones" if published else f"{RANDOM} (95 million numbers)",
        }
        result = _merged(options.out, {"machine": machine, "setting": setting})
        measured, clip = sorted(folders[1].glob("*.wav"))[:SONGS], music(scratch / "clip.wav", 10, 800)
        measures: dict[str, Callable[[], Any]] = {
            "fadtk": lambda: list(beside_fadtk(folders, environment, options.rounds, scratch)),
            "more": lambda: after_more_songs(folders, options.more, options.seconds, scratch),
            "many": lambda: many_songs(options.prompts),
            "per_song": lambda: list(per_song(measured, clip, scratch / "random")),
            "clap": lambda: clap_tower(options.seconds),
            "transcription": lambda: transcription(measured, clip, scratch),
        }
        for part, measure in measures.items():
            if part in options.only:
                # metrics other than MERT's have their weights where the user's are
                weights_folder = os.environ.get("SONGBENCH_WEIGHTS")
                if part == "more":
                    os.environ["SONGBENCH_WEIGHTS"] = environment["SONGBENCH_WEIGHTS"]
                result[part] = measure()
                if part == "more":
                    os.environ.pop("SONGBENCH_WEIGHTS") if weights_folder is None else os.environ.update(
                        SONGBENCH_WEIGHTS=weights_folder
                    )
                if options.out:
                    options.out.mkdir(parents=True, exist_ok=True)
                    (options.out / "throughput.json").write_text(json.dumps(result, indent=1) + "\n")
                    file = options.out / "machines.json"
                    machines = json.loads(file.read_text()) if file.exists() else None
                    (options.out / "README.md").write_text(markdown(result, machines))


if __name__ == "__main__":
    main()
