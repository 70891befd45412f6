"""Trains the upstream SongBloom classes in a plain loop; run by songbloom_training.py in upstream's own Python.

Needs only what upstream needs and safetensors; nothing of songbench. The folder holds ``task.json``,
``model.safetensors`` (released names without the ``model.`` prefix) and ``inputs.safetensors``; ``result.json`` is
written beside them.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from songbloom_upstream import build


def main() -> None:
    """Take the steps, and write seconds, losses and the peak of memory."""
    parser = argparse.ArgumentParser()
    parser.add_argument("checkout", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    sys.path.insert(0, str(args.checkout))
    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(True)

    task = json.loads((args.folder / "task.json").read_text())
    inputs = {name: tensor.to(args.device) for name, tensor in load_file(args.folder / "inputs.safetensors").items()}
    model = build(task, args.folder, {"prompt": inputs["prompt"][0]}, args.device, torch.float32)
    for part in (model.ar_transformer, model.nar_dit):
        part.gradient_checkpointing = task["checkpointing"]
    if task["checkpointing"]:
        model.ar_transformer.gradient_checkpointing_enable()
    else:
        model.ar_transformer.gradient_checkpointing_disable()
    model.h_dropout = 0.0
    model.train()
    replay(inputs)
    mask = torch.ones(inputs["lyrics"].shape[:2], device=args.device)
    conditions = {"lyrics": (inputs["lyrics"], mask), "prompt_wav": (inputs["prompt_embedded"], mask)}
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=task["learning_rate"], betas=(0.9, 0.95), weight_decay=0.1)
    seconds, losses = [], []
    for _ in range(task["steps"]):
        begin = time.perf_counter()
        optimiser.zero_grad()
        output = model(inputs["sketch"].long(), inputs["latent"], inputs["lengths"].long(), conditions)
        logits, targets = output.ar_logit.flatten(0, 1), output.ar_target.flatten()
        sketch = torch.nn.functional.cross_entropy(logits, targets, ignore_index=model.special_token_id)
        loss = sketch + 0.1 * torch.nn.functional.mse_loss(output.nar_pred, output.nar_target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - begin)
    peak = (
        torch.cuda.max_memory_allocated()
        if args.device.startswith("cuda")
        else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    )
    result = {"seconds": seconds, "losses": losses, "peak_bytes": peak}
    (args.folder / "result.json").write_text(json.dumps(result))


def replay(inputs: dict[str, torch.Tensor]) -> None:
    """Let every step draw the recorded times and noise."""
    draw, draw_like = torch.randn, torch.randn_like

    def times(*shape: Any, **kwargs: Any) -> Any:
        size = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return inputs["times"] if tuple(size) == tuple(inputs["times"].shape) else draw(*shape, **kwargs)

    def noise(like: Any, **kwargs: Any) -> Any:
        return inputs["noise"] if like.shape == inputs["noise"].shape else draw_like(like, **kwargs)

    torch.randn, torch.randn_like = times, noise


if __name__ == "__main__":
    main()
