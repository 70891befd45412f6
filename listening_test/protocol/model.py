"""What a protocol file may say. Every field has a default that a careful experimenter would choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from songbench.domain.checking import Flag, Number, Schema, Whole
from songbench.domain.hashing import content_key
from songbench.domain.tags import SectionTag

Form = Literal["acr", "preference", "ccr", "multistimulus", "mushra"]
FORMS: tuple[str, ...] = get_args(Form)
"""How a rater answers.

- ``acr``: one song a page, one or more scales of labelled points (ITU-T P.800 absolute category rating).
- ``preference``: two songs of the same lyrics a page: first, second, no difference, both bad.
- ``ccr``: two songs a page, the second compared with the first from -3 to +3 (ITU-T P.800 comparison category rating).
- ``multistimulus``: several songs of the same lyrics a page, 0 to 100 each, no reference (ITU-R BS.2132).
- ``mushra``: several songs a page, 0 to 100 each, against an open reference that is also hidden among them
  (ITU-R BS.1534). Only where a true reference exists.
"""

Language: TypeAlias = Literal["en", "zh"]
LANGUAGES: tuple[str, ...] = get_args(Language)

ANCHORS = ("lowpass-3500", "lowpass-7000", "mp3-64k", "other-words", "reference-song")
"""Hidden anchors that `create` can make: two low-passes and a low bit rate of a real or generated song, a song sung to
other words than those shown, the prompt's reference song."""


def _localize(value: object) -> object:
    return {"en": value} if isinstance(value, str) else value


Localized: TypeAlias = Annotated[Mapping[str, str], BeforeValidator(_localize)]
"""A text per language of the page; a bare string is English. A missing language falls back to English."""


def localized(text: Mapping[str, str], language: str) -> str:
    """The text in this language, else in English, else in whatever there is; "" for no text at all."""
    return text.get(language) or text.get("en") or next(iter(text.values()), "")


class Scale(Schema):
    """One question about a song, or about a pair of songs.

    Attributes:
        id: the name in tables, e.g. ``MUS-V``.
        label: a few words for the rater; the question in full goes into `question`.
        question: what exactly to judge.
        points: ``acr`` and ``ccr``: the label of every point. Continuous forms: of every fifth of the scale, from the
            bottom (keys 0 to 4).
        not_applicable: whether the rater may say that the question does not apply. That is an answer, not a zero.
        only_with: ``prompt_audio``: ask only where the song was made from a sound prompt that the rater can hear.
    """

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,23}$")]
    label: Localized
    question: Localized = Field(default_factory=dict)
    points: Mapping[int, Localized] = Field(default_factory=dict)
    not_applicable: Flag = False
    only_with: Literal["prompt_audio"] | None = None


class Excerpt(Schema):
    """Which part of a song is played; the same rule for every system, never a choice by ear.

    Attributes:
        rule: ``whole`` song; ``section``: the song's own n-th section with a tag; ``window``: a fixed place.
        tag: of the section.
        occurrence: 1 for the first section of that tag.
        start: of the window, in seconds.
        seconds: the longest an excerpt may be; None: as long as the song or the section. Where a system does not say
            where its sections lie, their place follows from the lyrics' share of syllables, and the record says so.
    """

    rule: Literal["whole", "section", "window"] = "whole"
    tag: SectionTag = "chorus"
    occurrence: Annotated[Whole, Field(ge=1)] = 1
    start: Annotated[Number, Field(ge=0)] = 0.0
    seconds: Annotated[Number, Field(gt=0)] | None = None


class Items(Schema):
    """Which songs are judged.

    Attributes:
        systems: names; empty: every system of the run that is not a sanity system.
        prompts: ids; empty: all.
        max_prompts: at most so many, drawn by the seed, spread over languages and genres.
        takes: numbers of the takes; each (prompt, take) is an item of its own.
        failures: a song that was not made: ``exclude`` it and report the rate beside the score, or count it as the
            ``worst`` answer of every scale.
    """

    systems: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    max_prompts: Annotated[Whole, Field(ge=1)] | None = None
    takes: tuple[Annotated[Whole, Field(ge=0)], ...] = (0,)
    failures: Literal["exclude", "worst"] = "exclude"


