"""Filling a model of somebody else's library from a state dict, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from songbench.domain.errors import SongbenchError
from songbench.resources.tensors import refuse_non_finite

_LISTED = 8


def fill_strictly(model: nn.Module, state: Mapping[str, Tensor], checkpoint: str, unused: tuple[str, ...]) -> None:
    """Load tensors, all of which must fit; names that begin like `unused` may be there or not.

    Raises:
        SongbenchError: naming the tensors that are missing, unknown, of another shape or not finite.
    """
    tensors = {name: tensor for name, tensor in state.items() if not name.startswith(unused)}
    refuse_non_finite(tensors, checkpoint)
    try:
        missing, unknown = model.load_state_dict(tensors, strict=False)
    except RuntimeError as error:  # torch's word for another shape
        raise SongbenchError(f"{checkpoint} does not fit its model: {str(error).splitlines()[-1].strip()}") from None
    absent = [name for name in missing if not name.startswith(unused)]
    for kind, names in (("missing", absent), ("unknown", list(unknown))):
        if names:
            more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
            listing = ", ".join(sorted(names)[:_LISTED]) + more
            raise SongbenchError(f"{checkpoint} does not fit its model: {kind}: {listing}.")


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Put torch's random state back afterwards: building a model draws its first weights."""
    with torch.random.fork_rng(devices=[]):
        yield
