"""Speed and memory of a training step of SongBloom, beside upstream's classes in a plain loop on the same batch.

    OMP_NUM_THREADS=1 python benchmarks/songbloom_training.py --size mid --upstream CHECKOUT --upstream-python PYTHON
    python benchmarks/songbloom_training.py --size tiny --device cuda --precision bfloat16 --batch 4 --seconds 60

One JSON object per line and measurement. Each measurement is a process of its own, so that its peak of memory is its
own; rounds go in turns. Both start from the same random weights, see the same songs, times and noise, in float32, with
AdamW and gradients clipped at norm 1; conditions come embedded, as only they differ in how they are cached. Their
losses are compared step by step. ``--checkpointing`` computes layers again for gradients on both sides, as upstream
does by default; without it, upstream's switch is turned off. ``--precision bfloat16`` (autocast) is ours alone.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median

import torch
from safetensors.torch import load_file, save_file
from songbloom_decode import SIZES, save_upstream_weights, upstream_settings

from songbench.execution.record import hardware
from systems.songbloom.config import ModelConfig, SongBloomConfig
from systems.songbloom.costs import training_flops
from systems.songbloom.initialisation import initialise
from systems.songbloom.model import SongBloom
from systems.songbloom.training.draws import TrainingDraws
from systems.songbloom.training.losses import losses
from systems.songbloom.training.trained import freeze_untrained

LEARNING_RATE = 1e-4


def batch(config: SongBloomConfig, songs: int, seconds: float) -> dict[str, torch.Tensor]:
    """Random songs with conditions that fill the model's window."""
    sizes, generator = config.model, torch.Generator().manual_seed(0)
    patches = max(1, round(seconds / config.patch_seconds))
    frames = patches * sizes.patch

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    return {
        "sketch": torch.randint(0, sizes.sketch_vocabulary, (songs, frames), generator=generator),
        "latent": normal(songs, sizes.latent_channels, frames),
        "lengths": torch.full((songs,), frames),
        "lyrics": 0.02 * normal(songs, sizes.lyrics_length, sizes.dim),
        "prompt_embedded": 0.02 * normal(songs, sizes.prompt_frames, sizes.dim),
        "prompt": normal(songs, sizes.prompt_frames, sizes.latent_channels),
        "times": normal(songs * patches),
        "noise": normal(songs * patches, sizes.patch, sizes.latent_channels),
    }


def new_model(config: SongBloomConfig) -> SongBloom:
    """With upstream's initial weights, the same every time."""
    return initialise(SongBloom(config), torch.Generator().manual_seed(0))


def train(args: argparse.Namespace) -> dict:
    """Take the steps with this implementation; called in a process of its own."""
    torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    model = freeze_untrained(new_model(SIZES[args.size])).to(device).train()
    model.checkpoint_layers(args.checkpointing)
    inputs = {name: tensor.to(device) for name, tensor in load_file(args.folder / "inputs.safetensors").items()}
    draws = TrainingDraws(times=torch.sigmoid(inputs["times"]), noise=inputs["noise"])
    prefix = torch.cat([inputs["prompt_embedded"], inputs["lyrics"]], dim=1)
    latents = inputs["latent"].transpose(1, 2)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    seconds, values = [], []
    for _ in range(args.steps):
        begin = time.perf_counter()
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=args.precision == "bfloat16"):
            loss = losses(model, prefix, inputs["sketch"], latents, inputs["lengths"], draws).total
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        values.append(loss.item())
        seconds.append(time.perf_counter() - begin)
    on_cuda = device.type == "cuda"
    peak = torch.cuda.max_memory_allocated() if on_cuda else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "losses": values, "peak_bytes": peak}


def product_flops(device: str, threads: int) -> float:
    """Operations per second of a large float32 product as torch computes it here, which no step can exceed."""
    torch.set_num_threads(threads)
    size = 8192 if device.startswith("cuda") else 1024
    left, right = (torch.randn(size, size, device=device) for _ in range(2))
    times = []
    for _ in range(8):
        begin = time.perf_counter()
        (left @ right).sum().item()
        times.append(time.perf_counter() - begin)
    return 2 * size**3 / min(times)


