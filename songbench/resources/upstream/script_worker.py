"""The worker of a `ScriptSystem`: runs in the system's environment, where there is no songbench.

Standard library only, for any Python from 3.8 on. It makes a work tree of links to the checkout, so that nothing is
ever written into that, puts the weights where the program looks for them, and runs the program once per call. The tree
is made anew for every call, as some programs keep files there that the next song would be made from. Whether it went
well is judged by the files alone, as many programs end with exit code 0 without having made a song.
"""

from __future__ import annotations

import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from typing import IO, Any

ENTRY_POINT = pathlib.Path(__file__).with_name("entry_point.py")
LINES = 60
"""Lines of the program's output that an error is looked for in."""

OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "PYTHONUTF8": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "MPLBACKEND": "Agg",
}
"""Weights come from where they were set up and nowhere else, files are UTF-8, links lead to files nobody changes."""


class Worker:
    """Runs a program for each song.

    Args:
        settings: ``upstream`` (the checkout, or None where the program is installed in the environment), ``weights``
            (folders by name), ``links`` (place in the work tree → name of weights, with or without ``/FILE``), ``hub``
            (id on the model hub → name of weights), ``hub_folder`` (where in the work tree the hub's cache is), ``cwd``
            (below the work tree), ``scratch`` (where the work tree is made), ``script`` (the file in the work tree, or
            ``-m MODULE``), ``variables`` (of its environment), and perhaps ``python`` (another one, for a part
            with an environment of its own).
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.weights, self.script, self.variables = settings["weights"], settings["script"], settings["variables"]
        self.settings = settings
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="upstream-", dir=settings["scratch"])).resolve()
        self.tree, self.reports = self.root / "tree", self.root / "reports"
        self.cache, self.cwd = self.tree / settings["hub_folder"], self.tree / settings["cwd"]
        self.reports.mkdir()
        self.lay_out()

    def lay_out(self) -> None:
        """Make the work tree, without whatever an earlier call has left there."""
        shutil.rmtree(self.tree, ignore_errors=True)  # links are removed, not followed
        self.tree.mkdir()
        if self.settings["upstream"]:
            link_children(pathlib.Path(self.settings["upstream"]), self.tree)
        for place, target in self.settings["links"].items():
            name, _, file = target.partition("/")
            link(pathlib.Path(self.weights[name]) / file, self.tree, place)
        for repository, name in self.settings["hub"].items():
            self.add_to_cache(repository, pathlib.Path(self.weights[name]))
        folder_in(self.tree, self.settings["cwd"])

    def add_to_cache(self, repository: str, folder: pathlib.Path) -> None:
        """Lay weights out as the hub's own cache does, so that its loader takes them for what it once fetched."""
        place = self.cache / ("models--" + repository.replace("/", "--"))
        revision = "0" * 40
        folder_in(self.tree, str((place / "refs").relative_to(self.tree)))
        (place / "refs" / "main").write_text(revision, encoding="utf-8")
        link_children(folder, place / "snapshots" / revision)

    def describe(self) -> dict[str, Any]:
        """Where it runs is known only after a song."""
        return {}

    def check(self, arguments: list[str]) -> float:
        """Run the program with arguments that make it do nothing, such as ``--help``.

        Raises:
            RuntimeError: it cannot even do that.
        """
        with tempfile.TemporaryDirectory(dir=self.root) as folder:
            places = self.places(pathlib.Path(folder))
            run = self.run({"arguments": arguments, "files": {}}, "", places)
        if run.status:
            raise RuntimeError(f"{self.script} {' '.join(arguments)} {run.ending()}")
        return run.seconds

    def generate(self, request: dict[str, Any]) -> dict[str, Any]:
        """One song, or how the program ended without one, with its last words."""
        folder = pathlib.Path(request["folder"])
        places = {**self.places(folder), **sounds_of(request)}
        run = self.run(request["invocation"], str(request["seed"]), places)
        try:
            return self.answer(request["invocation"], run, folder)
        except NoSongError as error:
            return {"failure": str(error)}

    def generate_batch(self, requests: list[dict[str, Any]], invocation: dict[str, Any]) -> list[dict[str, Any] | None]:
        """Several songs of one call of the program; None in the place of each that it did not write."""
        folder = pathlib.Path(requests[0]["folder"])
        places = self.places(folder)
        for number, request in enumerate(requests):
            places.update({f"{name}:{number}": path for name, path in sounds_of(request).items()})
        run = self.run(invocation, str(requests[0]["seed"]), places)
        answers: list[dict[str, Any] | None] = []
        for request in requests:
            try:
                answer = self.answer(request["invocation"], run, folder, len(requests))
            except NoSongError as error:
                sys.stderr.write(f"{error}\n")
                answers.append(None)
            else:
                alone = len(requests) == 1 or request["invocation"]["seed_per_song"]
                answers.append({**answer, "seed_honoured": answer["seed_honoured"] and alone})
        return answers

    def places(self, folder: pathlib.Path) -> dict[str, str]:
        """What the placeholders stand for, but those of a song's audio; makes the work tree and the two folders."""
        self.lay_out()
        folder = folder.resolve()
        into, out = folder / "in", folder / "out"
        into.mkdir()
        out.mkdir()
        return {
            "in": str(into),
            "out": str(out),
            "relative_out": os.path.relpath(str(out), str(self.cwd)),
            "upstream": str(self.tree),
            "site": sysconfig.get_paths()["purelib"],
            "brace": "{",
            **{"weights:" + name: path for name, path in self.weights.items()},
        }

    def run(self, invocation: dict[str, Any], seed: str, places: dict[str, str]) -> Run:
        """Run the program to its end, showing what it prints."""
        for name, text in invocation["files"].items():
            path = pathlib.Path(places["in"]) / name
            path.write_bytes(fill(text, places).encode("utf-8"))
        module = self.script.startswith("-m ")
        words = self.script.split() if module else [str(self.tree / self.script)]
        arguments = [fill(argument, places) for argument in invocation["arguments"]]
        report = self.reports / f"{time.monotonic_ns()}.json"
        variables = {**os.environ, **OFFLINE, "HF_HUB_CACHE": str(self.cache)}
        variables["PYTHONHASHSEED"] = str(int(seed or 0) % 2**32)
        variables.update({name: fill(value, places) for name, value in self.variables.items()})
        python = self.settings.get("python") or sys.executable
        command = [python, "-u", str(ENTRY_POINT), str(report), seed, *words, *arguments]
        begin = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=str(self.cwd),
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        lines: collections.deque[str] = collections.deque(maxlen=10_000)
        pump = threading.Thread(target=show, args=(process.stdout, lines), daemon=True)
        pump.start()
        status = process.wait()
        seconds = time.perf_counter() - begin
        pump.join(5)  # what it has started may hold its output open
        facts = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else {}
        return Run(status, seconds, list(lines), facts)

    def answer(self, invocation: dict[str, Any], run: Run, folder: pathlib.Path, songs: int = 1) -> dict[str, Any]:
        """The answer that names the song's files.

        Raises:
            NoSongError: a file is not there, it is not clear which one it is, or what was printed refuses it.
        """
        out, script = folder.resolve() / "out", self.script
        files: dict[str, str] = {}
        for name, pattern in invocation["outputs"].items():
            matches = sorted(str(path) for path in out.glob(pattern) if path.is_file())
            if len(matches) != 1:
                files_there = ", ".join(sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()))
                lack = f"without {pattern}" if not matches else f"with {len(matches)} files called {pattern}"
                files_there = files_there[:200] or "it wrote nothing"
                raise NoSongError(f"{script} {run.ending()}, {lack} ({files_there})")
            files[name] = matches[0]
        reports = [path for pattern in invocation["reports"] for path in sorted(out.glob(pattern)) if path.is_file()]
        text = "\n".join([*run.lines, *(path.read_text(encoding="utf-8", errors="replace") for path in reports)])
        for pattern, cause in invocation["refusals"].items():
            if re.search(pattern, text):
                raise NoSongError(cause)
        notes = [f"{script} {run.ending()}, after it had written the song"] if run.status else []
        for pattern, note in invocation["notes"].items():
            notes += [match.expand(note) for match in [re.search(pattern, text)] if match]
        times = list(re.finditer(invocation["compute_pattern"], text)) if invocation["compute_pattern"] else []
        return {
            "audio": files.pop("mix"),
            "stems": files,
            "seconds": sum(float(part) for part in times[-1].groups()) if times else run.seconds / songs,
            "loading_included": not times,
            "device": run.facts.get("device"),
            "peak_gib": run.facts.get("peak_gib"),
            "stages": {"process": run.seconds / songs},
            "notes": notes,
            **{name: invocation[name] for name in ("seed_honoured", "lossy", "best_of", "fake_stereo", "settings")},
        }


