"""Cards: the facts about a system or metric that listings, plans and tables need without loading a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Literal, TypeAlias

from songbench.domain.hashing import Json

Direction: TypeAlias = Literal["higher", "lower", "none"]

ASPECTS: Mapping[str, str] = {
    "words": "which words can be heard, and in which order",
    "sound": "noise, distortion, bandwidth: how cleanly it sounds",
    "voice": "whether there is a voice at all",
    "pitch": "whether the voice is in tune with the band",
    "timing": "whether it keeps time",
    "form": "which sections there are, and in which order",
    "style": "whether it resembles the prompt or the reference",
    "originality": "whether it is more than a copy of the prompt",
    "level": "how loud it is",
    "stereo": "how wide it is",
}
"""What of a song a metric can react to: the vocabulary of `MetricCard.hears` and of ``songbench validate-metrics``."""


@dataclass(frozen=True)
class Availability:
    """Whether something can run here, and if not, how to get it.

    Attributes:
        ready: whether it can run now.
        reason: what is missing.
        cure: the command or step that makes it ready, e.g. ``songbench setup whisper-base``.
    """

    ready: bool
    reason: str = ""
    cure: str = ""


READY = Availability(True)


def unavailable(reason: str, cure: str) -> Availability:
    """Not ready.

    Args:
        reason: what is missing, as a clause.
        cure: the command or step that makes it ready.
    """
    return Availability(False, reason, cure)


@dataclass(frozen=True)
class Dependence:
    """That a system depends on a model which may also judge it.

    Attributes:
        family: of the model, e.g. ``muq-mulan``; metrics name it in `MetricCard.models`.
        how: one clause that follows "does not judge … fairly:", e.g. "conditioned on this very encoder".
    """

    family: str
    how: str

    def __str__(self) -> str:
        return f"{self.family} ({self.how})"


@dataclass(frozen=True)
class Pitfall:
    """Something that goes wrong in silence when a system is used as it comes.

    Attributes:
        pitfall: what it is, one sentence.
        handling: what is done about it here, one sentence.
    """

    pitfall: str
    handling: str

    def __str__(self) -> str:
        return f"{self.pitfall} {self.handling}"


SEED_RULES: Mapping[str, str] = {
    "": "not said",
    "honoured": "an option of its own",
    "not promised": "an option of its own, and whether the same seed gives the same song is not promised",
    "set by the worker": "no option; all generators are seeded from outside before each song",
    "not reachable": "cannot be set; each song is another one",
}
"""How a system takes the seed of a request: `SystemCard.seed_rule`."""

VOCAL_RULES: Mapping[str, str] = {
    "": "not said",
    "left out": "the accompaniment alone",
    "mixed in": "a mix: the vocal that was given sounds in it",
    "sung anew": "a mix: a voice of its own sounds in it",
    "not known": "accompaniment; whether a voice sounds in it, its authors do not say",
}
"""What becomes of the vocal in what a system of the track ``v2a`` gives: `SystemCard.vocal_rule`."""


@dataclass(frozen=True, kw_only=True)
class SystemCard:
    """A song generator, described.

    Attributes:
        name: the row in the leaderboard.
        version: changes whenever the same request would give other samples; part of every song's key.
        summary: one sentence.
        licence: of code and weights.
        languages: what it can sing; empty: it does not look at the words.
        conditions: which of ``vocal``, ``lyrics``, ``style text``, ``prompt audio`` it takes; sanity systems also
            ``reference song``, ``another reference song``.
        vocals: whether it sings.
        max_seconds: the longest song, or None.
        sample_rate: of its output, or None when it varies.
        needs: what must be installed or fetched, by name.
        citation: paper or address.
        sanity: whether it is an anchor of the scale rather than a competitor (noise, silence, copies).
        ceiling: for a sanity system: whether competitors are expected to lose against it (the reference songs).
        tracks: which tracks it can enter.
        track_variants: variants of it that enter other tracks, as users write them, such as ``NAME:VARIANT``.
        depends_on: models that it was conditioned on, tuned to or trained with and that may also judge it.
        upstream: other people's code or service behind it, as ``OWNER/REPOSITORY@COMMIT`` or an address.
        code_licence: of that code.
        weights_licence: of its weights.
        style_rule: which style it takes where its conditions do not say it: e.g. "text or audio, not both".
        lyric_rules: how it wants its lyrics, one sentence each.
        length_rule: how the length of a song comes about, one clause.
        vocal_rule: track ``v2a``: one of `VOCAL_RULES`.
        stems: the parts it gives beside the mix.
        seed_rule: one of `SEED_RULES`.
        vram_gib: device memory that it needs, in GiB, as its authors or users say; None: not known.
        output: what it writes, e.g. ``WAV, 44.1 kHz, stereo, 16 bit``.
        pitfalls: what goes wrong in silence when it is used as it comes, and what is done about it here.
        verified: against what its adapter was tried, and how, one sentence.
    """

    name: str
    version: str
    summary: str
    licence: str
    languages: tuple[str, ...] = ("en",)
    conditions: tuple[str, ...] = ("lyrics",)
    vocals: bool = True
    max_seconds: float | None = None
    sample_rate: int | None = None
    needs: tuple[str, ...] = ()
    citation: str = ""
    sanity: bool = False
    ceiling: bool = False
    tracks: tuple[str, ...] = ("song",)
    track_variants: tuple[str, ...] = ()
    depends_on: tuple[Dependence, ...] = ()
    upstream: str = ""
    code_licence: str = ""
    weights_licence: str = ""
    style_rule: str = ""
    lyric_rules: tuple[str, ...] = ()
    length_rule: str = ""
    vocal_rule: str = ""
    stems: tuple[str, ...] = ()
    seed_rule: str = ""
    vram_gib: float | None = None
    output: str = ""
    pitfalls: tuple[Pitfall, ...] = ()
    verified: str = ""


UPSTREAM_FACTS = frozenset(
    (
        *("upstream", "code_licence", "weights_licence", "style_rule", "lyric_rules", "length_rule", "stems"),
        *("vocal_rule", "seed_rule", "vram_gib", "output", "pitfalls", "verified", "track_variants"),
    )
)
"""The facts that only the cards of other people's generators have; others leave them out of what they write."""


