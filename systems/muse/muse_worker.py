"""The worker of Muse: its language model in one process, MuCodec's decoder in another, each in its own environment.

Runs in the environment of the language model, where there is no songbench.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
from typing import Any

TOKENS_PER_SECOND = 25
MOST_TOKENS = 3000
"""Of a section."""
FAILED = "__VLLM_FAIL__"
"""Begins the line of a song that failed."""
_TOKEN = re.compile(r"<AUDIO_(\d+)>")


class Worker:
    """Makes songs in two steps.

    Args:
        settings: ``upstream`` and ``codec`` (the two checkouts), ``codec_python``, ``tools`` (the folder of
            songbench's worker for scripts), ``assets`` (place in MuCodec's folder → weights and file), ``weights``,
            ``model`` (name of the language model's weights), ``repetition_penalty``.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        folder = str(pathlib.Path(__file__).parent)
        sys.path[:0] = [settings["tools"], folder]
        import script_worker  # type: ignore[import-not-found]
        from phonemes import Phonemes  # type: ignore[import-not-found]

        common: dict[str, Any] = {"links": {}, "hub": {}, "hub_folder": "hub", "cwd": ".", "variables": {}}
        common["scratch"] = settings["scratch"]
        weights = {**settings["weights"], "bridge": folder}
        self.settings, self.phonemes, self.no_song = settings, Phonemes(), script_worker.NoSongError
        self.language = script_worker.Worker(
            {**common, "upstream": settings["upstream"], "weights": weights, "script": "infer/batch_multi_generate.py"}
        )
        self.codec = script_worker.Worker(
            {
                **common,
                "upstream": settings["codec"],
                "weights": weights,
                "links": {**settings["assets"], "decode_tokens.py": "bridge/decode_tokens.py"},
                "script": "decode_tokens.py",
                "python": settings["codec_python"],
            }
        )
        examples = pathlib.Path(settings["upstream"]) / "infer" / "test.jsonl"
        with examples.open(encoding="utf-8") as file:
            self.wording = wording_of(json.loads(file.readline()))

    def describe(self) -> dict[str, Any]:
        """Where it runs is known only after a song."""
        return {}

    def generate(self, request: dict[str, Any]) -> dict[str, Any]:
        """One song, or why one of the two programs made none."""
        try:
            return self.song(request)
        except self.no_song as error:
            return {"failure": str(error)}

    def song(self, request: dict[str, Any]) -> dict[str, Any]:
        """One song.

        Raises:
            NoSongError: one of the two programs made nothing of it.
        """
        folder = pathlib.Path(request["folder"]).resolve()
        # 1. tokens, section by section
        self.phonemes.unknown.clear()
        messages = messages_of(request["song"], self.wording, self.phonemes)
        answers, first = self.sing(folder / "language", messages)
        tokens = [int(token) for answer in answers for token in _TOKEN.findall(answer)]
        if not tokens:
            raise self.no_song(f"{self.language.script} gave no audio tokens and {first.ending()}")
        # 2. sound
        (folder / "tokens.json").write_text(json.dumps(tokens), encoding="utf-8")
        (folder / "codec").mkdir()
        places = self.codec.places(folder / "codec")
        arguments = [str(folder / "tokens.json"), "{out}/song.wav"]
        second = self.codec.run({"files": {}, "arguments": arguments}, str(request["seed"]), places)
        report = {"compute_pattern": "", "notes": {}, "refusals": {}, "reports": (), "outputs": {"mix": "song.wav"}}
        record = {"seed_honoured": True, "lossy": "", "best_of": 1, "fake_stereo": False, "settings": {}}
        answer: dict[str, Any] = self.codec.answer({**report, **record}, second, folder / "codec")
        # 3. both together
        unknown = sorted(set(self.phonemes.unknown))
        cut = [number for number, text in enumerate(answers, start=1) if len(_TOKEN.findall(text)) >= MOST_TOKENS]
        return {
            **answer,
            "seconds": first.seconds + second.seconds,
            "stages": {"language model": first.seconds, "codec": second.seconds},
            "notes": [
                *answer["notes"],
                f"{len(tokens) / TOKENS_PER_SECOND:.1f} s of tokens in {len(answers)} sections",
                *([f"sections cut at {MOST_TOKENS} tokens: {cut}"] if cut else []),
                *([f"words without phonemes: {' '.join(unknown[:20])}"] if unknown else []),
            ],
        }

    def sing(self, folder: pathlib.Path, messages: list[dict[str, str]]) -> tuple[list[str], Any]:
        """What the language model answered, and how its program ended.

        Raises:
            NoSongError: it wrote no answers, or marked the song as failed.
        """
        folder.mkdir()
        places = self.language.places(folder)
        songs = pathlib.Path(places["in"]) / "songs.jsonl"
        songs.write_text(json.dumps({"messages": messages}) + "\n", encoding="utf-8")
        arguments = [
            *("--input_path", str(songs), "--output_dir", places["out"]),
            *("--ckpt_dir", self.settings["weights"][self.settings["model"]]),
            *("--repetition_penalty", str(self.settings["repetition_penalty"])),
            *("--batch_size", "1", "--log_path", str(pathlib.Path(places["out"]) / "error.log")),
        ]
        run = self.language.run({"files": {}, "arguments": arguments}, "0", places)
        files = list(pathlib.Path(places["out"]).glob("generate_multi_*.jsonl"))
        text = files[0].read_text(encoding="utf-8") if files else ""
        if not text.strip():
            raise self.no_song(f"{self.language.script} wrote no tokens and {run.ending()}")
        if text.startswith(FAILED):
            log = (pathlib.Path(places["out"]) / "error.log").read_text(encoding="utf-8")
            reasons = re.findall(r"Error reason: (.*)", log)
            raise self.no_song(
                f"{self.language.script} marked the song as failed: {(reasons or ['no reason'])[-1][:300]}"
            )
        turns = json.loads(text.splitlines()[0])["messages"]
        return [turn["content"] for turn in turns if turn["role"] == "assistant"], run


def wording_of(example: dict[str, Any]) -> tuple[str, str]:
    """The words around the style and before the first section, from an example of the program's own."""
    first, second = example["messages"][0]["content"].split("\n")[:2]
    return first[: first.index(":") + 1], second


def messages_of(song: dict[str, Any], wording: tuple[str, str], phonemes: Any) -> list[dict[str, str]]:
    """The conversation: a turn for each section, each with an empty answer to be filled in."""
    before, after = wording
    messages: list[dict[str, str]] = []
    for section in song["sections"]:
        text = f"[{section['label']}][desc:{section['description'].rstrip('.')}.]"
        if section["lines"]:
            lines = "\n".join(section["lines"])
            sounds = "\n".join(phonemes.of_line(line) for line in section["lines"])
            text += f"[lyrics:\n{lines}][phoneme:\n{sounds}]"
        if not messages:
            text = f"{before}{song['style'].rstrip('.')}.\n{after}\n{text}"
        messages += [{"role": "user", "content": text}, {"role": "assistant", "content": ""}]
    return messages
