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
from functools import partial
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from systems.songbloom.batches import Batch, RaggedBatch, StaticBatch
from systems.songbloom.config import DecodingConfig
from systems.songbloom.copies import device_copy
from systems.songbloom.costs import rows
from systems.songbloom.cuda_graphs import CapturedCalls, Key
from systems.songbloom.draws import Draws
from systems.songbloom.guidance import cfg_of_rows
from systems.songbloom.latent_solver import LatentSolver
from systems.songbloom.model import SongBloom
from systems.songbloom.sampling import penalise, sample
from systems.songbloom.stages import StageClock

Ending = Literal["end token", "longest length"]

TensorFunction: TypeAlias = Callable[..., tuple[Tensor, ...]]
"""What is done for all songs at once and may be captured; tensors in, tensors out."""


@dataclass(frozen=True)
class DecodingInput:
    """What a song is decoded from.

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
        tokens: sketch tokens, shape (patch,), on the CPU; none, (0,), of a model without a sketch.
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
class _Sequence:
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
        capture: compute with static shapes, on a CUDA device as captured graphs: one for a token of the language model,
            called for each of a patch, and one for the whole solve; None: on CUDA devices.
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
        self.rows = rows(self.config)
        on_cuda = self.device.type == "cuda"
        static = on_cuda if capture is None else capture
        self._batch: Batch = (StaticBatch if static else RaggedBatch)(model.sketch_lm, slots, self.rows, self.longest)
        self._graphs = CapturedCalls() if static and on_cuda else None
        self.clock = StageClock(self.device)
        self._solver = LatentSolver(model, self.config)
        if compiled:
            model.compile_layers()
        # One row per slot: the language model's next input, its latest tokens, the latents of the previous patch.
        sizes = self.sizes
        self._inputs = torch.zeros(slots, sizes.dim, device=self.device, dtype=model.dtype)
        self._recent = torch.zeros(slots, self.config.repetition_window, device=self.device, dtype=torch.long)
        self._previous = torch.zeros(slots, sizes.patch, sizes.latent_channels, device=self.device)

    @property
    def cache_bytes(self) -> int:
        """Size of the KV cache in bytes."""
        return self._batch.cache.bytes

    def decode(self, inputs: Iterable[DecodingInput]) -> Iterator[Patch | SongEnd]:
        """Decode songs; each input is asked for when a slot is free for it.

        Yields:
            The patches of every song in order, songs interleaved, and a `SongEnd` after each song's last patch.
        """
        waiting = enumerate(inputs)
        free = list(range(self.slots))
        active: list[_Sequence] = []
        while True:
            while free and (following := next(waiting, None)) is not None:
                active.append(self._admit(following[0], free.pop(0), following[1]))
            if not active:
                return
            ended: list[int] = []
            for event in self._patch(active):
                if isinstance(event, SongEnd):
                    ended.append(event.song)
                yield event
            for sequence in [sequence for sequence in active if sequence.song in ended]:
                self._batch.free(sequence.slot)
                free.append(sequence.slot)
                active.remove(sequence)

    @torch.inference_mode()
    def _admit(self, song: int, slot: int, source: DecodingInput) -> _Sequence:
        """Give a song a slot and read its prefix."""
        conditioning = self.model.conditioning
        if self._batch.needs_null(slot):
            self._batch.prepare_null(slot, conditioning.null_prefix())  # of no song, so it counts for none
        with self.clock.measure("prefix", (song,)):
            self._batch.begin(slot, conditioning.prefix(source.lyrics, device_copy(source.prompt, self.device)))
            self._inputs[slot] = self.model.sketch_lm.bos
            self._recent[slot] = self.sizes.end
            self._previous[slot] = 0
        return _Sequence(song, slot, source.draws)

    def _patch(self, active: list[_Sequence]) -> Iterator[Patch | SongEnd]:
        """One patch of every song under way."""
        with torch.inference_mode():
            events = self._decode_patch(active)
        yield from events

    def _decode_patch(self, active: list[_Sequence]) -> list[Patch | SongEnd]:
        batch, events = self._batch, list[Patch | SongEnd]()
        slots = [sequence.slot for sequence in active]
        # 1. Sketch tokens. Copying them is the one moment per patch at which the host waits for the device.
        draws = {sequence.slot: sequence.draws.patch() for sequence in active}
        uniform = batch.place(slots, torch.stack([draws[slot].uniform for slot in slots]))
        tokens, hidden, recent = self._sketch([sequence.song for sequence in active], slots, uniform)
        on_host = tokens.cpu()
        choices = {slot: on_host[batch.row(slots, slot)] for slot in slots}
        # 2. Songs that have ended leave.
        going = [sequence for sequence in active if self.sizes.end not in choices[sequence.slot]]
        events += [self._end(sequence, "end token") for sequence in active if sequence not in going]
        if not going:
            return events
        staying = [sequence.slot for sequence in going]
        tokens, hidden, recent = (batch.keep(tensor, slots, staying) for tensor in (tokens, hidden, recent))
        # 3. Latents.
        noise = batch.place(staying, torch.stack([draws[slot].noise for slot in staying]))
        index, songs = batch.index(staying), [sequence.song for sequence in going]
        inputs = (hidden, tokens, self._previous[index], noise)
        solve = self._ready(("acoustic", 0), self._solve, *inputs)
        with self.clock.measure("acoustic", songs):
            latents, embedded = solve(*inputs)
        # 4. They are the language model's next input.
        self._inputs[index], self._recent[index], self._previous[index] = embedded, recent, latents
        for sequence in going:
            batch.advance(sequence.slot)
            row = batch.row(staying, sequence.slot)
            sketch = choices[sequence.slot][: self.sizes.sketch_tokens]
            events.append(Patch(sequence.song, sequence.patches, sketch, latents[row]))
            sequence.patches += 1
            if sequence.patches == self.longest:
                events.append(self._end(sequence, "longest length"))
        return events

    def _end(self, sequence: _Sequence, ending: Ending) -> SongEnd:
        return SongEnd(sequence.song, sequence.patches, ending, self.clock.take(sequence.song))

    def _sketch(self, songs: list[int], slots: list[int], uniform: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the language model chose, the hidden vectors after it (S, R, D) and the latest tokens (S, window).

        It chose sketch tokens, (S, patch); without a sketch, whether the song goes on, (S, 1).
        """
        batch, index = self._batch, self._batch.index(slots)
        positions, length = batch.next_positions(slots)
        x, recent = self._inputs[index], self._recent[index]
        # In a song's first patch nothing is penalised, not even what the patch itself has used.
        first = (recent == self.sizes.end).all(dim=-1, keepdim=True)

        def hidden_vectors(x: Tensor, positions: Tensor) -> Tensor:
            return batch.step(slots, positions, length).hidden(self._in_rows(x))

        def token(x: Tensor, positions: Tensor, recent: Tensor, first: Tensor, uniform: Tensor) -> tuple[Tensor, ...]:
            sketch_token = self._next_token(hidden_vectors(x, positions), recent, first, uniform)
            recent = torch.cat([recent[:, 1:], sketch_token[:, None]], dim=1)
            return sketch_token, self.model.sketch_embedding(sketch_token), positions + 1, recent

        def end(x: Tensor, positions: Tensor) -> tuple[Tensor, ...]:
            return (hidden_vectors(x, positions),)

        def whether_to_go_on(x: Tensor, positions: Tensor, uniform: Tensor) -> tuple[Tensor, ...]:
            hidden = hidden_vectors(x, positions)
            logits = cfg_of_rows(self.model.sketch_lm.logits(hidden), self.config.guidance)
            return sample(logits, uniform, self.config)[:, None], hidden

        if not self.sizes.sketch:
            ready = self._ready(("go on", length), whether_to_go_on, x, positions, uniform[:, 0])
            with self.clock.measure("sketch", songs):
                tokens, hidden = ready(x, positions, uniform[:, 0])
            return tokens, hidden, recent
        next_token = self._ready(("token", length), token, x, positions, recent, first, uniform[:, 0])
        after_tokens = self._ready(("end", length), end, x, positions)
        columns = []
        with self.clock.measure("sketch", songs):
            for number in range(self.sizes.patch):
                sketch_token, x, positions, recent = next_token(x, positions, recent, first, uniform[:, number])
                columns.append(sketch_token)
            (hidden,) = after_tokens(x, positions)
            return torch.stack(columns, dim=1), hidden, recent

    def _next_token(self, hidden: Tensor, recent: Tensor, first: Tensor, uniform: Tensor) -> Tensor:
        """One sketch token of every song, (S,).

        Args:
            hidden: of the language model, (S, R, D).
            recent: the latest tokens, (S, window).
            first: whether it is the song's first patch, (S, 1).
            uniform: one number per song, (S,).
        """
        config = self.config
        logits = cfg_of_rows(self.model.sketch_lm.logits(hidden), config.guidance)
        if config.penalise_repetition:
            window = torch.where(first, self.sizes.end, recent)
            logits = penalise(logits, window, config.repetition_penalty)
        return sample(logits, uniform, config)

    def _in_rows(self, x: Tensor) -> Tensor:
        """The same embedding for every row of a song: (S, D) to (S, R, D)."""
        return x[:, None].expand(-1, self.rows, -1)

    def _solve(self, hidden: Tensor, tokens: Tensor, previous: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        """Latents of a patch (S, P, C), and the embedding of them that the language model reads next (S, D)."""
        latents = self._solver.solve(hidden, tokens[:, : self.sizes.sketch_tokens], previous, noise)
        return latents, self.model.acoustic_encoder(latents.to(self.model.dtype))

    def _ready(self, key: Key, function: TensorFunction, *inputs: Tensor) -> TensorFunction:
        """A function as it is to be called: itself, or where there are graphs the one captured under this key."""
        if self._graphs is None:
            return function
        self._graphs.prepare(key, function, *inputs)
        return partial(self._graphs.replay, key)
