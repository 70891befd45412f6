"""The songs that the sketch language model decodes together: their KV cache, positions, and one step of all of them.

There are two layouts. A CPU computes the songs that are there and no more (`RaggedBatch`). On an accelerator shapes
never change, so that a patch can be captured as a CUDA graph (`StaticBatch`): a row for every slot at every step,
whether there is a song in it or not, and a mask over whole buckets of the cache.

Shapes: S songs or slots, R rows per song (2 with guidance: conditional, null; 1 without), D model width, H heads,
W head width.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from systems.layers.attention import Attend
from systems.layers.rotary import RoPE
from systems.songbloom.config import ModelConfig
from systems.songbloom.copies import device_copy
from systems.songbloom.sketch_lm import SketchLM

CACHE_BUCKET = 512
"""With static shapes the cache is read in whole multiples of this many positions, one captured graph for each."""


MASKED = -65504.0
"""Added to the scores of positions that may not be looked at; their weights are then zero in every type.

Attention would make the same of a mask of truth values, once in every layer. It is finite, as not every library's
attention takes infinity, and the largest half-precision number.
"""


def whole_buckets(positions: int) -> int:
    """The least multiple of `CACHE_BUCKET` that holds so many positions."""
    return -(-positions // CACHE_BUCKET) * CACHE_BUCKET


class KVCache:
    """Keys and values of every position so far, allocated once for the longest song.

    Attributes:
        keys: (layers, slots, R, H, length, W).
        values: likewise.
        length: the most positions a song can have, prefix included.

    Args:
        config: sizes of the model.
        slots: how many songs are decoded at once.
        rows: rows per song.
        length: see above.
        device: where it lies.
        dtype: of keys and values.
        zeroed: whether it is read beyond what was written: masked attention still multiplies what it masks, which must
            be finite. Where it is not, the pages of a CPU's cache take no memory until they are written.
    """

    def __init__(
        self,
        config: ModelConfig,
        slots: int,
        rows: int,
        length: int,
        device: torch.device,
        dtype: torch.dtype,
        *,
        zeroed: bool,
    ) -> None:
        shape = (config.lm_layers, slots, rows, config.heads, length, config.head_dim)
        make = torch.zeros if zeroed else torch.empty
        self.keys = make(shape, device=device, dtype=dtype)
        self.values = make(shape, device=device, dtype=dtype)
        self.length = length

    @property
    def bytes(self) -> int:
        """Size in bytes."""
        return 2 * self.keys.numel() * self.keys.element_size()


class SongStep(ABC):
    """One step of several songs at given positions; the streaming state of the language model is its cache.

    Args:
        lm: the model.
        cache: of all slots; written at the step's positions.
        rope: tables of at least as many positions as the cache has.
        positions: of each song's next embedding, (S,).
    """

    def __init__(self, lm: SketchLM, cache: KVCache, rope: RoPE, positions: Tensor) -> None:
        self._lm, self._cache, self._rope, self._positions = lm, cache, rope, positions

    @abstractmethod
    def hidden(self, x: Tensor) -> Tensor:
        """Hidden vectors at each song's position; (S, R, D) to (S, R, D)."""


class RaggedStep(SongStep):
    """Each song attends to its own past and nothing else.

    The weights are read once for all songs; attention goes song by song, so that no song computes or reads the padding
    of another.

    Args:
        lm: see `SongStep`.
        cache: see `SongStep`.
        rope: see `SongStep`.
        positions: see `SongStep`; on the CPU.
        slots: the slot of each song.
    """

    def __init__(self, lm: SketchLM, cache: KVCache, rope: RoPE, positions: Tensor, slots: Sequence[int]) -> None:
        super().__init__(lm, cache, rope, device_copy(positions, lm.bos.device))
        self._places = list(zip(slots, positions.tolist(), strict=True))

    def hidden(self, x: Tensor) -> Tensor:
        """See `SongStep`."""
        s, r, d = x.shape
        rope = self._rope.at(self._positions, r)
        x = x.reshape(s * r, 1, d)
        for number, layer in enumerate(self._lm.layers):
            x = layer(x, rope, self._attend(number))
        hidden: Tensor = self._lm.norm(x)
        return hidden.view(s, r, d)

    def _attend(self, layer: int) -> Attend:
        cache, places = self._cache, self._places

        def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:  # each (S·R, H, 1, W)
            attended = torch.empty_like(q)
            for song, (slot, position) in enumerate(places):
                keys, values = cache.keys[layer, slot], cache.values[layer, slot]  # (R, H, length, W)
                rows, past = slice(song * len(keys), (song + 1) * len(keys)), slice(position + 1)
                keys[:, :, position] = k[rows, :, 0]
                values[:, :, position] = v[rows, :, 0]
                attended[rows] = F.scaled_dot_product_attention(q[rows], keys[:, :, past], values[:, :, past])
            return attended

        return attend


