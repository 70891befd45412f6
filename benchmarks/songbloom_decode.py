"""Speed of SongBloom's decoding: seconds per patch (0.64 s of music), stage split, roofline share, beside upstream.

    OMP_NUM_THREADS=1 python benchmarks/songbloom_decode.py --size mid --batch 1,4,8
    OMP_NUM_THREADS=1 python benchmarks/songbloom_decode.py --upstream CHECKOUT --upstream-python PYTHON --rounds 3
    python benchmarks/songbloom_decode.py --size full_150s --device cuda --precision bfloat16 --audio --out cuda.jsonl
    python benchmarks/songbloom_decode.py --size mid --parity

One JSON object per line and measurement, with the device it was taken on; ``--out`` appends the same lines to a file.
``rtf_per_song`` is all seconds per second of music, what comes once (prefix, capturing of graphs) included;
``seconds_per_patch`` is the median patch, and ``roofline_share`` how much of it this device's own arithmetic and memory
could not do without. ``--parity`` compares bfloat16 with float32 on the same inputs instead.

Weights are random. Decoding is greedy with the repetition penalty on, so that both implementations can be held to the
same song; a draw among the 100 likeliest tokens costs 0.1 ms a token more. With ``--upstream``, a checkout of the
upstream project is timed in the same run on the same weights, noise and lyrics, in turns with ours, and its tokens and
latents are compared with ours. ``--upstream-python`` is a Python with upstream's requirements. The recorded upstream
figures (``speed.md`` in the folder SONGBENCH_PARITY names) are compared, too, when they are of the same size; they hold
for the machine they were taken on.
"""

import argparse
import itertools
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from safetensors.torch import load_file, save_file

from songbench.execution.record import hardware
from systems.songbloom.audio_stream import AudioStream
from systems.songbloom.checkpoint import released_state_dict
from systems.songbloom.config import AutoencoderConfig, DecodingConfig, ModelConfig, SongBloomConfig
from systems.songbloom.costs import (
    CHUNK_PATCHES,
    bytes_per_token,
    cache_bytes,
    flops_per_patch,
    least_seconds_per_patch,
)
from systems.songbloom.decoding import DecodingEngine, DecodingInput, SongEnd
from systems.songbloom.draws import PatchDraws
from systems.songbloom.latent_solver import LatentSolver
from systems.songbloom.model import SongBloom
from systems.songbloom.presets import PRESETS

SMALL_AUTOENCODER = AutoencoderConfig(channels=4)
SIZES = {
    "mid": SongBloomConfig(
        name="mid",
        model=ModelConfig(dim=512, heads=8, lm_layers=8, dit_layers=4),
        autoencoder=SMALL_AUTOENCODER,
        decoding=DecodingConfig(),
    ),
    "large": SongBloomConfig(
        name="large",
        model=ModelConfig(lm_layers=16, dit_layers=8),
        autoencoder=SMALL_AUTOENCODER,
        decoding=DecodingConfig(),
    ),
    **PRESETS,
}


class GivenNoise:
    """The same noise for every implementation; greedy decoding draws no tokens."""

    def __init__(self, noise: torch.Tensor) -> None:
        self._noise = iter(noise)

    def patch(self) -> PatchDraws:
        """See `systems.songbloom.draws.Draws`."""
        noise = next(self._noise)
        return PatchDraws(torch.zeros(len(noise)), noise)

    def prompt(self, frames: int) -> torch.Tensor:
        """Prompts are given as latents here."""
        raise NotImplementedError


def random_model(config: SongBloomConfig, device: str, dtype: torch.dtype) -> SongBloom:
    """A model with random weights in which no song ever ends by itself."""
    torch.manual_seed(0)
    with torch.device("meta"):
        model = SongBloom(config)
    model = model.to(dtype).to_empty(device=device).requires_grad_(False)
    for name, tensor in model.state_dict().items():
        if tensor.ndim > 1:
            tensor.normal_(0, 0.02)
        else:
            tensor.fill_(1.0 if name.endswith(("norm.weight", "gamma")) else 0.0)
    model.conditioning.blank.zero_()
    model.sketch_lm.classifier[2].bias[-1] = -1e4
    return model