class Show(Schema):
    """What is shown beside the player; the vocal of track ``v2a`` and the style sample to be played."""

    lyrics: Flag = True
    style: Flag = False
    prompt_audio: Flag = False
    vocal: Flag = False


class Listening(Schema):
    """How the audio is prepared and how much of it must be heard.

    Attributes:
        loudness: every stimulus is brought to this level, in LUFS (ITU-R BS.1770-4 integrated loudness). Where that
            would push the true peak above `true_peak`, all stimuli are brought to a lower common level instead.
        true_peak: ceiling in dBTP.
        rate: of every stimulus, in Hz.
        format: of every stimulus.
        minimum_seconds: of each stimulus that must have been heard before it can be rated; the stimulus' own length
            where that is shorter.
        minimum_share: of each stimulus, in [0, 1]; the larger of the two holds.
        comments: whether a rater may add a remark to each page.
    """

    loudness: Annotated[Number, Field(ge=-40, le=-9)] = -23.0
    true_peak: Annotated[Number, Field(ge=-9, le=0)] = -1.0
    rate: Literal[24000, 32000, 44100, 48000] = 44100
    format: Literal["flac", "wav"] = "flac"
    minimum_seconds: Annotated[Number, Field(ge=0, le=600)] = 10.0
    minimum_share: Annotated[Number, Field(ge=0, le=1)] = 0.0
    comments: Flag = True


