"""The kinds of things that people bring, each with whole specimens, a way to damage them and the code that reads them.

A kind is asked for the files of one damaged input, and to read them where they lie. Reading may succeed or raise a
`SongbenchError`; anything else is a finding.
"""

import contextlib
import csv
import io
import json
import shutil
import sys

import numpy as np
import soundfile
import yaml
from fuzz_mutations import DECODED, TEXTS, mutated_bytes, mutated_json, mutated_text, written_json

RATE = 16_000
LINES = [
    "[verse]\nSilver lanterns on the water\nShowing me the way to go\n\n[chorus]\nCarry me home\nOh oh oh",
    "[intro][intro]\n\n[verse]\n月亮照着大海\n我想你\n\n[inst]\n\n[bridge]\nIt's 9 o'clock, don't stop\n\n[outro]",
    "[intro][verse]Silver lanterns, on the water. Showing me the way.[chorus]Carry me home.[outro]",
    "[Verse 1]\nhello (echo)\n[Chorus x2]\nla la la\n[Guitar Solo]\n",
]
TAGS = ["[verse]", "[chorus]", "[Outro]", "[inst][inst]", "[", "]", "[]", "(", "Chorus:", "x2", "[00:01.00]", "&#x27;"]


def tone(seconds=0.25, channels=2, rate=RATE):
    """A quiet tone of shape (n, channels)."""
    wave = 0.2 * np.sin(2 * np.pi * 330 * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, axis=1)


def command_line(*words):
    """Run a command in this process; returns its exit code and raises whatever is not a message."""
    from songbench.cli import main

    def stream():  # as strict as a terminal's
        return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict")

    before, sys.argv = sys.argv, ["songbench", *map(str, words)]
    errors = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    try:
        with contextlib.redirect_stdout(stream()), contextlib.redirect_stderr(errors):
            main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = before
    return 0


class Kind:
    """What all kinds are asked.

    Args:
        base: an empty folder for what every input of the kind needs.
    """

    name = ""
    share = 1.0

    def __init__(self, base):
        self.base = base

    def draw(self, rng):
        """The files of one input: bytes by relative path."""
        raise NotImplementedError

    def read(self, folder):
        """Read the input that lies in `folder`; returns whether a command refused it."""
        raise NotImplementedError


class SuiteFiles(Kind):
    """Suite files, read and shown by ``songbench suites FILE``."""

    name = "suites"
    share = 2.0

    HEADER = {"suite": "small", "version": "1", "description": "A", "licence": "CC0-1.0", "seconds_per_tag": 1.0}
    ROWS = [
        {"id": "p0", "lyrics": LINES[0], "seconds": 20.0, "style": "folk, female voice", "language": "en"},
        {"id": "p1", "lyrics": LINES[1], "language": "zh", "tags": {"genre": "pop"}, "prompt_wav": "tone.wav"},
        {
            "id": "p2",
            "lyrics": LINES[0],
            "reference": {"render": "silence", "seed": 3},
            "prompt_wav": {"cut": "reference", "start": 1.0, "seconds": 2.0},
        },
        {"idx": "p3", "lyrics": LINES[2], "prompt_wav": "tone.wav", "licence": "CC0-1.0"},
    ]

    def __init__(self, base):
        super().__init__(base)
        out = io.BytesIO()
        soundfile.write(out, tone(), RATE, format="WAV")
        self.tone = out.getvalue()

    def draw(self, rng):
        rows = [self.HEADER, *rng.sample(self.ROWS, rng.randint(1, 4))]
        if rng.random() < 0.5:
            at = rng.randrange(len(rows))
            rows[at] = mutated_json(rng, rows[at])
            if rng.random() < 0.2:
                rows.insert(at, rows[at])
            data = "".join(written_json(rng, row) + "\n" for row in rows).encode("utf-8", "surrogatepass")
        else:
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            data = mutated_text(rng, text, ['"', "{", "}", ":", ",", "\\u0000", "\\ud800", "NaN", "1e999", *TAGS])
        return {"suite.jsonl": data, "tone.wav": self.tone}

    def read(self, folder):
        return command_line("suites", folder / "suite.jsonl") != 0


class LyricsTexts(Kind):
    """Lyrics, as everything that sings or judges reads them."""

    name = "lyrics"
    share = 2.0

    def draw(self, rng):
        return {"lyrics.txt": mutated_text(rng, rng.choice(LINES), TAGS)}

    def read(self, folder):
        from songbench.domain.language import detect_language
        from songbench.domain.lyrics import parse_lyrics
        from songbench.domain.reading import read_text
        from songbench.domain.text import normal_text, text_remarks
        from systems.rulebased.text import spoken_line
        from systems.songbloom.text.line import one_line

        text = read_text(folder / "lyrics.txt", "lyrics file")
        normal_text(text)
        text_remarks(text)
        lyrics = parse_lyrics(text, file="lyrics.txt")
        detected = detect_language(lyrics.lines)
        for line in lyrics.lines[:50]:
            spoken_line(line, detected.language)
        one_line(lyrics, 1.0)


