"""The model that preference training stays close to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from systems.songbloom.lora.adapters import adapters_off
from systems.songbloom.model import SongBloom


class PreferenceReference(Protocol):
    """Gives the model as it was before training."""

    def __call__(self, policy: SongBloom) -> AbstractContextManager[SongBloom]:
        """Inside, the reference; no gradient is asked for.

        Args:
            policy: the model that is trained.
        """


@contextmanager
def policy_without_adapters(policy: SongBloom) -> Iterator[SongBloom]:
    """The policy itself with its adapters off: costs no memory."""
    with adapters_off(policy):
        yield policy


class FrozenReference:
    """A second model, for training without adapters.

    Args:
        model: with the weights that the policy starts from; it is frozen.
    """

    def __init__(self, model: SongBloom) -> None:
        self.model = model.requires_grad_(False).eval()

    @contextmanager
    def __call__(self, policy: SongBloom) -> Iterator[SongBloom]:
        """See `PreferenceReference`; the model is moved to where the policy is."""
        yield self.model.to(policy.device)