class Question(Schema):
    """One question about the rater, asked once. Answers are covariates, never filters."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
    label: Localized
    options: Annotated[Mapping[str, Localized], Field(min_length=1)]


class Checks(Schema):
    """What shows whether the answers can be trusted.

    Attributes:
        sound_check: a page on which the rater sets the volume.
        headphone_check: trials of the antiphase test (Woods et al. 2017), 0 for none. Never shuts anyone out while the
            test runs; screening looks at it.
        training: practice pages before the test, of songs that are not in it.
        traps: pages per rater on which a voice says which answer to give.
        repeats: pages shown twice, as a share of the test pages.
        repeat_distance: pages that lie at least between a page and its repetition.
        anchors: hidden anchors, of `ANCHORS`.
        break_every: pages between two suggestions to rest, 0 for none.
    """

    sound_check: Flag = True
    headphone_check: Annotated[Whole, Field(ge=0, le=12)] = 6
    training: Annotated[Whole, Field(ge=0, le=6)] = 2
    traps: Annotated[Whole, Field(ge=0, le=4)] = 2
    repeats: Annotated[Number, Field(ge=0, le=0.5)] = 0.1
    repeat_distance: Annotated[Whole, Field(ge=1)] = 5
    anchors: tuple[Literal["lowpass-3500", "lowpass-7000", "mp3-64k", "other-words", "reference-song"], ...] = (
        "lowpass-3500",
    )
    break_every: Annotated[Whole, Field(ge=0)] = 12


class Raters(Schema):
    """How many take part and how much each hears.

    Attributes:
        planned: raters the assignment is balanced for; a later one starts the assignment anew.
        pages: test pages per rater without anchors, traps and repeats; None: what fits into `minutes`.
        minutes: the longest a session should be.
        stimuli_per_page: ``multistimulus`` and ``mushra``: systems on one page; None: all of them, up to 8.
        lyrics_once: whether a rater meets each lyric once only (one system or one pair of it). Otherwise a rater meets
            each lyric at most once per system.
    """

    planned: Annotated[Whole, Field(ge=1, le=5000)] = 12
    pages: Annotated[Whole, Field(ge=1, le=500)] | None = None
    minutes: Annotated[Number, Field(gt=0, le=120)] = 25.0
    stimuli_per_page: Annotated[Whole, Field(ge=2, le=10)] | None = None
    lyrics_once: Flag = False


class Screening(Schema):
    """Who is left out of the main analysis. A rule that is None is not applied; results are also given without any.

    Attributes:
        traps_wrong: more wrong traps than this.
        headphones_correct: fewer correct answers of the headphone check than this.
        repeat_deviation: a mean absolute difference between first and second answers that is larger, as a share of the
            scale, by more than chance explains (1.645 standard errors over pages; ``preference``: from 3 pages on, and
            0.5 is what guessing gives).
        minimum_sd: a smaller standard deviation of all answers, as a share of the scale.
        side_bias: pairs: a larger share of decisions for the same side, ties left out; from 10 decisions on.
        anchor_violations: a larger share of anchors rated above the rater's own mean of the systems, or preferred to
            songs; from 2 anchors on. Only of anchors that are worse by any question: not ``mp3-64k``, ``other-words``
            and ``reference-song``.
        agreement: a smaller correlation with what the others lead to expect, over everything judged (leave-one-out),
            that is also 2 standard errors below the median rater's; needs 6 raters.
        reference_below_90: ``mushra``: hidden reference below 90 on a larger share of pages (BS.1534).
        anchor_above_90: ``mushra``: lower anchor above 90 on a larger share of pages (BS.1534).
        incomplete: a smaller share of the test pages answered.
    """

    traps_wrong: Annotated[Whole, Field(ge=0)] | None = 0
    headphones_correct: Annotated[Whole, Field(ge=0)] | None = None
    repeat_deviation: Annotated[Number, Field(gt=0, le=1)] | None = 0.3
    minimum_sd: Annotated[Number, Field(gt=0, le=1)] | None = 0.05
    side_bias: Annotated[Number, Field(ge=0.5, le=1)] | None = 0.9
    anchor_violations: Annotated[Number, Field(ge=0, le=1)] | None = 0.5
    agreement: Annotated[Number, Field(ge=-1, le=1)] | None = 0.1
    reference_below_90: Annotated[Number, Field(ge=0, le=1)] | None = 0.15
    anchor_above_90: Annotated[Number, Field(ge=0, le=1)] | None = 0.15
    incomplete: Annotated[Number, Field(ge=0, le=1)] | None = 0.5


class Analysis(Schema):
    """What the report will conclude from.

    Attributes:
        confidence: of every interval; pairs differ below a Holm-adjusted p of 1 - confidence.
        margin: the difference below which two systems count as equal, in points of the scale (TOST).
        primary: the scale whose result orders the report; "" for the first.
        pairs: which differences are declared: ``all``, or lists of two names. Holm corrects over these.
    """

    confidence: Annotated[Number, Field(gt=0.5, lt=1)] = 0.95
    margin: Annotated[Number, Field(gt=0)] | None = None
    primary: str = ""
    pairs: Literal["all"] | tuple[tuple[str, str], ...] = "all"


class Protocol(Schema):
    """A listening test as declared.

    Attributes:
        schema_version: of the protocol file; 1.
        name: short, for folders and tables.
        title: shown to raters; says nothing about systems.
        source: where the questionnaire comes from.
        form: how a rater answers.
        tracks: of the runs that its questions fit. In track ``v2a`` everything that is judged is a mix of vocal and
            accompaniment by `songbench.domain.mixing.MIX_RULE`, the true accompaniment included.
        scales: at least one; ``preference`` and ``ccr`` ask each of them about the pair.
        excerpts: one or more; each (song, excerpt) is a stimulus of its own.
        languages: of the page; a rater chooses.
        consent: shown first; {} for the standard text.
        contact: whom a rater can write to; shown with the consent.
        background: questions about the rater; None for the standard ones (musical training, listening device).
        seed: of everything drawn.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    title: Localized = Field(default_factory=dict)
    source: str = ""
    form: Form
    tracks: Annotated[tuple[Literal["song", "v2a"], ...], Field(min_length=1)] = ("song",)
    scales: Annotated[tuple[Scale, ...], Field(min_length=1, max_length=12)]
    excerpts: Annotated[tuple[Excerpt, ...], Field(min_length=1)] = (Excerpt(),)
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("en", "zh")
    consent: Localized = Field(default_factory=dict)
    contact: str = ""
    background: tuple[Question, ...] | None = None
    items: Items = Items()
    show: Show = Show()
    listening: Listening = Listening()
    checks: Checks = Checks()
    raters: Raters = Raters()
    screening: Screening = Screening()
    analysis: Analysis = Analysis()
    seed: Annotated[Whole, Field(ge=0, le=2**63 - 1)] = 0

    model_config = ConfigDict(populate_by_name=True)

    @model_validator(mode="after")
    def _consistent(self) -> Protocol:
        ids = [scale.id for scale in self.scales]
        if len(set(ids)) < len(ids):
            raise ValueError(f"the ids of scales must differ, found {', '.join(ids)}")
        for scale in self.scales:
            points = {"acr": None, "ccr": set(range(-3, 4))}.get(self.form, set())
            if self.form == "acr" and (
                len(scale.points) < 2 or sorted(scale.points) != list(range(min(scale.points), max(scale.points) + 1))
            ):
                raise ValueError(f"scale {scale.id}: 'acr' needs two or more points without a gap, e.g. 1 to 5")
            if self.form == "ccr" and set(scale.points) != points:
                raise ValueError(f"scale {scale.id}: 'ccr' needs a label for each of the points -3 to 3")
            if self.form in ("multistimulus", "mushra") and scale.points and set(scale.points) != set(range(5)):
                raise ValueError(f"scale {scale.id}: a continuous scale has labels 0 to 4, one per fifth, or none")
            if self.form == "preference" and scale.points:
                raise ValueError(f"scale {scale.id}: 'preference' has fixed answers; leave 'points' out")
        question_ids = [question.id for question in self.background or ()]
        if len(set(question_ids)) < len(question_ids):
            raise ValueError(f"the ids of background questions must differ, found {', '.join(question_ids)}")
        if self.analysis.primary and self.analysis.primary not in ids:
            raise ValueError(f"analysis.primary '{self.analysis.primary}' is none of the scales {', '.join(ids)}")
        if any(scale.only_with == "prompt_audio" for scale in self.scales) and not self.show.prompt_audio:
            raise ValueError("a scale is asked only with the sound prompt; set show.prompt_audio to true")
        if self.show.vocal and "v2a" not in self.tracks:
            raise ValueError("only prompts of the track v2a have a vocal to show; add v2a to tracks")
        return self

    @property
    def pairwise(self) -> bool:
        """Whether an answer is about two songs."""
        return self.form in ("preference", "ccr")

    @property
    def continuous(self) -> bool:
        """Whether answers are 0 to 100."""
        return self.form in ("multistimulus", "mushra")

    @property
    def primary(self) -> str:
        """The scale whose result orders the report."""
        return self.analysis.primary or self.scales[0].id

    def scale(self, name: str) -> Scale:
        """The scale with this id.

        Raises:
            KeyError: for any other.
        """
        return {scale.id: scale for scale in self.scales}[name]

    def range(self, name: str) -> tuple[float, float]:
        """Lowest and highest value of a scale; ``preference``: -1 (first better) to 1 (second better)."""
        if self.continuous:
            return 0.0, 100.0
        if self.form == "preference":
            return -1.0, 1.0
        points = self.scale(name).points
        return float(min(points)), float(max(points))

    def to_json(self) -> dict[str, Any]:
        """Every field, defaults included; `Protocol.model_validate` reads it back.

        What came with the track ``v2a`` stands there only where it is used, so that older protocols keep their digest.
        """
        fields = self.model_dump(mode="json", by_alias=True)
        if self.tracks == ("song",):
            del fields["tracks"]
        if not self.show.vocal:
            del fields["show"]["vocal"]
        return fields

    def digest(self) -> str:
        """The sha256 of the whole protocol: what was declared before data."""
        return content_key("listening protocol", self.to_json())
