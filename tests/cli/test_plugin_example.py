"""The plug-in of the documentation, installed as its reader would, with all that it depends on."""

import os
import re
from importlib.metadata import distribution

import command_line
import documented
import example_plugin
import pytest
from packaging.requirements import Requirement

from songbench.suites import DEMO


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Nothing is fetched: songbench and all it stands on have to be there, and what builds the plug-in, too."""
    python, process = example_plugin.install(tmp_path_factory.mktemp("example"), "--no-index", "--no-build-isolation")
    assert process.returncode == 0, process.stderr
    return python


def test_the_documented_commands_list_and_run_it(python, tmp_path):
    def songbench(*words):
        env = {**os.environ, "COLUMNS": "160", command_line.DEMO: str(suite)}
        processes[words[0]] = process = command_line.run(words, cwd=tmp_path, env=env, python=python)
        return process

    suite, processes = tmp_path / "demo.jsonl", {}
    suite.write_text("\n".join(DEMO.read_text(encoding="utf-8").splitlines()[:3]) + "\n", encoding="utf-8")
    page = documented.ROOT / "docs/extending.md"
    assert documented.check(documented.commands(page), songbench, pip=(example_plugin.COMMAND,)) == 4
    assert "metronome" in processes["systems"].stdout
    for backend in ("centroid", "rolloff"):
        assert re.search(rf"backend +{backend}", processes["metrics"].stdout)
        assert f"brightness@{backend}" in processes["run"].stdout
    assert "power_gap" in processes["run"].stdout
    for system in ("metronome", "hum"):
        rows = [row for row in processes["run"].stdout.splitlines() if row.strip().startswith(system)]
        assert any("2/2" in row for row in rows)
    assert "n/a" in processes["run"].stdout, "silence has no brightness"
    words = ("--systems", "metronome", "--metrics", "level", "--set", "system.metronome.bpm=90", "--name", "slow")
    assert songbench("run", *words).returncode == 0


@pytest.mark.network
def test_pip_finds_all_it_asks_for(tmp_path):
    """The command word for word: pip fetches what builds the plug-in, and nothing that needs a compiler."""
    _, process = example_plugin.install(tmp_path)
    assert process.returncode == 0, process.stderr
    assert "Successfully installed songbench-example" in process.stdout


@pytest.mark.parametrize(
    ("language", "name"),
    [("toml", "pyproject.toml"), ("python", "songbench_example.py"), ("python", "songbench_example_classes.py")],
)
def test_the_page_shows_the_files_themselves(language, name):
    """Word for word, as pages are read where nothing puts files into them."""
    page = (example_plugin.EXAMPLE.parents[1] / "extending.md").read_text(encoding="utf-8")
    excerpt = re.search(rf"`{re.escape(name)}`:\n\n```{language}\n(.*?)```\n", page, re.DOTALL)[1]
    assert excerpt == (example_plugin.EXAMPLE / name).read_text(encoding="utf-8")
    assert f"```bash\n.venv/bin/{example_plugin.COMMAND}\n```" in page


def test_what_songbench_depends_on_is_here_with_what_that_depends_on():
    """So that pip, which looks at all of it when a plug-in is installed, has nothing to fetch or build."""
    visits, waiting = set(), [Requirement("songbench")]
    while waiting:
        dependency = waiting.pop()
        package = distribution(dependency.name)
        assert dependency.specifier.contains(package.version, prereleases=True), (
            f"{dependency}, but {package.version} is here"
        )
        for text in package.requires or ():
            requirement = Requirement(text)
            extras = dependency.extras or {""}
            applies = not requirement.marker or any(requirement.marker.evaluate({"extra": one}) for one in extras)
            if applies and (key := (requirement.name, *sorted(requirement.extras))) not in visits:
                visits.add(key)
                waiting.append(requirement)
    assert len(visits) > 50
