"""The worked example of the documentation, installed as its reader would, where songbench is already."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "docs/examples/songbench-example"
COMMAND = "pip install --editable docs/examples/songbench-example"
"""As the documentation has it."""


def environment(folder):
    """An environment of its own in `folder` that sees every package of this one; returns its Python."""
    venv.create(folder, symlinks=True)
    python = folder / "bin/python"
    words = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    packages = sysconfig.get_path("purelib")
    Path(site, "environment.pth").write_text(f"import site; site.addsitedir({packages!r})\n", encoding="utf-8")
    return python


def install(folder, *options):
    """Run the documented command on a copy of the example, in an environment of its own.

    Returns:
        The environment's Python and the finished command.
    """
    python, source = environment(folder / "environment"), folder / "songbench-example"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__", "build"))
    words = [str(source) if word.startswith("docs/") else word for word in COMMAND.split()[1:]]
    line = [sys.executable, "-m", "pip", "--python", str(python), *words, *options]
    return python, subprocess.run(line, capture_output=True, text=True, check=False, cwd=folder)
