"""Lines of other projects' prompt files, recognised by their fields, and the command that imports them."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from songbench.domain.errors import InputError

SOURCES = {
    "suno": "Suno, or any lyrics with headings in brackets",
    "yue": "YuE",
    "levo": "LeVo (SongGeneration)",
    "acestep": "ACE-Step",
    "lrc": "LRC",
    "songbloom": "SongBloom",
    "wildsongbench": "WildSongBench",
    "tencent": "Tencent's SongBench",
    "heartmula": "HeartMuLa",
    "stems": "a folder of vocals with their accompaniments",
}
"""What ``songbench suites import --from`` reads."""

_OWN_FIELDS = {
    "levo": ("gt_lyric", "descriptions", "auto_prompt_audio_type", "prompt_audio_path"),
    "tencent": ("lyric", "text_prompt"),
    "wildsongbench": ("prompt_index", "candidate_ar_seeds", "eval_index", "clip_id"),
    "yue": ("cot", "abc", "abc_path", "genre_txt", "genres"),
    "acestep": ("prompt", "caption", "duration", "audio_duration", "infer_step", "manual_seeds", "vocal_language"),
}
"""Fields of a source that a suite does not have; the first source that has one of a line's fields is the likely one."""


def likely_source(value: Mapping[str, Any]) -> str | None:
    """Whose line this is; None where it looks like nobody's."""
    for source, names in _OWN_FIELDS.items():
        if any(name in value for name in names):
            return source
    return "heartmula" if isinstance(value.get("tags"), str) and "lyrics" in value else None


def foreign_line(value: Mapping[str, Any], path: Path) -> InputError | None:
    """The error for a line of another project, with the command that imports its file; None for any other line."""
    source = likely_source(value)
    if source is None:
        return None
    names = [name for name in _OWN_FIELDS.get(source, ("tags",)) if name in value]
    return InputError(
        f"This looks like a line of {SOURCES[source]}, not of a suite.",
        field=names[0],
        cure=f"songbench suites import {shlex.quote(str(path))} --from {source} --to suite.jsonl",
    )