@dataclass(frozen=True)
class Field:
    """One number of a metric.

    Attributes:
        name: short, as in tables.
        unit: e.g. ``%``, ``LUFS``, ``dB``; "" for none.
        direction: ``higher`` or ``lower`` is better, or ``none``: descriptive, never ranked.
        low: the smallest value it can take, or None.
        high: the largest value it can take, or None.
        decimals: how many to print.
        description: one sentence.
        headline: whether it has a column in the printed table (all fields are in the CSV and JSON).
        hears: which `ASPECTS` this field should react to; None: those of its metric; empty: it only describes.
    """

    name: str
    _: KW_ONLY
    unit: str = ""
    direction: Direction = "none"
    low: float | None = None
    high: float | None = None
    decimals: int = 2
    description: str = ""
    headline: bool = True
    hears: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Procedure:
    """How a model is asked, precisely enough to do it again elsewhere.

    Attributes:
        model: its id, e.g. ``m-a-p/MERT-v1-95M``.
        revision: the commit or checkpoint, or where it is recorded.
        layer: which of its outputs.
        rate: of the audio it is given, e.g. ``24 kHz mono``.
        window: what it is given at once and how far that moves, e.g. ``10 s, hop 1 s, last one padded with zeros``.
        pooling: how windows or frames become the song's number or vectors.
        formula: from there to the number.
        loudness: to which level the audio is brought first; ``as it is`` where it is not.
    """

    model: str
    revision: str = ""
    layer: str = ""
    rate: str = ""
    window: str = ""
    pooling: str = ""
    formula: str = ""
    loudness: str = "as it is"

    def __str__(self) -> str:
        return "; ".join(f"{name}: {value}" for name, value in vars(self).items() if value)


@dataclass(frozen=True)
class ModelFamily:
    """A model that judges, so that systems which depend on it are not judged fairly.

    Attributes:
        family: its name, the same for all sizes and checkpoints, e.g. ``muq``; systems name it in `Dependence.family`.
        part: what it is in a larger model, as it ends a sentence about a system, e.g. "the encoder inside"; "" where it
            is the judging model itself.
    """

    family: str
    part: str = ""


@dataclass(frozen=True, kw_only=True)
class MetricCard:
    """A metric with its backend, described.

    Attributes:
        name: what is measured, e.g. ``per``.
        backend: what measures it, e.g. ``whisper-base-stem``; "" for plain signal facts. Two backends are two columns.
        version: changes whenever the same audio would give another number; part of every score's key.
        fields: the numbers it gives.
        summary: one sentence.
        limits: what the number does not mean.
        citation: where the definition comes from.
        licence: of the model behind it.
        needs: weights or packages by name.
        languages: languages it can judge; empty: any.
        reference: whether it is the backend papers use (else an embedded stand-in that runs anywhere).
        tracks: which tracks it judges.
        hears: which `ASPECTS` of a song it should react to; empty: its author does not say.
        procedure: how its model is asked, or None where there is no model.
        models: the model families that judge. Systems that depend on one of them cannot be judged fairly
            (`songbench.contracts.conflicts`).
        verified: how its numbers were compared with those of the upstream package, and with which outcome.
        compares_lyrics: whether it compares a song with what it should sing. Songs of which nobody says that are not
            given to it.
        mono: whether it is computed from the mean of the mix's channels alone. Songs whose channels cancel each other
            there are not given to it.
        repeats: set metrics: whether a recording that stands under several ids counts each time, as it must where
            sameness is what is measured; else it is given to it once.
    """

    name: str
    backend: str
    version: str
    fields: tuple[Field, ...]
    summary: str
    limits: str = ""
    citation: str = ""
    licence: str = ""
    needs: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    reference: bool = False
    tracks: tuple[str, ...] = ("song",)
    hears: tuple[str, ...] = ()
    procedure: Procedure | None = None
    models: tuple[ModelFamily, ...] = ()
    verified: str = ""
    mono: bool = False
    compares_lyrics: bool = False
    repeats: bool = False

    @property
    def id(self) -> str:
        """``name@backend``, or the bare name where there is no backend."""
        return f"{self.name}@{self.backend}" if self.backend else self.name

    def column(self, field: str) -> str:
        """The heading of a field's column: ``field@backend``."""
        return f"{field}@{self.backend}" if self.backend else field

    def identity(self) -> dict[str, Json]:
        """What a score's key takes from the card."""
        return {"metric": self.name, "backend": self.backend, "version": self.version}
