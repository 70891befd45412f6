"""Sizes and settings of SongBloom, in words of our own and to and from the words of the released files.

Nothing about a model's size is assumed. Values and meanings: SongBloom, arXiv 2506.07634, section 4 and the released
configuration files (``songbloom_full_150s.yaml``, ``stable_audio_1920_vae.json``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from songbench.domain.errors import InputError
from songbench.plugin import parameters_of
from systems.checkpoints.config_section import ConfigSection
from systems.checkpoints.sizes import check_positive, values_of
from systems.songbloom.config_fields import AUTOENCODER, INFERENCE, MODEL
from systems.songbloom.text.vocabulary import RELEASED, Vocabulary

GuidanceMode = Literal["h", "global", "none"]

LONG_SONGS = 200.0
"""Models trained for songs longer than this many seconds follow the conventions of the 240 s model."""

MOST_SECONDS = 3600.0
"""The longest song that can be asked for; the cache for an hour of the released models takes 38 GB in float32."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The sizes of the sketch language model and the acoustic diffusion transformer.

    Attributes:
        dim: width of both transformers.
        heads: attention heads of both; ``dim / heads`` must be even and at least 32.
        lm_layers: layers of the sketch language model.
        dit_layers: layers of the diffusion transformer.
        latent_channels: channels of the autoencoder's latents.
        sketch_vocabulary: number of sketch tokens; the next id ends the song, the one after it pads training targets.
        patch: frames per patch; sketch tokens and latents alike.
        feed_forward_factor: hidden width of the feed-forward layers as a multiple of `dim`.
        timestep_features: width of the Fourier features of the diffusion time.
        lm_rotary_base: base of the language model's rotary positions.
        dit_rotary_base: base of the diffusion transformer's. No released file holds it: the later upstream line fixes
            it at 20000 while its 240 s model gives the language model 40000; in the 150 s models both are 20000.
        prompt_frames: latent frames of the style prompt; 250 are 10 s.
        lyrics_length: symbols of lyrics the model sees; shorter lyrics are padded, and the padding is attended to.
        max_sentences: rows of the sentence-number embedding.
        hidden_dropout: share of training patches whose hidden vector (and, drawn apart, sketch) is blanked.
        objective: what the diffusion transformer predicts: ``rectified_flow`` (released) or ``v``.
        vocabulary: the symbols of the lyrics.
        sketch: whether there are sketch tokens at all (paper, table 4). The paper does not say what the language model
            does without; here it reads one embedding of latents per patch and says at each whether the song goes on
            (class 0) or ends (class 1), with the classifier that otherwise names tokens.
        dit_hidden: whether the diffusion transformer reads the language model's hidden vector (H in table 4).
        dit_context: whether it reads the previous patch's latents (C). The paper does not say whether the language
            model keeps reading them without; here it does, as nothing else would tell it what was made so far.
        dit_sketch: whether it reads the sketch embeddings (S); without a sketch there are none.
    """

    dim: int = 1536
    heads: int = 24
    lm_layers: int = 36
    dit_layers: int = 12
    latent_channels: int = 64
    sketch_vocabulary: int = 16384
    patch: int = 16
    feed_forward_factor: int = 4
    timestep_features: int = 256
    lm_rotary_base: float = 20000.0
    dit_rotary_base: float = 20000.0
    prompt_frames: int = 250
    lyrics_length: int = 600
    max_sentences: int = 50
    hidden_dropout: float = 0.05
    objective: str = "rectified_flow"
    vocabulary: Vocabulary = RELEASED
    sketch: bool = True
    dit_hidden: bool = True
    dit_context: bool = True
    dit_sketch: bool = True

    def __post_init__(self) -> None:
        """Refuse sizes that cannot work."""
        check_positive(self, "dim", "heads", "lm_layers", "dit_layers", "latent_channels", "sketch_vocabulary", "patch")
        check_positive(self, "feed_forward_factor", "timestep_features", "prompt_frames", "lyrics_length")
        check_positive(self, "max_sentences", "lm_rotary_base", "dit_rotary_base")
        head = self.dim / self.heads
        if head != int(head) or head % 2 or head < 32:
            raise InputError(
                f"A width of {self.dim} cannot be split into {self.heads} heads of even width, at least 32 each.",
                field="dim / num_heads",
            )
        if not self.dit_hidden and not self.dit_sketch_tokens:
            raise InputError(
                "Without hidden vector and sketch, the diffusion transformer would know nothing of lyrics and style.",
                field="dit_hidden",
                cure="Leave it one of the two.",
            )

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.dim // self.heads

    @property
    def end(self) -> int:
        """What the language model says to end a song: the sketch token after the last one; 1 without a sketch."""
        return self.sketch_vocabulary if self.sketch else 1

    @property
    def ignored(self) -> int:
        """The id of training targets that do not count."""
        return self.end + 1

    @property
    def sketch_tokens(self) -> int:
        """Sketch tokens per patch: one per frame, or none."""
        return self.patch if self.sketch else 0

    @property
    def dit_sketch_tokens(self) -> int:
        """How many of them the diffusion transformer reads."""
        return self.sketch_tokens if self.dit_sketch else 0

    @property
    def dit_tokens(self) -> int:
        """What the diffusion transformer reads: time, hidden vector, sketch, previous and noisy latents."""
        return 1 + self.dit_hidden + self.dit_sketch_tokens + self.patch * (1 + self.dit_context)

    @property
    def prefix(self) -> int:
        """Positions before the song: the style prompt, then the lyrics."""
        return self.prompt_frames + self.lyrics_length

    @property
    def steps(self) -> int:
        """Language-model positions per patch: its sketch tokens and one embedding of its latents."""
        return self.sketch_tokens + 1

    @classmethod
    def from_upstream(cls, model: Mapping[str, Any]) -> ModelConfig:
        """Read the ``model`` section of a released YAML file, decoded.

        Raises:
            InputError: a value is missing, or one asks for something no released model uses.
        """
        sizes = {"hidden_dropout": 0.0, **MODEL.read(model)}
        return cls(**{**sizes, "vocabulary": Vocabulary(sizes["vocabulary"])})


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig:
    """The sizes of the autoencoder (Oobleck, as in Stable Audio).

    Attributes:
        sample_rate: of the audio.
        audio_channels: of the audio.
        channels: width at the audio's rate.
        multiples: width of each level as a multiple of `channels`.
        strides: how much each level shortens the sequence; even numbers.
        latent_channels: of the latents.
    """

    sample_rate: int = 48_000
    audio_channels: int = 2
    channels: int = 128
    multiples: tuple[int, ...] = (1, 2, 4, 8, 16)
    strides: tuple[int, ...] = (2, 4, 4, 6, 10)
    latent_channels: int = 64

    def __post_init__(self) -> None:
        """Refuse sizes that cannot work."""
        check_positive(self, "sample_rate", "audio_channels", "channels", "latent_channels")
        if not self.strides or len(self.strides) != len(self.multiples) or min(*self.strides, *self.multiples) < 1:
            raise InputError(
                f"Levels of widths {list(self.multiples)} and strides {list(self.strides)} do not fit together.",
                field="c_mults / strides",
            )
        if odd := [stride for stride in self.strides if stride % 2]:
            raise InputError(
                f"A level's stride must be even, not {odd[0]}: with an odd one, as its convolutions are padded, decoded"
                " audio is shorter than its latent frames.",
                field="strides",
                cure="Take even strides, such as the released 2, 4, 4, 6, 10; their product is the samples per frame.",
            )

    @property
    def hop(self) -> int:
        """Samples per latent frame."""
        return math.prod(self.strides)

    @property
    def frame_rate(self) -> float:
        """Latent frames per second."""
        return self.sample_rate / self.hop

    @property
    def context(self) -> int:
        """How many latent frames on either side of a chunk its audio depends on: the decoder's reach, rounded up.

        Goes back from the samples of a frame through every layer to the frames they are made of; 9 in released models.
        """
        first, last = 0, self.hop - 1
        first, last = first - 3, last + 3
        for stride in self.strides:
            first, last = first - 3 * (1 + 3 + 9), last + 3 * (1 + 3 + 9)
            padding = math.ceil(stride / 2)
            first, last = math.ceil((first + padding + 1) / stride) - 2, (last + padding) // stride
        return max(3 - first, last + 3)

    @classmethod
    def from_upstream(cls, decoded: Mapping[str, Any]) -> AutoencoderConfig:
        """Read the released JSON file, decoded.

        Raises:
            InputError: it describes something other than a plain Oobleck autoencoder with a VAE bottleneck.
        """
        sizes = AUTOENCODER.read(decoded)
        AUTOENCODER.require(decoded, "encoder_channels", 2 * sizes["latent_channels"])  # means and deviations
        config = cls(**{field.name: sizes[field.name] for field in fields(cls)})
        AUTOENCODER.require(decoded, "hop", config.hop)
        return config

    def to_upstream(self) -> dict[str, Any]:
        """The released JSON form, for saving."""
        return AUTOENCODER.write({**values_of(self), "encoder_channels": 2 * self.latent_channels, "hop": self.hop})


@dataclass(frozen=True, kw_only=True)
class DecodingConfig:
    """How a song is drawn from the model; the defaults are those of the released 150 s models.

    Attributes:
        guidance: classifier-free guidance of the sketch tokens; 1 is none.
        diffusion_guidance: of the latents; None: the same as `guidance`.
        guidance_mode: ``h`` mixes at every solver step against a null that keeps the history; ``global`` solves both
            rows apart and mixes the results; ``none`` solves the conditional row only.
        sampling: draw tokens at random; else take the likeliest.
        temperature: of the sketch tokens.
        top_k: draw among the k likeliest tokens (ties kept); 0: among all.
        top_p: draw among the likeliest tokens that hold this share; above 0 it replaces `top_k`.
        penalise_repetition: divide the logits of recently used tokens by `repetition_penalty`. Negative logits rise by
            it; this is how the released models were run.
        repetition_window: how many past tokens count as recent.
        repetition_penalty: the divisor.
        steps: solver steps per patch.
        diffusion_temperature: share of the solver's time at which noise is put in; 1 starts from pure noise.
        max_seconds: a song is ended at this length if the model does not end it before.
    """

    guidance: Annotated[float, Field(ge=0, le=100)] = 1.5
    diffusion_guidance: Annotated[float, Field(ge=0, le=100)] | None = None
    guidance_mode: GuidanceMode = "h"
    sampling: bool = True
    temperature: Annotated[float, Field(gt=0, le=100)] = 0.9
    top_k: Annotated[int, Field(ge=0)] = 100
    top_p: Annotated[float, Field(ge=0, le=1)] = 0.0
    penalise_repetition: bool = True
    repetition_window: Annotated[int, Field(ge=1, le=100_000)] = 50
    repetition_penalty: Annotated[float, Field(gt=0, le=100)] = 1.1
    steps: Annotated[int, Field(ge=1, le=10_000)] = 36
    diffusion_temperature: Annotated[float, Field(gt=0, le=1)] = 0.95
    max_seconds: Annotated[float, Field(gt=0, le=MOST_SECONDS)] = 170.0

    def __post_init__(self) -> None:
        """Refuse values of another kind or outside their range, naming the field."""
        if declared := parameters_of(type(self)):
            declared.check(values_of(self), "system 'songbloom'")

    @property
    def latent_guidance(self) -> float:
        """The guidance of the latents."""
        return self.guidance if self.diffusion_guidance is None else self.diffusion_guidance

    def patches(self, frame_rate: float, patch: int) -> int:
        """The most patches a song can have."""
        return math.ceil(self.max_seconds * frame_rate / patch)

    def changed(self, changes: Mapping[str, Any]) -> DecodingConfig:
        """The same with some values replaced.

        Raises:
            InputError: an unknown name, or a value of the wrong kind or outside its range.
        """
        if declared := parameters_of(type(self)):
            declared.check({**values_of(self), **changes}, "system 'songbloom'")
        return replace(self, **changes)

    @classmethod
    def from_upstream(cls, inference: Mapping[str, Any], max_seconds: float) -> DecodingConfig:
        """Read the ``inference`` section of a released YAML file; what it leaves out has the default.

        ``repetition_penalty`` and ``max_seconds`` are of this implementation alone; released files have neither.

        Raises:
            InputError: a value of the wrong kind.
        """
        pair: tuple[float, ...] = ()
        if isinstance(inference.get("cfg_coef"), list):
            section = ConfigSection(inference, INFERENCE.name)
            pair = section.members("cfg_coef", float)
            if len(pair) != 2:
                raise section.wrong("cfg_coef", ("a number", "a pair of numbers"))
            inference = {**inference, "cfg_coef": pair[0]}
        settings = {"max_seconds": max_seconds, **INFERENCE.read(inference)}
        return cls(**settings, diffusion_guidance=pair[1] if pair else None)

    def to_upstream(self, max_seconds: float) -> dict[str, Any]:
        """The ``inference`` section for saving.

        Args:
            max_seconds: what a reader takes for the longest length where the file names none.
        """
        settings = values_of(self)
        if self.diffusion_guidance is not None:
            settings["guidance"] = [self.guidance, self.diffusion_guidance]
        # Released files cannot hold these two, so they are written only where they are not what follows from the rest.
        for name, usual in (("repetition_penalty", type(self).repetition_penalty), ("max_seconds", max_seconds)):
            if settings[name] == usual:
                del settings[name]
        return INFERENCE.write(settings)


@dataclass(frozen=True, kw_only=True)
class SongBloomConfig:
    """Everything a checkpoint's own files say about it.

    Attributes:
        name: of the model, such as ``songbloom_full_150s``.
        model: sizes of the transformers.
        autoencoder: sizes of the autoencoder.
        decoding: how songs are drawn.
        trained_seconds: the longest songs it was trained for, in seconds.
    """

    name: str
    model: ModelConfig
    autoencoder: AutoencoderConfig
    decoding: DecodingConfig
    trained_seconds: float = 150.0

    def __post_init__(self) -> None:
        """Both halves must speak of the same latents."""
        check_positive(self, "trained_seconds")
        if self.model.latent_channels != self.autoencoder.latent_channels:
            raise InputError(
                f"The model wants latents of {self.model.latent_channels} channels,"
                f" the autoencoder makes {self.autoencoder.latent_channels}.",
                field="latent_dim",
            )

    @property
    def seconds_per_tag(self) -> float:
        """About how long one instrumental tag of the lyrics lasts, in seconds (the authors' README)."""
        return 5.0 if self.trained_seconds > LONG_SONGS else 1.0

    @property
    def prompt_seconds(self) -> float:
        """How long the style prompt is, in seconds."""
        return self.model.prompt_frames / self.autoencoder.frame_rate

    @property
    def patch_seconds(self) -> float:
        """How long one patch is, in seconds."""
        return self.model.patch / self.autoencoder.frame_rate

    def to_upstream(self, *, vocabulary: str, autoencoder: str) -> dict[str, Any]:
        """The released YAML form, decoded, for saving.

        Args:
            vocabulary: name of the vocabulary file beside it.
            autoencoder: name of the autoencoder's JSON beside it.
        """
        # Upstream's classes know nothing of what was left out for an ablation, so that is written only where it was.
        switches = ("sketch", "dit_hidden", "dit_context", "dit_sketch")
        model = {name: value for name, value in values_of(self.model).items() if name not in switches or not value}
        return {
            "max_dur": self.trained_seconds,
            "sr": self.autoencoder.sample_rate,
            "vae": {"vae_cfg": autoencoder, "vae_ckpt": ""},
            "model": MODEL.write({**model, "vocabulary": "${load_yaml:" + vocabulary + "}"}),
            "inference": self.decoding.to_upstream(longest_seconds(self.trained_seconds)),
        }


def longest_seconds(trained_seconds: float) -> float:
    """Where a song is ended at the latest: upstream lets the 150 s models run 20 s over, the 240 s model 10 s."""
    return trained_seconds + (10.0 if trained_seconds > LONG_SONGS else 20.0)
