"""Sizes and settings of LaDA-Band, in words of our own and from the words of the released configuration files.

Sources: the public configuration files (``infer_1B.yaml``, ``s1_config_3B.yaml``) of LaDA-Band, arXiv 2604.11052; what
they leave out has the defaults of the library's LLaMA (rotary base 10000, norm eps 1e-6), as the released training
never reads the LLaMA files that the paper names. MuCodec's numbers are those of its public code (arXiv 2409.13216).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from songbench.domain.errors import InputError
from songbench.plugin import parameters_of
from systems.checkpoints.config_section import ConfigSection
from systems.checkpoints.sizes import check_positive, values_of
from systems.ladaband.schedules import schedule_of
from systems.music_encoders.muq_sizes import MuqSizes

ConditionMode: TypeAlias = Literal["prefix", "add"]
"""How a condition enters: as rows before the frames, or their mean added to every frame (in no released model)."""

PrefixOrder: TypeAlias = Literal["reference_first", "text_first"]
"""Which condition is row 0: the reference in the authors' inference, the text in their training."""

Strategy: TypeAlias = Literal["low_confidence", "random", "fixed_position", "one_shot"]
"""Which frames are masked again after a pass: see `SamplerConfig`."""

Confidence: TypeAlias = Literal["drawn", "maximum"]
"""By what frames are kept: the probability of the token that was drawn, or of the likeliest one (as the paper says)."""

DrawMethod: TypeAlias = Literal["portable", "multinomial"]
"""How tokens are drawn: the same on every device, or as ``torch.multinomial`` does on the model's device (upstream)."""

FRAME_RATE = 25
"""Tokens per second of both tracks (MuCodec)."""

SAMPLE_RATE = 48_000
"""Of the audio, in Hz."""

CONDITION_DIM = 768
"""Width of a condition vector (CLaMP3's joint space)."""


