"""A LaDA-Band of one's own: a folder with predictor, codec and what they were trained with, or a checkpoint alone.

=====================  ============================================================================================
``predictor``          ``predictor.safetensors``, else the folder's only ``.safetensors``, ``.ckpt`` or ``.pt`` file
``codec.safetensors``  a block codec (`systems.ladaband.codec.blocks`); without one it is MuCodec
``mucodec/``           MuCodec's released files; without the folder those that songbench has set up
``conditions/``        networks of the conditions in folders of their weights' names; likewise
``model.json``         `ModelFacts`; without it those of the released model
=====================  ============================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from songbench.domain.checking import Schema, checked
from songbench.domain.errors import InputError
from systems.ladaband.config import SamplerConfig

PREDICTOR_FILE, CODEC_FILE, FACTS_FILE = "predictor.safetensors", "codec.safetensors", "model.json"
MUCODEC_FOLDER, CONDITIONS_FOLDER = "mucodec", "conditions"

STYLE_TEXT, PROMPT_AUDIO = "style text", "prompt audio"
CONDITIONS = (STYLE_TEXT, PROMPT_AUDIO)
"""What a model can be told beside the vocal."""

_ENDINGS = (".safetensors", ".ckpt", ".pt")


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What a model was trained with; the defaults are the released model's.

    Attributes:
        conditions: which of `CONDITIONS` it was trained on; without any, no network of theirs is needed.
        sampler: settings of `systems.ladaband.config.SamplerConfig` that it is used with instead of upstream's.
        trained_seconds: the longest window it was trained on.
    """

    conditions: tuple[str, ...] = CONDITIONS
    sampler: Mapping[str, Any] = field(default_factory=dict)
    trained_seconds: float = 163.84

    def __post_init__(self) -> None:
        """Refuse conditions and settings that do not exist."""
        for name in self.conditions:
            if name not in CONDITIONS:
                raise InputError(f"There is no condition '{name}'.", field="conditions", value=name, allowed=CONDITIONS)
        SamplerConfig().changed(self.sampler)


class _FactsForm(Schema):
    conditions: tuple[str, ...] = CONDITIONS
    sampler: dict[str, Any] = Field(default={})
    trained_seconds: float = 163.84


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """Where the parts of a model lie.

    Attributes:
        predictor: the checkpoint.
        codec: a block codec, or None for MuCodec.
        mucodec: a folder with MuCodec's files, or None for those that songbench has set up.
        conditions: a folder with networks of the conditions, or None, likewise.
        facts: what it was trained with.
    """

    predictor: Path
    codec: Path | None = None
    mucodec: Path | None = None
    conditions: Path | None = None
    facts: ModelFacts = field(default_factory=ModelFacts)

    @classmethod
    def find(cls, path: Path) -> ModelFiles:
        """The parts of a model.

        Args:
            path: a folder, or a checkpoint whose folder may hold the other parts.

        Raises:
            InputError: there is none, or there are several, or its facts cannot be read.
        """
        if not path.exists():
            raise InputError(
                f"There is no LaDA-Band checkpoint '{path}'.", cure="Give a checkpoint or a folder that exists."
            )
        folder = path if path.is_dir() else path.parent
        return cls(
            predictor=_predictor(folder) if path.is_dir() else path,
            codec=_present(folder / CODEC_FILE),
            mucodec=_present(folder / MUCODEC_FOLDER),
            conditions=_present(folder / CONDITIONS_FOLDER),
            facts=read_facts(folder / FACTS_FILE),
        )


def read_facts(file: Path) -> ModelFacts:
    """What a model was trained with; the released model's facts where there is no file.

    Raises:
        InputError: the file cannot be read, or states what does not exist.
    """
    if not file.is_file():
        return ModelFacts()
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"It is no JSON ({error}).", file=str(file)) from None
    try:
        if not isinstance(content, dict):
            raise InputError("It holds no facts by name.")
        form = checked(_FactsForm, content)
        return ModelFacts(
            conditions=form.conditions, sampler=dict(form.sampler), trained_seconds=float(form.trained_seconds)
        )
    except InputError as error:
        raise error.located(file=str(file)) from None


def write_facts(facts: ModelFacts, folder: Path) -> None:
    """Write what a model was trained with beside it; `read_facts` reads it back."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FACTS_FILE).write_text(json.dumps(asdict(facts), indent=1) + "\n", encoding="utf-8")


def _present(path: Path) -> Path | None:
    return path if path.exists() else None


def _predictor(folder: Path) -> Path:
    if (file := folder / PREDICTOR_FILE).is_file():
        return file
    files = sorted(file for file in folder.iterdir() if file.suffix in _ENDINGS and file.name != CODEC_FILE)
    if len(files) != 1:
        names = ", ".join(file.name for file in files[:5])
        raise InputError(
            f"The folder holds {len(files)} checkpoints ({names})." if files else "The folder holds no checkpoint.",
            file=str(folder),
            cure=f"Name the file itself, or call it {PREDICTOR_FILE}.",
        )
    return files[0]
