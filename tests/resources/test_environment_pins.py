"""Whether the pins of every environment that is declared fit together, as the package index and uv see it."""

import re
import shutil
import subprocess

import pytest

from songbench.contracts import registry

pytestmark = [pytest.mark.network, pytest.mark.slow, pytest.mark.timeout(900)]

ENVIRONMENTS = [name for name in registry.names(registry.ENVIRONMENTS) if registry.load(registry.ENVIRONMENTS, name)]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_they_can_be_installed_together(name, tmp_path):
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not on the path: pip install uv")
    environment = registry.load(registry.ENVIRONMENTS, name)
    lowest = re.search(r">=\s*([\d.]+)", environment.python)[1]
    file = tmp_path / "requirements.in"
    file.write_text("\n".join(environment.requirements), encoding="utf-8")
    command = [uv, "pip", "compile", "--quiet", "--python-version", lowest, str(file)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
