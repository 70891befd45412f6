"""What an accompaniment is drawn for. Shapes: T frames, P prefix rows, C width of a condition vector."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from songbench.domain.errors import InputError
from systems.ladaband.config import PredictorConfig


@dataclass(frozen=True, kw_only=True)
class VocalTokens:
    """What an accompaniment is drawn for.

    Attributes:
        id: of the song; with the seed it decides all random numbers.
        ids: the vocal's tokens, whole numbers, (T,).
        prefix: condition vectors in their order, (P, C); None: none. See `systems.ladaband.predictor.stack_conditions`.
        seed: of the song, where songs of several seeds are drawn together; None: that of the settings.
    """

    id: str
    ids: Tensor
    prefix: Tensor | None = None
    seed: int | None = None


def checked_vocal(song: VocalTokens, config: PredictorConfig) -> Tensor:
    """A song's vocal ids, (T,), int64.

    Raises:
        InputError: there are none, or one is not in the vocabulary, or they have another shape; or the prefix has.
    """
    ids = song.ids
    if ids.ndim != 1 or not len(ids) or ids.is_floating_point():
        raise InputError(f"Vocal tokens are whole numbers of shape (T,), T above 0, not {ids.dtype} {list(ids.shape)}.")
    lowest, highest = int(ids.min()), int(ids.max())
    if lowest < 0 or highest >= config.vocal_vocabulary:
        raise InputError(
            f"The vocal's tokens reach from {lowest} to {highest}, the model knows 0 to {config.vocal_vocabulary - 1}.",
            cure="Encode the vocal with the codec that the model was trained with.",
        )
    if song.prefix is not None and song.prefix.ndim != 2:
        raise InputError(
            f"A song's condition vectors have the shape (rows, {config.condition_dim}), not {list(song.prefix.shape)}.",
            field="prefix",
        )
    return ids.long()
