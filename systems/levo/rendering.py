"""A prompt as the program of LeVo is given it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from songbench.domain.limits import require_prompt_audio, require_words, style_text_of
from songbench.domain.rendering import Rendering, StyleUse
from songbench.domain.song import Request
from songbench.plugin import Invocation, literal
from systems.levo.lyrics import render_lyrics
from systems.levo.releases import LevoRelease

SCRIPT = "generate.py"
"""What its shell wrapper runs."""

VARIABLES = {
    "PYTHONPATH": "{upstream}/codeclm/tokenizer:{upstream}:{upstream}/codeclm/tokenizer/Flow1dVAE",
    "TRANSFORMERS_CACHE": "{upstream}/third_party/hub",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "CUDA_LAUNCH_BLOCKING": "0",
}
"""As the wrapper sets them."""

Style: TypeAlias = Literal["text", "audio", "auto"]
Memory: TypeAlias = Literal["normal", "low"]
LibraryType: TypeAlias = Literal[
    "Pop", "Latin", "Rock", "Electronic", "Metal", "Country", "R&B/Soul", "Ballad", "Jazz", "World", "Hip-Hop", "Funk",
    "Soundtrack", "Auto",
]  # fmt: skip
"""The types of the program's own style clips; ``Auto`` is a type like the others."""

MUSICALITY = "[Musicality-very-high]"
"""What generation 2 puts before every description."""

SAMPLING: Mapping[str, Mapping[str, float]] = {
    "normal": {"temperature": 0.8, "top_k": 5000, "top_p": 0.0, "cfg": 1.5, "record_window": 50},
    "low": {"temperature": 0.9, "top_k": 50, "top_p": 0.0, "cfg": 1.5, "record_window": 50},
}
"""Fixed in the program, by memory mode."""

STYLE_USE: Mapping[str, StyleUse] = {"text": "text", "audio": "audio", "auto": "none"}
"""What a kind of style means for a song's record."""

STEMS = {"vocals": "vocal", "accompaniment": "bgm"}
"""By our names: the ends of its files' names."""

COMPUTE = r"lm cost ([\d.]+)s, diffusion cost ([\d.]+)"
"""Printed in normal mode alone: the seconds of the two models, without their loading."""

_PARTS = re.compile(r"[,;，；、。|\n]+|[.!?](?:\s+|$)")
_TAG_WORDS = 5
"""A part of a description with more words is taken for a sentence."""
_NAME = "song"


@dataclass(frozen=True, kw_only=True)
class LevoCall:
    """How the program is called, whatever the song.

    Attributes:
        release: the model.
        style: which kind of style it is given.
        library: the type of clip that is drawn with the style ``auto``.
        memory: ``normal``, for devices with much memory, or ``low``, layer by layer; they sample otherwise.
        stems: decode the vocals and the accompaniment, too.
        flash_attention: use the package flash-attn.
    """

    release: LevoRelease
    style: Style = "text"
    library: LibraryType = "Auto"
    memory: Memory = "normal"
    stems: bool = False
    flash_attention: bool = False


def description_of(text: str) -> tuple[str, tuple[str, ...]]:
    """A style text as tags, and the parts of it that are sentences rather than tags.

    >>> description_of("Bright pop, piano and drums, Female voice.")
    ('bright pop, piano and drums, female voice', ())
    """
    parts = [part.strip().lower() for part in _PARTS.split(text) if part and part.strip()]
    return ", ".join(parts), tuple(part for part in parts if len(part.split()) > _TAG_WORDS)


def invoke(request: Request, call: LevoCall) -> Invocation:
    """The call of the program for one song.

    Args:
        request: what is asked.
        call: what is the same for all songs.

    Raises:
        UnsupportedError: nothing is sung, or the style that this variant takes is not there.
    """
    prompt = request.prompt
    require_words(prompt)
    lyrics, notes, added = render_lyrics(prompt), list[str](), list[str]()
    song: dict[str, str] = {"idx": _NAME, "gt_lyric": literal(lyrics.text)}
    # 1. the style: one of three kinds
    text = ""
    if call.style == "text":
        text, sentences = description_of(style_text_of(prompt))
        if call.release.generation == 2:
            text += "."  # as all of its authors' examples end
        song["descriptions"] = literal(text)
        notes += [f"'{sentence}' is a sentence rather than a tag, which it follows badly" for sentence in sentences]
    elif call.style == "audio":
        require_prompt_audio(prompt)
        song["prompt_audio_path"] = "{prompt_audio}"
    else:
        song["auto_prompt_audio_type"] = call.library
        added.append(f"a style clip of its own library, of the type {call.library}, drawn by the clock")
    # 2. what the program makes of it unasked
    if call.release.generation == 2:
        text = f"{MUSICALITY}, {text or '.'}"
        added.append(f"{MUSICALITY} before the description")
    if call.stems:
        notes.append("mix and stems are separate decodings, which do not add up")
    # 3. the call
    return Invocation(
        arguments=(
            "--ckpt_path",
            call.release.place,
            "--input_jsonl",
            "{in}/songs.jsonl",
            "--save_dir",
            "{out}",
            "--generate_type",
            "separate" if call.stems else "mixed",
            *(["--use_flash_attn"] if call.flash_attention else []),
            *(["--low_mem"] if call.memory == "low" else []),
        ),
        files={"songs.jsonl": json.dumps(song) + "\n"},  # in ASCII, as it is read in the encoding of the machine
        outputs={
            "mix": f"audios/{_NAME}.flac",
            **({stem: f"audios/{_NAME}_{name}.flac" for stem, name in STEMS.items()} if call.stems else {}),
        },
        compute_pattern=COMPUTE if call.memory == "normal" else "",
        notes={r"Max len limit \((\d+)\) Exceed": r"lyrics or description were cut at \1 tokens"},
        refusals={
            "use generate_lowmem": "the device has too little memory for the normal mode, and the program would have"
            " sampled otherwise; set memory=low"
        }
        if call.memory == "normal"
        else {},
        seed_honoured=call.style != "auto",
        rendering=Rendering(
            lyrics=lyrics.text,
            style=STYLE_USE[call.style],
            style_text=text,
            tags=lyrics.tags,
            dropped=lyrics.dropped,
            added=tuple(added),
            notes=tuple(notes),
        ),
        settings={"model": call.release.name, "memory": call.memory, **SAMPLING[call.memory]},
    )
