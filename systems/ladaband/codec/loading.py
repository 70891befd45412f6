"""Loading MuCodec's released files: strictly, by their own names, and never running what a file holds.

Three files make the codec: ``mucodec.pt`` (quantiser, flow and statistics), ``muq.pt`` (the encoder) and
``audioldm_48k.pth`` (autoencoder and vocoder). Each holds more than is used; what is used has to be there in full and
in the right shapes, and beside it nothing but what is known to be for training.

How names of the encoder's file map to its layers was read in public code; nobody has checked it against ``muq.pt``
itself. A ``model.safetensors`` of MuQ's own repository has the same names and shapes and is taken in its place, but
whether its numbers are the same is not known either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from songbench.domain.errors import InputError, UnavailableError
from songbench.plugin import READY, Availability, unavailable
from songbench.resources import weights
from songbench.resources.tensors import is_finite
from systems.checkpoints.filling import set_tensor, without_storage
from systems.checkpoints.stored_tensors import StoredTensor, tensors_in
from systems.ladaband.codec.encoder import MusicEncoder
from systems.ladaband.codec.latent_flow import LatentFlow
from systems.ladaband.codec.mucodec import MuCodec
from systems.ladaband.codec.sound_config import SoundConfig
from systems.ladaband.codec.sound_decoder import SoundDecoder
from systems.ladaband.codec.windows import Timing
from systems.ladaband.config import CodecConfig
from systems.muse.environment import CODEC, VOCODER
from systems.music_encoders.muq_files import UNUSED_TENSORS

FLOW_FILE, ENCODER_FILE, MUQ_FILE, SOUND_FILE = "mucodec.pt", "muq.pt", "model.safetensors", "audioldm_48k.pth"

_CURE = f"Fetch the released files again: songbench setup {CODEC.name} {VOCODER.name} --accept-licence"

_ENCODER_IN_FLOW = "muencoder.model."
"""Where a checkpoint of the whole of MuCodec holds the encoder; upstream then uses that one."""

_FLOW_UNUSED = (
    "muencoder.",
    "zero_cond_embedding1",
    "normfeat.sum_target_x2",
    "rvq_muencoder_emb.quantizers.0.stale_counter",
    "cfm_wrapper.estimator.pos_embed.pos_embed",
    "rsp48toclap.",
    "rsq48towav2vec.",
    "rsq48tomuencoder.",
)
"""Training state, the condition of frames that never are, fixed positions and filters that are computed here."""

_ENCODER_UNUSED = (*UNUSED_TENSORS, "conformer.layer_norm.")
"""The norm comes after the layer that is listened to."""

_SOUND_PARTS = ("first_stage_model.decoder.", "first_stage_model.post_quant_conv.", "first_stage_model.vocoder.")

Part = TypeVar("Part", bound=nn.Module)


def needs() -> tuple[weights.Weights, ...]:
    """The weights that hold the released files."""
    return (CODEC, VOCODER)


def missing() -> Availability:
    """Ready when the released files are here; else what is not, and the command that gets it."""
    absent = [state for state in map(weights.availability, needs()) if not state.ready]
    if not absent:
        return READY
    cure = absent[0].cure if len(absent) == 1 else f"songbench setup {CODEC.name} {VOCODER.name} --accept-licence"
    return unavailable("; ".join(state.reason for state in absent), cure)


@dataclass(frozen=True)
class MuCodecFiles:
    """Where the parts of the codec lie.

    Attributes:
        flow: ``mucodec.pt``.
        encoder: ``muq.pt`` or MuQ's own file; None where `flow` holds the encoder as well.
        sound: ``audioldm_48k.pth``.
    """

    flow: Path
    encoder: Path | None
    sound: Path

    @classmethod
    def find(cls, folder: Path | None = None) -> MuCodecFiles:
        """The files of a folder, or of its folder ``mucodec``; None: those that songbench has set up.

        Raises:
            UnavailableError: songbench has not set them up; says how.
            InputError: a file is not in the folder.
            SongbenchError: a file that songbench set up has changed since.
        """
        if folder is None:
            state, folders = missing(), tuple(filter(None, map(weights.verified, needs())))
            if not state.ready:
                raise UnavailableError(f"MuCodec: {state.reason}. Get them: {state.cure}")
        else:
            folders = (folder, folder / "mucodec")
        encoder = next(filter(None, (_first(name, folders) for name in (ENCODER_FILE, MUQ_FILE))), None)
        flow, sound = (_first(name, folders) for name in (FLOW_FILE, SOUND_FILE))
        absent = [name for name, path in ((FLOW_FILE, flow), (SOUND_FILE, sound)) if path is None]
        if flow is None or sound is None:
            raise InputError(f"MuCodec's {' and '.join(absent)} is not in this folder.", file=str(folder), cure=_CURE)
        return cls(flow, encoder, sound)


def _first(name: str, folders: Sequence[Path]) -> Path | None:
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def load_mucodec(
    files: MuCodecFiles,
    *,
    config: CodecConfig | None = None,
    sound_config: SoundConfig | None = None,
    timing: Timing = "released",
    device: torch.device | str = "cpu",
    precision: torch.dtype = torch.float32,
) -> MuCodec:
    """The codec of these files, ready to use.

    Args:
        files: see `MuCodecFiles.find`.
        config: sizes; None: the released ones.
        sound_config: sizes of autoencoder and vocoder; None: the released ones.
        timing: see `windows`.
        device: where it computes.
        precision: of the estimator.

    Raises:
        InputError: a file cannot be read, or does not hold these parts.
    """
    config, sound_config = config or CodecConfig(), sound_config or SoundConfig()
    return MuCodec(
        load_encoder(config, files),
        load_flow(config, files.flow),
        load_sound(sound_config, files.sound),
        timing=timing,
        device=device,
        precision=precision,
    )


def load_flow(config: CodecConfig, file: Path) -> LatentFlow:
    """Quantiser, flow and statistics from ``mucodec.pt``.

    Raises:
        InputError: see `load_mucodec`; also statistics over nothing.
    """
    tensors = {name: tensor for name, tensor in _tensors(file).items() if not name.startswith(_FLOW_UNUSED)}
    flow = _filled(lambda: LatentFlow(config), tensors, file, "")
    if not bool((flow.normfeat.counts > 0).all()):
        raise InputError("The statistics of the latents are sums over nothing.", file=str(file), cure=_CURE)
    return flow


def load_encoder(config: CodecConfig, files: MuCodecFiles) -> MusicEncoder:
    """The encoder from ``mucodec.pt`` where that holds it, as upstream has it, else from a file of its own.

    Raises:
        InputError: see `load_mucodec`; also that neither holds it.
    """
    file, prefix = files.flow, _ENCODER_IN_FLOW
    tensors = _below(prefix, _tensors(files.flow))
    if not tensors and files.encoder is not None:
        file, prefix = files.encoder, "model."
        tensors = _below(prefix, _tensors(file))
    if not tensors:
        raise InputError(
            f"There are no tensors of MuQ here (names that begin with '{prefix}'), and MuCodec hears through it.",
            file=str(file),
            cure=f"Put {ENCODER_FILE} beside {FLOW_FILE}. {_CURE}",
        )
    later = tuple(f"conformer.layers.{layer}." for layer in range(config.encoder_level, config.encoder_layers))
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith((*_ENCODER_UNUSED, *later))}
    return _filled(lambda: MusicEncoder(config), tensors, file, prefix)


def load_sound(config: SoundConfig, file: Path) -> SoundDecoder:
    """Autoencoder and vocoder from ``audioldm_48k.pth``, most of which is a diffusion model that is not used.

    Raises:
        InputError: see `load_mucodec`; also a scale factor of zero.
    """
    tensors = {
        name: part for name, part in _tensors(file).items() if name == "scale_factor" or name.startswith(_SOUND_PARTS)
    }
    sound = _filled(lambda: SoundDecoder(config), tensors, file, "")
    if not bool(sound.scale_factor):
        raise InputError("The latents' scale factor is zero.", file=str(file), cure=_CURE)
    return sound


def _tensors(file: Path) -> dict[str, StoredTensor]:
    return tensors_in(file, _CURE)


def _below(prefix: str, tensors: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """The tensors whose names begin with a prefix, without it."""
    return {name.removeprefix(prefix): part for name, part in tensors.items() if name.startswith(prefix)}


def _filled(build: Callable[[], Part], tensors: Mapping[str, StoredTensor], file: Path, prefix: str) -> Part:
    """A part, in float32, whose every tensor came from a file, and to which nothing of the file is left over.

    Args:
        build: makes the part.
        tensors: by the part's names.
        file: where they come from, for errors.
        prefix: what the file has before the names, for errors.
    """
    with without_storage():
        part = build()
    counters = [name for name in part.state_dict() if name.endswith(".num_batches_tracked")]
    shapes = {name: tensor.shape for name, tensor in part.state_dict().items() if name not in counters}
    contents = {name: tensor for name, tensor in tensors.items() if name not in counters}
    _check(shapes, contents, file, prefix)
    for name, content in contents.items():
        tensor = content.read()
        if not is_finite(tensor):
            raise InputError(
                f"It holds numbers that are none (NaN or infinity), in {prefix}{name}.", file=str(file), cure=_CURE
            )
        set_tensor(part, name, tensor.float())
    for name in counters:
        set_tensor(part, name, torch.zeros((), dtype=torch.long))
    return part


def _check(shapes: Mapping[str, torch.Size], contents: Mapping[str, StoredTensor], file: Path, prefix: str) -> None:
    """Refuse tensors that are not exactly those of a part."""
    for problem, names in (
        ("missing", [name for name in shapes if name not in contents]),
        (
            "of another shape",
            [
                f"{name} {list(contents[name].shape)} instead of {list(shape)}"
                for name, shape in shapes.items()
                if name in contents and contents[name].shape != tuple(shape)
            ],
        ),
        ("without a place in it", [name for name in contents if name not in shapes]),
        ("of whole numbers", [name for name, tensor in contents.items() if not tensor.is_floating]),
    ):
        if names:
            number = "1 tensor is" if len(names) == 1 else f"{len(names)} tensors are"
            listing = ", ".join(prefix + name for name in names[:3])
            raise InputError(
                f"This does not hold the part of MuCodec that it should: {number} {problem}:"
                f" {listing}{', …' if len(names) > 3 else ''}.",
                file=str(file),
                cure=_CURE,
            )
