"""The words of the released configuration files: one table per section, which reads it and writes it.

Source: ``songbloom_full_150s.yaml`` and ``stable_audio_1920_vae.json``, as released with arXiv 2506.07634.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from systems.checkpoints.config_section import ConfigSection


@dataclass(frozen=True)
class Scalar:
    """A value of one kind at a path of keys; what may be left out has the default of the field it is read into."""

    path: str
    field: str
    kind: type
    required: bool = True


@dataclass(frozen=True)
class Members:
    """A list whose members are of one kind."""

    path: str
    field: str
    kind: type


@dataclass(frozen=True)
class Choice:
    """One of several words; may be left out."""

    path: str
    field: str
    allowed: tuple[str, ...]


@dataclass(frozen=True)
class Constant:
    """The only value that released models have; `default` is what a file that leaves it out means."""

    path: str
    value: Any
    default: Any = None


@dataclass(frozen=True)
class Copy:
    """Written for other readers, and not read: a field again, or a constant."""

    path: str
    field: str = ""
    value: Any = None


Row: TypeAlias = Scalar | Members | Choice | Constant | Copy


@dataclass(frozen=True)
class FieldTable:
    """A section of a released file, row by row in the order of the file.

    Attributes:
        name: the path of the section in the file; empty for the whole file.
        rows: what it holds.
    """

    name: str
    rows: tuple[Row, ...]

    def read(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The fields by name; those that may be left out and are, are not among them.

        Raises:
            InputError: a value is missing, of another kind, or none that a released model has.
        """
        root, fields = ConfigSection(values, self.name), dict[str, Any]()
        for row in self.rows:
            if isinstance(row, Copy):
                continue
            section, key = _place(root, row)
            match row:
                case Constant():
                    section.only(key, row.value, row.default)
                case Members():
                    fields[row.field] = section.members(key, row.kind)
                case Choice() if key in section.values:
                    fields[row.field] = section.value(key, str)
                    if fields[row.field] not in row.allowed:
                        raise section.wrong(key, row.allowed)
                case Scalar() if row.required or key in section.values:
                    fields[row.field] = section.value(key, row.kind)
        return fields

    def require(self, values: Mapping[str, Any], field: str, expected: int) -> None:
        """Refuse any value of a field but one.

        Raises:
            InputError: it has another.
        """
        row = next(row for row in self.rows if isinstance(row, Scalar) and row.field == field)
        section, key = _place(ConfigSection(values, self.name), row)
        section.only(key, expected)

    def write(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The section with these fields and the constants, decoded; fields that are not given are left out."""
        section: dict[str, Any] = {}
        for row in self.rows:
            match row:
                case Constant(default=None) | Copy(field=""):
                    value = row.value
                case Constant():  # what a file means that leaves it out
                    continue
                case _ if row.field not in fields:
                    continue
                case _:
                    value = fields[row.field]
            *folders, key = row.path.split(".")
            target = section
            for folder in folders:
                target = target.setdefault(folder, {})
            target[key] = list(value) if isinstance(value, tuple) else value
        return section


def _place(root: ConfigSection, row: Row) -> tuple[ConfigSection, str]:
    path, _, key = row.path.rpartition(".")
    return root.section(path), key


_PROMPT, _LYRICS = "condition_provider_cfg.prompt_wav", "condition_provider_cfg.lyrics"

MODEL = FieldTable(
    "model",
    (
        Constant("backend", "llama"),
        Constant("time_cond_type", "prepend"),
        Constant("pre_norm", False, default=False),
        Constant("norm", "layer_norm", default="layer_norm"),
        Scalar("dim", "dim", int),
        Scalar("num_heads", "heads", int),
        Scalar("lm_layers", "lm_layers", int),
        Scalar("diff_layers", "dit_layers", int),
        Scalar("latent_dim", "latent_channels", int),
        Scalar("num_pitch", "sketch_vocabulary", int),
        Scalar("block_size", "patch", int),
        Scalar("hidden_scale", "feed_forward_factor", int, required=False),
        Scalar("timestep_features_dim", "timestep_features", int),
        Scalar("rotary_base_val", "lm_rotary_base", float),
        Scalar("h_dropout", "hidden_dropout", float, required=False),
        Choice("diffusion_objective", "objective", ("rectified_flow", "v")),
        Copy(f"{_PROMPT}.type", value="audio_tokenizer_wrapper"),
        Scalar(f"{_PROMPT}.max_len", "prompt_frames", int),
        Copy(f"{_LYRICS}.type", value="phoneme_tokenizer"),
        Members(f"{_LYRICS}.vocab_list", "vocabulary", str),
        Scalar(f"{_LYRICS}.max_len", "lyrics_length", int),
        Scalar(f"{_LYRICS}.max_sentence_per_structure", "max_sentences", int, required=False),
        Constant(f"{_LYRICS}.mode", "sum"),
        # What an ablation leaves out; of this implementation alone.
        Scalar("sketch", "sketch", bool, required=False),
        Scalar("dit_hidden", "dit_hidden", bool, required=False),
        Scalar("dit_context", "dit_context", bool, required=False),
        Scalar("dit_sketch", "dit_sketch", bool, required=False),
    ),
)
"""The ``model`` section of the YAML file: fields of `systems.songbloom.config.ModelConfig`."""

INFERENCE = FieldTable(
    "inference",
    (
        Scalar("cfg_coef", "guidance", float, required=False),
        Scalar("dit_cfg_type", "guidance_mode", str, required=False),
        Scalar("use_sampling", "sampling", bool, required=False),
        Scalar("temp", "temperature", float, required=False),
        Scalar("top_k", "top_k", int, required=False),
        Scalar("top_p", "top_p", float, required=False),
        Scalar("penalty_repeat", "penalise_repetition", bool, required=False),
        Scalar("penalty_window", "repetition_window", int, required=False),
        Scalar("steps", "steps", int, required=False),
        Scalar("diff_temp", "diffusion_temperature", float, required=False),
        # These two are of this implementation alone; released files have neither.
        Scalar("repetition_penalty", "repetition_penalty", float, required=False),
        Scalar("max_seconds", "max_seconds", float, required=False),
    ),
)
"""The ``inference`` section of the YAML file: fields of `systems.songbloom.config.DecodingConfig`."""

_ENCODER, _DECODER = "model.encoder.config", "model.decoder.config"

AUTOENCODER = FieldTable(
    "",
    (
        Constant("model_type", "autoencoder"),
        Scalar("sample_rate", "sample_rate", int),
        Scalar("audio_channels", "audio_channels", int),
        Constant("model.encoder.type", "oobleck"),
        Copy(f"{_ENCODER}.in_channels", "audio_channels"),
        Scalar(f"{_ENCODER}.latent_dim", "encoder_channels", int),
        Copy(f"{_ENCODER}.channels", "channels"),
        Copy(f"{_ENCODER}.c_mults", "multiples"),
        Copy(f"{_ENCODER}.strides", "strides"),
        Constant(f"{_ENCODER}.use_snake", True),
        Constant("model.decoder.type", "oobleck"),
        Copy(f"{_DECODER}.out_channels", "audio_channels"),
        Copy(f"{_DECODER}.latent_dim", "latent_channels"),
        Constant(f"{_DECODER}.final_tanh", False),
        Scalar(f"{_DECODER}.channels", "channels", int),
        Members(f"{_DECODER}.c_mults", "multiples", int),
        Members(f"{_DECODER}.strides", "strides", int),
        Constant(f"{_DECODER}.use_snake", True),
        Constant("model.bottleneck.type", "vae"),
        Scalar("model.latent_dim", "latent_channels", int),
        Scalar("model.downsampling_ratio", "hop", int),
        Copy("model.io_channels", "audio_channels"),
    ),
)
"""The autoencoder's JSON file: fields of `systems.songbloom.config.AutoencoderConfig`, hop and the encoder's output."""
