"""The projects whose prompts can be imported: their fields, their files, the form of their lyrics.

Fields are those of the projects' own examples and readers (docs/suites.md says which of them could be verified).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from songbench.domain.foreign import SOURCES as TITLES


@dataclass(frozen=True, kw_only=True)
class PromptSource:
    """One project's prompts.

    Attributes:
        name: as after ``--from``.
        form: of its lyrics: ``headed``, ``lrc`` or ``line`` (SongBloom's).
        texts: endings of the text files that hold the lyrics of one song each; () where there are none.
        style_files: names of the files beside them that hold the style.
        fields: for a field of a suite, the names under which the project has it, the first one present counts.
        count: how many prompts its test set has; None for a form of which there is no single set.
        language_folders: whether folders above the text files are named after the language of the songs in them.
    """

    name: str
    form: str = "headed"
    texts: tuple[str, ...] = ()
    style_files: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    count: int | None = None
    language_folders: bool = False

    @property
    def title(self) -> str:
        """For people."""
        return TITLES[self.name]


_IDS = ("id", "idx", "song_name", "name", "title")
_LANGUAGES = ("language", "lang", "vocal_language")
_LYRICS = ("lyrics", "lyric", "gt_lyric")

_ALL = (
    PromptSource(
        name="suno",
        texts=(".txt", ".md"),
        fields={
            "id": _IDS,
            "lyrics": (*_LYRICS, "prompt"),
            "style": ("style", "tags", "style_of_music"),
            "language": _LANGUAGES,
            "seconds": ("duration", "seconds"),
        },
    ),
    PromptSource(
        name="yue",
        texts=("lyrics.txt",),
        style_files=("genre.txt", "genres.txt", "tags.txt"),
        fields={"id": _IDS, "lyrics": _LYRICS, "style": ("style", "tags", "genre", "genres"), "language": _LANGUAGES},
    ),
    PromptSource(
        name="levo",
        fields={
            "id": ("idx", "id"),
            "lyrics": ("gt_lyric", "lyrics", "lyric"),
            "style": ("descriptions", "description"),
            "prompt_wav": ("prompt_audio_path",),
            "genre": ("auto_prompt_audio_type",),
            "language": _LANGUAGES,
        },
    ),
    PromptSource(
        name="acestep",
        texts=(".txt",),
        fields={
            "id": _IDS,
            "lyrics": _LYRICS,
            "style": ("prompt", "caption", "tags", "style"),
            "seconds": ("audio_duration", "duration"),
            "language": _LANGUAGES,
            "prompt_wav": ("reference_audio",),
        },
    ),
    PromptSource(name="lrc", form="lrc", texts=(".lrc",), fields={"id": _IDS, "lyrics": _LYRICS, "style": ("style",)}),
    PromptSource(
        name="songbloom",
        form="line",
        fields={"id": ("idx", "id"), "lyrics": ("lyrics",), "prompt_wav": ("prompt_wav",), "style": ("style",)},
    ),
    PromptSource(
        name="wildsongbench",
        count=192,
        fields={
            "id": ("id", "idx", "prompt_index", "eval_index", "clip_id"),
            "lyrics": _LYRICS,
            "style": ("style", "tags", "prompt"),
            "language": _LANGUAGES,
        },
    ),
    PromptSource(
        name="tencent",
        count=100,
        fields={
            "id": ("idx", "id"),
            "lyrics": ("lyric", "lyrics", "gt_lyric"),
            "style": ("text_prompt", "descriptions"),
        },
    ),
    PromptSource(
        name="heartmula",
        language_folders=True,
        texts=("lyrics.txt",),
        style_files=("tags.txt",),
        fields={"id": _IDS, "lyrics": _LYRICS, "style": ("tags", "style"), "language": _LANGUAGES},
    ),
)

SOURCES: dict[str, PromptSource] = {source.name: source for source in _ALL}