class SoundFiles(Kind):
    """Sound files with damaged headers, cut short, or with other bytes in them."""

    name = "audio"
    share = 2.0

    FORMATS = (
        *(("wav", "WAV", "PCM_16"), ("wav", "WAV", "FLOAT"), ("wav", "WAVEX", "PCM_24"), ("flac", "FLAC", "PCM_16")),
        *(
            ("mp3", "MP3", "MPEG_LAYER_III"),
            ("ogg", "OGG", "VORBIS"),
            ("aiff", "AIFF", "PCM_16"),
            ("w64", "W64", "PCM_16"),
        ),
    )
    WORDS = (
        b"RIFF",
        b"WAVE",
        b"fmt ",
        b"data",
        b"LIST",
        b"fLaC",
        b"OggS",
        b"ID3\x04\0\0",
        b"\xff\xfb\x90\x64",
        b"FORM",
    )

    def __init__(self, base):
        super().__init__(base)
        self.whole = []
        for suffix, container, encoding in self.FORMATS:
            out = io.BytesIO()
            soundfile.write(out, tone(), RATE, format=container, subtype=encoding)
            self.whole.append((suffix, out.getvalue()))

    def draw(self, rng):
        suffix, data = rng.choice(self.whole)
        if rng.random() < 0.1:
            suffix = rng.choice(self.whole)[0]
        return {f"song.{suffix}": mutated_bytes(rng, data, self.WORDS)}

    def read(self, folder):
        from songbench.domain.audio import read_audio_with_remarks

        for path in folder.iterdir():
            audio, _ = read_audio_with_remarks(path)
            assert np.isfinite(audio.samples).all(), "samples that are not finite passed for sound"


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
        from songbench.execution.config import check_options, plan_experiment
        from songbench.execution.overrides import nested, read_overrides

        given = json.loads((folder / "settings.json").read_text())
        options = {"systems": ["silence"], "metrics": ["audio"], "overrides": given["overrides"], **given["options"]}
        check_options(options, retry_failed=False)
        plan_experiment(**options)
        nested(read_overrides(given["overrides"]))


class Manifests(Kind):
    """Manifests of imported audio, as JSON lines and as tables."""

    name = "manifests"
    share = 1.5

    ROWS = [
        {"id": "p0", "audio": "a.wav", "take": 0},
        {"idx": "p1", "audio": "b.wav"},
        {"id": "p2", "audio": "../c.wav"},
    ]
    WORDS = ("id", "idx", "audio", "take", ";", ",", '"', "\t", "a.wav", "x" * 300, "1.0", "-1", "p0_s1", "nan")

    def draw(self, rng):
        out = io.BytesIO()
        soundfile.write(out, tone(), RATE, format="WAV")
        if rng.random() < 0.5:
            rows = [mutated_json(rng, row) if rng.random() < 0.5 else row for row in self.ROWS]
            data = "".join(written_json(rng, row) + "\n" for row in rows).encode("utf-8", "surrogatepass")
            return {"m.jsonl": data if rng.random() < 0.7 else mutated_bytes(rng, data), "a.wav": out.getvalue()}
        table = io.StringIO()
        writer = csv.writer(table, delimiter=rng.choice([",", ",", ";", "\t"]))
        writer.writerow(rng.choice([["id", "audio", "take"], ["idx", "audio"], ["audio", "id"]]))
        for row in self.ROWS:
            writer.writerow(
                [rng.choice([*map(str, row.values()), rng.choice(TEXTS)]) for _ in range(rng.randint(1, 4))]
            )
        text = table.getvalue().replace("\ud800", "?")
        return {"m.csv": mutated_text(rng, text, self.WORDS), "a.wav": out.getvalue()}

    def read(self, folder):
        from songbench.contracts import registry
        from songbench.domain.suite import load_suite

        path = next(one for one in folder.iterdir() if one.stem == "m")
        suite = self.base / "suite.jsonl"
        if not suite.exists():
            rows = [{"suite": "s", "version": "1"}, *({"id": f"p{n}", "lyrics": "[verse]\nla"} for n in range(3))]
            suite.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        system = registry.build_system(f"imported:x={path}")
        system.remarks(load_suite(suite).prompts, 2)


class Protocols(Kind):
    """Protocols of listening tests."""

    name = "protocols"
    share = 1.5

    WORDS = (
        "preset: levo",
        "form: acr",
        "- ",
        ": ",
        "{",
        "}",
        "&a ",
        "*a",
        "!!int ",
        "2024-01-01",
        ".nan",
        ".inf",
        "0x1f",
        "1:30",
    )

    def draw(self, rng):
        from listening_test.protocol import load_protocol, preset_names

        protocol = load_protocol(rng.choice(preset_names())).to_json()
        if rng.random() < 0.5:
            text = yaml.safe_dump(mutated_json(rng, protocol), allow_unicode=True)
            return {"p.yaml": text.encode("utf-8", "surrogatepass")}
        text = rng.choice(
            ["preset: levo\nname: mine\nraters: {planned: 3}\n", yaml.safe_dump(protocol, allow_unicode=True)]
        )
        return {"p.yaml": mutated_text(rng, text, self.WORDS)}

    def read(self, folder):
        from listening_test.protocol import load_protocol

        load_protocol(folder / "p.yaml", {"raters": {"planned": 4}}).digest()


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
            if path.is_file() and path.name != "lock"
        )

    def draw(self, rng):
        chosen = {}
        for name in rng.sample(self.files, rng.choice([1, 1, 1, 2, 5])):
            data = (self.base / name).read_bytes()
            if name.endswith(".json") and rng.random() < 0.6:
                text = written_json(rng, mutated_json(rng, json.loads(data)))
                chosen[name] = text.encode("utf-8", "surrogatepass")
            else:
                chosen[name] = rng.choice([b"", data[: len(data) // 2], mutated_bytes(rng, data)])
        return chosen

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


KINDS = {
    kind.name: kind for kind in (SuiteFiles, LyricsTexts, SoundFiles, SettingsTexts, Manifests, Protocols, Records)
}
