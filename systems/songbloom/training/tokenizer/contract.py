"""What gives the sketch tokens of a song, and what a tokenizer of features and a codebook hears of it.

The authors' own tokenizer (a layer of MuQ and 16384 codes) is not published, so tokens of any other mean nothing to the
released weights: the embeddings and the classifier of sketch tokens must be trained anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from songbench.domain.audio import Audio


@runtime_checkable
class SketchTokenizer(Protocol):
    """Audio to one token per latent frame; the same audio always gives the same tokens."""

    @property
    def name(self) -> str:
        """For people, such as ``mel, 256 codes``."""

    @property
    def digest(self) -> str:
        """Equal for tokenizers that give equal tokens: a sha256 over everything that decides about them."""

    @property
    def vocabulary(self) -> int:
        """Number of tokens; they are 0 to ``vocabulary - 1``."""

    def tokens(self, audio: Audio, frames: int) -> Tensor:
        """The tokens of a song.

        Args:
            audio: the whole of it, any rate and channels.
            frames: latent frames that last as long as `audio`.

        Returns:
            int64, (frames,), on the CPU.
        """


@runtime_checkable
class SketchFeatures(Protocol):
    """Audio to one vector per latent frame."""

    @property
    def name(self) -> str:
        """As ``songbench train tokenizer --features`` takes it: ``mel``, ``muq:LAYER`` or ``mert:LAYER``."""

    @property
    def width(self) -> int:
        """Numbers per frame."""

    @property
    def identity(self) -> str:
        """The name and everything else that decides about the numbers, such as a version and the weights."""

    def vectors(self, audio: Audio, frames: int) -> Tensor:
        """The features of a song.

        Args:
            audio: the whole of it, any rate and channels.
            frames: latent frames that last as long as `audio`.

        Returns:
            float32, (frames, width), on the CPU.
        """
