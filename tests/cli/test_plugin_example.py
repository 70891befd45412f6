"""The plug-ins of the documentation, installed as their reader would, with all that they depend on."""

import json
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
    python, process = example_plugin.install(
        tmp_path_factory.mktemp("example"), "--no-index", "--no-build-isolation", adapter=True
    )
    assert process.returncode == 0, process.stderr
    return python


def test_the_documented_commands_list_and_run_it(python, tmp_path):
    def songbench(*words):
        env = {**os.environ, "COLUMNS": "160", command_line.DEMO: str(suite)}
        processes[words[0]] = process = command_line.run(words, cwd=tmp_path, env=env, python=python)
        return process

    suite, processes = tmp_path / "demo.jsonl", {}
    head, *prompts = map(json.loads, DEMO.read_text(encoding="utf-8").splitlines()[:3])
    prompts = [prompt | {"lyrics": "[verse]\nRain on the roof tonight", "seconds": 5} for prompt in prompts]
    for prompt in prompts:
        prompt["prompt_wav"] |= {"start": 1, "seconds": 2}
    suite.write_text("".join(json.dumps(row) + "\n" for row in (head, *prompts)), encoding="utf-8")
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
    assert songbench(*command_line.without_workers(["run", *words])).returncode == 0


def test_the_adapter_is_set_up_run_and_removed_by_the_documented_commands(python, tmp_path):
    """From the folder of the program: no network, and nothing is written into it."""

    def songbench(*words):
        process = command_line.run(words, cwd=tmp_path, env={**os.environ, **variables}, python=python)
        outputs[words[0]] = outputs.get(words[0], "") + process.stdout
        return process

    outputs = {}
    kinds = ("environments", "checkouts", "weights")
    variables = {f"SONGBENCH_{kind.upper()}": str(tmp_path / kind) for kind in kinds}
    variables |= {"COLUMNS": "160", "SONGBENCH_INSTALLER": "pip"}
    (tmp_path / "docs").symlink_to(documented.ROOT / "docs")
    program = documented.ROOT / "docs/examples/drone"
    before = sorted(program.rglob("*"))
    page = documented.ROOT / "docs/add-a-system.md"
    assert documented.check(documented.commands(page), songbench, pip=(example_plugin.ADAPTER_COMMAND,)) == 5
    assert "drone: works" in outputs["setup"] and "environment drone: removed" in outputs["setup"]
    assert "After a line of more than 60 characters" in outputs["systems"]
    (row,) = [row for row in outputs["run"].splitlines() if row.strip().startswith("drone")]
    assert "2/3" in row
    assert "1 unsupported: a line has more than 60 characters" in " ".join(outputs["run"].split())
    assert sorted(program.rglob("*")) == before
    assert {path.suffix for kind in kinds for path in (tmp_path / kind).glob("drone-*")} == {".lock"}


@pytest.mark.network
def test_pip_finds_all_it_asks_for(tmp_path):
    """The command word for word: pip fetches what builds the plug-in, and nothing that needs a compiler."""
    _, process = example_plugin.install(tmp_path)
    assert process.returncode == 0, process.stderr
    assert "Successfully installed songbench-example" in process.stdout


@pytest.mark.parametrize(
    ("page", "example", "language"),
    [
        ("extending", "songbench-example/pyproject.toml", "toml"),
        ("extending", "songbench-example/songbench_example.py", "python"),
        ("extending", "songbench-example/songbench_example_classes.py", "python"),
        ("add-a-system", "drone/make_song.py", "python"),
        ("add-a-system", "songbench-drone/songbench_drone.py", "python"),
        ("add-a-system", "songbench-drone/pyproject.toml", "toml"),
    ],
)
def test_the_page_shows_the_files_themselves(page, example, language):
    """Word for word, as pages are read where nothing puts files into them."""
    text = (documented.ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    file = documented.ROOT / "docs/examples" / example
    pattern = rf"{re.escape(file.name)}`[^\n]*:\n\n```{language}\n(.*?)```\n"
    assert re.search(pattern, text, re.DOTALL)[1] == file.read_text(encoding="utf-8")
    command = example_plugin.COMMAND if page == "extending" else example_plugin.ADAPTER_COMMAND
    assert f"```bash\n.venv/bin/{command}\n" in text


def test_the_adapter_has_sixty_lines():
    lines = (example_plugin.ADAPTER / "songbench_drone.py").read_text(encoding="utf-8").splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 60


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
