"""What decides about prepared songs: settings, and the basis that all songs of a folder share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from songbench.domain.errors import InputError
from songbench.domain.hashing import bytes_digest
from systems.songbloom.config import SongBloomConfig
from systems.songbloom.text.vocabulary import EMPTY, SECTION_MARK
from systems.songbloom.training.data.dataset import vocabulary_digest
from systems.songbloom.training.data.latents import LatentEncoder
from systems.songbloom.training.data.records import PreparationBasis, Split
from systems.songbloom.training.tokenizer.contract import SketchTokenizer

_FEWEST_TO_HOLD_OUT = 5
"""Songs of which one is held out even if none is by its digest."""


@dataclass(frozen=True, kw_only=True)
class PreparationSettings:
    """What decides about prepared songs beside the checkpoint and the tokenizer.

    Attributes:
        validation: share of the songs that are held out, 0 to 1; which ones follows from the digests of their audio.
        half: latents are stored as float16, in half the room. By default they are float32, the encoder's own numbers:
            how fine the noise of a bottleneck is, and so what rounding would lose, depends on the autoencoder, and the
            room (46 MB an hour) is small beside that of the audio.
        seed: of the noise of the bottleneck.
    """

    validation: float = 0.05
    half: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        if not 0 <= self.validation <= 1:
            raise InputError(f"{self.validation:g} is no share.", field="--validation", cure="Choose 0 to 1.")


def basis_of(
    config: SongBloomConfig, encoder: LatentEncoder, tokenizer: SketchTokenizer | None, settings: PreparationSettings
) -> PreparationBasis:
    """What the songs of a folder are made with.

    Args:
        config: of the checkpoint.
        encoder: its autoencoder.
        tokenizer: None: all sketch tokens are given by the source, and are of the checkpoint's vocabulary.
        settings: everything else.
    """
    vocabulary = config.model.vocabulary
    return PreparationBasis(
        autoencoder=encoder.digest,
        tokenizer=tokenizer.name if tokenizer else "given tokens",
        tokenizer_digest=tokenizer.digest if tokenizer else "given tokens",
        sketch_vocabulary=tokenizer.vocabulary if tokenizer else config.model.sketch_vocabulary,
        vocabulary=vocabulary_digest(vocabulary),
        latent_channels=config.model.latent_channels,
        frame_rate=config.autoencoder.frame_rate,
        patch=config.model.patch,
        seconds_per_tag=config.seconds_per_tag,
        section_mark=vocabulary.id_of(SECTION_MARK),
        empty_symbol=vocabulary.id_of(EMPTY),
        latents="float16" if settings.half else "float32",
        validation=settings.validation,
        seed=settings.seed,
    )


def split_of(digest: str, validation: float) -> Split:
    """The split a song belongs to by the digest of its audio: always the same, whatever other songs there are.

    Args:
        digest: of its audio, hexadecimal.
        validation: share of the songs that are held out.
    """
    return "validation" if _draw(digest) / 2**32 < validation else "train"


def splits_of(digests: Sequence[str], validation: float) -> list[Split]:
    """The split of each of several songs: that by its own digest, unless nothing at all would be held out.

    Of five songs or more one is then held out nevertheless, unless nobody wants any: the one that the smallest share
    which holds out any song holds out, whatever their order. When songs are added that are held out by their own
    digests, it is trained on.

    Args:
        digests: of their audio, hexadecimal.
        validation: share of the songs that are held out.
    """
    splits: list[Split] = [split_of(digest, validation) for digest in digests]
    if validation > 0 and len(splits) >= _FEWEST_TO_HOLD_OUT and "validation" not in splits:
        splits[min(range(len(splits)), key=lambda song: (_draw(digests[song]), digests[song]))] = "validation"
    return splits


def _draw(digest: str) -> int:
    """Of a song, 0 to 2**32 - 1."""
    return int(bytes_digest(f"split {digest}".encode())[:8], 16)
