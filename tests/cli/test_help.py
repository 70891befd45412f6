"""What the command line says of itself: help, version, suggestions, completion of names."""

import re
import subprocess
import sys

import pytest

from songbench import __version__

OWN = ("run", "generate", "score", "report", "view", "status", "verify", "runs", "remove", "gc", "export")
OWN += ("validate-metrics", "systems", "metrics", "suites", "doctor", "setup")
BELOW = ("runs list", "runs show", "suites show", "suites import")


def test_the_version(songbench_here):
    process = songbench_here("--version", folders=False)
    assert (process.returncode, process.stdout) == (0, f"songbench {__version__}\n")


@pytest.mark.parametrize("columns", ["80", "100"])
@pytest.mark.parametrize("command", [*OWN, *BELOW])
def test_every_command_shows_an_example_and_no_type_of_flags(songbench_here, command, columns):
    first, *rest = command.split()
    short, long = (
        songbench_here(first, *rest, flag, folders=False, env={"COLUMNS": columns, "PATH": ""})
        for flag in ("-h", "--help")
    )
    assert short.returncode == long.returncode == 0
    assert short.stdout == long.stdout
    assert re.search(rf"^ +(Example: )?songbench {first}\b", long.stdout, re.MULTILINE)
    assert "bool" not in long.stdout.casefold()
    assert max(map(len, long.stdout.splitlines())) <= int(columns)


def test_help_names_every_command(songbench_here):
    text = songbench_here("--help", folders=False).stdout
    for command in (*OWN, "listen", "sing"):
        assert re.search(rf"│ {command} ", text), command


@pytest.mark.parametrize(
    ("words", "suggestion"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["sign"], "Did you mean 'sing'?"),
        (["xyzzy"], "'songbench --help' lists them"),
        (["run", "--systms", "x"], "--systems"),
        (["runs", "shwo", "x"], "Did you mean 'show'?"),
        (["suites", "imprt"], "Did you mean 'import'?"),
        (["suites", "deom"], "Did you mean 'demo'?"),
        (["systems", "rulebasd"], "Did you mean 'rulebased'?"),
        (["metrics", "spred"], "Did you mean 'spread'?"),
    ],
)
def test_what_is_misspelt_is_refused_with_the_nearest_name(songbench_here, words, suggestion):
    process = songbench_here(*words, folders=False)
    assert process.returncode == 2
    assert process.stdout == ""
    assert suggestion in " ".join(process.stderr.split())


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("repo", ["report"]),
        ("sin", ["sing"]),
        ("run --systems rulebased,si", ["rulebased,silence"]),
        ("run --metrics level", ["level", "level@probe"]),
        ("run --metrics pap", ["paper"]),
        ("run --suite de", ["demo"]),
        ("run --ta", ["--takes"]),
        ("systems rule", ["rulebased", "rulebased_band"]),
        ("metrics spread@", ["spread@probe"]),
        ("suites show valid", ["validation"]),
        ("suites import x.txt --from su", ["suno"]),
        ("report --runs runs fir", ["first"]),
        ("remove --runs runs se", ["second"]),
        ("export --runs runs --to par", ["parquet"]),
        ("export second --runs runs --prompts p0,p", ["p0,p1"]),
        ("remove --runs runs --system pr", ["probe"]),
    ],
)
def test_the_shell_completes_names(songbench_here, tmp_path, words, names):
    for run in ("first", "second", "no-run"):
        (tmp_path / f"runs/{run}").mkdir(parents=True)
    for run in ("first", "second"):
        (tmp_path / f"runs/{run}/record.json").write_text('{"systems": {"probe": 0}, "prompts": {"p0": "", "p1": ""}}')
    line = ["songbench", *words.split()]
    env = {"_SONGBENCH_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(line), "COMP_CWORD": str(len(line) - 1)}
    process = songbench_here("", folders=False, env=env)
    assert process.stdout.split() == names
    assert process.stderr == "", "a broken plug-in is no matter of completion"


def test_completion_and_help_load_no_large_library():
    code = (
        "import sys; from songbench.cli import completion;"
        "completion.system_names(''), completion.metric_names(''), completion.suite_name('');"
        "from songbench.cli import app; app(['--help'], standalone_mode=False);"
        "print([name for name in ('torch', 'pandas', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[-1] == "[]"


def test_the_script_for_the_shell_calls_this_command(songbench_here):
    env = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    process = songbench_here("--show-completion", "bash", folders=False, env=env)
    assert process.returncode == 0
    assert "_SONGBENCH_COMPLETE=complete_bash" in process.stdout
    assert process.stdout.rstrip().endswith(" songbench")