@dataclass(frozen=True, kw_only=True)
class PredictorConfig:
    """The sizes of the mask predictor; the defaults are the released 1B model (``infer_1B.yaml``).

    Attributes:
        vocal_vocabulary: number of vocal tokens; the next id pads.
        accompaniment_vocabulary: number of accompaniment tokens; the next id is the mask, the one after it pads.
        dim: width of the transformer; each track's embedding is half as wide.
        layers: of the transformer.
        heads: query heads per layer.
        key_value_heads: key and value heads per layer; each serves ``heads / key_value_heads`` query heads.
        head_dim: width of a head.
        feed_forward: hidden width of the feed-forward layers.
        rotary_base: base of the rotary positions. In no released file: the library's default, not Llama 3.2's 500000.
        norm_eps: of the norms. In no released file: the library's default, not Llama 3.2's 1e-5.
        condition_dim: width of a condition vector.
        condition_mode: how conditions enter.
        attention_dropout: share of attention weights dropped in training.
        initial_deviation: standard deviation of fresh weights.
        rtd_head: whether there is the head that tells replaced tokens from true ones (training only).
    """

    vocal_vocabulary: int = 16384
    accompaniment_vocabulary: int = 16384
    dim: int = 2048
    layers: int = 16
    heads: int = 32
    key_value_heads: int = 8
    head_dim: int = 64
    feed_forward: int = 8192
    rotary_base: float = 10000.0
    norm_eps: float = 1e-6
    condition_dim: int = CONDITION_DIM
    condition_mode: ConditionMode = "prefix"
    attention_dropout: float = 0.1
    initial_deviation: float = 0.02
    rtd_head: bool = True

    def __post_init__(self) -> None:
        """Refuse sizes that cannot work."""
        check_positive(
            self, "vocal_vocabulary", "accompaniment_vocabulary", "dim", "layers", "heads", "key_value_heads"
        )
        check_positive(
            self, "head_dim", "feed_forward", "rotary_base", "norm_eps", "condition_dim", "initial_deviation"
        )
        if self.dim % 2 or self.head_dim % 2:
            raise InputError(
                f"Widths must be even: two tracks share {self.dim}, and {self.head_dim} turn in pairs.",
                field="dim" if self.dim % 2 else "head_dim",
            )
        if self.heads % self.key_value_heads:
            raise InputError(
                f"{self.heads} heads cannot share {self.key_value_heads} keys and values evenly.",
                field="key_value_heads",
            )
        if self.condition_mode not in ("prefix", "add"):
            raise InputError(
                "Conditions enter in one of two ways.",
                field="condition_mode",
                value=str(self.condition_mode),
                allowed=("prefix", "add"),
            )
        if not 0 <= self.attention_dropout < 1:
            raise InputError(f"A dropout of {self.attention_dropout} cannot be.", field="attention_dropout")

    @property
    def vocal_pad(self) -> int:
        """The vocal id that stands for no frame."""
        return self.vocal_vocabulary

    @property
    def mask(self) -> int:
        """The accompaniment id that stands for a frame not yet known."""
        return self.accompaniment_vocabulary

    @property
    def accompaniment_pad(self) -> int:
        """The accompaniment id that stands for no frame; the target of what does not count in training."""
        return self.accompaniment_vocabulary + 1

    @property
    def projected_dim(self) -> int:
        """What condition vectors are brought to: the model's width as prefix rows, half of it where they are added."""
        return self.dim if self.condition_mode == "prefix" else self.dim // 2

    @classmethod
    def from_upstream(cls, config: Mapping[str, Any]) -> PredictorConfig:
        """Read the model part of a released YAML file, decoded: ``data``, ``model.llama``, ``clamp_cond``, ``loss``.

        Raises:
            InputError: a value is missing or of another kind, or one asks for something no released model uses.
        """
        root = ConfigSection(config, "")
        llama, data = root.section("model.llama"), root.section("data")
        root.section("model").only("name", "llama")
        llama.only("hidden_act", "silu", "silu")
        llama.only("is_decoder", False, False)
        llama.only("attention_bias", False, False)
        llama.only("rope_scaling", None, None)
        vocal, accompaniment = data.section("voc").value("size", int), data.section("acc").value("size", int)
        special = data.section("special_tokens")
        for name, expected in (("voc_pad", vocal), ("acc_mask", accompaniment), ("acc_pad", accompaniment + 1)):
            special.only(name, expected)
        mode = root.value("clamp_cond", str, "prefix")
        if mode not in ("prefix", "add"):
            raise root.wrong("clamp_cond", ("prefix", "add"))
        dim, heads = llama.value("hidden_size", int), llama.value("num_attention_heads", int)
        loss = root.value("loss", dict, {})
        rtd = ConfigSection(loss, "loss").value("rtd", dict, {})
        return cls(
            vocal_vocabulary=vocal,
            accompaniment_vocabulary=accompaniment,
            dim=dim,
            layers=llama.value("num_hidden_layers", int),
            heads=heads,
            key_value_heads=llama.value("num_key_value_heads", int, heads),
            head_dim=llama.value("head_dim", int, dim // heads if heads > 0 else 0),
            feed_forward=llama.value("intermediate_size", int),
            rotary_base=llama.value("rope_theta", float, cls.rotary_base),
            norm_eps=llama.value("rms_norm_eps", float, cls.norm_eps),
            condition_mode=mode,
            attention_dropout=llama.value("attention_dropout", float, 0.0),
            initial_deviation=llama.value("initializer_range", float, cls.initial_deviation),
            rtd_head=ConfigSection(rtd, "loss.rtd").value("enabled", bool, False),
        )

    def to_mapping(self) -> dict[str, Any]:
        """The fields by name, as `from_mapping` reads them."""
        return values_of(self)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> PredictorConfig:
        """Read what `to_mapping` gave, also after a stay in JSON; a field that is left out has its default.

        Raises:
            InputError: an unknown field, or a value of another kind or that cannot work.
        """
        if declared := parameters_of(cls):
            declared.check(dict(values), "mask predictor")
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class SamplerConfig:
    """How an accompaniment is drawn from the predictor; the defaults are those of the authors' ``infer.py``.

    Attributes:
        steps: passes of the predictor.
        top_k: draw among the k likeliest tokens (ties kept); 0: among all.
        top_p: draw among the likeliest tokens that hold this share, applied before `top_k` and without the temperature;
            1: among all.
        temperature: of the tokens.
        mask_temperature: how much Gumbel noise is added to the log-confidence by which frames are kept; it falls
            linearly to 0 at the last pass.
        schedule: share of the frames that is masked again after a pass, by progress: ``cosine``, ``linear``, ``sqrt``,
            ``square``, ``cubic``, ``power:P``.
        ratios: these shares themselves, one per pass, never rising; they replace `schedule`.
        strategy: which frames are masked again: those of the lowest confidence, random ones, those whose position has
            the lowest hash, or none after a single pass.
        confidence: by what frames are kept, after the filters: the probability of the token that was drawn, as upstream
            has it, or of the likeliest, as the paper says.
        seed: of a run; each song's random numbers follow from it and the song's id.
        prefix_order: which condition is row 0: in the authors' inference the reference, in their training the text.
        draws: how tokens are drawn: ``portable`` gives the same on every device, ``multinomial`` what upstream gives on
            a device of the same kind.
        greedy: take the likeliest token instead of drawing one.
        causal: decode frame by frame, left to right, as the paper's autoregressive ablation does; only for models
            trained so. Then only `top_k`, `top_p`, `temperature`, `seed`, `prefix_order`, `draws` and `greedy` count.
    """

    steps: Annotated[int, Field(ge=1, le=10_000)] = 60
    top_k: Annotated[int, Field(ge=0)] = 100
    top_p: Annotated[float, Field(ge=0, le=1)] = 0.9
    temperature: Annotated[float, Field(gt=0, le=100)] = 1.0
    mask_temperature: Annotated[float, Field(ge=0, le=1000)] = 10.5
    schedule: str = "cosine"
    ratios: tuple[Annotated[float, Field(ge=0, le=1)], ...] | None = None
    strategy: Strategy = "low_confidence"
    confidence: Confidence = "drawn"
    seed: int = 13
    prefix_order: PrefixOrder = "reference_first"
    draws: DrawMethod = "portable"
    greedy: bool = False
    causal: bool = False

    def __post_init__(self) -> None:
        """Refuse values of another kind or outside their range, naming the field."""
        _check_sampler(values_of(self))
        schedule_of(self.schedule)
        if self.ratios is None:
            return
        if len(self.ratios) != self.steps:
            raise InputError(
                f"There are {len(self.ratios)} ratios for {self.steps} passes.",
                field="ratios",
                cure="Give one per pass.",
            )
        if any(later > earlier for earlier, later in zip(self.ratios, self.ratios[1:], strict=False)):
            raise InputError("The ratios rise, but a frame that was kept stays.", field="ratios")

    @property
    def remask_ratios(self) -> tuple[float, ...]:
        """The share of all frames that is masked again after each pass, 0 to 1; as many as there are passes."""
        if self.strategy == "one_shot":
            return (0.0,)
        if self.ratios is not None:
            return self.ratios
        schedule = schedule_of(self.schedule)
        return tuple(min(1.0, max(0.0, schedule((step + 1) / self.steps))) for step in range(self.steps))

    def changed(self, changes: Mapping[str, Any]) -> SamplerConfig:
        """The same with some values replaced.

        Raises:
            InputError: an unknown name, or a value of the wrong kind or outside its range.
        """
        _check_sampler({**values_of(self), **changes})
        ratios = changes.get("ratios")
        return replace(self, **{**changes, **({"ratios": tuple(ratios)} if ratios is not None else {})})


def _check_sampler(values: Mapping[str, Any]) -> None:
    if declared := parameters_of(SamplerConfig):
        declared.check(values, "system 'ladaband'")


@dataclass(frozen=True, kw_only=True)
class CodecConfig:
    """MuCodec's sizes, as its public code has them; those of its windows are in `systems.ladaband.codec.windows`.

    The encoder's own sizes are class defaults of MuQ, as the released file that holds them was not at hand.

    Attributes:
        vocabulary: rows of the codebook.
        code_dim: width of a row.
        feature_dim: width of the encoder's features.
        mel_rate: sample rate the encoder hears, in Hz.
        mel_fft: samples of its Fourier transform.
        mel_hop: samples between two of its frames.
        mel_bands: of its spectrogram, in dB.
        mel_mean: by which the spectrogram is shifted.
        mel_deviation: by which it is divided.
        encoder_channels: of the convolutions before the conformer.
        encoder_layers: of the conformer.
        encoder_level: which hidden state is quantised, 0 being the conformer's input (``codec_layer_num`` 7, minus 1).
        encoder_heads: attention heads of the conformer.
        encoder_feed_forward: hidden width of its feed-forward layers.
        encoder_kernel: of its depthwise convolutions.
        condition_dim: width of what the estimator is conditioned on, per code.
        latent_channels: of both audio channels' latents together.
        latent_bins: of the latents.
        estimator_layers: blocks of the flow-matching transformer.
        estimator_heads: its attention heads.
        estimator_head_dim: width of one.
        solver_steps: Euler steps per window.
        guidance: of the solver; 1 is none.
    """

    vocabulary: int = 16384
    code_dim: int = 32
    feature_dim: int = 1024
    mel_rate: int = 24_000
    mel_fft: int = 2048
    mel_hop: int = 240
    mel_bands: int = 128
    mel_mean: float = 6.768444971712967
    mel_deviation: float = 18.417922652295623
    encoder_channels: int = 512
    encoder_layers: int = 12
    encoder_level: int = 6
    encoder_heads: int = 16
    encoder_feed_forward: int = 4096
    encoder_kernel: int = 31
    condition_dim: int = 512
    latent_channels: int = 32
    latent_bins: int = 32
    estimator_layers: int = 24
    estimator_heads: int = 22
    estimator_head_dim: int = 72
    solver_steps: int = 20
    guidance: float = 1.5

    def __post_init__(self) -> None:
        """Refuse sizes that cannot work."""
        check_positive(self, *(name for name in values_of(self) if name != "encoder_level"))

    @property
    def encoder(self) -> MuqSizes:
        """Sizes of the encoder."""
        return MuqSizes(
            mel_rate=self.mel_rate,
            mel_fft=self.mel_fft,
            mel_hop=self.mel_hop,
            mel_bands=self.mel_bands,
            mel_mean=self.mel_mean,
            mel_deviation=self.mel_deviation,
            channels=self.encoder_channels,
            width=self.feature_dim,
            layers=self.encoder_layers,
            heads=self.encoder_heads,
            feed_forward=self.encoder_feed_forward,
            kernel=self.encoder_kernel,
        )

    @property
    def estimator_dim(self) -> int:
        """Width of the flow-matching transformer."""
        return self.estimator_heads * self.estimator_head_dim


@dataclass(frozen=True, kw_only=True)
class LadaBandConfig:
    """A model with the settings it is run with.

    Attributes:
        name: of the model.
        predictor: its sizes.
        sampler: how accompaniments are drawn.
        codec: MuCodec's sizes.
        trained_seconds: the longest window it was trained on, in seconds; longer vocals work, but were never seen.
    """

    name: str
    predictor: PredictorConfig = field(default_factory=PredictorConfig)
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    codec: CodecConfig = field(default_factory=CodecConfig)
    trained_seconds: float = 163.84


_1B = PredictorConfig()

PRESETS = {
    # infer_1B.yaml: the released model, 1,041,837,057 numbers (the file is called lada_band_lm1B_total3B.ckpt).
    "1b": LadaBandConfig(name="ladaband_1b", predictor=_1B),
    # s1_config_3B.yaml and s2_config_3B.yaml, 2,921,783,809 numbers; no weights are released.
    "3b": LadaBandConfig(
        name="ladaband_3b",
        predictor=replace(_1B, dim=3072, layers=28, heads=24, key_value_heads=8, head_dim=128, feed_forward=8192),
    ),
    # The paper's half-size ablation: the 1B model with 8 layers, 555,265,025 numbers; no weights are released.
    "0.5b": LadaBandConfig(name="ladaband_0.5b", predictor=replace(_1B, layers=8)),
    # Our own, for tests and teaching: it learns a few songs by heart in a minute on a CPU.
    "tiny": LadaBandConfig(
        name="ladaband_tiny",
        predictor=replace(
            _1B,
            vocal_vocabulary=1024,
            accompaniment_vocabulary=1024,
            dim=128,
            layers=2,
            heads=4,
            key_value_heads=2,
            head_dim=32,
            feed_forward=384,
            attention_dropout=0.0,
        ),
        trained_seconds=40.96,
    ),
}
"""Configurations by name. A checkpoint's own sizes win over these."""
