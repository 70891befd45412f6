"""Finding and loading a LaDA-Band: the released one, or one of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from songbench.domain.errors import UnavailableError
from songbench.domain.hashing import file_digest
from songbench.plugin import READY, Availability, unavailable
from songbench.resources import weights
from systems.ladaband.conditions.files import REFERENCE_NEEDS, TEXT_NEEDS, NetworkFiles
from systems.ladaband.model_folder import PROMPT_AUDIO, STYLE_TEXT, ModelFiles
from systems.ladaband.upstream.environment import CHECKPOINT, CHECKPOINT_FILE

if TYPE_CHECKING:
    from systems.ladaband.codec import Codec
    from systems.ladaband.codec.windows import Timing
    from systems.ladaband.conditions.encoder import ConditionConfig, ConditionEncoder
    from systems.ladaband.predictor import MaskPredictor

Precision: TypeAlias = Literal["float32", "bfloat16"]
Windows: TypeAlias = Literal["drifting", "exact"]

ACCESS = (
    "request access at https://huggingface.co/sDuoluoluos/LaDA-Band, then either log in (hf auth login) and run"
    f" songbench setup {CHECKPOINT.name} --accept-licence, or put {CHECKPOINT_FILE} into FOLDER/{CHECKPOINT.name} and"
    f" run songbench setup {CHECKPOINT.name} --from FOLDER --accept-licence"
)
"""How to get the released checkpoint, which lies in a repository that gives access on request."""


@dataclass(frozen=True)
class LadaBandSource:
    """The released LaDA-Band, or one of one's own.

    Attributes:
        path: of a checkpoint or a folder; None: the released checkpoint.
    """

    path: Path | None = None

    def availability(self) -> Availability:
        """Whether every part is here; what is not, and how to get it.

        Raises:
            InputError: the model of one's own is none.
        """
        if self.path is None and weights.path(CHECKPOINT) is None:
            return unavailable(f"the released checkpoint ({CHECKPOINT.size_text}) is not here", ACCESS)
        files = self.files()
        states = [NetworkFiles(files.conditions).missing(needed_networks(files.facts.conditions))]
        if files.codec is None and files.mucodec is None:
            from systems.ladaband.codec.loading import missing

            states.append(missing())
        absent = [state for state in states if not state.ready]
        if not absent:
            return READY
        return unavailable("; ".join(state.reason for state in absent), " && ".join(state.cure for state in absent))

    def files(self) -> ModelFiles:
        """Where the parts lie.

        Raises:
            UnavailableError: the released checkpoint is not here; says how to get it.
            InputError: the model of one's own is none.
            SongbenchError: the released checkpoint is not what was set up.
        """
        if self.path is not None:
            return ModelFiles.find(self.path)
        folder = weights.verified(CHECKPOINT)
        if folder is None:
            raise UnavailableError(f"The released checkpoint of LaDA-Band is not here. Get it: {ACCESS}")
        return ModelFiles.find(folder / CHECKPOINT_FILE)

    def identity(self) -> dict[str, str | None]:
        """What the parts are, by the sha256 of their files."""
        files = self.files()
        if self.path is None:
            predictor = weights.as_recorded(CHECKPOINT).files[0].sha256
        else:
            predictor = file_digest(files.predictor)
        if files.codec is not None:
            return {"predictor": predictor, "codec": file_digest(files.codec)}
        if files.mucodec is not None:
            parts = sorted(file for file in files.mucodec.iterdir() if file.is_file())
            return {"predictor": predictor, "codec": " ".join(file_digest(file) for file in parts)}
        from systems.ladaband.codec.loading import needs

        recorded = [file.sha256 for weight in needs() for file in weights.as_recorded(weight).files]
        return {"predictor": predictor, "codec": " ".join(map(str, recorded))}


def needed_networks(conditions: tuple[str, ...]) -> tuple[str, ...]:
    """The weights that a model's conditions need, by name."""
    if PROMPT_AUDIO in conditions:
        return REFERENCE_NEEDS
    return TEXT_NEEDS if STYLE_TEXT in conditions else ()


def load_model(files: ModelFiles, device: str, precision: Precision) -> MaskPredictor:
    """The predictor, ready to draw from.

    Raises:
        InputError: see `systems.ladaband.checkpoint.load_predictor`.
    """
    import torch

    from systems.ladaband.checkpoint import load_predictor

    return load_predictor(files.predictor, dtype=getattr(torch, precision)).to(device).requires_grad_(False)


def load_codec(files: ModelFiles, windows: Windows, device: str) -> Codec:
    """The codec of a model.

    Args:
        files: of the model.
        windows: how MuCodec cuts sound; a block codec has no windows.
        device: where MuCodec computes.
    """
    if files.codec is not None:
        from systems.ladaband.codec.blocks import BlockCodec

        return BlockCodec.load(files.codec)
    from systems.ladaband.codec.loading import MuCodecFiles, load_mucodec

    timing: Timing = "exact" if windows == "exact" else "released"
    return load_mucodec(MuCodecFiles.find(files.mucodec), timing=timing, device=device)


def load_encoder(files: ModelFiles, config: ConditionConfig, device: str) -> ConditionEncoder | None:
    """The encoder of conditions with its networks in place; None for a model that was trained without.

    Raises:
        UnavailableError: networks are not here; says how to get them.
        SongbenchError: a checkpoint does not fit.
    """
    from systems.ladaband.conditions.encoder import ConditionEncoder

    if not files.facts.conditions:
        return None
    encoder = ConditionEncoder(config, device, NetworkFiles(files.conditions))
    encoder.load(reference=PROMPT_AUDIO in files.facts.conditions)
    return encoder
