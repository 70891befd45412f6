"""A prompt as the command line of YuE2 is given it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from songbench.domain.hashing import Json
from songbench.domain.limits import require_words, style_text_of
from songbench.domain.rendering import Rendering
from songbench.domain.sections import Lyrics
from songbench.domain.song import Request
from songbench.domain.tags import by_tag
from songbench.plugin import Invocation, literal, merged
from songbench.resources.weights import Weights
from systems.yue2.environment import MODEL, VAE, VAE_LEGACY

Plan: TypeAlias = Literal["full", "melody", "off"]
Decoder: TypeAlias = Literal["standard", "legacy"]
Backend: TypeAlias = Literal["torch", "torch-eager"]
PLANS: tuple[str, ...] = get_args(Plan)

SCRIPT = "-m yue2.cli"
"""What its console script ``yue2`` runs."""
VARIABLES = {"PYTHONPATH": "{upstream}/src"}

TAGS = by_tag(
    {
        "intro": "[Intro]",
        "verse": "[Verse]",
        "chorus": "[Chorus]",
        "bridge": "[Bridge]",
        "inst": "[Instrumental]",
        "outro": "[Outro]",
        "silence": None,
    },
    "the table of YuE2's tags (systems.yue2.rendering)",
)
"""Its documents name [Verse] and [Chorus] and give no list."""

LANGUAGES = {"en": "English", "zh": "Mandarin"}
"""As its documents name the language in the style text; of what else it sings nobody says."""

GUIDANCE: Mapping[Plan, float] = {"full": 1.0, "melody": 1.0, "off": 1.01}
"""By the kind of plan, where none is asked for."""

DECODERS: Mapping[Decoder, Weights] = {"standard": VAE, "legacy": VAE_LEGACY}
"""By the setting ``vae``."""

MOST_SECONDS = 360.0

TRUNCATED = r'"truncated": (\{[^}]*true[^}]*\})'
"""In what it writes of a song: that it reached a limit of tokens, of the plan or of the song."""

_PARTS = r'"semantic": \{[^{}]*?"seconds": ([\d.]+)[^{}]*\},\s*"nar_seconds": ([\d.]+),\s*"vae_seconds": ([\d.]+)'
COMPUTE = r'"timing": \{\s*"abc": \{[^{}]*?"seconds": ([\d.]+)[^{}]*\},\s*' + _PARTS
COMPUTE_WITHOUT_PLAN = r'"timing": \{\s*"abc": \{[^{}]*\},\s*' + _PARTS
"""In what it writes of a song: the seconds of its parts. Its own sum holds the loading of the transformer, too."""
SONGS = "songs.jsonl"
REQUEST = "request.json"
RESULT = "result.json"


@dataclass(frozen=True, kw_only=True)
class Yue2Call:
    """How the program is called, whatever the song.

    Attributes:
        cot: the plan before the song: melody and chords, melody alone, or none.
        cfg_scale: guidance by the text; None: the program's own value.
        vae: the decoder: ``standard`` for listening, ``legacy`` behind its published scores.
        budget: GiB of device memory that it may use; at 12 or less it decodes in smaller pieces.
        backend: ``torch``, or ``torch-eager`` without CUDA graphs.
        offload: keep on the CPU what is not in use, which saves device memory.
    """

    cot: Plan = "full"
    cfg_scale: float | None = None
    vae: Decoder = "standard"
    budget: float = 24.0
    backend: Backend = "torch"
    offload: bool = True


def render_lyrics(lyrics: Lyrics) -> tuple[str, dict[str, str | None]]:
    r"""The lyrics, a tag or a line in each row, and what became of the tags.

    >>> from songbench.domain.lyrics import parse_lyrics
    >>> render_lyrics(parse_lyrics("[inst] , [verse] Morning comes."))
    ('[Instrumental]\n[Verse]\nMorning comes', {'inst': '[Instrumental]', 'verse': '[Verse]'})
    """
    rows, tags = list[str](), dict[str, str | None]()
    for section in lyrics.sections:
        name = TAGS[section.tag]
        tags[section.tag] = name
        rows += [name] if name else []
        rows += [" ".join(line.split()) for line in section.lines]
    return "\n".join(rows), tags


def style_of(text: str, language: str) -> tuple[str, tuple[str, ...]]:
    """The style text with the language before it, as its documents ask, and what was added."""
    name = LANGUAGES.get(language, "")
    if not name or name.casefold() in text.casefold():
        return text, ()
    return f"{name}, {text}", (f"'{name}' before the style text",)


def options(call: Yue2Call) -> tuple[str, ...]:
    """The part of the arguments that is the same for all songs."""
    return (
        "--output",
        "{out}",
        "--model",
        f"{{weights:{MODEL.name}}}",
        "--vae",
        f"{{weights:{DECODERS[call.vae].name}}}",
        "--budget",
        f"{call.budget:g}",
        "--backend",
        call.backend,
        "--offline",
        "--quiet",
        *([] if call.offload else ["--no-offload-nar"]),
    )


def invoke(request: Request, call: Yue2Call) -> Invocation:
    """The call of the program for one song.

    Args:
        request: what is asked.
        call: what is the same for all songs.

    Raises:
        UnsupportedError: nothing is sung, or there is no style text.
    """
    prompt = request.prompt
    require_words(prompt)
    style, added = style_of(style_text_of(prompt), prompt.language)
    text, tags = render_lyrics(prompt.lyrics)
    name = f"{prompt.id}-{request.take}"
    song: dict[str, Json] = {
        "id": name,
        "style": literal(style),
        "lyrics": literal(text),
        "cot": call.cot,
        "seed": request.seed,
    }
    if call.cfg_scale is not None:
        song["cfg_scale"] = call.cfg_scale
    return Invocation(
        arguments=("generate", "--request", f"{{in}}/{REQUEST}", *options(call)),
        files={REQUEST: json.dumps(song) + "\n"},  # in ASCII, as it is read in the encoding of the machine
        outputs={"mix": f"{name}/audio.flac"},
        rendering=Rendering(lyrics=text, style="text", style_text=style, tags=tags, added=added),
        reports=(f"{name}/{RESULT}",),
        compute_pattern=COMPUTE_WITHOUT_PLAN if call.cot == "off" else COMPUTE,
        notes={TRUNCATED: r"cut short at the model's limit of tokens: \1"},
        seed_per_song=True,
        settings={
            "vae": DECODERS[call.vae].name,
            "cot": call.cot,
            "cfg_scale": GUIDANCE[call.cot] if call.cfg_scale is None else call.cfg_scale,
        },
    )


def merge(invocations: Sequence[Invocation], call: Yue2Call) -> Invocation:
    """One call for several songs, each with its own seed; the models are loaded once."""
    rows = "".join(invocation.files[REQUEST] for invocation in invocations)
    return merged(invocations, arguments=("batch", "--input", f"{{in}}/{SONGS}", *options(call)), files={SONGS: rows})
