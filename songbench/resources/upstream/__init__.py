"""Other people's programs as systems: the pinned state of their repository that an adapter drives."""

from songbench.resources.checkouts import Checkout

__all__ = ["Checkout"]