class NoSongError(Exception):
    """A program ended, and there is no song of it."""


class Run:
    """How a program ended, with what it printed."""

    def __init__(self, status: int, seconds: float, lines: list[str], facts: dict[str, Any]) -> None:
        self.status, self.seconds, self.lines, self.facts = status, seconds, lines, facts

    def ending(self) -> str:
        """As it ends a sentence: the exit code or signal, and the line that most likely says why."""
        if self.status < 0:
            name = signal.Signals(-self.status).name
            way = f"was ended by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
        else:
            way = f"ended with exit code {self.status}"
        last = [line.strip() for line in self.lines[-LINES:] if line.strip()]
        errors = [line for line in last if re.match(r"[\w.]*(Error|Exception|Interrupt)\b|.*out of memory", line)]
        words = (errors or last or ["it printed nothing"])[-1]
        return f"{way} ({words[:200]})"


def sounds_of(request: dict[str, Any]) -> dict[str, str]:
    """What the placeholders of a song's audio stand for, "" where it has none."""
    vocal = request.get("vocal") or ""
    return {
        "prompt_audio": request.get("prompt_audio") or "",
        "vocal": vocal,
        "vocal_folder": str(pathlib.PurePath(vocal).parent) if vocal else "",
    }


def show(stream: IO[bytes], lines: collections.deque[str]) -> None:
    """Pass a program's output on, so that it is in the log whatever happens, and keep it."""
    for raw in stream:
        line = raw.decode("utf-8", "replace").rstrip()
        lines.append(line)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def fill(text: str, places: dict[str, str]) -> str:
    """The text with the placeholders replaced; what is in other braces stays."""
    return re.sub(r"\{([a-z_]+(?::[^{}]+)?)\}", lambda match: places.get(match[1], match[0]), text)


def link_children(source: pathlib.Path, target: pathlib.Path) -> None:
    """Fill a folder with links to what is in another; a repository's own administration is left out."""
    target.mkdir(parents=True, exist_ok=True)
    for child in sorted(source.iterdir()):
        if child.name != ".git" and not (target / child.name).exists():
            (target / child.name).symlink_to(child.resolve(), target_is_directory=child.is_dir())


def folder_in(tree: pathlib.Path, place: str) -> pathlib.Path:
    """A real folder of the work tree, made out of the links that lead there."""
    folder = tree
    for part in pathlib.PurePosixPath(place).parts:
        folder = folder / part
        if folder.is_symlink():
            source = folder.resolve()
            folder.unlink()
            link_children(source, folder)
        folder.mkdir(exist_ok=True)
    return folder


def link(source: pathlib.Path, tree: pathlib.Path, place: str) -> None:
    """Put a link to a file or folder at a place of the work tree, instead of what the checkout has there."""
    path = pathlib.PurePosixPath(place)
    target = folder_in(tree, str(path.parent)) / path.name
    if target.is_symlink():
        target.unlink()
    if target.is_dir():
        link_children(source, target)
    else:
        target.symlink_to(source.resolve(), target_is_directory=source.is_dir())
