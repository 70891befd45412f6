"""The released models of LeVo, and how its program goes by the name of the folder that a model lies in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT = "v2-large"


@dataclass(frozen=True, kw_only=True)
class LevoRelease:
    """A released model.

    Attributes:
        name: ours, after its authors' "SongGeneration-NAME".
        generation: 1 or 2; the program treats descriptions and full stops otherwise in the two.
        max_seconds: the longest song it makes.
        languages: that it sings, as its authors say.
        vram_gib: device memory without an audio prompt, as its authors' table says, which names no mode.
        vram_audio_gib: with one.
        normal_gib: the program takes its normal mode only on a device with more memory than that.
    """

    name: str
    generation: int
    max_seconds: float
    languages: tuple[str, ...]
    vram_gib: float
    vram_audio_gib: float
    normal_gib: float

    @property
    def folder(self) -> str:
        """The last part of the model's path. Any other name, an empty one included, is taken for generation 2."""
        return f"songgeneration_{self.name.replace('-', '_')}"

    @property
    def place(self) -> str:
        """Where the model lies in the work tree; without a slash at the end, which would leave the name empty."""
        return f"ckpt/{self.folder}"

    @property
    def weights(self) -> str:
        """The name of its weights."""
        return f"levo-{self.name}"


_BOTH = ("zh", "en", "mixed")

RELEASES: Mapping[str, LevoRelease] = {
    release.name: release
    for release in (
        LevoRelease(
            name="base",
            generation=1,
            max_seconds=150.0,
            languages=("zh",),
            vram_gib=10.0,
            vram_audio_gib=16.0,
            normal_gib=24.0,
        ),
        LevoRelease(
            name="base-new",
            generation=1,
            max_seconds=150.0,
            languages=_BOTH,
            vram_gib=10.0,
            vram_audio_gib=16.0,
            normal_gib=24.0,
        ),
        LevoRelease(
            name="base-full",
            generation=1,
            max_seconds=270.0,
            languages=_BOTH,
            vram_gib=12.0,
            vram_audio_gib=18.0,
            normal_gib=24.0,
        ),
        LevoRelease(
            name="large",
            generation=1,
            max_seconds=270.0,
            languages=_BOTH,
            vram_gib=22.0,
            vram_audio_gib=28.0,
            normal_gib=36.0,
        ),
        LevoRelease(
            name="v2-large",
            generation=2,
            max_seconds=270.0,
            languages=(*_BOTH, "es", "ja"),
            vram_gib=22.0,
            vram_audio_gib=28.0,
            normal_gib=32.0,
        ),
    )
}
"""By name, from the README and ``generate.py`` of the pinned commit."""