class StaticStep(SongStep):
    """Every slot with fixed shapes and without a look at any value, so that it can be captured.

    Args:
        lm: see `SongStep`.
        cache: see `SongStep`.
        rope: see `SongStep`.
        positions: see `SongStep`; one for each slot, on the device.
        length: how many positions of the cache to read; larger than every position.
    """

    def __init__(self, lm: SketchLM, cache: KVCache, rope: RoPE, positions: Tensor, length: int) -> None:
        super().__init__(lm, cache, rope, positions)
        self._length = length

    def hidden(self, x: Tensor) -> Tensor:
        """See `SongStep`."""
        s, r, d = x.shape
        positions = self._positions
        rope = self._rope.at(positions, r)
        # What every layer needs is made once: each small operation in a layer is hundreds of kernels a patch.
        slots = torch.arange(s, device=x.device)
        visible = torch.arange(self._length, device=x.device) <= positions[:, None]  # (S, length)
        mask = x.new_zeros(visible.shape).masked_fill_(~visible, MASKED)
        mask = mask.repeat_interleave(r, 0)[:, None, None]  # (S·R, 1, 1, length)
        x = x.reshape(s * r, 1, d).contiguous()  # rows of one song may share memory: another case for `torch.compile`
        for number, layer in enumerate(self._lm.step_layers):
            keys, values = self._cache.keys[number], self._cache.values[number]
            x = layer(x, rope, static_attention(keys, values, (slots, positions), mask))
        hidden: Tensor = self._lm.norm(x)
        return hidden.view(s, r, d)


def static_attention(keys: Tensor, values: Tensor, places: tuple[Tensor, Tensor], mask: Tensor) -> Attend:
    """Attention of one position of every slot to a layer's KV cache, which is written first.

    Args:
        keys: (S, R, H, length of the cache, W).
        values: likewise.
        places: slots and positions that are written, each (S,).
        mask: added to the scores of each row for the first `length` positions of the cache, (S·R, 1, 1, length).

    Returns:
        A function of queries, keys and values, each (S·R, H, 1, W).
    """

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:  # each (S·R, H, 1, W)
        slots, positions = places
        keys[slots, :, :, positions] = k.unflatten(0, keys.shape[:2])[:, :, :, 0]
        values[slots, :, :, positions] = v.unflatten(0, values.shape[:2])[:, :, :, 0]
        length = mask.shape[-1]
        past_keys, past_values = keys[..., :length, :].flatten(0, 1), values[..., :length, :].flatten(0, 1)
        return F.scaled_dot_product_attention(q, past_keys, past_values, attn_mask=mask)

    return attend


