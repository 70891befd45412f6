"""A vocal with its accompaniment as a source of audio."""

from __future__ import annotations

from dataclasses import dataclass

from songbench.domain.audio import Audio, AudioSource
from songbench.domain.hashing import content_key
from songbench.domain.mixing import MIX_RULE, mix_with_vocal


@dataclass(frozen=True)
class VocalMix:
    """A vocal and its accompaniment, mixed when they are loaded (an `AudioSource`).

    Attributes:
        vocal: what was given.
        accompaniment: what was made for it.
    """

    vocal: AudioSource
    accompaniment: AudioSource

    @property
    def digest(self) -> str:
        """Of both contents and the rule, which the mix follows from."""
        return content_key(MIX_RULE, self.vocal.digest, self.accompaniment.digest)

    def load(self) -> Audio:
        """The mix by `songbench.domain.mixing.MIX_RULE`.

        Raises:
            InputError: when one of the two cannot be decoded.
        """
        return mix_with_vocal(self.vocal.load(), self.accompaniment.load())
