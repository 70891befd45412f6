"""The worked examples of the documentation, installed as their reader would, where songbench is already."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

EXAMPLE = Path(__file__).parents[1] / "docs/examples/songbench-example"
ADAPTER = EXAMPLE.with_name("songbench-drone")
COMMAND, ADAPTER_COMMAND = (f"pip install --editable docs/examples/{place.name}" for place in (EXAMPLE, ADAPTER))
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


def install(folder, *options, adapter=False):
    """Run the documented command on a copy of the example, in an environment of its own.

    Args:
        folder: for the environment and the copy.
        options: of pip.
        adapter: whether the example of an adapter is installed, too; both at once, as pip looks at all that songbench
            depends on each time.

    Returns:
        The environment's Python and the finished command.
    """
    python, words = environment(folder / "environment"), COMMAND.split()[1:-1]
    for place in (EXAMPLE, *([ADAPTER] if adapter else [])):
        copy = folder / place.name
        shutil.copytree(place, copy, ignore=shutil.ignore_patterns("*.egg-info", "__pycache__", "build"))
        words += ["--editable"] * (place is ADAPTER) + [str(copy)]
    line = [sys.executable, "-m", "pip", "--python", str(python), *words, *options]
    return python, subprocess.run(line, capture_output=True, text=True, check=False, cwd=folder)
