"""The decoding engine: many songs at once, patch by patch.

One patch of a song is 16 sketch tokens from the language model, one more step of it for the hidden vector, and one
solve of the diffusion transformer for 16 latent frames (0.64 s), which become the language model's next input
(SongBloom, arXiv 2506.07634, section 4). Songs in a batch share every matrix product and nothing else: each has a
cache, a length and a random stream of its own. A song that ends leaves at the patch border and the next one that
waits takes its slot.

What the released code does is done here too, unless it only costs time: the patch that holds the end token is discarded
(but not solved first), and no patch beyond the longest length is computed only to be thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from systems.songbloom.config import DecodingConfig
from systems.songbloom.cuda_graphs import CapturedCalls
from systems.songbloom.draws import Draws
from systems.songbloom.model import SongBloom
from systems.songbloom.sampling import choose, guide, penalise
from systems.songbloom.sketch_lm import KeyValueCache
from systems.songbloom.solver import ddim, ddim_grid, euler, time_grid
from systems.songbloom.stages import StageClock

Ending = Literal["end token", "longest length"]

CACHE_BUCKET = 512
"""On an accelerator the cache is read in whole multiples of this many positions, one captured graph for each."""


def _whole_buckets(positions: int) -> int:
    return -(-positions // CACHE_BUCKET) * CACHE_BUCKET


@dataclass(frozen=True)
class DecodingInput:
    """A song to decode.

    Attributes:
        lyrics: ids of its symbols.
        prompt: latents of its style prompt, shape (frames, channels).
        draws: its random numbers.
    """

    lyrics: Sequence[int]
    prompt: Tensor
    draws: Draws


@dataclass(frozen=True)
class Patch:
    """One decoded patch.

    Attributes:
        song: number of the song in the order of asking, from 0.
        number: of the patch in its song, from 0.
        tokens: sketch tokens, shape (patch,), on the CPU.
        latents: shape (patch, channels), float32, on the model's device.
    """

    song: int
    number: int
    tokens: Tensor
    latents: Tensor


@dataclass(frozen=True)
class SongEnd:
    """A song is complete.

    Attributes:
        song: its number.
        patches: how many it has; 0 when the model ended it in its very first patch.
        ending: why it ended.
        seconds: compute time by stage, this song's share.
    """

    song: int
    patches: int
    ending: Ending
    seconds: dict[str, float]


@dataclass
class _Lane:
    """A song on its way: which song in which slot, how far."""

    song: int
    slot: int
    draws: Draws
    patches: int = 0


class DecodingEngine:
    """Decodes songs with one model.

    Args:
        model: prepared by `SongBloom.for_decoding`.
        config: how songs are drawn.
        slots: how many songs at once.
        capture: run each patch as two captured CUDA graphs, one for the language model and one for the whole solve;
            None: on CUDA devices.
        compiled: pass the layers through `torch.compile` first, see `SongBloom.compile_layers`.

    Raises:
        InputError: `compiled` with weights packed for a CPU.
    """

    def __init__(
        self,
        model: SongBloom,
        config: DecodingConfig | None = None,
        *,
        slots: int = 1,
        capture: bool | None = None,
        compiled: bool = False,
    ) -> None:
        self.model, self.config, self.slots = model, config or model.config.decoding, slots
        self.sizes = model.config.model
        self.device = model.device
        self.longest = self.config.patches(model.config.autoencoder.frame_rate, self.sizes.patch)
        self.rows = 1 if self.config.guidance == 1 and self.config.guidance_mode != "global" else 2
        positions = self.sizes.prefix + self.longest * self.sizes.steps
        # Fixed shapes, every slot at every patch, suit an accelerator; a CPU computes what is there and no more.
        self.fixed = self.device.type == "cuda" if capture is None else capture
        if self.fixed:
            positions = _whole_buckets(positions)
        self.cache = KeyValueCache(self.sizes, slots, self.rows, positions, self.device, model.dtype, zeroed=self.fixed)
        self.clock = StageClock(self.device)
        self._rotary = model.sketch_lm.rotary(positions, self.device)
        self._dit_rotary = model.acoustic_dit.rotary(self.device)
        grid = time_grid(self.config.steps)[:-1] if self._flow else ddim_grid(self.config.steps)
        with torch.inference_mode():
            self._times = model.acoustic_dit.time_embedding(grid.to(self.device)).to(model.dtype)
        if compiled:
            model.compile_layers()
        sizes, make = self.sizes, torch.zeros
        self._inputs = make(slots, sizes.dim, device=self.device, dtype=model.dtype)
        self._recent = make(slots, self.config.repetition_window, device=self.device, dtype=torch.long)
        self._previous = make(slots, sizes.patch, sizes.latent_channels, device=self.device)
        self._positions = [sizes.prefix] * slots
        self._prepared: set[int] = set()
        self._graphs = CapturedCalls() if self.fixed and self.device.type == "cuda" else None

    @property
    def _flow(self) -> bool:
        return self.sizes.objective == "rectified_flow"

    def decode(self, orders: Iterable[DecodingInput]) -> Iterator[Patch | SongEnd]:
        """Decode songs; each order is asked for when a slot is free for it.

        Yields:
            The patches of every song in order, songs interleaved, and a `SongEnd` after each song's last patch.
        """
        waiting = enumerate(orders)
        free = list(range(self.slots))
        lanes: list[_Lane] = []
        while True:
            while free and (found := next(waiting, None)) is not None:
                lanes.append(self._admit(found[0], free.pop(0), found[1]))
            if not lanes:
                return
            finished: list[int] = []
            for event in self._patch(lanes):
                if isinstance(event, SongEnd):
                    finished.append(event.song)
                yield event
            for lane in [lane for lane in lanes if lane.song in finished]:
                self._positions[lane.slot] = self.sizes.prefix
                free.append(lane.slot)
                lanes.remove(lane)

    @torch.inference_mode()
    def _admit(self, song: int, slot: int, order: DecodingInput) -> _Lane:
        """Give a song a slot and read its prefix."""
        model, sizes = self.model, self.sizes
        if self.rows == 2 and slot not in self._prepared:
            self._prepare_null(slot)  # of no song, so it counts for none
        with self.clock.measure("prefix", (song,)):
            prefix = model.conditioning.prefix(order.lyrics, order.prompt.to(self.device))[None]
            model.sketch_lm.prefill(prefix, self.cache.keys[:, slot, :1], self.cache.values[:, slot, :1])
            self._inputs[slot] = model.sketch_lm.bos
            self._recent[slot] = sizes.end
            self._previous[slot] = 0
            self._positions[slot] = sizes.prefix
        return _Lane(song, slot, order.draws)

    def _prepare_null(self, slot: int) -> None:
        """Write the null prefix into a slot; it is the same for every song, so each slot keeps it for good."""
        keys, values = self.cache.keys[:, slot, 1:], self.cache.values[:, slot, 1:]
        if self._prepared:
            source = next(iter(self._prepared))
            past = slice(self.sizes.prefix)
            keys[..., past, :] = self.cache.keys[:, source, 1:, :, past]
            values[..., past, :] = self.cache.values[:, source, 1:, :, past]
        else:
            self.model.sketch_lm.prefill(self.model.conditioning.null_prefix()[None], keys, values)
        self._prepared.add(slot)

    def _patch(self, lanes: list[_Lane]) -> Iterator[Patch | SongEnd]:
        """One patch of every song under way."""
        with torch.inference_mode():
            events = self._decode_patch(lanes)
        yield from events

    def _decode_patch(self, lanes: list[_Lane]) -> list[Patch | SongEnd]:
        sizes, events = self.sizes, list[Patch | SongEnd]()
        drawn = [lane.draws.patch() for lane in lanes]
        uniform = self._placed(lanes, torch.stack([one.uniform for one in drawn]))
        slots = list(range(self.slots)) if self.fixed else [lane.slot for lane in lanes]
        tokens, hidden, recent = self._sketch([lane.song for lane in lanes], slots, uniform)
        written = tokens.cpu()  # the one moment per patch at which the host waits for the device
        mine = {lane.song: written[slots.index(lane.slot)] for lane in lanes}
        going = []
        for lane in lanes:
            if sizes.end in mine[lane.song]:
                events.append(self._end(lane, "end token"))
            else:
                going.append(lane)
        if not going:
            return events
        if self.fixed:
            at = torch.arange(self.slots, device=self.device)
        else:
            kept = torch.tensor([slots.index(lane.slot) for lane in going], device=self.device)
            tokens, hidden, recent = tokens[kept], hidden[kept], recent[kept]
            at = torch.tensor([lane.slot for lane in going], device=self.device)
        noise = self._placed(going, torch.stack([drawn[lanes.index(lane)].noise for lane in going]))
        songs, inputs = [lane.song for lane in going], (hidden, tokens, self._previous[at], noise)
        latents, embedded = self._call("acoustic", songs, 0, self._solve_patch, *inputs)
        self._inputs[at], self._recent[at], self._previous[at] = embedded, recent, latents
        for number, lane in enumerate(going):
            row = lane.slot if self.fixed else number
            self._positions[lane.slot] += sizes.steps
            lane.patches += 1
            events.append(Patch(lane.song, lane.patches - 1, mine[lane.song], latents[row]))
            if lane.patches == self.longest:
                events.append(self._end(lane, "longest length"))
        return events

    def _placed(self, lanes: list[_Lane], rows: Tensor) -> Tensor:
        """Rows of the lanes on the device: by slot where shapes are fixed, as they are elsewhere."""
        if not self.fixed:
            return rows.to(self.device)
        placed = torch.zeros(self.slots, *rows.shape[1:])
        placed[[lane.slot for lane in lanes]] = rows
        if self.device.type == "cuda":
            placed = placed.pin_memory()
        return placed.to(self.device, non_blocking=True)

    def _end(self, lane: _Lane, ending: Ending) -> SongEnd:
        return SongEnd(lane.song, lane.patches, ending, self.clock.take(lane.song))

    # --- the language model's part ---

    def _sketch(self, songs: list[int], slots: list[int], uniform: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Sketch tokens (S, patch), the hidden vectors after them (S, R, D) and the repetition window (S, W)."""
        lm = self.model.sketch_lm
        made: tuple[Tensor, Tensor, Tensor]
        if not self.fixed:
            starts = [self._positions[slot] for slot in slots]

            def each(inputs: Tensor, recent: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor, Tensor]:
                def step(x: Tensor, k: int) -> Tensor:
                    return lm.step_each(x, self.cache, slots, [start + k for start in starts], self._rotary)

                return self._sketch_patch(step, inputs, recent, uniform)

            made = self._call("sketch", songs, 0, each, self._inputs[slots], self._recent[slots], uniform)
            return made
        positions = torch.tensor(self._positions, device=self.device)
        length = _whole_buckets(max(self._positions) + self.sizes.steps)

        def whole(inputs: Tensor, recent: Tensor, uniform: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            def step(x: Tensor, k: int) -> Tensor:
                return lm.step_all(x, self.cache, positions + k, length, self._rotary)

            return self._sketch_patch(step, inputs, recent, uniform)

        made = self._call("sketch", songs, length, whole, self._inputs, self._recent, uniform, positions)
        return made

    def _sketch_patch(
        self, step: Callable[[Tensor, int], Tensor], inputs: Tensor, recent: Tensor, uniform: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        # In a song's first patch nothing is penalised, not even what the patch itself has used.
        first = (recent == self.sizes.end).all(dim=-1, keepdim=True)
        x, tokens = inputs, []
        for k in range(self.sizes.patch):
            logits = guide(self.model.sketch_lm.logits(step(self._both(x), k)), self.config.guidance)
            if self.config.penalise_repetition:
                window = torch.where(first, self.sizes.end, recent)
                logits = penalise(logits, window, self.config.repetition_penalty)
            token = choose(logits, uniform[:, k], self.config)
            recent = torch.cat([recent[:, 1:], token[:, None]], dim=1)
            x = self.model.sketch_embedding(token)
            tokens.append(token)
        return torch.stack(tokens, dim=1), step(self._both(x), self.sizes.patch), recent

    def _both(self, x: Tensor) -> Tensor:
        """The same embedding for every row of a song: (S, D) to (S, R, D)."""
        return x[:, None].expand(-1, self.rows, -1)

    # --- the diffusion transformer's part ---

    def _solve_patch(self, hidden: Tensor, tokens: Tensor, previous: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Latents of a patch (S, P, C), and the embedding of them that the language model reads next (S, D)."""
        latents = self._latents(hidden, tokens, previous, noise)
        return latents, self.model.acoustic_encoder(latents.to(self.model.dtype))

    def _latents(self, hidden: Tensor, tokens: Tensor, previous: Tensor, noise: Tensor) -> Tensor:
        dit, sketch = self.model.acoustic_dit, self.model.sketch_embedding(tokens)
        mode, guidance = self.config.guidance_mode, self.config.latent_guidance

        def follow(noise: Tensor, field: Callable[[Tensor, int], Tensor]) -> Tensor:
            if self._flow:
                return euler(field, noise, self.config.steps, self.config.diffusion_temperature)
            return ddim(field, noise, self.config.steps)

        def plain(context: Tensor) -> Callable[[Tensor, int], Tensor]:
            return lambda x, step: dit.velocity(x, self._times[step : step + 1], context, self._dit_rotary)

        conditional = dit.context(hidden[:, 0], sketch, previous)
        if mode == "none" or (mode == "h" and guidance == 1):
            return follow(noise, plain(conditional))
        if mode == "global":
            null = dit.context(hidden[:, 1], sketch, previous)
            return _mixed(follow(noise.repeat(2, 1, 1), plain(torch.cat([conditional, null]))), guidance)
        null = dit.context(torch.zeros_like(hidden[:, 0]), torch.zeros_like(sketch), previous)
        both = plain(torch.cat([conditional, null]))
        return follow(noise, lambda x, step: _mixed(both(x.repeat(2, 1, 1), step), guidance))

    def _call(self, stage: str, songs: list[int], variant: int, function: Callable[..., Any], *inputs: Tensor) -> Any:
        """Call a function and time it; where there are graphs, as a captured one for this variant of the stage."""
        key = (stage, variant)
        if self._graphs is not None:
            self._graphs.prepare(key, function, *inputs)
        with self.clock.measure(stage, songs):
            return function(*inputs) if self._graphs is None else self._graphs.replay(key, *inputs)


def _mixed(both: Tensor, guidance: float) -> Tensor:
    """Guidance of (2S, …), conditional half first, to (S, …)."""
    conditional, null = both.chunk(2)
    return null + (conditional - null) * guidance