def measured(command: list[str], folder: Path) -> dict:
    """What a process wrote after its steps."""
    process = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "DISABLE_FLASH_ATTN": "1"}
    )
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{process.stderr[-3000:]}")
    result: dict = json.loads((folder / "result.json").read_text())
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="mid")
    parser.add_argument("--batch", type=int, default=2, help="songs of a step")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each song")
    parser.add_argument("--steps", type=int, default=4, help="of each process; the first is not counted")
    parser.add_argument("--rounds", type=int, default=3, help="turns of upstream and ours")
    parser.add_argument("--checkpointing", action="store_true", help="compute layers again for gradients")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="of ours")
    parser.add_argument("--threads", type=int, default=1, help="on a CPU")
    parser.add_argument("--upstream", type=Path, help="a checkout of the upstream project to train in the same run")
    parser.add_argument("--upstream-python", default=sys.executable, help="a Python with upstream's requirements")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)  # names the process that takes the steps
    args = parser.parse_args()
    if args.folder:
        (args.folder / "result.json").write_text(json.dumps(train(args)))
        return

    config = SIZES[args.size]
    options = ["--device", args.device, "--threads", str(args.threads)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        inputs = batch(config, args.batch, args.seconds)
        save_file(inputs, folder / "inputs.safetensors")
        task = {
            "model": upstream_settings(config),
            "checkpointing": args.checkpointing,
            "learning_rate": LEARNING_RATE,
            "steps": args.steps,
        }
        (folder / "task.json").write_text(json.dumps(task))
        if args.upstream:
            save_upstream_weights(new_model(config), folder / "model.safetensors")
        command_here = [sys.executable, __file__, *sys.argv[1:], "--folder", temporary]
        script = str(Path(__file__).with_name("songbloom_upstream_training.py"))
        command_upstream = [
            args.upstream_python,
            script,
            str(args.upstream and args.upstream.resolve()),
            temporary,
            *options,
        ]
        rounds = [
            {
                name: measured(command, folder)
                for name, command in (("upstream", command_upstream), ("songbench", command_here))
            }
            if args.upstream
            else {"songbench": measured(command_here, folder)}
            for _ in range(args.rounds)
        ]
    report(args, config.model, inputs, rounds)


def report(args: argparse.Namespace, sizes: ModelConfig, inputs: dict, rounds: list[dict[str, dict]]) -> None:
    """One line for the machine and one for each implementation."""
    on_cuda = args.device.startswith("cuda")
    flops = product_flops(args.device, args.threads)
    facts = {
        "size": args.size,
        "batch": args.batch,
        "seconds": args.seconds,
        "checkpointing": args.checkpointing,
        "device": torch.cuda.get_device_name() if on_cuda else hardware()["cpu"],
        "threads": None if on_cuda else args.threads,
        "torch": torch.__version__,
    }
    tokens = inputs["sketch"].numel()
    flops_of_step = training_flops(sizes, args.batch, inputs["sketch"].shape[1])
    print(json.dumps({"system": "machine", **facts, "flops_per_second": flops, "model": asdict(sizes)["dim"]}))
    steps = {name: [median(one[name]["seconds"][1:]) for one in rounds] for name in rounds[0]}
    for name, seconds in steps.items():
        middle = median(seconds)
        line = {
            "system": name,
            **facts,
            "precision": args.precision if name == "songbench" else "float32",
            "seconds_per_step": middle,
            "rounds": [round(one, 4) for one in seconds],
            "tokens_per_second": tokens / middle,
            "flops_per_step": flops_of_step,
            "roofline_share": flops_of_step / flops / middle,
            "peak_gib": max(one[name]["peak_bytes"] for one in rounds) / 2**30,
            "losses": rounds[-1][name]["losses"],
        }
        if name == "songbench" and "upstream" in steps:
            ratios = [upstream / here for upstream, here in zip(steps["upstream"], seconds, strict=True)]
            line |= {"times_faster_each_round": [round(one, 2) for one in ratios], "times_faster": median(ratios)}
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