class Batch(ABC):
    """Slots for songs: their KV cache and positions, and where their rows are in tensors of all songs.

    Args:
        lm: the model.
        slots: how many songs at once.
        rows: per song.
        longest: the most patches of a song.
    """

    zeroed: bool
    """Whether the cache is read beyond what was written."""

    def __init__(self, lm: SketchLM, slots: int, rows: int, longest: int) -> None:
        sizes = lm.config
        self.lm, self.slots, self.rows = lm, slots, rows
        self.device, dtype = lm.bos.device, lm.bos.dtype
        length = self.capacity(sizes.prefix + longest * sizes.steps)
        self.cache = KVCache(sizes, slots, rows, length, self.device, dtype, zeroed=self.zeroed)
        self.rope = lm.rope(length, self.device)
        self.positions = [sizes.prefix] * slots
        self._null_slots: list[int] = []

    def begin(self, slot: int, prefix: Tensor) -> None:
        """Read a song's prefix, (T, D), into the conditional row of a slot."""
        self.lm.prefill(prefix[None], self.cache.keys[:, slot, :1], self.cache.values[:, slot, :1])
        self.positions[slot] = self.lm.config.prefix

    def needs_null(self, slot: int) -> bool:
        """Whether the null row of a slot has still to be prepared."""
        return self.rows == 2 and slot not in self._null_slots

    def prepare_null(self, slot: int, prefix: Tensor) -> None:
        """Write the null prefix, (T, D), into a slot; it is the same for every song, so each slot keeps it for good."""
        keys, values = self.cache.keys, self.cache.values
        if self._null_slots:
            source, past = self._null_slots[0], slice(self.lm.config.prefix)
            keys[:, slot, 1:, :, past] = keys[:, source, 1:, :, past]
            values[:, slot, 1:, :, past] = values[:, source, 1:, :, past]
        else:
            self.lm.prefill(prefix[None], keys[:, slot, 1:], values[:, slot, 1:])
        self._null_slots.append(slot)

    def advance(self, slot: int) -> None:
        """A song is one patch further."""
        self.positions[slot] += self.lm.config.steps

    def free(self, slot: int) -> None:
        """A song has left its slot."""
        self.positions[slot] = self.lm.config.prefix

    @abstractmethod
    def capacity(self, positions: int) -> int:
        """How many positions the cache must have for so many to be used."""

    @abstractmethod
    def index(self, slots: Sequence[int]) -> Tensor | slice:
        """Which rows of a tensor with one row per slot are computed for the songs in these slots."""

    @abstractmethod
    def row(self, slots: Sequence[int], slot: int) -> int:
        """The row of one slot's song in what was computed for the songs in `slots`."""

    @abstractmethod
    def keep(self, tensor: Tensor, slots: Sequence[int], staying: Sequence[int]) -> Tensor:
        """The rows of those that stay of what was computed for the songs in `slots`; (S, …) to (S', …)."""

    @abstractmethod
    def place(self, slots: Sequence[int], rows: Tensor) -> Tensor:
        """Rows of the songs in these slots, (S, …) on the CPU, on the device at the places of `index`.

        The host does not wait for the copy to a CUDA device; nor do `index`, `keep` and `next_positions`.
        """

    @abstractmethod
    def next_positions(self, slots: Sequence[int]) -> tuple[Tensor, int]:
        """The positions of the songs' next embeddings, (S,), and how much of the cache the next patch reads."""

    @abstractmethod
    def step(self, slots: Sequence[int], positions: Tensor, length: int) -> SongStep:
        """A step of the songs in these slots.

        Args:
            slots: of the songs.
            positions: theirs, (S,), as `next_positions` gave them or one for each token later.
            length: how much of the cache is read, from `next_positions`.
        """


class RaggedBatch(Batch):
    """Rows of the songs that are there, in the order of their slots as given."""

    zeroed = False

    def capacity(self, positions: int) -> int:
        """See `Batch`."""
        return positions

    def index(self, slots: Sequence[int]) -> Tensor | slice:
        """See `Batch`."""
        return device_copy(torch.tensor(slots), self.device)

    def row(self, slots: Sequence[int], slot: int) -> int:
        """See `Batch`."""
        return slots.index(slot)

    def keep(self, tensor: Tensor, slots: Sequence[int], staying: Sequence[int]) -> Tensor:
        """See `Batch`."""
        if slots == staying:
            return tensor
        return tensor[device_copy(torch.tensor([slots.index(slot) for slot in staying]), self.device)]

    def place(self, slots: Sequence[int], rows: Tensor) -> Tensor:
        """See `Batch`."""
        return device_copy(rows, self.device)

    def next_positions(self, slots: Sequence[int]) -> tuple[Tensor, int]:
        """See `Batch`; the positions are on the CPU, where attention goes song by song."""
        return torch.tensor([self.positions[slot] for slot in slots]), self.cache.length

    def step(self, slots: Sequence[int], positions: Tensor, length: int) -> SongStep:
        """See `Batch`."""
        return RaggedStep(self.lm, self.cache, self.rope, positions, slots)


class StaticBatch(Batch):
    """A row for every slot, in the order of slots."""

    zeroed = True

    def capacity(self, positions: int) -> int:
        """See `Batch`."""
        return whole_buckets(positions)

    def index(self, slots: Sequence[int]) -> Tensor | slice:
        """See `Batch`."""
        return slice(None)

    def row(self, slots: Sequence[int], slot: int) -> int:
        """See `Batch`."""
        return slot

    def keep(self, tensor: Tensor, slots: Sequence[int], staying: Sequence[int]) -> Tensor:
        """See `Batch`."""
        return tensor

    def place(self, slots: Sequence[int], rows: Tensor) -> Tensor:
        """See `Batch`."""
        values = torch.zeros(self.slots, *rows.shape[1:])
        values[list(slots)] = rows
        return device_copy(values, self.device)

    def next_positions(self, slots: Sequence[int]) -> tuple[Tensor, int]:
        """See `Batch`."""
        length = whole_buckets(max(self.positions) + self.lm.config.steps)
        return device_copy(torch.tensor(self.positions), self.device), length

    def step(self, slots: Sequence[int], positions: Tensor, length: int) -> SongStep:
        """See `Batch`."""
        return StaticStep(self.lm, self.cache, self.rope, positions, length)
