"""Times the upstream SongBloom code on given weights and inputs; run by songbloom_decode.py in upstream's own Python.

Needs only what upstream needs (torch, transformers, einops, …) and safetensors; nothing of songbench. The folder holds
``task.json``, ``model.safetensors`` (released names without the ``model.`` prefix) and ``inputs.safetensors`` (prompt
latents, noise of every patch); ``result.json`` and ``result.safetensors`` are written beside them.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file


def build(task: dict, folder: Path, inputs: dict, device: str, dtype: torch.dtype) -> Any:
    """The upstream model with the given weights; the autoencoder is replaced by the recorded latents of the prompt."""
    from SongBloom.models.songbloom.songbloom_mvsa import MVSA_DiTAR
    from SongBloom.models.vae_frontend import AbstractVAE

    class RecordedLatents(AbstractVAE):
        frame_rate, orig_sample_rate, split_bands, input_channel = 25.0, 48000, 1, 2
        channel_dim = inputs["prompt"].shape[1]

        def encode(self, wav: Any) -> Any:
            latents = inputs["prompt"].T.to(wav)
            return torch.stack([latents, torch.zeros_like(latents)])[: len(wav)]

    model = task["model"]
    model["condition_provider_cfg"]["prompt_wav"] |= {"audio_tokenizer": RecordedLatents(), "cache": False}
    with torch.device(device):  # where its first, random weights are drawn quickly
        built = MVSA_DiTAR(**model)
    built.load_state_dict(load_file(folder / "model.safetensors"), strict=True)
    return built.eval().to(device=device, dtype=dtype)


def conditions(task: dict, device: str, dtype: torch.dtype) -> list[Any]:
    """One song's lyrics and prompt as upstream passes them."""
    from SongBloom.models.musicgen.conditioners import ConditioningAttributes, WavCondition

    attributes = ConditioningAttributes()
    attributes.text["lyrics"] = task["lyrics"]
    samples = task["prompt_samples"]
    wav = torch.zeros(1, 1, samples, device=device, dtype=dtype)
    length = torch.tensor([samples], device=device)
    attributes.wav["prompt_wav"] = WavCondition(wav, length, sample_rate=[48000], path=[None])
    return [attributes]


class Stopwatch:
    """The seconds of every call of chosen methods, by name.

    On a CUDA device time is taken by events on its stream, so that the host waits no more often than it does anyway.
    """

    def __init__(self, device: str) -> None:
        self._on_cuda, self._marks = device.startswith("cuda"), dict[str, list[tuple[Any, Any]]]()

    def watch(self, owner: object, method: str, name: str) -> None:
        """Keep the seconds of every call of a method under a name."""
        original = getattr(owner, method)
        marks = self._marks[name] = []

        def timed(*args: Any, **kwargs: Any) -> Any:
            begin = self._mark()
            result = original(*args, **kwargs)
            marks.append((begin, self._mark()))
            return result

        setattr(owner, method, timed)

    def _mark(self) -> Any:
        if not self._on_cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds(self) -> dict[str, list[float]]:
        """Of all calls so far."""
        if self._on_cuda:
            torch.cuda.synchronize()
            return {
                name: [begin.elapsed_time(end) / 1000 for begin, end in marks] for name, marks in self._marks.items()
            }
        return {name: [end - begin for begin, end in marks] for name, marks in self._marks.items()}


def main() -> None:
    """Decode one song and write times, tokens and latents."""
    parser = argparse.ArgumentParser()
    parser.add_argument("checkout", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    sys.path.insert(0, str(args.checkout))
    torch.set_num_threads(args.threads)

    task = json.loads((args.folder / "task.json").read_text())
    inputs = load_file(args.folder / "inputs.safetensors")
    dtype = getattr(torch, task["dtype"])
    model = build(task, args.folder, inputs, args.device, dtype)
    noise, draw = iter(inputs["noise"]), torch.randn

    def recorded(*shape: Any, **kwargs: Any) -> Any:
        size = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        if tuple(size) != (1, *inputs["noise"].shape[1:]):
            return draw(*shape, **kwargs)
        return next(noise)[None].to(device=kwargs.get("device"), dtype=kwargs.get("dtype"))

    torch.randn = recorded
    watch = Stopwatch(args.device)
    watch.watch(model, "_sample_next_block", "patch")
    watch.watch(model, "lm_forward", "lm")
    watch.watch(model, "diffusion_forward", "dit")
    with torch.no_grad():
        latents, tokens = model.generate(None, conditions(task, args.device, dtype), **task["generate"])
    save_file(
        {"latents": latents[0].T.float().cpu().contiguous(), "tokens": tokens[0].cpu().contiguous()},
        args.folder / "result.safetensors",
    )
    (args.folder / "result.json").write_text(json.dumps(watch.seconds()))


if __name__ == "__main__":
    main()
