"""A codec made of waveform blocks of 40 ms, for tests and teaching; it is no audio codec worth hearing.

A token names a row of a codebook and a gain: decoding writes the rows one after the other, without any overlap, and
encoding takes for each block the row and gain whose product is nearest. A codebook that holds the blocks of a set of
songs themselves (`from_blocks`) gives those songs back sample by sample; one by k-means (`from_k_means`) is smaller,
covers other songs too, and crackles at every block's edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from songbench.domain.errors import InputError
from songbench.resources.files import whole_path
from songbench.resources.tensors import is_finite
from systems.ladaband.codec.audio import check_ids, check_samples, fitted
from systems.ladaband.codec.windows import TOKEN_SAMPLES

FORMAT = "songbench block codec 1"
"""What the header of a file says."""

_CURE = "Write it with BlockCodec.save."
_CHUNK = 512
"""Blocks that are compared with the codebook at once."""


def blocks_of(samples: Tensor) -> Tensor:
    """Audio as blocks, the last one filled up with zeros.

    Args:
        samples: shape (channels, n) at 48 kHz, n >= 1.

    Returns:
        Shape (n // 1920 + 1, channels, 1920).
    """
    count = samples.shape[-1] // TOKEN_SAMPLES + 1
    padded = torch.nn.functional.pad(samples, (0, count * TOKEN_SAMPLES - samples.shape[-1]))
    blocks: Tensor = padded.unflatten(-1, (count, TOKEN_SAMPLES)).transpose(0, 1).contiguous()
    return blocks


class BlockCodec:
    """A vector quantiser of waveform blocks; see this module's text. It is a `systems.ladaband.codec.Codec`.

    Args:
        codebook: shape (rows, channels, 1920), float32, one or two channels; mono ones hear the mean of both
            channels and play on both.
        gains: what rows are multiplied by, shape (G,), float32; token ``row · G + g`` is row times gain.

    Raises:
        InputError: tensors of other shapes or types, or that are not finite.
    """

    def __init__(self, codebook: Tensor, gains: Tensor | None = None) -> None:
        gains = torch.ones(1) if gains is None else gains
        _check_codebook(codebook, gains)
        self.codebook, self.gains = codebook, gains
        self.vocabulary = len(codebook) * len(gains)

    @classmethod
    def from_blocks(cls, blocks: Tensor) -> BlockCodec:
        """A codec whose codebook is the blocks themselves, equal ones once, in the order of their first appearance.

        Args:
            blocks: shape (N, channels, 1920), N >= 1.
        """
        flat, places = blocks.flatten(1), dict[bytes, int]()
        for place, row in enumerate(flat):
            places.setdefault(row.numpy().tobytes(), place)
        return cls(blocks[list(places.values())].clone())

    @classmethod
    def from_k_means(
        cls, blocks: Tensor, rows: int, gains: int, generator: torch.Generator, iterations: int = 10
    ) -> BlockCodec:
        """A codec by k-means over the shapes of blocks, with gains spread over their loudness.

        Row 0 is silence. Shapes are blocks of root-mean-square 1; gains are quantiles of what that divided by.

        Args:
            blocks: shape (N, channels, 1920).
            rows: size of the codebook, 2 to one more than the number of blocks that are not silent.
            gains: how many, at least 1.
            generator: which blocks the search begins with.
            iterations: of k-means.

        Raises:
            InputError: too few blocks that are not silent.
        """
        flat = blocks.flatten(1)
        levels = flat.square().mean(1).sqrt()
        shapes = flat[levels > 0] / levels[levels > 0, None]
        if not 2 <= rows <= len(shapes) + 1:
            raise InputError(
                f"A codebook of {rows} rows cannot be made of {len(shapes)} blocks that are not silent.",
                cure="Give more audio, or 2 or more rows but fewer than that.",
            )
        centres = _k_means(shapes, rows - 1, generator, iterations)
        quantiles = torch.linspace(0, 1, gains + 2)[1:-1]
        codebook = torch.cat([torch.zeros(1, flat.shape[1]), centres]).reshape(-1, *blocks.shape[1:])
        return cls(codebook, torch.quantile(levels[levels > 0], quantiles))

    def encode(self, samples: Tensor) -> Tensor:
        """The nearest token of each block, shape (T,); see `Codec.encode`.

        Samples that are not finite count as zero; blocks compare by the sum of squared differences.
        """
        check_samples(samples)
        blocks = blocks_of(self._channels(samples.float().nan_to_num(0.0, 0.0, 0.0))).flatten(1)
        rows = self.codebook.flatten(1)
        energies = rows.square().sum(1)[:, None] * self.gains.square()  # (rows, G)
        ids = []
        for chunk in blocks.split(_CHUNK):
            likeness = (chunk @ rows.T)[..., None] * self.gains
            ids.append((energies - 2 * likeness).flatten(1).argmin(1))
        return torch.cat(ids)

    def decode(self, ids: Tensor, generator: torch.Generator, samples: int | None = None) -> Tensor:
        """The blocks of the tokens one after the other, shape (2, n); see `Codec.decode`. No noise is used."""
        check_ids(ids, self.vocabulary)
        ids = ids.cpu().long()
        blocks = self.codebook[ids // len(self.gains)] * self.gains[ids % len(self.gains)][:, None, None]
        return fitted(blocks.transpose(0, 1).flatten(1).expand(2, -1).clone(), samples)

    def decode_songs(
        self, songs: Sequence[Tensor], generators: Sequence[torch.Generator], samples: Sequence[int | None] = ()
    ) -> list[Tensor]:
        """Each song by `decode`."""
        lengths = samples or [None] * len(songs)
        return [self.decode(*parts) for parts in zip(songs, generators, lengths, strict=True)]

    def save(self, path: Path) -> Path:
        """Write the codec to one safetensors file: ``codebook``, ``gains``."""
        tensors = {"codebook": self.codebook.contiguous(), "gains": self.gains.contiguous()}
        with whole_path(path) as scratch:
            save_file(tensors, scratch, metadata={"format": FORMAT})
        return path

    @classmethod
    def load(cls, path: Path) -> BlockCodec:
        """The codec of a file that `save` wrote.

        Raises:
            InputError: the file is absent, damaged or something else.
        """
        try:
            with safe_open(path, framework="pt") as file:
                form = (file.metadata() or {}).get("format")
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
        except (OSError, SafetensorError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"The block codec cannot be read: {reason}.", file=str(path), cure=_CURE) from error
        if form != FORMAT or set(tensors) != {"codebook", "gains"}:
            raise InputError(
                f"This is not a block codec: its format is {form!r}, its tensors are {', '.join(sorted(tensors))}.",
                file=str(path),
                cure=_CURE,
            )
        try:
            return cls(tensors["codebook"], tensors["gains"])
        except InputError as error:
            raise error.located(file=str(path)) from None

    def _channels(self, samples: Tensor) -> Tensor:
        """The samples with as many channels as the codebook."""
        if self.codebook.shape[1] == 1:
            return samples.mean(0, keepdim=True)
        return samples.expand(2, -1)


def _check_codebook(codebook: Tensor, gains: Tensor) -> None:
    shape = list(codebook.shape)
    if codebook.ndim != 3 or not len(codebook) or codebook.shape[1] not in (1, 2) or shape[2] != TOKEN_SAMPLES:
        raise InputError(
            f"A codebook of blocks has the shape (rows, 1 or 2, {TOKEN_SAMPLES}), not {shape}.", field="codebook"
        )
    if gains.ndim != 1 or not len(gains):
        raise InputError(f"Gains have the shape (count,), not {list(gains.shape)}.", field="gains")
    for field, tensor in (("codebook", codebook), ("gains", gains)):
        if tensor.dtype != torch.float32 or not is_finite(tensor):
            raise InputError(f"It holds {tensor.dtype} or numbers that are none, not finite float32.", field=field)


def _k_means(points: Tensor, count: int, generator: torch.Generator, iterations: int) -> Tensor:
    """Centres (count, D) of points (N, D), N >= count: Lloyd's algorithm from a random choice of points.

    A centre that loses all its points moves to the point that is farthest from its own.
    """
    centres = points[torch.randperm(len(points), generator=generator)[:count]].clone()
    for _ in range(iterations):
        distances, nearest = (
            torch.cat(parts) for parts in zip(*(_nearest(part, centres) for part in points.split(_CHUNK)), strict=True)
        )
        sizes = nearest.bincount(minlength=count)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        centres = sums / sizes.clamp(min=1)[:, None]
        empty = cast("list[int]", (sizes == 0).nonzero()[:, 0].tolist())
        if empty:
            centres[empty] = points[distances.topk(len(empty)).indices]
    return centres


def _nearest(points: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """The distance to the nearest centre and its number, each (N,)."""
    distances, nearest = torch.cdist(points, centres).min(1)
    return distances, nearest
