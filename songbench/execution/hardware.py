"""The machine a run is made on: recorded with it, as some numbers depend on it."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VECTORS = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_vnni": "AVX-512 VNNI", "avx_vnni": "AVX-VNNI"}
"""Vector instructions by which libraries choose how they sum: their names in ``/proc/cpuinfo`` and in words."""


@functools.cache
def hardware() -> dict[str, Any]:
    """Processor, its vector instructions, cores, memory, accelerators, operating system."""
    import psutil

    info = _cpuinfo()
    return {
        "cpu": info.get("model name", platform.processor()),
        "architecture": platform.machine(),
        "vectors": [name for flag, name in VECTORS.items() if flag in info.get("flags", "").split()],
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "accelerators": accelerators(),
        "platform": platform.platform(),
        "python": platform.python_version(),
    }


def accelerators() -> list[str]:
    """The ids of the CUDA devices this process may use, without importing torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [device.strip() for device in visible.split(",") if device.strip()]
    if not (tool := shutil.which("nvidia-smi")):
        return []
    listing = subprocess.run(
        [tool, "--query-gpu=index", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    return listing.stdout.split() if listing.returncode == 0 else []


def accelerator_bytes(device: str) -> int | None:
    """The free memory of a CUDA device, None where nobody can say it.

    Args:
        device: one of `accelerators`.
    """
    if not (tool := shutil.which("nvidia-smi")):
        return None
    query = [tool, "-i", device, "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False)
    mebibytes = answer.stdout.strip()
    return int(mebibytes) * 2**20 if answer.returncode == 0 and mebibytes.isdecimal() else None


def usable_cores() -> int:
    """CPU cores this process may use (fewer than the machine has, in a container)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_words(machine: Mapping[str, Any]) -> str:
    """One line of what `hardware` says, e.g. ``AMD EPYC (x86_64, AVX2, AVX-512), 2 cores``."""
    kind = ", ".join([str(machine.get("architecture", "")), *machine.get("vectors", [])]).strip(", ")
    devices = len(machine.get("accelerators", []))
    processor = f"{machine.get('cpu') or 'unknown processor'}{f' ({kind})' if kind else ''}, {machine['cores']} cores"
    return processor + (f", {devices} CUDA device{'s' if devices > 1 else ''}" if devices else "")


def _cpuinfo() -> dict[str, str]:
    """The facts of the first processor."""
    path = Path("/proc/cpuinfo")
    rows = path.read_text(encoding="utf-8").partition("\n\n")[0].splitlines() if path.exists() else []
    return {name.strip(): value.strip() for name, _, value in (row.partition(":") for row in rows)}
