"""Audio to tokens and back, 25 of them a second: what LaDA-Band's predictor reads and writes.

`Codec` is what the system asks for. `mucodec` holds the released one (MuCodec, Xu et al. 2024, arXiv 2409.13216),
`blocks` a small one for tests and teaching. MuCodec in the order of its signal: `windows` (lengths, windows and
overlaps), `encoder` (what it hears through), `quantizer` (tokens), `latent_flow`, `estimator` and `solver` (tokens to
latents), `mel_decoder` and `vocoder` (latents to sound), `loading` (released files).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["Codec"]


@runtime_checkable
class Codec(Protocol):
    """Audio to tokens and back.

    Attributes:
        vocabulary: how many tokens there are; they are the numbers from 0 to ``vocabulary - 1``.
    """

    vocabulary: int

    def encode(self, samples: Tensor) -> Tensor:
        """The tokens of a song.

        Args:
            samples: shape (channels, n) with one or two channels, at 48 kHz, full scale ±1.

        Returns:
            Whole numbers (int64), shape (T,) with ``T = floor(25 · seconds) + 1``.

        Raises:
            InputError: the audio holds no samples, or more than two channels.
        """

    def decode(self, ids: Tensor, generator: torch.Generator, samples: int | None = None) -> Tensor:
        """The sound of a song's tokens.

        Args:
            ids: whole numbers, shape (T,), T >= 1.
            generator: where noise comes from, on the CPU; one per song, so that a song does not depend on others.
            samples: how long the result is, as tokens last up to 0.04 s longer than what they were made of; None: as
                long as the tokens.

        Returns:
            Shape (2, n), float32 on the CPU, at 48 kHz, about ±1.

        Raises:
            InputError: there are no tokens, or one that is not in the vocabulary.
        """

    def decode_songs(
        self, songs: Sequence[Tensor], generators: Sequence[torch.Generator], samples: Sequence[int | None] = ()
    ) -> list[Tensor]:
        """The sound of several songs, computed together: each as `decode` gives it but for rounding.

        Args:
            songs: tokens, each of shape (T,); lengths may differ.
            generators: one per song.
            samples: one length per song, as in `decode`; empty: each as long as its tokens.
        """