def orders(config: SongBloomConfig, songs: int, patches: int) -> Iterator[DecodingInput]:
    """Songs with lyrics that fill the model's window, as full-length lyrics nearly do."""
    sizes = config.model
    for song in range(songs):
        generator = torch.Generator().manual_seed(song)
        lyrics = torch.randint(8, len(sizes.vocabulary.symbols), (sizes.lyrics_length,), generator=generator)
        prompt = torch.randn(sizes.prompt_frames, sizes.latent_channels, generator=generator)
        noise = torch.randn(patches + 1, sizes.patch, sizes.latent_channels, generator=generator)
        yield DecodingInput(lyrics.tolist(), prompt, GivenNoise(noise))


def measure(
    model: SongBloom, config: DecodingConfig, songs: int, patches: int, *, audio: bool, compiled: bool = False
) -> dict:
    """Decode `songs` songs together and time it."""
    sizes = model.config.model
    engine = DecodingEngine(model, config, slots=songs, compiled=compiled)

    def timed(song: int) -> Callable[[], AbstractContextManager[None]]:
        return lambda: engine.clock.measure("audio", (song,))

    chunk = CHUNK_PATCHES * sizes.patch
    streams = [AudioStream(model.autoencoder, chunk, timed(song)) for song in range(songs)] if audio else []
    moments, tokens, latents, stages = [], [], [], []
    if model.device.type == "cuda":
        short = replace(config, max_seconds=2 * model.config.patch_seconds)
        list(DecodingEngine(model, short, slots=songs, compiled=compiled).decode(orders(model.config, songs, 2)))
        torch.cuda.reset_peak_memory_stats()
    begin = time.perf_counter()
    for event in engine.decode(orders(model.config, songs, patches)):
        if isinstance(event, SongEnd):
            stages.append(event.seconds)
            if audio:
                streams[event.song].finish()
                stages[-1]["audio"] = event.seconds.get("audio", 0.0) + engine.clock.take(event.song)["audio"]
            continue
        if audio:
            streams[event.song].push(event.latents)
        if event.song == songs - 1:
            moments.append(time.perf_counter())
        if event.song == 0:
            tokens.append(event.tokens)
            latents.append(event.latents)  # a copy to the CPU here would wait for the device once a patch
    if model.device.type == "cuda":
        torch.cuda.synchronize()
    total = time.perf_counter() - begin
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    patch = median(gaps)
    middle = sizes.prefix + sizes.steps * (patches // 2)
    return {
        "songs": songs,
        "patches": patches,
        "seconds_per_patch": patch,
        "seconds_per_patch_and_song": patch / songs,
        "rtf_per_song" if audio else "rtf_per_song_without_audio": total
        / songs
        / (patches * model.config.patch_seconds),
        "seconds_beside_patches": total - patches * patch,
        "stages_per_patch_and_song": {
            stage: sum(one[stage] for one in stages) / songs / patches for stage in stages[0]
        },
        "flops_per_patch": flops_per_patch(sizes, config, middle),
        "bytes_per_token": bytes_per_token(sizes, songs, middle, model.dtype.itemsize),
        "cache_gib": songs * cache_bytes(model.config, config, model.dtype.itemsize) / 2**30,
        "peak_gib": torch.cuda.max_memory_allocated() / 2**30 if model.device.type == "cuda" else None,
        "_position": middle,
        "_tokens": torch.cat(tokens),
        "_latents": torch.cat(latents).float().cpu(),
    }


def machine_limits(model: SongBloom) -> tuple[float, float]:
    """Operations and bytes per second that this machine really gives: a large product, a large copy."""
    device, dtype = model.device, model.dtype
    size = 8192 if device.type == "cuda" else 1024
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    linear = torch.nn.Linear(size, size, bias=False, device=device, dtype=dtype).requires_grad_(False)
    linear.weight.copy_(right)
    holder = torch.nn.Sequential(linear)
    if device.type == "cpu":
        from systems.layers.packing import pack_linears

        pack_linears(holder)
    flops = 2 * size**3 / _best(lambda: holder(left), device)
    block = torch.empty(2**30 if device.type == "cuda" else 2**28, dtype=torch.uint8, device=device).fill_(1)
    view = block.view(torch.float32)
    return flops, block.numel() / _best(view.sum, device)


def _best(function: Callable[[], object], device: torch.device) -> float:
    times = []
    for _ in range(8):
        begin = time.perf_counter()
        function()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return min(times)


@torch.inference_mode()
def precision_parity(config: SongBloomConfig, device: str) -> dict:
    """How far bfloat16 is from float32: both transformers with the same weights on the same inputs.

    Differences are relative, the norm of the difference by the norm of float32's. Weights keep the size of what they
    are multiplied with, so that every layer matters about as much as in a trained model.
    """
    exact = random_model(config, device, torch.float32)
    for matrix in exact.parameters():
        if matrix.ndim == 2:
            matrix.normal_(0, matrix.shape[1] ** -0.5)
    rounded = random_model(config, device, torch.float32)
    rounded.load_state_dict(exact.state_dict())
    sizes, (order,) = config.model, orders(config, 1, 1)
    tokens = torch.randint(0, sizes.sketch_vocabulary, (1, sizes.patch), generator=torch.Generator().manual_seed(0))
    noise = order.draws.patch().noise[None].to(device)
    results = []
    hidden, previous = None, torch.zeros(1, sizes.patch, sizes.latent_channels, device=device)
    for model in (exact.for_decoding(device, torch.float32), rounded.for_decoding(device, torch.bfloat16)):
        prefix = model.conditioning.prefix(order.lyrics, order.prompt.to(device))
        rows = [prefix, model.sketch_lm.bos[None], model.sketch_embedding(tokens[0].to(device))]
        outputs = model.sketch_lm(torch.cat(rows)[None])[:, -sizes.steps :]
        hidden = outputs[:, -1:].expand(-1, 2, -1) if hidden is None else hidden
        latents = LatentSolver(model, config.decoding).solve(hidden.to(model.dtype), tokens.to(device), previous, noise)
        results.append((model.sketch_lm.logits(outputs), latents))
    (logits, latents), (rounded_logits, rounded_latents) = results
    return {
        "logits_relative_difference": _relative(rounded_logits, logits),
        "same_likeliest_token": (rounded_logits.argmax(-1) == logits.argmax(-1)).float().mean().item(),
        "latents_relative_difference": _relative(rounded_latents, latents),
        "steps": config.decoding.steps,
    }


def _relative(actual: torch.Tensor, expected: torch.Tensor) -> float:
    return ((actual - expected).norm() / expected.norm()).item()


def upstream_settings(config: SongBloomConfig) -> dict:
    """What upstream's model class is built with."""
    settings = config.to_upstream(vocabulary="", autoencoder="")["model"]
    conditions = settings["condition_provider_cfg"]
    conditions["lyrics"]["vocab_list"] = list(config.model.vocabulary.symbols)
    for condition in conditions.values():
        condition["output_dim"] = config.model.dim
    fuser = {
        "cross_attention_pos_emb": False,
        "cross_attention_pos_emb_scale": 1,
        "sum": [],
        "prepend": ["lyrics", "prompt_wav"],
        "cross": [],
        "input_interpolate": [],
    }
    dropout = {"text": {"lyrics": 0.0}, "wav": {"prompt_wav": 0.0}}
    return settings | {"fuser_cfg": fuser, "attribute_dropout": dropout, "timestep_sampler": "logit_normal"}


def save_upstream_weights(model: SongBloom, path: Path) -> None:
    """The transformers' weights under released names, without the ``model.`` prefix; before the model is packed."""
    state = {
        name.removeprefix("model."): tensor.contiguous().clone().cpu()
        for name, tensor in released_state_dict(model).items()
        if name.startswith("model.")
    }
    save_file(state, path)


class Upstream:
    """A checkout of the upstream project, timed in a process of its own.

    Args:
        checkout: its folder.
        python: a Python with its requirements.
        folder: for weights and results.
    """

    def __init__(self, checkout: Path, python: str, folder: Path) -> None:
        self.checkout, self.python, self.folder = checkout, python, folder

    def prepare(self, model: SongBloom, config: DecodingConfig, patches: int) -> None:
        """Write weights and inputs; before the model is packed."""
        sizes, order = model.config.model, next(orders(model.config, 1, patches))
        save_upstream_weights(model, self.folder / "model.safetensors")
        noise = torch.stack([order.draws.patch().noise for _ in range(patches + 1)])
        save_file({"prompt": order.prompt, "noise": noise}, self.folder / "inputs.safetensors")
        task = {
            "model": upstream_settings(model.config),
            "dtype": str(model.dtype).removeprefix("torch."),
            "lyrics": " ".join(sizes.vocabulary.symbols[one] for one in order.lyrics),
            "prompt_samples": sizes.prompt_frames * model.config.autoencoder.hop,
            "generate": {
                "cfg_coef": config.guidance,
                "steps": config.steps,
                "dit_cfg_type": config.guidance_mode,
                "max_frames": patches * sizes.patch,
                "use_sampling": False,
                "temp": config.temperature,
                "diff_temp": config.diffusion_temperature,
                "penalty_repeat": config.penalise_repetition,
                "penalty_window": config.repetition_window,
            },
        }
        (self.folder / "task.json").write_text(json.dumps(task))

    def measure(self, sizes: ModelConfig, device: str, threads: int) -> dict:
        """Decode the one song and time it."""
        script = Path(__file__).with_name("songbloom_upstream.py")
        command = [self.python, str(script), str(self.checkout), str(self.folder)]
        command += ["--device", device, "--threads", str(threads)]
        environment = {**os.environ, "DISABLE_FLASH_ATTN": "1"}
        process = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if process.returncode:
            raise SystemExit(f"upstream failed:\n{process.stderr[-3000:]}")
        calls, outputs = (
            json.loads((self.folder / "result.json").read_text()),
            load_file(self.folder / "result.safetensors"),
        )
        patches = len(calls["patch"])
        seconds = median(calls["patch"][1:])
        return {
            "songs": 1,
            "patches": patches,
            "seconds_per_patch": seconds,
            "seconds_per_patch_and_song": seconds,
            "stages_per_patch_and_song": {
                "prefix": calls["lm"][0] / patches,
                "sketch": sum(calls["lm"][1:]) / patches,
                "acoustic": sum(calls["dit"]) / patches,
            },
            "_tokens": outputs["tokens"],
            "_latents": outputs["latents"],
        }


def recorded_upstream(size: str) -> float | None:
    """Upstream's recorded seconds per patch for this size on one thread, if the file is there."""
    folder = Path(os.environ.get("SONGBENCH_PARITY", "../shared/parity/songbloom"))
    heading = f"{size.capitalize()} configuration"
    path = folder / "speed.md"
    if not path.is_file():
        return None
    for section in path.read_text(encoding="utf-8").split("\n## ")[1:]:
        row = re.search(r"median block after the first, s \|([\d.| ]+)\|", section)
        if section.startswith(heading) and row:
            return median(float(number) for number in row[1].split("|"))
    return None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="mid")
    parser.add_argument("--batch", help="songs at once, comma-separated; default: 1,4,8, on CUDA 1,4,16,32")
    parser.add_argument("--patches", type=int, help="per song; default: 6 on a CPU, a 150 s song on CUDA")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--threads", type=int, default=1, help="on a CPU")
    parser.add_argument("--audio", action="store_true", help="decode the audio, too (the full-size autoencoder)")
    parser.add_argument("--compiled", action="store_true", help="layers through torch.compile (not on a CPU)")
    parser.add_argument("--upstream", type=Path, help="a checkout of the upstream project to time in the same run")
    parser.add_argument("--upstream-python", default="python3", help="a Python with upstream's requirements")
    parser.add_argument("--rounds", type=int, default=1, help="turns of upstream and batch 1; medians are compared")
    parser.add_argument("--parity", action="store_true", help="compare bfloat16 with float32; nothing is timed")
    parser.add_argument("--out", type=Path, help="append the lines to this file, too")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    on_cuda = args.device.startswith("cuda")
    config = SIZES[args.size]
    config = replace(config, autoencoder=AutoencoderConfig() if args.audio else SMALL_AUTOENCODER)
    patches = args.patches or (round(150 / config.patch_seconds) if on_cuda else 6)
    decoding = replace(config.decoding, sampling=False, max_seconds=patches * config.patch_seconds)
    facts = {
        "size": args.size,
        "device": torch.cuda.get_device_name() if on_cuda else hardware()["cpu"],
        "precision": args.precision,
        "threads": None if on_cuda else args.threads,
        "torch": torch.__version__,
    }
    if not on_cuda:
        facts["instructions"] = torch.backends.cpu.get_cpu_capability()
    if args.compiled:
        facts["compiled"] = True

    def report(system: str, measurement: dict, **more: object) -> None:
        fields = {key: value for key, value in {**measurement, **more}.items() if not key.startswith("_")}
        line = json.dumps({"system": system, **facts, **fields})
        print(line, flush=True)
        if args.out:
            with args.out.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    if args.parity:
        report("parity", precision_parity(config, args.device), precision="bfloat16")
        return
    model = random_model(config, args.device, getattr(torch, args.precision))
    with tempfile.TemporaryDirectory() as temporary:
        upstream = None
        if args.upstream:
            upstream = Upstream(args.upstream.resolve(), args.upstream_python, Path(temporary))
            upstream.prepare(model, decoding, patches)
        model.for_decoding(args.device, model.dtype)
        limits = dict(zip(("flops_per_second", "bytes_per_second"), machine_limits(model), strict=True))
        report("machine", limits)
        upstream_seconds: float | None = None
        if upstream:
            turns = []
            for _ in range(args.rounds):
                upstream_result, songbench_result = (
                    upstream.measure(config.model, args.device, args.threads),
                    measure(model, decoding, 1, patches, audio=False),
                )
                turns.append((upstream_result["seconds_per_patch"], songbench_result["seconds_per_patch"]))
            upstream_seconds = median(seconds for seconds, _ in turns)
            report(
                "upstream",
                upstream_result,
                rounds=[round(one, 4) for one, _ in turns],
                our_rounds=[round(one, 4) for _, one in turns],
                times_faster_each_round=[round(one / other, 2) for one, other in turns],
                same_tokens=bool(torch.equal(upstream_result["_tokens"], songbench_result["_tokens"])),
                largest_latent_difference=float(
                    (upstream_result["_latents"] - songbench_result["_latents"]).abs().max()
                ),
            )
        recorded = recorded_upstream(args.size)
        for songs in map(int, (args.batch or ("1,4,16,32" if on_cuda else "1,4,8")).split(",")):
            try:
                measurement = measure(model, decoding, songs, patches, audio=args.audio, compiled=args.compiled)
            except torch.OutOfMemoryError:
                report("songbench", {"songs": songs, "patches": patches}, out_of_memory=True)
                continue
            least = least_seconds_per_patch(
                config.model,
                decoding,
                songs=songs,
                position=measurement["_position"],
                itemsize=model.dtype.itemsize,
                **limits,
            )
            seconds = measurement["seconds_per_patch_and_song"]
            report(
                "songbench",
                measurement,
                roofline_seconds_per_patch=least,
                roofline_share=least / measurement["seconds_per_patch"],
                times_upstream_this_run=upstream_seconds / seconds if upstream_seconds else None,
                times_upstream_recorded=recorded / seconds if recorded and not on_cuda else None,
            )


if __name__ == "__main__":
    main()
