"""Runs an unmodified program with all generators seeded, and reports where it ran and how much memory it took.

``python entry_point.py REPORT SEED SCRIPT ARGUMENT…``; SCRIPT may be ``-m`` and the name of a module. Standard library
only, for any Python from 3.8 on, as it runs in environments that have no songbench.
"""

from __future__ import annotations

import importlib.util
import json
import pathlib
import random
import runpy
import sys
from typing import Any


def seed_generators(seed: int) -> list[str]:
    """Seed Python's, NumPy's and torch's generators; torch's seeds those of all devices. Returns which there were."""
    random.seed(seed)
    seeded = ["random"]
    if importlib.util.find_spec("numpy"):
        import numpy

        numpy.random.seed(seed % 2**32)
        seeded.append("numpy")
    if importlib.util.find_spec("torch"):
        import torch

        torch.manual_seed(seed)
        seeded.append("torch")
    return seeded


def surroundings() -> dict[str, Any]:
    """The device and the peak of the memory: of the device where one was used, of the process otherwise."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        name = torch.cuda.get_device_name()
        return {"device": "cuda:0 " + name, "peak_gib": torch.cuda.max_memory_allocated() / 2**30}
    try:
        import resource
    except ImportError:
        return {"device": "cpu"}
    unit = 1 if sys.platform == "darwin" else 1024
    return {"device": "cpu", "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30}


def main(report: str, seed: str, script: str, *arguments: str) -> None:
    """Run the script as its author would, then write the report, also when it fails."""
    sys.path.pop(0)  # the folder of this file: the script has its own
    seeded = seed_generators(int(seed)) if seed else []
    try:
        if script == "-m":
            sys.path.insert(0, str(pathlib.Path.cwd()))
            sys.argv = list(arguments)
            runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        else:
            sys.path.insert(0, str(pathlib.Path(script).absolute().parent))
            sys.argv = [script, *arguments]
            runpy.run_path(script, run_name="__main__")
    finally:
        with open(report, "w", encoding="utf-8") as file:
            json.dump({"seeded": seeded, **surroundings()}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
