"""FAD by the package fadtk itself, in an environment of its own: the yardstick for our FAD on the same embeddings."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from metrics.fad import MERT_FAMILY
from metrics.fadtk_environment import FADTK, SCRIPT
from metrics.features.laion_clap import CLAP_MUSIC
from metrics.features.mert import MERT_95M
from metrics.features.models import require
from songbench.domain.errors import InputError
from songbench.domain.hashing import Json, derived_seed
from songbench.domain.score import NotApplicable, Scores
from songbench.domain.song import Failure, Song
from songbench.plugin import (
    Availability,
    Extractor,
    Features,
    Field,
    MetricCard,
    ModelFamily,
    Procedure,
    Verdict,
    leave_out,
    with_left_out,
)
from songbench.resources import needs
from songbench.resources.environments import IsolatedWorker, IsolationError, write_wav
from songbench.resources.weights import WeightFile, Weights

MERT_CODE = Weights(
    name="mert-v1-95m-code",
    version="1",
    summary="The Python code beside MERT-v1-95M on the hub, which fadtk runs; only in its own environment.",
    licence="CC BY-NC 4.0",
    files=(WeightFile("configuration_MERT.py", about=5_300), WeightFile("modeling_MERT.py", about=18_000)),
    sources=MERT_95M.sources,
    restricted=True,
)

TIMEOUT_SECONDS = 3600.0
"""For one song, or for the comparison: two decompositions of a 768 × 768 matrix per point of FAD-infinity."""

_LIMITS = (
    "For checking songbench's own FAD against the package, not for everyday use: slow, as every system's run embeds the"
    " reference songs again, and a whole set is one unit of work (raise engine.timeout_s). No interval. fadtk keeps"
    " embeddings as float16 and takes their mean in that precision, resamples to 16-bit files, and treats the frames of"
    " a song as independent samples; its FAD-infinity extrapolates over frames, is drawn at random (here from a fixed"
    " seed) and is absent at 500 frames or fewer. Few songs inflate the distance."
)
_CITATION = "Gui et al., Adapting Fréchet Audio Distance for Generative Music Evaluation, ICASSP 2024; fadtk 1.1.0"


def _card(
    backend: str,
    summary: str,
    licence: str,
    weights: Sequence[Weights],
    procedure: Procedure,
    verified: str,
    models: tuple[ModelFamily, ...] = (),
) -> MetricCard:
    return MetricCard(
        name="fad",
        backend=backend,
        version="2",
        fields=(
            Field(
                "fad",
                unit="",
                direction="lower",
                decimals=3,
                description="fadtk's score, from all frames of all songs.",
            ),
            Field(
                "fad_inf",
                unit="",
                direction="lower",
                decimals=3,
                description="fadtk's score_inf: extrapolated to infinitely many frames, may fall below 0.",
                headline=False,
            ),
        ),
        summary=summary,
        limits=_LIMITS,
        citation=_CITATION,
        licence=licence,
        needs=(FADTK.name, *(one.name for one in weights)),
        reference=True,
        tracks=("song", "v2a"),
        hears=("sound", "style"),
        mono=True,
        procedure=procedure,
        models=models,
        verified=verified,
    )


_FORMULA = "squared Fréchet distance of Gaussians over all frames of each set, by fadtk 1.1.0"

MERT_CARD = _card(
    "fadtk-mert-v1-95m",
    "Fréchet distance to the reference on frames of MERT-v1-95M, computed by fadtk itself (its model MERT-v1-95M).",
    "MIT (fadtk); CC BY-NC 4.0 (MERT)",
    (MERT_95M, MERT_CODE),
    Procedure(
        model="m-a-p/MERT-v1-95M",
        revision=f"of the weights {MERT_95M.name}",
        layer="12, the last",
        rate="24 kHz mono, 16 bit",
        window="the whole song, at most 6 minutes",
        pooling="none: 75 frames a second, each a sample",
        formula=_FORMULA,
    ),
    "Against fadtk 1.1.0 called directly on the same files and a small MERT of random weights: fad and fad_inf equal to"
    " 1e-6 of their value with the same numpy, to 2e-6 with the one it asks for. Not with the published weights.",
    (MERT_FAMILY,),
)

CLAP_CARD = _card(
    "fadtk-clap-laion-music",
    "Fréchet distance to the reference on LAION-CLAP's music embeddings, computed by fadtk itself.",
    f"MIT (fadtk); {CLAP_MUSIC.licence} (CLAP)",
    (CLAP_MUSIC,),
    Procedure(
        model="lukewys/laion_clap, music_audioset_epoch_15_esc_90.14.pt",
        revision=f"of the weights {CLAP_MUSIC.name}",
        layer="the projected audio embedding",
        rate="48 kHz mono, 16 bit",
        window="10 s, hop 1 s, the last nine padded with zeros",
        pooling="none: each window a sample",
        formula=_FORMULA,
    ),
    "The model is built, key by key, from a random checkpoint of full size. Not run with the published weights.",
)


@dataclass(frozen=True, kw_only=True)
class FadtkDistance:
    """A `SetMetric` whose numbers are those of fadtk's own `FrechetAudioDistance`.

    Attributes:
        card: what it is.
        model: as fadtk calls it.
        weights: what the model is built from.
        dimensions: of an embedding.
        extractors: none: fadtk embeds by itself, and songbench does not store what it makes.
    """

    card: MetricCard
    model: str
    weights: tuple[Weights, ...]
    dimensions: int
    extractors: tuple[Extractor, ...] = field(default=())

    def availability(self) -> Availability:
        """Whether the environment and the weights are here; of several that are missing, the first is told."""
        requirements: list[needs.Need] = [FADTK, *self.weights]
        states = [needs.availability(requirement) for requirement in requirements]
        return next((state for state in states if not state.ready), states[0])

    def score_set(self, songs: Sequence[Song], reference: Sequence[Song], features: Features) -> Verdict:
        """The distance of all songs to all reference songs.

        Returns:
            The scores, with the songs that cannot be embedded left out and named in the detail; or why there is nothing
            to compare; or the first failure, where fewer than half of a side are left.
        """
        for count, name in ((len(songs), "songs"), (len(reference), "reference songs")):
            if count < 2:
                return NotApplicable(f"a distance between sets needs at least 2 {name}; there are {count}")
        reference_digests = {song.source.digest for song in reference}
        if all(song.source.digest in reference_digests for song in songs):
            return NotApplicable("these are the reference songs themselves; the distance is 0 by construction")
        with tempfile.TemporaryDirectory(prefix="songbench-fad-") as folder:
            try:
                return self._compare(songs, reference, Path(folder))
            except IsolationError as error:
                return error.failure("score")

    def _compare(self, songs: Sequence[Song], reference: Sequence[Song], folder: Path) -> Verdict:
        detail: dict[str, Json] = {}
        left_out: dict[str, list[Mapping[str, Json]]] = {"songs": [], "reference": []}
        for name, side in (("songs", songs), ("reference", reference)):
            (folder / name).mkdir()
            frames, failures = 0, []
            for number, song in enumerate(side):
                embedded = self._embed(song, folder / name / f"{number:05d}.wav")
                if isinstance(embedded, Failure):
                    failures.append(embedded)
                    left_out[name].append(leave_out(song, embedded.cause, failed=True))
                else:
                    frames += embedded
            if failures and len(side) - len(failures) < max(2, len(side) / 2):
                return failures[0]
            detail["frames" if name == "songs" else "reference_frames"] = frames
        count = len(songs) - len(left_out["songs"])
        detail |= {
            "dimensions": self.dimensions,
            "songs": count,
            "reference_songs": len(reference) - len(left_out["reference"]),
        }
        seed = derived_seed("fadtk", count)
        places = {name: str(folder / name) for name in ("reference", "songs")}
        distance: Any = self._worker.call("distance", **places, seed=seed)
        values, missing = {"fad": distance["fad"]}, {}
        if distance["inf"]:
            values["fad_inf"] = distance["inf"]["score"]
        else:
            missing["fad_inf"] = "fadtk extrapolates from more than 500 frames only"
        detail |= {"fad_inf": distance["inf"], "seed": seed, "packages": dict(self._worker.packages)}
        scores = Scores(values=values, n=count, detail=detail, missing=missing)
        return with_left_out(scores, left_out["songs"], left_out["reference"])

    def _embed(self, song: Song, path: Path) -> int | Failure:
        """How many frames a song has; its embedding stays in the worker's folder."""
        try:
            counted: Any = self._worker.call("embed", file=str(write_wav(song.source, path)))
        except IsolationError as error:
            return error.failure("feature")
        except InputError as error:
            return Failure("feature", str(error))
        finally:
            path.unlink(missing_ok=True)  # its embedding is all that is needed from here on
        return int(counted)

    @cached_property
    def _worker(self) -> IsolatedWorker:
        folders = [str(require(weights)) for weights in self.weights]
        return IsolatedWorker(FADTK, SCRIPT, {"model": self.model, "weights": folders}, timeout_s=TIMEOUT_SECONDS)


def fad_fadtk_mert() -> FadtkDistance:
    """The entry point ``fad@fadtk-mert-v1-95m``."""
    return FadtkDistance(card=MERT_CARD, model="MERT-v1-95M", weights=(MERT_95M, MERT_CODE), dimensions=768)


def fad_fadtk_clap() -> FadtkDistance:
    """The entry point ``fad@fadtk-clap-laion-music``."""
    return FadtkDistance(card=CLAP_CARD, model="clap-laion-music", weights=(CLAP_MUSIC,), dimensions=512)
