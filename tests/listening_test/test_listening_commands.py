"""What all listening commands share."""

import subprocess
import sys

import pytest

COMMANDS = ("presets", "create", "serve", "invite", "panel", "bundle", "export", "simulate", "report")


def test_the_help_names_every_command_and_begins_with_an_example(songbench):
    result = songbench("listen", "--help", folders=False)
    assert result.returncode == 0
    assert all(f" {name} " in result.stdout for name in COMMANDS)
    assert "songbench listen create demo" in result.stdout


@pytest.mark.parametrize("absent", ["pydantic", "gradio"])
def test_absent_packages_are_named_with_the_cure(absent):
    script = f"""
import sys
import importlib.util as util

find = util.find_spec
util.find_spec = lambda name, package=None: None if name == "{absent}" else find(name, package)
sys.argv = ["songbench", "listen", "presets"]
from songbench.cli import main
main()
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 4
    assert absent in result.stderr and "songbench[listening]" in result.stderr and "Traceback" not in result.stderr
