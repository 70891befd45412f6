"""A suite of vocals to accompany out of a suite of songs, by recipe and without any audio.

``python -m songbench.suites.vocal_suite core v2a-core > songbench/suites/v2a-core.jsonl`` writes the suite `v2a-core`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from songbench.domain.hashing import Json
from songbench.domain.prompt import ACCOMPANIMENT, Prompt, RenderAsset
from songbench.domain.suite import Suite, load_suite

_STYLE_SEED = 500_000
"""Added to the seed of a song, it gives another song of the same genre."""
_STYLE_START, _STYLE_SECONDS = 10.0, 10.0


def vocal_suite(songs: Suite, name: str) -> list[dict[str, Json]]:
    """The lines of a suite that asks for accompaniments of the vocals of another one's reference songs.

    A prompt keeps its id, words, style and length. Its vocal and its true accompaniment are stems of its reference
    song; its style clip is 10 s of the accompaniment of another song in the same genre.

    Args:
        songs: of the track song, every reference rendered.
        name: of the new suite.

    Raises:
        ValueError: a reference is not rendered.
    """
    head: dict[str, Json] = {
        "suite": name,
        "version": "1",
        "licence": songs.licence,
        "description": f"The vocals of the {len(songs.prompts)} reference songs of {songs.name}, to accompany.",
        "notes": [
            "Vocals and true accompaniments are stems of songs by the engine of 'rulebased': the band keeps exact time,"
            " its harmony is simple, and the voice is a formant singer's. What is good here need not be good with real"
            " singers; docs/v2a.md says how to bring vocals of your own.",
            "The texts of style are those of the songs and speak of the voice too.",
        ],
    }
    return [head, *map(_line, songs.prompts)]


def _line(prompt: Prompt) -> dict[str, Json]:
    song = prompt.reference
    if not isinstance(song, RenderAsset):
        raise ValueError(f"the reference of '{prompt.id}' is not rendered")
    recipe: dict[str, Json] = {"render": song.system, "seed": song.seed, "parameters": dict(song.parameters)}
    style: dict[str, Json] = {**recipe, "seed": song.seed + _STYLE_SEED, "stem": ACCOMPANIMENT}
    return {
        "id": prompt.id,
        "track": "v2a",
        "language": prompt.language,
        "style": prompt.style,
        "seconds": prompt.seconds,
        "lyrics": prompt.lyrics.to_json(),
        "vocal": {**recipe, "stem": "vocals"},
        "reference": {**recipe, "stem": ACCOMPANIMENT},
        "prompt_wav": {"cut": style, "start": _STYLE_START, "seconds": _STYLE_SECONDS},
        "tags": dict(prompt.tags),
        "licence": prompt.licence,
    }


if __name__ == "__main__":
    lines = vocal_suite(load_suite(Path(__file__).with_name(f"{sys.argv[1]}.jsonl")), sys.argv[2])
    sys.stdout.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
