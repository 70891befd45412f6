"""What decides a run and what it leaves: settings, and the records of a finished run."""

import json
import shutil

from fuzz_kind import Kind, command_line
from fuzz_mutations import DECODED, TEXTS, mutated_bytes, mutated_json, mutated_text, written_json


class SettingsTexts(Kind):
    """``--set`` overrides and options, as typed on a command line or in Python."""

    name = "settings"
    share = 2.0

    PLAUSIBLE = {
        "takes": ("1", "2", "${engine.retries}"),
        "seed": ("0", "7"),
        "name": ("a", "größe", "'12'"),
        "store": ("s", "results/x"),
        "runs": ("r",),
        "systems": ("[silence]", "[silence, noise]", "[rulebased]"),
        "retry_failed": ("true", "false"),
        "suite": ("demo", "{source: demo}"),
        "suite.source": ("demo",),
        "engine": ("local", "inline", "{name: inline}"),
        "engine.name": ("inline",),
        "engine.workers": ("1", "null"),
        "engine.batch": ("4", "null"),
        "engine.retries": ("0", "1"),
        "engine.timeout_s": ("5", "1e3"),
        "metric": ("embedded", "{select: [audio]}"),
        "metric.select": ("[audio]", "[rtf, audio]"),
        "metric.fad.layer": ("3",),
        "statistics": ("{confidence: 0.9}",),
        "statistics.confidence": ("0.9",),
        "statistics.replicates": ("200",),
        "statistics.seed": ("3",),
        "system": ("{}",),
        "system.rulebased": ("{voice: male}", "null"),
        "system.rulebased.voice": ("female",),
        "system.songbloom.steps": ("3",),
        "hydra.run.dir": ("x",),
    }
    OPTIONS = ("suite", "systems", "metrics", "takes", "seed", "name", "store", "runs", "workers", "overrides", "other")
    VALUES = (
        *(
            "1",
            "0",
            "-1",
            "1.5",
            "1e3",
            "1e999",
            "true",
            "null",
            "abc",
            "'",
            '"a',
            "[1,2]",
            "[",
            "{a: 1}",
            "{",
            "a,b",
            "range(1,3)",
        ),
        *(
            "${seed}",
            "${",
            "${oc.env:NO}",
            "${oc.decode:x}",
            "???",
            "*",
            "歌",
            "local",
            "inline",
            "demo",
            "silence",
            "int(3)",
        ),
        *(
            "[silence]",
            "[silence, noise]",
            "[audio]",
            "sort([3,1])",
            "choice(a,b)",
            "shuffle(a,b)",
            "female",
            "90",
            "",
            " ",
        ),
    )

    def draw(self, rng):
        overrides = []
        for _ in range(rng.choice([1, 1, 2, 3])):
            key = rng.choice(list(self.PLAUSIBLE))
            likely = rng.random() < 0.7
            value = rng.choice(self.PLAUSIBLE[key] if likely else [*self.VALUES, *TEXTS])
            text = f"{rng.choice(['', '', '', '', '+', '++', '~'])}{key}={value}"
            if rng.random() < 0.3:
                text = mutated_text(rng, text, ["=", ".", "@", ":", "[", "{", *self.VALUES]).decode(
                    "utf-8", "surrogateescape"
                )
            overrides.append(text)
        options = {rng.choice(self.OPTIONS): rng.choice(DECODED) for _ in range(rng.choice([0, 0, 0, 1, 2]))}
        return {"settings.json": json.dumps({"overrides": overrides, "options": options}).encode()}

    def read(self, folder):
        from songbench.api.options import check_options
        from songbench.domain.overrides import nested, read_overrides
        from songbench.execution.config import plan_experiment

        settings = json.loads((folder / "settings.json").read_text())
        options = {
            "systems": ["silence"],
            "metrics": ["audio"],
            "overrides": settings["overrides"],
            **settings["options"],
        }
        check_options(plan_experiment, options)
        plan_experiment(**options)
        nested(read_overrides(settings["overrides"]))


class Records(Kind):
    """A finished run with damaged records or sounds: they are named or mended, and never give other numbers."""

    name = "records"
    share = 0.6

    WORDS = ("--systems", "probe,silence", "--metrics", "level@probe,spread@probe", "--set", "engine=inline")

    def __init__(self, base):
        super().__init__(base)
        rows = [{"suite": "small", "version": "1"}]
        rows += [{"id": f"p{number}", "lyrics": "[verse]\nla la", "seconds": 0.3} for number in range(3)]
        (base / "small.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        self._run(base, "run", "--suite", base / "small.jsonl", *self.WORDS)
        self.board = (base / "runs/small/leaderboard.csv").read_bytes()
        self.files = sorted(
            str(path.relative_to(base))
            for path in (*(base / "store").rglob("*"), base / "runs/small/record.json")
            if path.is_file()
        )

    def draw(self, rng):
        files = {}
        for name in rng.sample(self.files, rng.choice([1, 1, 1, 2, 5])):
            data = (self.base / name).read_bytes()
            if name.endswith(".json") and rng.random() < 0.6:
                text = written_json(rng, mutated_json(rng, json.loads(data)))
                files[name] = text.encode("utf-8", "surrogatepass")
            else:
                files[name] = rng.choice([b"", data[: len(data) // 2], mutated_bytes(rng, data)])
        return files

    def read(self, folder):
        place = folder / "whole"
        shutil.copytree(self.base / "store", place / "store")
        shutil.copytree(self.base / "runs", place / "runs")
        for path in list(folder.rglob("*")):
            name = path.relative_to(folder)
            if path.is_file() and name.parts[0] != "whole":
                shutil.copyfile(path, place / name)
        self._run(place, "status", "small")
        self._run(place, "verify", "small")
        self._run(place, "report", "small", "--to", place / "copy")
        code = self._run(place, "run", "--suite", self.base / "small.jsonl", *self.WORDS)
        if code == 0:
            board = (place / "runs/small/leaderboard.csv").read_bytes()
            assert board == self.board, "the run went well and gave other numbers"
        return code != 0

    def _run(self, place, command, *words):
        return command_line(command, *words, "--store", place / "store", "--runs", place / "runs")
