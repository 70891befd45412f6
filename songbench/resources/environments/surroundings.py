"""The environment variables a foreign Python gets: the user's, without what belongs to ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_OURS = (
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONPLATLIBDIR",
    "PYTHONSAFEPATH",
    "VIRTUAL_ENV",
    "VIRTUAL_ENV_PROMPT",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_PYTHON",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "__PYVENV_LAUNCHER__",
    "NUMBA_CACHE_DIR",
)
"""Where our Python finds its packages; another one would import them and fail in strange ways."""


def without_ours(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables without those that lead to our packages; our environment's programs leave the path, too.

    Visible devices, threads, caches, proxies and tokens carry over.
    """
    settings = {name: value for name, value in variables.items() if name not in _OURS}
    if sys.prefix != sys.base_prefix:
        prefix = Path(sys.prefix).resolve()
        rows = settings.get("PATH", "").split(os.pathsep)
        settings["PATH"] = os.pathsep.join(
            row for row in rows if not row or not Path(row).resolve().is_relative_to(prefix)
        )
    return settings


def for_worker(python: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a worker of another environment gets: `without_ours`, with that environment's programs first on the path."""
    settings = without_ours(os.environ if variables is None else variables)
    path = settings.get("PATH", os.defpath)
    return {**settings, "PATH": f"{python.parent}{os.pathsep}{path}", "PYTHONNOUSERSITE": "1"}
